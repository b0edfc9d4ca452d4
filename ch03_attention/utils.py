# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import math
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# ---- 01_self_attention ----

def causal_mask(queries, keys=None, *, device=None):
    """Who may look at whom: bool (queries, keys), True = may look; no query sees a key that comes after it.

    The queries are the last of the keys (default: all of them): with cached keys, `causal_mask(1, 5)` lets the newest token see all five.
    """
    keys = queries if keys is None else keys
    if not 0 <= queries <= keys:
        raise ValueError(f"causal_mask: expected at most as many queries as keys, got {queries} queries and {keys} keys")
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


def softmax(scores, dim=-1):
    """Positive weights that sum to 1 along `dim`, from any real scores. Shape unchanged.

    The largest score is subtracted first, so that exp never overflows. Where all scores are -inf, nothing may be looked at, and
    all weights are 0, where the plain formula gives nan.
    """
    largest = scores.amax(dim, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)   # -inf - -inf would be nan
    powers = (scores - largest).exp()
    return powers / powers.sum(dim, keepdim=True).clamp(min=1)                          # the largest alone is e^0 = 1; only an empty row is below


def attention(query, key, value, mask=None):
    """Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1).

    query: (..., queries, head_dim), key: (..., keys, head_dim), value: (..., keys, value_dim); mask broadcastable to
    (..., queries, keys): bool, True = may look; or float, added to the scores; None lets everyone look everywhere.
    Returns (output (..., queries, value_dim), weights (..., queries, keys)). A query that may see nothing yields zeros.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])                 # (..., queries, keys)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = softmax(scores)
    return weights @ value, weights


# ---- 02_multi_head_attention ----

def plot_attention(weights, tokens=None, title="", ax=None):
    """Draw one head's weights (queries, keys) as a heat map, white 0 to dark 1; returns the axes, and leaves plt.show() to the caller.

    tokens: the texts of the keys, written on both axes (the queries are the last of the keys), or None for their numbers.
    ax: the axes to draw on; None makes a new figure.
    """
    ax = plt.subplots(figsize=(4.2, 4.2))[1] if ax is None else ax
    queries, keys = weights.shape
    if tokens is not None and len(tokens) != keys:
        raise ValueError(f"tokens: expected one text for each of the {keys} keys, got {len(tokens)}")
    ax.imshow(weights.detach().float().cpu(), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xlabel="key: is looked at", ylabel="query: looks", title=title)
    if tokens is not None:
        ax.set_xticks(range(keys), tokens, rotation=90, fontsize=8)
        ax.set_yticks(range(queries), tokens[keys - queries:], fontsize=8)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    return ax


# ---- 03_positions ----

def sinusoidal_positions(tokens, d_model, base=10_000.0):
    """A fixed vector for each position: float (tokens, d_model), sines in the even columns, cosines in the odd ones.

    Column pair i turns by base^(-2i / d_model) radians per token (Vaswani et al. 2017, arXiv:1706.03762, section 3.5). d_model is even.
    """
    if d_model % 2:
        raise ValueError(f"sinusoidal_positions: sines and cosines come in pairs, so d_model must be even, got {d_model}")
    speeds = base ** (-torch.arange(0, d_model, 2).double() / d_model)                  # (d_model / 2,), radians per token
    angles = torch.arange(tokens).double()[:, None] * speeds
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).float()


def rope_tables(head_dim, tokens, base=10_000.0):
    """Cosines and sines for `apply_rope`: two floats (tokens, head_dim / 2); row p holds the angles of position p.

    Pair i turns by base^(-2i / head_dim) radians per token (Su et al. 2021, arXiv:2104.09864).
    """
    if head_dim % 2:
        raise ValueError(f"rope_tables: coordinates are turned in pairs, so head_dim must be even, got {head_dim}")
    speeds = base ** (-torch.arange(0, head_dim, 2).double() / head_dim)                # (head_dim / 2,), radians per token
    angles = torch.arange(tokens).double()[:, None] * speeds
    return angles.cos().float(), angles.sin().float()


def apply_rope(x, cos, sin):
    """Turn each pair of coordinates of x by its angle. x: (..., tokens, head_dim); cos, sin broadcastable to (..., tokens, head_dim / 2).

    Coordinate i is paired with i + head_dim / 2, as in Llama's code; the paper pairs neighbours, which is the same up to an order of columns.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).type_as(x)


def alibi_bias(n_heads, queries, keys=None):
    """ALiBi: a float mask (n_heads, queries, keys) that takes away slope x distance from each score; the future is -inf.

    The queries are the last of the keys. For n_heads a power of two, head h has slope 2^(-8 (h + 1) / n_heads); otherwise the slopes of the
    power of two below, then every second one of the power above (Press et al. 2022, arXiv:2108.12409).
    """
    keys = queries if keys is None else keys
    below = 2 ** (n_heads.bit_length() - 1)
    powers = [8 * (h + 1) / below for h in range(below)] + [8 * (h + 1) / (2 * below) for h in range(0, 2 * (n_heads - below), 2)]
    slopes = torch.tensor([2.0 ** -power for power in powers])                          # (n_heads,)
    distance = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)         # (queries, keys), negative in the future
    return (-slopes[:, None, None] * distance).masked_fill(distance < 0, -torch.inf)


# ---- 04_kv_cache_and_variants ----

class KVCache:
    """Keys and values of the tokens seen so far, for every layer: room for `max_tokens`, of which `length` are filled.

    keys, values: (layers, batch, kv_heads, max_tokens, head_dim); value_dim: the width of the values where it is another one. A layer's
    attention gets `cache[layer]` and appends to it; whoever runs all layers advances `length` once, afterwards.
    """

    def __init__(self, layers, batch_size, kv_heads, max_tokens, head_dim, *, value_dim=None, dtype=None, device=None):
        self.keys, self.values = (torch.zeros(layers, batch_size, kv_heads, max_tokens, width, dtype=dtype, device=device)
                                  for width in (head_dim, head_dim if value_dim is None else value_dim))
        self.length = 0

    def __getitem__(self, layer):
        return LayerCache(self, layer)

    def truncate(self, length):
        """Forget all but the first `length` tokens."""
        if not 0 <= length <= self.length:
            raise ValueError(f"KVCache.truncate: expected a length from 0 to {self.length}, got {length}")
        self.length = length

    def reorder(self, rows):
        """Row i becomes what row `rows[i]` was; rows: int64 (batch,). Rows may repeat, as when beams of a search branch."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]


class LayerCache(NamedTuple):
    """One layer of a KVCache."""

    cache: KVCache
    layer: int

    @property
    def length(self):
        return self.cache.length

    def append(self, key, value):
        """Store key and value (batch, kv_heads, tokens, head_dim) behind what is there; returns all keys and all values so far."""
        start, end = self.length, self.length + key.shape[-2]
        keys, values = self.cache.keys[self.layer], self.cache.values[self.layer]
        room = (*keys.shape[:2], end - start, keys.shape[-1])
        if key.shape != room:
            raise ValueError(f"KVCache: its rows are (batch, kv_heads, tokens, head_dim) = {room}, but keys of shape {tuple(key.shape)} came")
        if end > keys.shape[-2]:
            raise ValueError(f"KVCache: room for {keys.shape[-2]} tokens, {start} of them taken; {end - start} more do not fit")
        keys[:, :, start:end], values[:, :, start:end] = key, value
        return keys[:, :, :end], values[:, :, :end]


class MultiHeadAttention(nn.Module):
    """Causal self-attention with several heads: (batch, tokens, d_model) -> the same.

    n_kv_heads: fewer key and value heads than query heads, each shared by a group (GQA; 1: MQA; default: n_heads). head_dim: default
    d_model / n_heads. rope: the two tables of `rope_tables`, or None. q_norm, k_norm: modules for queries and keys, (..., head_dim) to the same,
    applied before the rotation. window: each token sees the last `window` tokens, itself included. dropout: on the weights, in training.
    """

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, head_dim=None, bias=False, rope=None, q_norm=None, k_norm=None,
                 window=None, dropout=0.0):
        super().__init__()
        if head_dim is None and d_model % n_heads:
            raise ValueError(f"d_model must be divisible by n_heads where no head_dim is given; got d_model {d_model} and {n_heads} heads")
        self.n_heads, self.n_kv_heads = n_heads, n_heads if n_kv_heads is None else n_kv_heads
        if self.n_kv_heads < 1 or n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads must be divisible by n_kv_heads; got {n_heads} heads and {n_kv_heads} KV heads")
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1, the token itself; got {window}")
        self.head_dim, self.window, self.dropout = head_dim or d_model // n_heads, window, dropout
        self.q_proj = nn.Linear(d_model, n_heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(d_model, self.n_kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, self.n_kv_heads * self.head_dim, bias=bias)
        self.o_proj = nn.Linear(n_heads * self.head_dim, d_model, bias=bias)
        self.q_norm, self.k_norm = q_norm or nn.Identity(), k_norm or nn.Identity()
        self.rope = rope                                        # no buffers: .to(bfloat16) would round the angles

    def forward(self, x, *, mask=None, positions=None, cache=None):
        """mask: bool (True = may look, ANDed with the causal mask) or float (added), broadcastable to (batch, heads, queries, keys), where
        keys = cached + new; positions: int64 (tokens,) or (batch, tokens), default: behind what is cached; cache: a layer of a KVCache.
        A query that may see nothing yields zeros."""
        query, key, value, mask = self.project(x, mask, positions, cache)
        output = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None and query.shape[-2] > 1,
            dropout_p=self.dropout if self.training else 0.0, enable_gqa=self.n_heads != self.n_kv_heads)
        return self.o_proj(output.transpose(1, 2).flatten(2))                           # heads side by side, then mixed

    def weights(self, x, *, mask=None, positions=None, cache=None):
        """The attention weights of the same call, recomputed for pictures: (batch, heads, queries, keys)."""
        query, key, value, mask = self.project(x, mask, positions, cache)
        if mask is None:
            mask = causal_mask(query.shape[-2], key.shape[-2], device=x.device)
        key, value = (part.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1) for part in (key, value))
        return attention(query, key, value, mask)[1]

    def project(self, x, mask, positions, cache):
        """Queries, keys, values (batch, heads, tokens, head_dim), cached ones included; and the mask, None where plain causality is all."""
        query, key, value = (projection(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
                             for projection in (self.q_proj, self.k_proj, self.v_proj))
        query, key = self.q_norm(query), self.k_norm(key)
        past = 0 if cache is None else cache.length
        if self.rope is not None:
            query, key = self.rotate(query, key, past, positions)
        if cache is not None:
            key, value = cache.append(key, value)
        return query, key, value, self.visible(query, key.shape[-2], mask)

    def rotate(self, query, key, past, positions):
        """RoPE for queries and keys (batch, heads, tokens, head_dim)."""
        cos, sin = self.rope = tuple(table.to(query.device) for table in self.rope)
        end = past + query.shape[-2]
        if positions is not None:
            cos, sin = cos[positions].unsqueeze(-3), sin[positions].unsqueeze(-3)       # (batch or 1, 1, tokens, head_dim / 2)
        elif end <= len(cos):
            cos, sin = cos[past:end], sin[past:end]
        else:
            raise ValueError(f"the RoPE tables hold {len(cos)} positions, and {end} tokens came")
        return apply_rope(query, cos, sin), apply_rope(key, cos, sin)

    def visible(self, query, keys, mask):
        """The whole mask for the queries, the last of `keys` tokens: causal, in the window, and `mask`; None where causality is all."""
        queries = query.shape[-2]
        narrow = self.window is not None and self.window < keys
        if mask is None and not narrow and queries in (1, keys):
            return None
        allowed = causal_mask(queries, keys, device=query.device)
        if narrow:
            allowed = allowed & ~allowed.tril(keys - queries - self.window)
        if mask is None or mask.dtype == torch.bool:
            return allowed if mask is None else allowed & mask
        return mask.type_as(query).masked_fill(~allowed, -torch.inf)


class LatentAttention(nn.Module):
    """Multi-head latent attention (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1), causal: (batch, tokens, d_model) -> the same.

    A token is cached as one latent vector, from which the keys and values of all heads are made, and one rotary key that all heads share.
    rope: `rope_tables(rope_dim, ...)`. latent_norm: a module, (..., latent_dim) to the same. absorbed: the same result without writing out
    keys and values. cache: a layer of `KVCache(layers, batch, 1, max_tokens, latent_dim, value_dim=rope_dim)`.
    """

    def __init__(self, d_model, n_heads, *, head_dim, latent_dim, rope_dim, rope, latent_norm=None):
        super().__init__()
        self.n_heads, self.head_dim, self.rope_dim = n_heads, head_dim, rope_dim
        self.q_proj = nn.Linear(d_model, n_heads * (head_dim + rope_dim), bias=False)
        self.latent_proj, self.k_rope_proj = (nn.Linear(d_model, width, bias=False) for width in (latent_dim, rope_dim))
        self.k_up, self.v_up = (nn.Linear(latent_dim, n_heads * head_dim, bias=False) for _ in range(2))
        self.o_proj = nn.Linear(n_heads * head_dim, d_model, bias=False)
        self.latent_norm = latent_norm or nn.Identity()
        self.rope = rope

    def forward(self, x, *, absorbed=False, cache=None):
        past, end = (0, x.shape[1]) if cache is None else (cache.length, cache.length + x.shape[1])
        if end > len(self.rope[0]):
            raise ValueError(f"the RoPE tables hold {len(self.rope[0])} positions, and {end} tokens came")
        cos, sin = (table[past:end].to(x.device) for table in self.rope)
        query = self.q_proj(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)                 # (batch, heads, tokens, head_dim + rope_dim)
        query, q_rope = query.split([self.head_dim, self.rope_dim], dim=-1)
        q_rope, k_rope = apply_rope(q_rope, cos, sin), apply_rope(self.k_rope_proj(x).unsqueeze(1), cos, sin)
        latent = self.latent_norm(self.latent_proj(x)).unsqueeze(1)                             # (batch, 1, tokens, latent_dim)
        if cache is not None:
            latent, k_rope = cache.append(latent, k_rope)
        mask = causal_mask(x.shape[1], end, device=x.device)
        output = (self.absorbed if absorbed else self.plain)(query, q_rope, latent, k_rope, mask)
        return self.o_proj(output.transpose(1, 2).flatten(2))

    def plain(self, query, q_rope, latent, k_rope, mask):
        """Unfold the keys and values of all heads, then attend as ever: (batch, heads, queries, head_dim)."""
        key, value = (up(latent[:, 0]).unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for up in (self.k_up, self.v_up))
        query, key = torch.cat([query, q_rope], dim=-1), torch.cat([key, k_rope.expand(-1, self.n_heads, -1, -1)], dim=-1)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    def absorbed(self, query, q_rope, latent, k_rope, mask):
        """The same, with the queries carried into the latent space, and only the mixed answers out of it."""
        k_up, v_up = (up.weight.unflatten(0, (self.n_heads, -1)) for up in (self.k_up, self.v_up))   # (heads, head_dim, latent_dim)
        query, key = torch.cat([query @ k_up, q_rope], dim=-1), torch.cat([latent, k_rope], dim=-1)
        scale = (self.head_dim + self.rope_dim) ** -0.5
        return F.scaled_dot_product_attention(query, key, latent, attn_mask=mask, scale=scale, enable_gqa=True) @ v_up.mT


# ---- 05_flash_attention ----

def visible_tiles(queries, keys, causal, tile):
    """Blocks of queries, each with the blocks of keys that it may see: yields (rows, [columns, …]), slices of at most `tile` places.

    The queries are the last of the keys. If causal, blocks of keys that lie wholly in the future are left out.
    """
    for first in range(0, queries, tile):
        rows = slice(first, min(first + tile, queries))
        seen = keys - queries + rows.stop if causal else keys
        yield rows, [slice(column, min(column + tile, seen)) for column in range(0, seen, tile)]


def tile_scores(query, key, rows, columns, causal):
    """Scaled scores of one tile, (..., rows, columns); the future is -inf if causal. query, key: whole, (..., tokens, head_dim)."""
    scores = query[..., rows, :] @ key[..., columns, :].mT / math.sqrt(query.shape[-1])
    newest = key.shape[-2] - query.shape[-2] + rows.start - columns.start               # the last column that the first row may see
    if causal and newest < scores.shape[-1] - 1:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(newest + 1)
        scores = scores.masked_fill(future, -torch.inf)
    return scores


def refuse_bad_shapes(query, key, value, causal, tile):
    """ValueError that says what FlashAttention expected, and what came."""
    shapes = f"got query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if isinstance(tile, bool) or not isinstance(tile, int) or tile < 1:
        raise ValueError(f"FlashAttention: tile must be an integer of at least 1, got {tile!r}")
    if min(query.dim(), key.dim(), value.dim()) < 2 or not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        raise ValueError(f"FlashAttention: expected (..., tokens, head_dim) with equal leading dims; {shapes}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(f"FlashAttention: queries and keys must have the same head_dim, and each key one value; {shapes}")
    if query.shape[-2] > key.shape[-2] and causal or not key.shape[-2]:
        raise ValueError(f"FlashAttention: causal queries are the last of the keys, so there can't be more of them, nor no key at all; {shapes}")


class FlashAttention(torch.autograd.Function):
    """Attention without the sheet of scores (Dao et al. 2022, arXiv:2205.14135; loops as in Dao 2023, arXiv:2307.08691).

    FlashAttention.apply(query, key, value, causal=True, tile=64) -> (output, log_sum_exp)
    query: (..., queries, head_dim), key: (..., keys, head_dim), value: (..., keys, value_dim), with equal leading dims.
    output: (..., queries, value_dim); log_sum_exp: (..., queries), of the scaled scores, without a gradient.
    causal: the queries are the last of the keys, and none sees a later one. tile: side of a tile; it need not divide anything.
    Scores take tile² numbers at a time, forward and backward; what is kept grows with queries + keys. No second derivatives.
    """

    @staticmethod
    def forward(ctx, query, key, value, causal=True, tile=64):
        refuse_bad_shapes(query, key, value, causal, tile)
        output = query.new_empty(*query.shape[:-1], value.shape[-1])
        log_sum_exp = query.new_empty(query.shape[:-1])
        for rows, blocks in visible_tiles(query.shape[-2], key.shape[-2], causal, tile):
            largest = torch.full_like(query[..., rows, :1], -torch.inf)                 # (..., rows, 1)
            total, mixed = torch.zeros_like(largest), torch.zeros_like(output[..., rows, :])
            for columns in blocks:
                scores = tile_scores(query, key, rows, columns, causal)                 # (..., rows, columns)
                before, largest = largest, torch.maximum(largest, scores.amax(-1, keepdim=True))
                correction, powers = (before - largest).exp(), (scores - largest).exp()
                total = total * correction + powers.sum(-1, keepdim=True)
                mixed = mixed * correction + powers @ value[..., columns, :]
            output[..., rows, :] = mixed / total
            log_sum_exp[..., rows] = (largest + total.log()).squeeze(-1)
        ctx.save_for_backward(query, key, value, output, log_sum_exp)
        ctx.causal, ctx.tile = causal, tile
        ctx.mark_non_differentiable(log_sum_exp)
        return output, log_sum_exp

    @staticmethod
    @once_differentiable
    def backward(ctx, d_output, _):
        query, key, value, output, log_sum_exp = ctx.saved_tensors
        d_query, d_key, d_value = (torch.zeros_like(tensor) for tensor in (query, key, value))
        average = (d_output * output).sum(-1, keepdim=True)                             # D, (..., queries, 1)
        for rows, blocks in visible_tiles(query.shape[-2], key.shape[-2], ctx.causal, ctx.tile):
            for columns in blocks:
                weights = (tile_scores(query, key, rows, columns, ctx.causal) - log_sum_exp[..., rows, None]).exp()
                d_weights = d_output[..., rows, :] @ value[..., columns, :].mT          # (..., rows, columns)
                d_scores = weights * (d_weights - average[..., rows, :]) / math.sqrt(query.shape[-1])
                d_value[..., columns, :] += weights.mT @ d_output[..., rows, :]
                d_query[..., rows, :] += d_scores @ key[..., columns, :]
                d_key[..., columns, :] += d_scores.mT @ query[..., rows, :]
        return d_query, d_key, d_value, None, None
