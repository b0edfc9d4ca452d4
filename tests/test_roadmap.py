"""count_parameters, train_flops, chinchilla_optimal (lesson 1.4): against published figures, torch modules and each other."""
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ch01_intro.utils import chinchilla_optimal, count_parameters, train_flops


def gpt2(d_model, n_layers, n_heads):
    return dict(
        vocab_size=50_257, context_length=1_024, d_model=d_model, n_layers=n_layers, n_heads=n_heads, bias=True, tied=True)


LLAMA = dict(d_model=4_096, n_layers=32, n_heads=32, gated=True)
PUBLISHED = [
    (gpt2(768, 12, 12), 124_439_808),
    (gpt2(1_024, 24, 16), 354_823_168),
    (gpt2(1_280, 36, 20), 774_030_080),
    (gpt2(1_600, 48, 25), 1_557_611_200),
    (LLAMA | dict(vocab_size=32_000, d_ff=11_008), 6_738_415_616),
    (LLAMA | dict(vocab_size=128_256, d_ff=14_336, n_kv_heads=8), 8_030_261_248),
    (dict(vocab_size=49_152, d_model=576, n_layers=30, n_heads=9, n_kv_heads=3, d_ff=1_536, gated=True, tied=True), 134_515_008),
]


@pytest.mark.parametrize("config, count", PUBLISHED)
def test_published_counts(config, count):
    assert count_parameters(**config) == count


class Norm(nn.LayerNorm):
    def __init__(self, width, bias):
        super().__init__(width, bias=bias)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 50), st.integers(1, 3), st.sampled_from([(1, 1), (2, 1), (4, 2), (6, 3)]), st.integers(1, 5),
       st.integers(1, 3), st.one_of(st.none(), st.integers(1, 9)), st.one_of(st.none(), st.integers(1, 20)), st.integers(0, 9), st.booleans(),
       st.booleans(), st.booleans())
def test_equals_a_model_of_torch_modules(vocab, layers, heads, unit, scale, head_dim, d_ff, context, gated, bias, tied):
    (n_heads, n_kv_heads), width = heads, heads[0] * unit * scale
    size, hidden = head_dim or width // n_heads, d_ff or 4 * width
    modules = [nn.Embedding(vocab, width), Norm(width, bias)]
    if not tied:
        modules.append(nn.Linear(width, vocab, bias=False))
    if context:
        modules.append(nn.Embedding(context, width))
    for _ in range(layers):
        modules += [Norm(width, bias), Norm(width, bias)]
        modules += [nn.Linear(width, n_heads * size, bias), nn.Linear(n_heads * size, width, bias)]
        modules += [nn.Linear(width, n_kv_heads * size, bias) for _ in range(2)]
        modules += [nn.Linear(width, hidden, bias) for _ in range(1 + gated)] + [nn.Linear(hidden, width, bias)]
    expected = sum(p.numel() for p in nn.ModuleList(modules).parameters())
    assert expected == count_parameters(
        vocab_size=vocab, d_model=width, n_layers=layers, n_heads=n_heads, n_kv_heads=n_kv_heads, head_dim=head_dim, d_ff=d_ff,
        context_length=context, gated=gated, bias=bias, tied=tied)


@pytest.mark.parametrize("change, message", [
    (dict(vocab_size=0), "vocab_size: expected a positive whole number, got 0"),
    (dict(d_model=768.0), "d_model: expected a positive whole number, got 768.0"),
    (dict(n_layers=-1), "n_layers"),
    (dict(context_length=-1), "context_length: expected .* got -1"),
    (dict(d_ff=0), "d_ff"),
    (dict(n_heads=7), "n_heads: expected a divisor of d_model = 768"),
    (dict(n_kv_heads=5), "multiple of n_kv_heads = 5"),
    (dict(n_kv_heads=0), "n_kv_heads"),
    (dict(head_dim=0), "head_dim"),
    (dict(bias="yes"), "bias: expected True or False"),
])
def test_bad_configurations_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        count_parameters(**(gpt2(768, 12, 12) | change))


@pytest.mark.parametrize("parameters, tokens, flops", [
    (174.6e9, 300e9, 3.14e23), (175e9, 300e9, 3.14e23), (70e9, 1.4e12, 5.76e23), (405e9, 15.6e12, 3.8e25)])
def test_published_flops(parameters, tokens, flops):
    assert abs(train_flops(parameters, tokens) / flops - 1) < 0.03


@given(st.floats(1e3, 1e30), st.floats(0.1, 1e5))
def test_the_optimum_spends_the_budget_at_the_ratio(flops, ratio):
    parameters, tokens = chinchilla_optimal(flops, ratio)
    assert math.isclose(train_flops(parameters, tokens), flops, rel_tol=1e-9)
    assert math.isclose(tokens / parameters, ratio, rel_tol=1e-9)


def test_chinchilla_itself():
    parameters, tokens = chinchilla_optimal(5.76e23)
    assert abs(parameters / 70e9 - 1) < 0.03 and abs(tokens / 1.4e12 - 1) < 0.03


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_bad_amounts_are_refused(value):
    for call in (train_flops, chinchilla_optimal):
        for arguments in ((value, 1.0), (1.0, value)):
            with pytest.raises(ValueError, match="expected a positive number"):
                call(*arguments)
