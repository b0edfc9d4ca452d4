"""Lesson 3.1: softmax, causal_mask and attention, against PyTorch's own, values and slopes."""
import math

import hypothesis
import pytest
import torch
from hypothesis import strategies
from torch.nn import functional as F

from ch03_attention.utils import attention, causal_mask, softmax

calm = hypothesis.settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = strategies.integers(0, 2**31)


def draw(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def slopes(output, inputs, seed=0):
    direction = torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.autograd.grad(output, inputs, direction)


@calm
@hypothesis.given(SEEDS, strategies.lists(strategies.integers(1, 5), min_size=1, max_size=4), strategies.sampled_from([1e-3, 1.0, 1e3]))
def test_softmax_is_pytorchs_along_any_dimension(seed, shape, size):
    scores, = draw(seed, shape)
    for dim in range(-len(shape), len(shape)):
        ours, theirs = softmax(scores * size, dim), torch.softmax(scores * size, dim)
        assert torch.allclose(ours, theirs, atol=1e-12)
        assert all(torch.allclose(a, b, atol=1e-9 * size) for a, b in zip(slopes(ours, scores), slopes(theirs, scores)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_softmax_of_extreme_scores_is_finite_in_every_precision(dtype):
    largest = torch.finfo(dtype).max
    for row in ([largest, 0], [largest, -largest], [-largest, -largest], [0, -math.inf], [largest, -math.inf], [-largest, -math.inf]):
        weights = softmax(torch.tensor(row, dtype=dtype))
        assert weights.dtype == dtype and weights.isfinite().all() and math.isclose(weights.sum().item(), 1, abs_tol=1e-2)


def test_softmax_of_a_row_that_sees_nothing_is_zero_and_its_slopes_are_finite():
    scores = torch.tensor([[1.0, 2.0], [-math.inf, -math.inf]], requires_grad=True)
    weights = softmax(scores)
    assert torch.equal(weights[1], torch.zeros(2))
    weights.pow(2).sum().backward()
    assert scores.grad.isfinite().all() and not scores.grad[1].any() and scores.grad[0].any()


@pytest.mark.parametrize("queries, keys", [(0, 0), (1, 1), (3, 3), (1, 5), (2, 5), (0, 4)])
def test_causal_mask_hides_what_comes_after(queries, keys):
    mask = causal_mask(queries, keys)
    assert mask.dtype == torch.bool and mask.shape == (queries, keys)
    for i in range(queries):
        assert mask[i].tolist() == [j <= i + keys - queries for j in range(keys)]
    assert torch.equal(causal_mask(keys)[keys - queries:], mask)


@pytest.mark.parametrize("queries, keys", [(3, 2), (-1, 4), (-1, None)])
def test_causal_mask_names_what_cannot_be(queries, keys):
    with pytest.raises(ValueError, match=f"got {queries} queries"):
        causal_mask(queries, keys)


@calm
@hypothesis.given(SEEDS, strategies.lists(strategies.integers(1, 3), max_size=2), *[strategies.integers(1, 6)] * 4,
                  strategies.sampled_from(["none", "bool", "float", "both"]))
def test_attention_is_pytorchs_in_values_and_slopes(seed, batch, queries, keys, head_dim, value_dim, kind):
    q, k, v = draw(seed, (*batch, queries, head_dim), (*batch, keys, head_dim), (*batch, keys, value_dim))
    generator = torch.Generator().manual_seed(seed)
    may_look = torch.rand(queries, keys, generator=generator) < 0.6                     # some queries may see nothing
    bias = torch.randn(queries, keys, generator=generator, dtype=torch.float64)
    mask = {"none": None, "bool": may_look, "float": bias, "both": bias.masked_fill(~may_look, -torch.inf)}[kind]
    output, weights = attention(q, k, v, mask)
    # its reference takes a batch and a head
    theirs = F.scaled_dot_product_attention(*(t.reshape(-1, 1, *t.shape[-2:]) for t in (q, k, v)), attn_mask=mask).view(output.shape)
    assert torch.allclose(output, theirs, atol=1e-10)
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(slopes(output, (q, k, v)), slopes(theirs, (q, k, v))))
    sums = weights.sum(-1)
    assert ((sums - 1).abs().min(sums.abs()) < 1e-12).all()


@calm
@hypothesis.given(SEEDS, *[strategies.integers(1, 5)] * 4)
def test_attention_is_what_three_loops_compute(seed, queries, keys, head_dim, value_dim):
    q, k, v = draw(seed, (queries, head_dim), (keys, head_dim), (keys, value_dim))
    output, weights = attention(q, k, v)
    for i in range(queries):
        powers = [math.exp(sum(a * b for a, b in zip(q[i].tolist(), k[j].tolist())) / math.sqrt(head_dim)) for j in range(keys)]
        for j in range(keys):
            assert math.isclose(weights[i, j].item(), powers[j] / sum(powers), rel_tol=1e-9)
        for c in range(value_dim):
            assert math.isclose(output[i, c].item(), sum(p * v[j, c].item() for j, p in enumerate(powers)) / sum(powers), rel_tol=1e-9, abs_tol=1e-12)


@calm
@hypothesis.given(SEEDS, strategies.integers(2, 7), strategies.integers(1, 4))
def test_the_masked_future_has_no_influence_and_gets_no_slope(seed, tokens, head_dim):
    q, k, v = draw(seed, *[(tokens, head_dim)] * 3)
    output, _ = attention(q, k, v, causal_mask(tokens))
    for i in range(tokens - 1):
        by_key, by_value = torch.autograd.grad(output[i].sum(), (k, v), retain_graph=True)
        assert not by_key[i + 1:].any() and not by_value[i + 1:].any() and by_value[:i + 1].all()
    changed, _ = attention(q, torch.cat([k[:-1], 100 * k[-1:]]), torch.cat([v[:-1], 100 * v[-1:]]), causal_mask(tokens))
    assert torch.equal(changed[:-1], output[:-1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_query_that_sees_nothing_yields_zeros_and_spoils_no_slope(dtype):
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=dtype).requires_grad_()
    real = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]], dtype=torch.bool)
    mask = causal_mask(5) & real[:, None]
    for one in (mask, torch.zeros(2, 5, 5, dtype=dtype).masked_fill(~mask, -torch.inf)):
        x.grad = None
        output, weights = attention(x, x, x, one)
        output.pow(2).sum().backward()
        assert not output[1, :2].any() and not weights[1, :2].any() and x.grad.isfinite().all()
        alone, _ = attention(x[1:, 2:], x[1:, 2:], x[1:, 2:], causal_mask(3))
        assert torch.allclose(output[1:, 2:], alone, atol=1e-6)
        assert not x.grad[1, :2].any()


@calm
@hypothesis.given(SEEDS, strategies.integers(1, 6), strategies.integers(1, 6), strategies.integers(1, 5))
def test_the_backward_pass_as_derived(seed, queries, keys, head_dim):
    q, k, v, d_output = draw(seed, (queries, head_dim), (keys, head_dim), (keys, 3), (queries, 3))
    output, weights = attention(q, k, v, torch.rand(queries, keys, generator=torch.Generator().manual_seed(seed)) < 0.7)
    theirs = torch.autograd.grad(output, (q, k, v), d_output)
    d_weights = d_output @ v.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdim=True))
    assert torch.allclose(d_scores, weights * (d_weights - (d_output * output).sum(-1, keepdim=True)), atol=1e-12)       # 3.5 uses this form
    ours = d_scores @ k / math.sqrt(head_dim), d_scores.mT @ q / math.sqrt(head_dim), weights.mT @ d_output
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs))


@calm
@hypothesis.given(SEEDS, strategies.integers(1, 6))
def test_attention_sees_a_heap_not_a_row(seed, keys):
    q, k, v = draw(seed, (2, 4), (keys, 4), (keys, 3))
    shuffled = torch.randperm(keys, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(attention(q, k[shuffled], v[shuffled])[0], attention(q, k, v)[0], atol=1e-12)
    assert torch.allclose(attention(0 * q, k, v)[0], v.mean(0).expand(2, 3), atol=1e-12)            # who asks for nothing gets the average
