"""FlashAttention of ch03/05: equal to attention with the whole sheet, in outputs, log-sum-exps and gradients, and sparing of memory."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from ch03_attention.utils import FlashAttention, attention, causal_mask, tile_scores, visible_tiles


def tensors(leading, queries, keys, head_dim, value_dim, growth=1.0, seed=0, dtype=torch.float64):
    """query, key, value that want gradients, and a gradient of the output."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (queries, head_dim), (keys, head_dim), (keys, value_dim), (queries, value_dim)
    query, key, value, d_output = (torch.randn(*leading, *shape, dtype=dtype, generator=generator) for shape in shapes)
    return [(growth * query).requires_grad_(), key.requires_grad_(), value.requires_grad_()], d_output


def sheet(query, key, value, mask):
    """(output, log-sum-exp) with the whole sheet of scores."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return attention(query, key, value, mask)[0], scores.logsumexp(-1)


def agree(ours, theirs, tolerance=1e-9):
    return all(torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(ours, theirs, strict=True))


@settings(max_examples=60, deadline=None)
@given(leading=st.sampled_from([(), (2,), (2, 3), (1, 1)]), queries=st.integers(1, 24), more_keys=st.integers(-5, 12), head_dim=st.integers(1, 6),
       value_dim=st.integers(1, 6), causal=st.booleans(), tile=st.integers(1, 30), growth=st.sampled_from([0.0, 1.0, 30.0, 1000.0]),
       seed=st.integers(0, 10**6))
def test_tiled_is_naive_and_sdpa(leading, queries, more_keys, head_dim, value_dim, causal, tile, growth, seed):
    keys = queries + max(more_keys, 0) if causal else max(queries + more_keys, 1)
    inputs, d_output = tensors(leading, queries, keys, head_dim, value_dim, growth, seed)
    mask = causal_mask(queries, keys) if causal else None
    output, lse = FlashAttention.apply(*inputs, causal, tile)
    full, full_lse = sheet(*inputs, mask)
    builtin = F.scaled_dot_product_attention(*inputs, attn_mask=mask)
    assert output.shape == (*leading, queries, value_dim) and lse.shape == (*leading, queries)
    assert agree([output, lse, output], [full, full_lse, builtin])
    gradients, *theirs = (torch.autograd.grad(result, inputs, d_output) for result in (output, full, builtin))
    assert all(agree(gradients, others, tolerance=1e-9 * max(1, growth)) for others in theirs)


def test_gradcheck():
    for causal, tile, queries in ((True, 2, 3), (False, 3, 5), (True, 7, 5)):
        inputs, _ = tensors((2,), queries, 5, 3, 2)
        assert torch.autograd.gradcheck(FlashAttention.apply, (*inputs, causal, tile))


def test_sdpa_with_is_causal_and_its_log_sum_exp():
    inputs, _ = tensors((1, 2), 100, 100, 16, 16, dtype=torch.float32)
    output, lse = FlashAttention.apply(*inputs)
    assert torch.allclose(output, F.scaled_dot_product_attention(*inputs, is_causal=True), atol=1e-5)
    assert torch.allclose(lse, sheet(*inputs, causal_mask(100))[1], atol=1e-5)


def test_log_sum_exp_carries_no_gradient_and_second_derivatives_are_refused():
    inputs, d_output = tensors((), 6, 6, 4, 4)
    output, lse = FlashAttention.apply(*inputs, True, 4)
    assert output.requires_grad and not lse.requires_grad
    first, = torch.autograd.grad(output, inputs[0], d_output.requires_grad_(), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2)])
def test_gradients_of_some_inputs_only(wanted):
    inputs, d_output = tensors((), 9, 9, 4, 4)
    expected = torch.autograd.grad(sheet(*inputs, causal_mask(9))[0], inputs, d_output)
    some = [tensor.detach().requires_grad_(n in wanted) for n, tensor in enumerate(inputs)]
    got = torch.autograd.grad(FlashAttention.apply(*some, True, 4)[0], [some[n] for n in wanted], d_output)
    assert agree(got, [expected[n] for n in wanted])


def test_inputs_that_are_views_and_gradients_that_are_expanded():
    """Heads come as transposed views, and the gradient of a sum is one number seen everywhere."""
    x = torch.randn(2, 10, 3, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    query, key, value = (part.transpose(1, 2) for part in x.unbind(2))
    ours, = torch.autograd.grad(FlashAttention.apply(query, key, value, True, 4)[0].sum(), x)
    theirs, = torch.autograd.grad(sheet(query, key, value, causal_mask(10))[0].sum(), x)
    assert agree([ours], [theirs])


@given(queries=st.integers(0, 30), more=st.integers(0, 20), causal=st.booleans(), tile=st.integers(1, 40))
def test_visible_tiles_cover_what_is_visible_once(queries, more, causal, tile):
    keys = queries + more
    covered = torch.zeros(queries, keys, dtype=torch.int64)
    visible = causal_mask(queries, keys) if causal else torch.ones(queries, keys, dtype=torch.bool)
    for rows, blocks in visible_tiles(queries, keys, causal, tile):
        for columns in blocks:
            covered[rows, columns] += 1
            assert 0 < columns.stop - columns.start <= tile and visible[rows, columns].any()
    assert (covered[visible] == 1).all() and (covered <= 1).all()


def test_half_of_the_tiles_are_skipped():
    for n in (1, 4, 9):
        assert sum(len(blocks) for _, blocks in visible_tiles(5 * n, 5 * n, True, 5)) == n * (n + 1) // 2


@given(queries=st.integers(1, 20), more=st.integers(0, 10), causal=st.booleans(), tile=st.integers(1, 25))
def test_tile_scores_are_cut_out_of_the_sheet(queries, more, causal, tile):
    keys = queries + more
    (query, key, _), _ = tensors((2,), queries, keys, 3, 3)
    scores = query @ key.mT / math.sqrt(3)
    if causal:
        scores = scores.masked_fill(~causal_mask(queries, keys), -torch.inf)
    for rows, blocks in visible_tiles(queries, keys, causal, tile):
        for columns in blocks:
            assert torch.allclose(tile_scores(query, key, rows, columns, causal), scores[..., rows, columns])


class LargestTensor(TorchDispatchMode):
    largest = 0

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        result = operation(*arguments, **(named or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.numel())
        return result


def test_no_tensor_as_large_as_the_sheet():
    inputs, d_output = tensors((), 256, 256, 8, 8)
    with LargestTensor() as seen:
        FlashAttention.apply(*inputs, True, 16)[0].backward(d_output)
    assert seen.largest == 256 * 8
    with LargestTensor() as seen:
        sheet(*inputs, causal_mask(256))[0].backward(d_output)
    assert seen.largest == 256 * 256


def test_what_is_kept_for_the_backward_pass():
    inputs, _ = tensors((), 128, 128, 8, 8)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda tensor: tensor):
        FlashAttention.apply(*inputs, True, 16)
    assert sorted(kept) == [128] + 4 * [128 * 8]


@pytest.mark.parametrize("shapes, options, cause", [
    ([(4, 8), (4, 8), (4, 8)], (True, 0), "tile must be an integer of at least 1, got 0"),
    ([(4, 8), (4, 8), (4, 8)], (True, -3), "got -3"),
    ([(4, 8), (4, 8), (4, 8)], (True, 2.5), "got 2.5"),
    ([(4, 8), (4, 8), (4, 8)], (True, True), "got True"),
    ([(4, 8), (4, 6), (4, 8)], (True, 2), "same head_dim"),
    ([(4, 8), (4, 8), (5, 8)], (True, 2), "each key one value"),
    ([(5, 8), (4, 8), (4, 8)], (True, 2), "can't be more of them"),
    ([(4, 8), (0, 8), (0, 8)], (False, 2), "no key at all"),
    ([(2, 4, 8), (4, 8), (4, 8)], (True, 2), "equal leading dims"),
    ([(2, 6, 4, 8), (2, 2, 4, 8), (2, 2, 4, 8)], (True, 2), "equal leading dims"),
    ([(8,), (8,), (8,)], (True, 2), "tokens, head_dim"),
])
def test_bad_input_is_refused(shapes, options, cause):
    with pytest.raises(ValueError, match=cause):
        FlashAttention.apply(*(torch.zeros(shape) for shape in shapes), *options)


def test_more_queries_than_keys_are_fine_without_a_mask():
    inputs, _ = tensors((), 7, 3, 4, 4)
    assert agree(FlashAttention.apply(*inputs, False, 2), sheet(*inputs, None))


def test_half_precision_does_not_overflow():
    inputs, _ = tensors((), 20, 20, 8, 8, growth=100.0)
    output, lse = FlashAttention.apply(*(tensor.detach().half() for tensor in inputs), True, 8)
    full, full_lse = sheet(*inputs, causal_mask(20))
    assert output.dtype == torch.float16 and torch.allclose(output.double(), full, atol=0.05) and torch.allclose(lse.double(), full_lse, atol=0.5)
