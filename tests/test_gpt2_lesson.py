"""What lesson ch04/01 says of its pieces: LayerNorm's formula and what it hides, the MLP as a memory, biases without effect, quiet starts."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from ch04_gpt_model.utils import GPT, MLP, GPTConfig, LayerNorm
from tests.references import gpt2_pair

COLUMNS = st.lists(st.floats(-100, 100, allow_nan=False, width=32), min_size=2, max_size=9).filter(lambda row: max(row) - min(row) > 1)


@settings(max_examples=60, deadline=None)
@given(COLUMNS, st.integers(0, 2**16))
def test_layer_norm_is_its_formula(row, seed):
    x, norm = torch.tensor(row, dtype=torch.float64), LayerNorm(len(row)).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        norm.weight.normal_(generator=generator), norm.bias.normal_(generator=generator)
    centred = x - x.mean()
    expected = centred / (centred.square().mean() + norm.eps).sqrt() * norm.weight + norm.bias
    assert torch.allclose(norm(x), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(COLUMNS, st.floats(1, 50), st.floats(-20, 20))
def test_layer_norm_hides_size_and_mean_and_ends_on_a_sphere(row, factor, shift):
    x, norm = torch.tensor(row, dtype=torch.float64), LayerNorm(len(row)).double()
    seen = norm(x)
    assert torch.allclose(norm(factor * x + shift), seen, atol=1e-4) and torch.allclose(norm(-x), -seen, atol=1e-9)
    assert abs(seen.sum()) < 1e-6 and abs(seen.norm() - math.sqrt(len(row))) < 1e-3


def test_layer_norm_of_equal_numbers_is_its_bias_and_may_have_none():
    assert torch.equal(LayerNorm(4)(torch.full((2, 4), 7.0)), torch.zeros(2, 4))
    bare = LayerNorm(4, bias=False)
    assert bare.bias is None and [name for name, _ in bare.named_parameters()] == ["weight"]
    x = torch.randn(3, 4)
    assert torch.allclose(bare(x), LayerNorm(4)(x))


def test_an_mlp_is_a_memory_of_notes_and_sees_one_column():
    torch.manual_seed(0)
    mlp, x = MLP(6, 20).double(), torch.randn(2, 4, 6, dtype=torch.float64)
    fits = F.gelu(x @ mlp.up_proj.weight.T + mlp.up_proj.bias, approximate="tanh")
    notes = mlp.down_proj.bias + sum(fits[..., j, None] * mlp.down_proj.weight[:, j] for j in range(20))
    assert torch.allclose(notes, mlp(x), rtol=1e-9) and torch.allclose(mlp(x)[:, 2], mlp(x[:, 2]), rtol=1e-9)


def test_the_two_forms_of_gelu_are_less_than_half_a_thousandth_apart():
    x = torch.linspace(-10, 10, 200_001, dtype=torch.float64)
    assert 4e-4 < (F.gelu(x) - F.gelu(x, approximate="tanh")).abs().max() < 5e-4


def test_the_bias_of_the_keys_has_no_gradient_and_no_effect():
    theirs, ours = (model.double() for model in gpt2_pair(seed=3))
    ids = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(0))
    before = ours(ids), theirs(ids).logits
    for logits in before:
        F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    for block, other in zip(ours.blocks, theirs.transformer.h):
        assert block.attention.k_proj.bias.grad.abs().max() < 1e-14 < 1e-5 < block.attention.q_proj.bias.grad.abs().max()
        assert other.attn.c_attn.bias.grad.chunk(3)[1].abs().max() < 1e-14
        with torch.no_grad():
            block.attention.k_proj.bias += 10
            other.attn.c_attn.bias.chunk(3)[1].add_(10)
    assert torch.allclose(ours(ids), before[0], atol=1e-9) and torch.allclose(theirs(ids).logits, before[1], atol=1e-9)


@pytest.mark.parametrize("n_layers", (4, 16))
def test_an_untrained_gpt2_bets_evenly_and_stutters(n_layers):
    torch.manual_seed(0)
    model = GPT(GPTConfig(512, 32, 128, n_layers, 4, norm="layernorm", activation="gelu", positions="learned", bias=True))
    ids = torch.randint(512, (8, 32))
    with torch.no_grad():
        logits = model(ids)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert abs(loss - math.log(512)) < 0.15 and (logits.argmax(-1) == ids).double().mean() > 0.3
