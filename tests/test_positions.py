"""The exported pieces of ch03/03: what the lesson proves, for any shape; and parity with the library's RoPE and ALiBi."""
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ch03_attention.utils import alibi_bias, apply_rope, attention, causal_mask, rope_tables, sinusoidal_positions

BASES = st.sampled_from([10.0, 100.0, 10_000.0, 500_000.0, 1e6])
HALVES, SEEDS = st.integers(1, 48), st.integers(0, 2**16)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=60, deadline=None)
@given(HALVES, BASES, SEEDS, st.integers(0, 300), st.integers(0, 300), st.integers(0, 1500))
def test_scores_depend_on_the_offset_alone(half, base, seed, m, n, shift):
    cos, sin = rope_tables(2 * half, 1801, base)
    query, key = drawn(seed, 2, 3, 2 * half)

    def score(m, n):
        return (apply_rope(query, cos[m], sin[m]) * apply_rope(key, cos[n], sin[n])).sum(-1)

    size = query.norm(dim=-1) * key.norm(dim=-1)
    assert ((score(m + shift, n + shift) - score(m, n)).abs() <= 1e-5 * size).all()
    assert ((score(m, m) - (query * key).sum(-1)).abs() <= 1e-5 * size).all()           # at offset 0 nothing changes


@settings(max_examples=60, deadline=None)
@given(HALVES, BASES, SEEDS, st.integers(1, 2), st.integers(1, 3), st.integers(1, 40))
def test_rotation_keeps_norms_shapes_and_types_and_can_be_undone(half, base, seed, batch, heads, tokens):
    cos, sin = rope_tables(2 * half, tokens, base)
    x = drawn(seed, batch, heads, tokens, 2 * half)
    turned = apply_rope(x, cos, sin)
    assert turned.shape == x.shape and turned.dtype == x.dtype
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-5)
    assert torch.allclose(apply_rope(turned, cos, -sin), x, atol=1e-5)
    assert torch.equal(turned[..., 0, :], x[..., 0, :])                                 # place 0 is not turned
    assert apply_rope(x.bfloat16(), cos, sin).dtype == torch.bfloat16


@settings(max_examples=40, deadline=None)
@given(HALVES, BASES, SEEDS, st.integers(1, 30))
def test_halves_are_neighbours_with_the_columns_in_another_order(half, base, seed, tokens):
    cos, sin = rope_tables(2 * half, tokens, base)
    x = drawn(seed, tokens, 2 * half)
    order = torch.arange(2 * half).view(half, 2).T.flatten()
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.complex(cos, sin)
    assert torch.allclose(apply_rope(x[:, order], cos, sin), torch.view_as_real(pairs).flatten(-2)[:, order], atol=1e-6)


def test_the_tables_stay_exact_far_out():
    cos, sin = rope_tables(128, 100_001, 10_000.0)
    speeds = 10_000.0 ** (-torch.arange(0, 128, 2).double() / 128)
    assert torch.allclose(cos[100_000].double(), (100_000 * speeds).cos(), atol=1e-7)
    assert torch.allclose(sin[100_000].double(), (100_000 * speeds).sin(), atol=1e-7)


@pytest.mark.parametrize("base", (10_000.0, 500_000.0))
def test_rope_is_that_of_llama(base):
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    config = llama.LlamaConfig(hidden_size=96, num_attention_heads=4, head_dim=24, max_position_embeddings=512,
                               rope_parameters={"rope_type": "default", "rope_theta": base})
    query, key = drawn(1, 2, 4, 50, 24).float(), drawn(2, 2, 2, 50, 24).float()
    their_cos, their_sin = llama.LlamaRotaryEmbedding(config)(query, torch.arange(50)[None])
    theirs = llama.apply_rotary_pos_emb(query, key, their_cos, their_sin)
    cos, sin = rope_tables(24, 50, base)
    for ours, x in zip(theirs, (query, key)):
        assert torch.allclose(apply_rope(x, cos, sin), ours, atol=1e-5)


def test_rope_is_that_of_gpt_neox_on_the_part_it_turns():
    neox = pytest.importorskip("transformers.models.gpt_neox.modeling_gpt_neox")
    query, key = drawn(3, 2, 4, 20, 32).float(), drawn(4, 2, 4, 20, 32).float()
    cos, sin = rope_tables(8, 20)                                                       # GPT-NeoX turns a quarter of each head
    theirs = neox.apply_rotary_pos_emb(query, key, torch.cat([cos, cos], -1)[None], torch.cat([sin, sin], -1)[None])
    for x, turned in zip((query, key), theirs):
        assert torch.allclose(torch.cat([apply_rope(x[..., :8], cos, sin), x[..., 8:]], -1), turned, atol=1e-5)


@pytest.mark.parametrize("n_heads", (1, 2, 3, 4, 6, 8, 12, 16, 20, 71))
def test_alibi_is_that_of_bloom(n_heads):
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom")
    theirs = bloom.build_alibi_tensor(torch.ones(1, 9, dtype=torch.long), n_heads, torch.float32)       # (heads, 1, keys)
    scores = drawn(5, n_heads, 9, 9).float()
    masked = (scores + theirs).masked_fill(~causal_mask(9), -torch.inf)
    assert torch.allclose((scores + alibi_bias(n_heads, 9)).softmax(-1), masked.softmax(-1), atol=1e-5)  # theirs differs by a number for each query


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 12), st.integers(0, 12))
def test_alibi_of_the_last_queries_is_the_end_of_the_whole(n_heads, queries, cached):
    whole, last = alibi_bias(n_heads, queries + cached), alibi_bias(n_heads, queries, queries + cached)
    assert torch.equal(whole[:, cached:], last)
    slopes = [2.0 ** (-8 * (h + 1) / n_heads) for h in range(n_heads)]
    if n_heads & (n_heads - 1) == 0 and queries > 1:
        assert torch.allclose(-last[:, -1, -2], torch.tensor(slopes))
    assert torch.equal(whole[0].isfinite(), causal_mask(queries + cached))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), BASES, st.integers(2, 80))
def test_products_of_stamps_depend_on_the_offset_alone(half, base, tokens):
    stamps = sinusoidal_positions(tokens, 2 * half, base)
    products = stamps @ stamps.T
    assert stamps.shape == (tokens, 2 * half) and torch.allclose(products[1:, 1:], products[:-1, :-1], atol=1e-4)
    assert torch.allclose(products.diagonal(), torch.full((tokens,), float(half)), atol=1e-4)
    cos, sin = rope_tables(2 * half, tokens, base)
    assert torch.equal(stamps[:, 0::2], sin) and torch.equal(stamps[:, 1::2], cos)      # the same clock, in another order


def test_odd_widths_are_refused():
    with pytest.raises(ValueError, match="d_model must be even, got 7"):
        sinusoidal_positions(3, 7)
    with pytest.raises(ValueError, match="head_dim must be even, got 5"):
        rope_tables(5, 3)


@pytest.mark.parametrize("seed", range(3))
def test_one_layer_is_blind_to_order_and_two_masked_ones_are_not(seed):
    x, matrices = drawn(seed, 5, 8), drawn(seed + 10, 2, 3, 8, 8) / 8**0.5

    def layer(x, three, mask):
        return attention(*(x @ matrix for matrix in three), mask)[0]

    orders = [[*past, 4] for past in itertools.permutations(range(4))]
    for mask, deep, blind in ((causal_mask(5), False, True), (causal_mask(5), True, False), (None, True, True)):
        outputs = []
        for order in orders:
            first = layer(x[order], matrices[0], mask)
            outputs.append((layer(first, matrices[1], mask) if deep else first)[-1])
        spread = (torch.stack(outputs) - outputs[0]).abs().max()
        assert spread < 1e-12 if blind else spread > 1e-3
