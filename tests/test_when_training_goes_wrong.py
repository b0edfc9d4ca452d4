"""What lesson 5.2 says of the loop beyond test_training.py: fresh weights under autocast, padding that doesn't count, a run stopped by on_step."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ch05_pretraining.utils import AdamW, accumulate_gradients, load_checkpoint, next_token_loss, param_groups, train
from tests.test_training import batch_at, gpt, same


@pytest.mark.parametrize("pieces", (1, 3))
def test_bf16_reads_the_weights_of_this_step(pieces):
    """Autocast keeps its copies of the weights until it is left: around a whole loop, every step would read those of the first."""
    model = gpt()
    before = accumulate_gradients(model, batch_at(0), next_token_loss, pieces, torch.bfloat16)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)
    after = accumulate_gradients(model, batch_at(0), next_token_loss, pieces, torch.bfloat16)
    assert abs(after - before) > 0.05
    with torch.no_grad():
        nats, count = next_token_loss(model, batch_at(0))
    assert math.isclose(after, (nats / count).item(), rel_tol=0.05)


@given(st.integers(0, 3), st.integers(0, 3), st.sampled_from((1, 2, 3, 6)))
@settings(max_examples=20, deadline=None)
def test_padding_changes_neither_loss_nor_gradients(columns, rows, pieces):
    (inputs, targets), model = batch_at(1), gpt().double()
    wide_inputs, wide_targets = torch.zeros(6 + rows, 12 + columns).long(), torch.full((6 + rows, 12 + columns), -100)
    wide_inputs[:6, :12], wide_targets[:6, :12] = inputs, targets
    losses, gradients = [], []
    for batch in ((inputs, targets), (wide_inputs, wide_targets)):
        model.zero_grad()
        losses.append(accumulate_gradients(model, batch, next_token_loss, pieces))
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    assert math.isclose(*losses, rel_tol=1e-12)
    assert all(torch.allclose(one, other, atol=1e-12) for one, other in zip(*gradients))


def test_on_step_may_stop_a_run_and_the_checkpoint_stays_sound(tmp_path):
    def stop(record):
        if record["step"] == 6:
            raise FloatingPointError("the loss is not finite")

    with pytest.raises(FloatingPointError):
        train(gpt(), batch_at, 10, every=2, checkpoint=tmp_path / "run", on_step=stop)
    model = gpt(1)
    assert [record["step"] for record in load_checkpoint(tmp_path / "run", model, AdamW(param_groups(model)))] == [1, 2, 3, 4]
    model, whole = gpt(), gpt()
    train(model, batch_at, 10, every=2, checkpoint=tmp_path / "run")
    train(whole, batch_at, 10, every=2)
    assert same(model, whole)
