# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

# ---- 01_self_attention ----

def softmax(scores, dim=-1):
    """Positive weights that sum to 1 along `dim`, from any real scores. Shape unchanged.

    The largest score is subtracted first, so that exp never overflows. Where all scores are -inf, nothing may be looked at, and
    all weights are 0, where the plain formula gives nan.
    """
    largest = scores.amax(dim, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)   # -inf - -inf would be nan
    powers = (scores - largest).exp()
    return powers / powers.sum(dim, keepdim=True).clamp(min=1)                          # the largest alone is e^0 = 1; only an empty row is below


def causal_mask(queries, keys=None, *, device=None):
    """Who may look at whom: bool (queries, keys), True = may look; no query sees a key that comes after it.

    The queries are the last of the keys (default: all of them): with cached keys, `causal_mask(1, 5)` lets the newest token see all five.
    """
    keys = queries if keys is None else keys
    if not 0 <= queries <= keys:
        raise ValueError(f"causal_mask: expected at most as many queries as keys, got {queries} queries and {keys} keys")
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


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

    keys, values: (layers, batch, kv_heads, max_tokens, head_dim). A layer's attention gets `cache[layer]` and appends to it; whoever
    runs all layers advances `length` once, afterwards.
    """

    def __init__(self, layers, batch_size, kv_heads, max_tokens, head_dim, *, dtype=None, device=None):
        shape = (layers, batch_size, kv_heads, max_tokens, head_dim)
        self.keys, self.values = torch.zeros(2, *shape, dtype=dtype, device=device)
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
        self.n_heads, self.n_kv_heads = n_heads, n_kv_heads or n_heads
        if n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads must be divisible by n_kv_heads; got {n_heads} heads and {n_kv_heads} KV heads")
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1, the token itself; got {window}")
        self.head_dim, self.window, self.dropout = head_dim or d_model // n_heads, window, dropout
        self.q_proj = nn.Linear(d_model, n_heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(d_model, self.n_kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, self.n_kv_heads * self.head_dim, bias=bias)
        self.o_proj = nn.Linear(n_heads * self.head_dim, d_model, bias=bias)
        self.q_norm, self.k_norm = q_norm or nn.Identity(), k_norm or nn.Identity()
        for name, table in zip(("cos", "sin"), rope or (None, None)):
            self.register_buffer(name, table, persistent=False)

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
        if self.cos is not None:
            query, key = self.rotate(query, past, positions), self.rotate(key, past, positions)
        if cache is not None:
            key, value = cache.append(key, value)
        return query, key, value, self.visible(query, key.shape[-2], mask)

    def rotate(self, x, past, positions):
        """RoPE for queries or keys (batch, heads, tokens, head_dim)."""
        end = past + x.shape[-2]
        if positions is not None:
            cos, sin = (table[positions].unsqueeze(-3) for table in (self.cos, self.sin))      # (batch or 1, 1, tokens, head_dim / 2)
        elif end <= len(self.cos):
            cos, sin = self.cos[past:end], self.sin[past:end]
        else:
            raise ValueError(f"the RoPE tables hold {len(self.cos)} positions, and {end} tokens came")
        return apply_rope(x, cos, sin)

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
