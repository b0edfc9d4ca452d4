"""Lesson 3.4: MultiHeadAttention with heads shared, rotated, windowed and cached; KVCache; LatentAttention and its two forms."""
import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ch03_attention.utils import KVCache, LatentAttention, MultiHeadAttention, alibi_bias, apply_rope, attention, causal_mask, rope_tables

quick = settings(max_examples=25, deadline=None)
pytestmark = pytest.mark.filterwarnings("error")


@st.composite
def shapes(draw):
    """(module, x): a random MultiHeadAttention in float64, and a text for it."""
    kv_heads, group, head_dim = draw(st.integers(1, 3)), draw(st.integers(1, 3)), 2 * draw(st.integers(1, 4))
    heads, tokens, batch = kv_heads * group, draw(st.integers(1, 12)), draw(st.integers(1, 3))
    d_model = draw(st.sampled_from([heads * head_dim, heads * head_dim + 1, 5]))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    module = MultiHeadAttention(
        d_model, heads, n_kv_heads=kv_heads, head_dim=head_dim, bias=draw(st.booleans()),
        rope=rope_tables(head_dim, 16) if draw(st.booleans()) else None,
        q_norm=nn.LayerNorm(head_dim) if draw(st.booleans()) else None, k_norm=nn.LayerNorm(head_dim) if draw(st.booleans()) else None,
        window=draw(st.none() | st.integers(1, 14)))
    return module.double(), torch.randn(batch, tokens, d_model, dtype=torch.float64)


def by_hand(module, x, mask=None):
    """The same layer from the pieces of 3.1 and 3.3, one head of one row at a time, with an explicit mask; output before o_proj and weights."""
    rows, all_weights = [], []
    tokens, heads, group = x.shape[1], module.n_heads, module.n_heads // module.n_kv_heads
    allowed = causal_mask(tokens)
    if module.window is not None:
        distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
        allowed = allowed & (distance < module.window)
    if mask is not None:
        mask = mask.expand(x.shape[0], heads, tokens, tokens)
    for row in range(x.shape[0]):
        outputs, weights = [], []
        for head in range(heads):
            cut, cut_kv = (slice(n * module.head_dim, (n + 1) * module.head_dim) for n in (head, head // group))
            query, key = module.q_norm(module.q_proj(x[row])[:, cut]), module.k_norm(module.k_proj(x[row])[:, cut_kv])
            if module.rope is not None:
                query, key = (apply_rope(part, *(table[:tokens] for table in module.rope)) for part in (query, key))
            seen = allowed if mask is None or mask.dtype != torch.bool else allowed & mask[row, head]
            full = torch.zeros(tokens, tokens, dtype=x.dtype).masked_fill(~seen, -torch.inf)
            if mask is not None and mask.dtype != torch.bool:
                full = full + mask[row, head]
            output, weight = attention(query, key, module.v_proj(x[row])[:, cut_kv], full)
            outputs.append(output)
            weights.append(weight)
        rows.append(torch.cat(outputs, dim=-1))
        all_weights.append(torch.stack(weights))
    return torch.stack(rows), torch.stack(all_weights)


def close(one, other, tolerance=1e-10):
    return one.shape == other.shape and torch.allclose(one, other, atol=tolerance, rtol=1e-6)


def cuts(tokens, seed):
    """A random split of `tokens` into pieces."""
    generator = torch.Generator().manual_seed(seed)
    pieces = []
    while sum(pieces) < tokens:
        pieces.append(int(torch.randint(1, tokens - sum(pieces) + 1, (1,), generator=generator)))
    return pieces


# ---- the layer

@quick
@given(shapes(), st.sampled_from(["none", "bool", "float", "padding", "alibi"]), st.integers(0, 999))
def test_equals_the_pieces_head_by_head(case, kind, seed):
    module, x = case
    tokens, generator = x.shape[1], torch.Generator().manual_seed(seed)
    mask = {"none": None, "bool": torch.rand(x.shape[0], module.n_heads, tokens, tokens, generator=generator) < 0.6,
            "float": torch.randn(tokens, tokens, generator=generator, dtype=torch.float64),
            "padding": torch.rand(x.shape[0], 1, 1, tokens, generator=generator) < 0.5,
            "alibi": alibi_bias(module.n_heads, tokens).double()}[kind]
    output, weights = by_hand(module, x, mask)
    assert close(module(x, mask=mask), module.o_proj(output), 1e-6)            # rope tables are float32, cast to double alike on both sides
    got = module.weights(x, mask=mask)
    assert close(got, weights, 1e-6)
    sums = got.sum(-1)
    assert torch.all((sums - 1).abs().lt(1e-9) | sums.eq(0))


@quick
@given(shapes(), st.integers(0, 999))
def test_cached_is_uncached_for_any_split(case, seed):
    module, x = case
    whole, at, parts, weights = module(x), 0, [], module.weights(x)
    cache = KVCache(1, x.shape[0], module.n_kv_heads, x.shape[1], module.head_dim, dtype=torch.float64)
    with torch.no_grad():
        for piece in x.split(cuts(x.shape[1], seed), dim=1):
            again = module.weights(piece, cache=cache[0])                      # asking for a picture does no harm
            assert close(again, weights[:, :, at:at + piece.shape[1], :at + piece.shape[1]])
            parts.append(module(piece, cache=cache[0]))
            at = cache.length = at + piece.shape[1]
    assert close(torch.cat(parts, dim=1), whole)


@quick
@given(shapes(), st.integers(0, 999))
def test_cached_with_a_mask_is_uncached(case, seed):
    module, x = case
    tokens, generator = x.shape[1], torch.Generator().manual_seed(seed)
    for mask in (torch.rand(x.shape[0], 1, 1, tokens, generator=generator) < 0.5, torch.randn(tokens, tokens, generator=generator)):
        whole, at, parts = module(x, mask=mask), 0, []
        cache = KVCache(1, x.shape[0], module.n_kv_heads, tokens, module.head_dim, dtype=torch.float64)
        with torch.no_grad():
            for piece in x.split(cuts(tokens, seed), dim=1):
                end = at + piece.shape[1]
                part = mask[..., :end] if mask.dim() == 4 else mask[at:end, :end]
                parts.append(module(piece, mask=part, cache=cache[0]))
                at = cache.length = end
        assert close(torch.cat(parts, dim=1), whole)


@quick
@given(shapes())
def test_shared_heads_are_repeated_weights(case):
    module, x = case
    heads, group = module.n_heads, module.n_heads // module.n_kv_heads
    spread = MultiHeadAttention(x.shape[-1], heads, n_kv_heads=heads, head_dim=module.head_dim, bias=module.q_proj.bias is not None,
                                rope=module.rope, q_norm=module.q_norm, k_norm=module.k_norm,
                                window=module.window).double()
    state = module.state_dict()
    for name in [name for name in state if name.startswith(("k_proj", "v_proj"))]:
        state[name] = state[name].unflatten(0, (module.n_kv_heads, -1)).repeat_interleave(group, dim=0).flatten(0, 1)
    spread.load_state_dict(state)
    assert close(module(x), spread(x))
    default = MultiHeadAttention(x.shape[-1], heads, head_dim=module.head_dim, bias=module.q_proj.bias is not None)
    assert default.n_kv_heads == heads and default.k_proj.weight.shape == spread.k_proj.weight.shape


@quick
@given(shapes(), st.integers(1, 14))
def test_windows(case, window):
    module, x = case
    tokens, output = x.shape[1], {}
    for width in (None, window, tokens, tokens + 3):
        module.window = width
        output[width] = module(x)
    assert torch.equal(output[tokens], output[None]) and torch.equal(output[tokens + 3], output[None])
    module.window = None
    explicit = ~causal_mask(tokens).tril(-window)
    assert close(module(x, mask=explicit), output[window])
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    assert torch.equal(explicit & causal_mask(tokens), (distance >= 0) & (distance < window))


@quick
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.booleans(), st.integers(0, 999))
def test_parity_with_torch(batch, heads, head_dim, tokens, bias, seed):
    torch.manual_seed(seed)
    d_model = heads * head_dim
    theirs = nn.MultiheadAttention(d_model, heads, bias=bias, batch_first=True)
    ours = MultiHeadAttention(d_model, heads, bias=bias)
    names = ("q_proj", "k_proj", "v_proj")
    state = {f"{name}.weight": part for name, part in zip(names, theirs.in_proj_weight.chunk(3))} | {"o_proj.weight": theirs.out_proj.weight}
    if bias:
        nn.init.normal_(theirs.in_proj_bias)
        nn.init.normal_(theirs.out_proj.bias)
        state |= {f"{name}.bias": part for name, part in zip(names, theirs.in_proj_bias.chunk(3))} | {"o_proj.bias": theirs.out_proj.bias}
    ours.load_state_dict(state)
    x = torch.randn(batch, tokens, d_model)
    expected, weights = theirs(x, x, x, attn_mask=~causal_mask(tokens), average_attn_weights=False)
    assert close(ours(x), expected, 1e-5) and close(ours.weights(x), weights, 1e-5)


def test_rope_scores_see_distances_only():
    torch.manual_seed(0)
    module = MultiHeadAttention(16, 4, n_kv_heads=2, rope=rope_tables(4, 40)).double()
    x = torch.randn(2, 6, 16, dtype=torch.float64)
    assert close(module(x), module(x, positions=torch.arange(20, 26)), 1e-6)
    assert close(module(x), module(x, positions=torch.arange(6).expand(2, 6)))
    assert not close(module(x), module(x, positions=2 * torch.arange(6)), 1e-3)


@pytest.mark.parametrize("window", [None, 3])
def test_a_query_that_sees_nothing_yields_zeros_and_finite_gradients(window):
    torch.manual_seed(1)
    module = MultiHeadAttention(16, 4, n_kv_heads=2, rope=rope_tables(4, 8), window=window)
    x = torch.randn(2, 6, 16, requires_grad=True)
    real = torch.ones(2, 6, dtype=torch.bool)
    real[0, :3] = False
    for mask in (real[:, None, None], torch.zeros(2, 1, 1, 6).masked_fill(~real[:, None, None], -torch.inf)):
        before = []
        hook = module.o_proj.register_forward_pre_hook(lambda layer, inputs: before.append(inputs[0]))  # noqa: B023
        output = module(x, mask=mask)
        hook.remove()
        assert not before[0][0, :3].any() and before[0][0, 3:].any(-1).all() and output.isfinite().all()
        gradients = torch.autograd.grad(output.square().sum(), [x, *module.parameters()])
        assert all(gradient.isfinite().all() for gradient in gradients)
        sums = module.weights(x, mask=mask).sum(-1)
        assert not sums[0, :, :3].any() and torch.allclose(sums[1], torch.ones(4, 6))


def test_left_padding_is_as_if_alone():
    torch.manual_seed(2)
    module, x = MultiHeadAttention(16, 4, rope=rope_tables(4, 16)).double(), torch.randn(3, 7, 16, dtype=torch.float64)
    real = torch.arange(7) >= torch.tensor([[0], [2], [6]])                    # (batch, tokens)
    positions = (real.cumsum(1) - 1).clamp(min=0)
    together = module(x, mask=real[:, None, None], positions=positions)
    cache, parts = KVCache(1, 3, 4, 7, 4, dtype=torch.float64), []
    with torch.no_grad():
        for start, end in ((0, 4), (4, 6), (6, 7)):
            parts.append(module(x[:, start:end], mask=real[:, None, None, :end], positions=positions[:, start:end], cache=cache[0]))
            cache.length = end
    for row in range(3):
        alone = module(x[row:row + 1, real[row]])
        assert close(together[row:row + 1, real[row]], alone) and close(torch.cat(parts, dim=1)[row:row + 1, real[row]], alone)


def test_the_future_changes_nothing_that_is_cached():
    torch.manual_seed(3)
    module = MultiHeadAttention(8, 2, rope=rope_tables(4, 16))
    x = torch.randn(1, 9, 8, requires_grad=True)
    slopes = torch.autograd.functional.jacobian(lambda x: module(x)[0].sum(-1), x)[:, 0].abs().sum(-1)      # (outputs, inputs)
    assert torch.equal(slopes > 0, causal_mask(9))


def test_dropout_in_training_alone():
    torch.manual_seed(4)
    module, x = MultiHeadAttention(8, 2, dropout=0.5), torch.randn(1, 9, 8)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))


@pytest.mark.parametrize("settings", [{}, {"n_kv_heads": 2}, {"window": 3}, {"rope": rope_tables(4, 16)}])
def test_low_precision(settings):
    torch.manual_seed(5)
    exact, x = MultiHeadAttention(16, 4, **settings), torch.randn(2, 8, 16)
    right = exact(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cache = KVCache(1, 2, exact.n_kv_heads, 8, 4)
        with torch.no_grad():
            first = exact(x[:, :5], cache=cache[0])
            cache.length = 5
            cached = torch.cat([first, exact(x[:, 5:], cache=cache[0])], dim=1)
        runs = [exact(x), exact(x, mask=torch.ones(8, 8, dtype=torch.bool)), exact(x, mask=torch.zeros(8, 8)), cached]
    half = MultiHeadAttention(16, 4, **settings).to(torch.bfloat16)
    half.load_state_dict(exact.state_dict())
    cache = KVCache(1, 2, exact.n_kv_heads, 8, 4, dtype=torch.bfloat16)
    with torch.no_grad():
        runs += [half(x.bfloat16()), half(x.bfloat16(), mask=torch.zeros(8, 8)), half(x.bfloat16(), cache=cache[0])]
    for run in runs:
        assert run.dtype == torch.bfloat16 and (run - right).abs().max() < 0.05 * right.abs().max() + 0.02


def test_mask_none_and_explicit_causality_agree_where_the_cache_is_used():
    torch.manual_seed(6)
    module, x = MultiHeadAttention(8, 2), torch.randn(1, 6, 8)
    for queries, keys in itertools.combinations_with_replacement(range(1, 7), 2):
        cache = KVCache(1, 1, 2, 6, 4)
        with torch.no_grad():
            module(x[:, :keys - queries], cache=cache[0])
            cache.length = keys - queries
            plain = module(x[:, keys - queries:keys], cache=cache[0])
            explicit = module(x[:, keys - queries:keys], mask=torch.ones(queries, keys, dtype=torch.bool), cache=cache[0])
        assert close(plain, explicit, 1e-5)


# ---- the cache

def test_cache_appends_views_and_counts_once():
    cache = KVCache(2, 1, 1, 4, 3, value_dim=2)
    key, value = torch.randn(1, 1, 3, 3), torch.randn(1, 1, 3, 2)
    for layer in range(2):
        keys, values = cache[layer].append(key, value)
        assert torch.equal(keys, key) and torch.equal(values, value)
        assert keys.data_ptr() == cache.keys[layer].data_ptr() and cache.length == cache[layer].length == 0
    cache.length = 3
    keys, _ = cache[1].append(key[:, :, :1], value[:, :, :1])
    assert keys.shape == (1, 1, 4, 3) and torch.equal(keys[:, :, 3:], key[:, :, :1])


def test_cache_reorders_and_truncates():
    torch.manual_seed(7)
    module, x = MultiHeadAttention(8, 2, n_kv_heads=1, rope=rope_tables(4, 9)), torch.randn(3, 6, 8)
    cache = KVCache(1, 3, 1, 9, 4)
    with torch.no_grad():
        module(x[:, :5], cache=cache[0])
        cache.length = 5
        cache.reorder(torch.tensor([2, 2, 0]))
        assert close(module(x[:, 5:], cache=cache[0]), module(torch.cat([x[[2, 2, 0], :5], x[:, 5:]], dim=1))[:, 5:], 1e-5)
        cache.truncate(2)
        assert cache.length == 2
        assert close(module(x[:, 5:], cache=cache[0]), module(torch.cat([x[[2, 2, 0], :2], x[:, 5:]], dim=1))[:, 2:], 1e-5)
        cache.truncate(0)
        assert close(module(x, cache=cache[0]), module(x), 1e-5)


def test_cache_may_be_filled_with_gradients_on():
    """A cache that is made outside of no_grad can be written to, and the newest tokens get the gradients of the uncached call."""
    torch.manual_seed(8)
    module, x, cache = MultiHeadAttention(8, 2), torch.randn(1, 4, 8), KVCache(1, 1, 2, 4, 4)
    gradients = torch.autograd.grad(module(x, cache=cache[0]).sum(), list(module.parameters()))
    expected = torch.autograd.grad(module(x).sum(), list(module.parameters()))
    assert all(close(one, other, 1e-5) for one, other in zip(gradients, expected))


# ---- what is refused

X = torch.zeros(2, 5, 32)


@pytest.mark.parametrize("mistake, message", [
    (lambda: MultiHeadAttention(30, 4), "d_model must be divisible by n_heads where no head_dim is given; got d_model 30 and 4 heads"),
    (lambda: MultiHeadAttention(32, 4, n_kv_heads=3), "n_heads must be divisible by n_kv_heads; got 4 heads and 3 KV heads"),
    (lambda: MultiHeadAttention(32, 4, n_kv_heads=8), "4 heads and 8 KV heads"),
    (lambda: MultiHeadAttention(32, 4, n_kv_heads=0), "4 heads and 0 KV heads"),
    (lambda: MultiHeadAttention(32, 4, n_kv_heads=-2), "4 heads and -2 KV heads"),
    (lambda: MultiHeadAttention(32, 4, window=0), "window must be at least 1, the token itself; got 0"),
    (lambda: MultiHeadAttention(32, 4)(X, cache=KVCache(1, 3, 4, 8, 8)[0]), r"\(3, 4, 5, 8\), but keys of shape \(2, 4, 5, 8\) came"),
    (lambda: MultiHeadAttention(32, 4, n_kv_heads=2)(X, cache=KVCache(1, 2, 4, 8, 8)[0]), r"but keys of shape \(2, 2, 5, 8\) came"),
    (lambda: MultiHeadAttention(32, 4)(X, cache=KVCache(1, 2, 4, 4, 8)[0]), "room for 4 tokens, 0 of them taken; 5 more do not fit"),
    (lambda: MultiHeadAttention(32, 4, rope=rope_tables(8, 4))(X), "the RoPE tables hold 4 positions, and 5 tokens came"),
    (lambda: KVCache(1, 1, 1, 1, 1).truncate(1), "expected a length from 0 to 0, got 1"),
    (lambda: KVCache(1, 1, 1, 1, 1).truncate(-1), "expected a length from 0 to 0, got -1"),
    (lambda: latent(rope_tokens=4)(X), "the RoPE tables hold 4 positions, and 5 tokens came"),
    (lambda: latent()(X, cache=KVCache(1, 2, 1, 8, 5)[0]), "its rows are"),
])
def test_mistakes_are_named(mistake, message):
    with pytest.raises(ValueError, match=message), torch.no_grad():
        mistake()


# ---- latent attention

def latent(d_model=32, n_heads=4, head_dim=8, latent_dim=6, rope_dim=4, rope_tokens=16, **more):
    return LatentAttention(d_model, n_heads, head_dim=head_dim, latent_dim=latent_dim, rope_dim=rope_dim,
                           rope=rope_tables(rope_dim, rope_tokens), **more)


@quick
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.integers(1, 10),
       st.booleans(), st.integers(0, 999))
def test_two_forms_cached_and_uncached(d_model, heads, head_dim, latent_dim, half_rope, batch, tokens, norm, seed):
    torch.manual_seed(seed)
    module = latent(d_model, heads, head_dim, latent_dim, 2 * half_rope, latent_norm=nn.LayerNorm(latent_dim) if norm else None).double()
    x = torch.randn(batch, tokens, d_model, dtype=torch.float64)
    whole = module(x)
    assert whole.shape == x.shape and close(module(x, absorbed=True), whole)
    for forms in ([False], [True], [False, True]):                             # also in turns: prefill plain, decode absorbed
        cache, parts = KVCache(1, batch, 1, tokens, latent_dim, value_dim=2 * half_rope, dtype=torch.float64), []
        with torch.no_grad():
            for piece, absorbed in zip(x.split(cuts(tokens, seed), dim=1), itertools.cycle(forms)):
                parts.append(module(piece, absorbed=absorbed, cache=cache[0]))
                cache.length += piece.shape[1]
        assert close(torch.cat(parts, dim=1), whole)
    assert cache.keys.numel() + cache.values.numel() == batch * tokens * (latent_dim + 2 * half_rope)


def test_latent_attention_by_loops():
    """Equations 37 to 47 of the paper, head by head and token by token, without the latent of the queries."""
    torch.manual_seed(9)
    module, x = latent().double(), torch.randn(1, 7, 32, dtype=torch.float64)
    notes, (cos, sin) = module.latent_proj(x[0]), module.rope
    shared = apply_rope(module.k_rope_proj(x[0]), cos[:7], sin[:7])
    rows = []
    for t in range(7):
        answers = []
        for head in range(4):
            query = module.q_proj(x[0, t])[head * 12:(head + 1) * 12]
            rotary = apply_rope(query[None, 8:], cos[t:t + 1], sin[t:t + 1])[0]
            U, V = (up.weight[head * 8:(head + 1) * 8] for up in (module.k_up, module.v_up))
            scores = torch.stack([(query[:8] @ (U @ notes[j]) + rotary @ shared[j]) / math.sqrt(8 + 4) for j in range(t + 1)])
            answers.append(sum(w * (V @ notes[j]) for j, w in enumerate(scores.softmax(0))))
        rows.append(torch.cat(answers))
    assert close(module(x)[0], module.o_proj(torch.stack(rows)), 1e-6)


def test_latent_attention_gradients_agree_in_both_forms():
    torch.manual_seed(10)
    module, x = latent().double(), torch.randn(2, 6, 32, dtype=torch.float64)
    one, other = (torch.autograd.grad(module(x, absorbed=absorbed).square().sum(), list(module.parameters())) for absorbed in (False, True))
    assert all(close(a, b, 1e-9) for a, b in zip(one, other))


def test_latent_attention_low_precision():
    torch.manual_seed(11)
    module, x = latent(), torch.randn(2, 6, 32)
    right = module(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        runs = [module(x), module(x, absorbed=True)]
    half = latent().to(torch.bfloat16)
    half.load_state_dict(module.state_dict())
    runs += [half(x.bfloat16()), half(x.bfloat16(), absorbed=True)]
    assert all(run.dtype == torch.bfloat16 and (run - right).abs().max() < 0.05 * right.abs().max() + 0.02 for run in runs)


def test_parity_with_deepseek_v2():
    """transformers' DeepseekV2Attention on the same weights; its rotary pairs are neighbours, ours are half the width apart."""
    from transformers.models.deepseek_v2.configuration_deepseek_v2 import DeepseekV2Config
    from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Attention, DeepseekV2RotaryEmbedding
    torch.manual_seed(12)
    d_model, heads, head_dim, latent_dim, rope_dim = 24, 3, 6, 10, 4
    config = DeepseekV2Config(hidden_size=d_model, num_attention_heads=heads, num_key_value_heads=heads, q_lora_rank=None, kv_lora_rank=latent_dim,
                              qk_nope_head_dim=head_dim, qk_rope_head_dim=rope_dim, v_head_dim=head_dim, num_hidden_layers=1, vocab_size=10,
                              intermediate_size=8, moe_intermediate_size=8, max_position_embeddings=32, attn_implementation="eager")
    theirs, x = DeepseekV2Attention(config, layer_idx=0).eval(), torch.randn(2, 9, d_model)
    ours = latent(d_model, heads, head_dim, latent_dim, rope_dim, latent_norm=nn.RMSNorm(latent_dim, eps=theirs.kv_a_layernorm.variance_epsilon))
    nn.init.normal_(theirs.kv_a_layernorm.weight)
    order = torch.cat([torch.arange(0, rope_dim, 2), torch.arange(1, rope_dim, 2)])               # even coordinates first, then odd ones
    state = {name: value.clone() for name, value in theirs.state_dict().items()}
    query = state["q_proj.weight"].view(heads, head_dim + rope_dim, d_model)
    query[:, head_dim:] = query[:, head_dim:][:, order]
    down, rotary = state["kv_a_proj_with_mqa.weight"].split([latent_dim, rope_dim])
    k_up, v_up = state["kv_b_proj.weight"].view(heads, 2 * head_dim, latent_dim).split(head_dim, dim=1)
    ours.load_state_dict({"q_proj.weight": query.flatten(0, 1), "latent_proj.weight": down, "k_rope_proj.weight": rotary[order],
                          "k_up.weight": k_up.flatten(0, 1), "v_up.weight": v_up.flatten(0, 1), "o_proj.weight": state["o_proj.weight"],
                          "latent_norm.weight": state["kv_a_layernorm.weight"]})
    turns = DeepseekV2RotaryEmbedding(config)(x, torch.arange(9)[None])
    mask = torch.zeros(1, 1, 9, 9).masked_fill(~causal_mask(9), -torch.inf)
    with torch.no_grad():
        expected = theirs(hidden_states=x, attention_mask=mask, position_embeddings=turns)[0]
        assert close(ours(x), expected, 1e-5) and close(ours(x, absorbed=True), expected, 1e-5)


def test_a_change_of_dtype_does_not_round_the_angles():
    torch.manual_seed(0)
    attention, x = MultiHeadAttention(16, 2, rope=rope_tables(8, 600)), torch.randn(1, 600, 16)
    before = attention(x)
    low = attention.to(torch.bfloat16).float()                  # the weights are rounded now, the tables must not be
    for parameter in low.parameters():
        assert torch.equal(parameter, parameter.bfloat16().float())
    assert all(torch.equal(a, b) for a, b in zip(low.rope, rope_tables(8, 600)))
    assert (low(x) - before).abs().max() < 0.02
