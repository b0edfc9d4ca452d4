"""What lesson 5.1 says of its pieces: strides, decay, rows of different lengths, resamples."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ch04_gpt_model.utils import GPT, GPTConfig
from ch05_pretraining.utils import AdamW, bootstrap_interval, clip_grad_norm, cosine_schedule, next_token_loss, param_groups, story_nats


def gpt(seed=0):
    torch.manual_seed(seed)
    return GPT(GPTConfig(29, 40, 16, 2, 2, qk_norm=True)).double()


def parameter_with(gradient, value=1.0):
    parameter = torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))
    parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    return parameter


@given(st.floats(1e-3, 1e6), st.sampled_from((-1, 1)), st.floats(0.5, 0.99), st.floats(0.5, 0.999))
@settings(max_examples=50, deadline=None)
def test_the_first_stride_is_the_sign(size, sign, beta1, beta2):
    parameter = parameter_with(sign * size)
    AdamW([parameter], lr=0.01, betas=(beta1, beta2), weight_decay=0).step()
    assert math.isclose(parameter.item(), 1 - sign * 0.01, rel_tol=1e-6)


@pytest.mark.parametrize("beta2", (0.95, 0.999))
def test_a_constant_gradient_makes_constant_strides(beta2):
    parameter = parameter_with(3.0)
    optimizer, path = AdamW([parameter], lr=0.01, betas=(0.9, beta2), weight_decay=0), [1.0]
    for _ in range(50):
        optimizer.step()
        path.append(parameter.item())
    assert all(math.isclose(a - b, 0.01, rel_tol=1e-6) for a, b in zip(path, path[1:]))


def test_decay_goes_past_the_gradient():
    still, idle = parameter_with(0.0, 2.0), torch.nn.Parameter(torch.tensor(2.0))
    optimizer = AdamW([still, idle], lr=0.01, weight_decay=0.1)
    for _ in range(100):
        optimizer.step()
    assert math.isclose(still.item(), 2 * 0.999**100, rel_tol=1e-12) and idle.item() == 2 and idle not in optimizer.state


def test_groups_set_their_own_decay():
    model = gpt()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    AdamW(param_groups(model), lr=0.01).step()
    for name, parameter in model.named_parameters():
        decays = parameter.dim() > 1 and "embedding" not in name
        assert torch.allclose(parameter, before[name] * (0.999 if decays else 1.0), rtol=1e-12)


@pytest.mark.parametrize("batch_size", (1, 3, 32))
def test_padding_changes_no_story(batch_size):
    generator, model = torch.Generator().manual_seed(3), gpt()
    lengths = torch.randint(0, 37, (20,), generator=generator).tolist()
    stories = [[28, *torch.randint(28, (length,), generator=generator).tolist(), 28] for length in lengths]
    alone = []
    for story in stories:
        row = torch.tensor([story])
        nats, count = next_token_loss(model, (row[:, :-1], row[:, 1:]))
        assert count == len(story) - 1
        alone.append(nats.item())
    nats = story_nats(model, stories, batch_size=batch_size)
    assert nats.dtype == torch.float64 and torch.allclose(nats, torch.tensor(alone, dtype=torch.float64), rtol=1e-6)


def test_sums_of_pieces_are_the_whole():
    model = gpt()
    ids = torch.randint(29, (6, 11), generator=torch.Generator().manual_seed(0))
    targets = ids[:, 1:].masked_fill(torch.arange(10) > torch.arange(6)[:, None], -100)
    whole = next_token_loss(model, (ids[:, :-1], targets))
    pieces = [next_token_loss(model, (ids[rows, :-1], targets[rows])) for rows in (slice(0, 1), slice(1, 4), slice(4, 6))]
    assert torch.isclose(whole[0], sum(nats for nats, _ in pieces)) and whole[1] == sum(count for _, count in pieces) == 21


def test_short_gradients_are_left_alone():
    parameters = [parameter_with(0.3), parameter_with(0.4), torch.nn.Parameter(torch.zeros(2))]
    assert math.isclose(clip_grad_norm(parameters, 1.0), 0.5, rel_tol=1e-9)
    assert [parameter.grad.item() for parameter in parameters[:2]] == [0.3, 0.4] and parameters[2].grad is None


@pytest.mark.parametrize("steps, warmup, final", ((10, 0, 0.0), (100, 30, 0.02), (7, 6, 0.5)))
def test_the_schedule_ends_where_it_should(steps, warmup, final):
    schedule = cosine_schedule(steps, warmup, final=final)
    shares = [schedule(step) for step in range(steps + 1)]
    assert max(shares) == 1 and min(shares) > 0 or final == 0
    assert math.isclose(shares[-1], final, abs_tol=1e-12) and shares[max(0, warmup - 1)] == 1


def test_pairs_cancel_what_they_share():
    generator = torch.Generator().manual_seed(1)
    truth = 20 + 5 * torch.randn(300, generator=generator, dtype=torch.float64)
    nats = truth * 1.3 + 0.5 * torch.randn(300, generator=generator, dtype=torch.float64)
    low, high = bootstrap_interval(torch.stack([nats, truth], 1), lambda rows: (rows[:, 0].sum() / rows[:, 1].sum() - 1).item())
    wide = bootstrap_interval(nats / truth.mean() - 1)
    assert low < 0.3 < high and high - low < 0.2 * (wide[1] - wide[0])
    assert bootstrap_interval(nats) == bootstrap_interval(nats) != bootstrap_interval(nats, seed=1)
