# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import contextlib
import functools
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ch03_attention.utils import KVCache, MultiHeadAttention, rope_tables, softmax

# ---- 01_gpt2 ----

class LayerNorm(nn.Module):
    """Subtract the mean of each vector, divide by its standard deviation, then scale and shift: (..., d) -> (..., d).

    Ba, Kiros and Hinton 2016, arXiv:1607.06450. bias=False leaves the shift out.
    """

    def __init__(self, d, *, bias=True, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d))
        self.bias = nn.Parameter(torch.zeros(d)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class MLP(nn.Module):
    """Widen, bend, narrow, each token for itself: (..., d_model) -> (..., d_model).

    activation: "gelu" (in the tanh form that GPT-2 was trained with; Hendrycks and Gimpel 2016, arXiv:1606.08415) or "relu2", the
    square of the positive part (So et al. 2021, arXiv:2109.08668).
    """

    def __init__(self, d_model, d_ff, *, activation="gelu", bias=True):
        super().__init__()
        if activation not in ("gelu", "relu2"):
            raise ValueError(f'MLP: activation must be "gelu" or "relu2", got {activation!r}')
        self.activation = activation
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x):
        wide = self.up_proj(x)                                                          # (..., d_ff)
        return self.down_proj(F.gelu(wide, approximate="tanh") if self.activation == "gelu" else F.relu(wide).square())


# ---- 02_modern_llm ----

class RMSNorm(nn.Module):
    """Divide each vector by its root mean square, then scale: (..., d) -> (..., d) (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, d, *, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight.type_as(x), self.eps)        # the weight follows x, in bf16 too


class SwiGLU(nn.Module):
    """A gated MLP: one projection, bent by SiLU, opens and closes the other: (..., d_model) -> (..., d_model) (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, d_model, d_ff, *, bias=False):
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


@dataclass(frozen=True)
class GPTConfig:
    """What a GPT is made of. The defaults are the modern ones; GPT-2 takes norm "layernorm", activation "gelu", positions "learned", bias True.

    norm: "rmsnorm" or "layernorm"; activation: "swiglu", "gelu" or "relu2"; positions: "rope", "learned" or "none". n_kv_heads: default n_heads;
    head_dim: default d_model / n_heads; d_ff: default 4 x d_model, for SwiGLU, which has a third matrix, 8/3 x d_model rounded up to a
    multiple of 32. tied: the head is the embedding, read a second time. window: as in MultiHeadAttention. experts: 0 for one MLP a block,
    else SwiGLU experts of which each token visits experts_per_token. dropout: after embedding, attention and MLP, and on attention weights.
    """

    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int | None = None
    head_dim: int | None = None
    d_ff: int | None = None
    norm: str = "rmsnorm"
    norm_eps: float = 1e-5
    activation: str = "swiglu"
    positions: str = "rope"
    rope_base: float = 10_000.0
    qk_norm: bool = False
    bias: bool = False
    tied: bool = True
    dropout: float = 0.0
    window: int | None = None
    experts: int = 0
    experts_per_token: int = 2

    def __post_init__(self):
        for name, known in (("norm", ("rmsnorm", "layernorm")), ("activation", ("swiglu", "gelu", "relu2")),
                            ("positions", ("rope", "learned", "none"))):
            if getattr(self, name) not in known:
                raise ValueError(f"GPTConfig.{name}: expected one of {', '.join(known)}; got {getattr(self, name)!r}")
        for name in ("vocab_size", "context_length", "d_model", "n_layers", "n_heads"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"GPTConfig.{name}: expected a whole number from 1, got {getattr(self, name)!r}")
        if self.head_dim is None and self.d_model % self.n_heads:
            raise ValueError(f"GPTConfig: d_model must be divisible by n_heads where no head_dim is given; "
                             f"got d_model {self.d_model} and {self.n_heads} heads")
        if self.experts and self.activation != "swiglu":
            raise ValueError(f'GPTConfig: experts are SwiGLU, and the activation is {self.activation!r}')
        fill = {"n_kv_heads": self.n_heads, "head_dim": self.d_model // self.n_heads,
                "d_ff": -(-8 * self.d_model // 96) * 32 if self.activation == "swiglu" else 4 * self.d_model}
        for name, value in fill.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)       # frozen for the world, filled in once here


class Block(nn.Module):
    """One layer of a GPT: attention, then an MLP, each reads a normalised copy of the residual stream and adds to it.

    (batch, tokens, d_model) -> the same.
    """

    def __init__(self, config, rope=None):
        super().__init__()
        c = config
        self.attention_norm, self.mlp_norm = make_norm(c, c.d_model), make_norm(c, c.d_model)
        self.attention = MultiHeadAttention(
            c.d_model, c.n_heads, n_kv_heads=c.n_kv_heads, head_dim=c.head_dim, bias=c.bias, rope=rope, window=c.window, dropout=c.dropout,
            q_norm=make_norm(c, c.head_dim) if c.qk_norm else None, k_norm=make_norm(c, c.head_dim) if c.qk_norm else None)
        if c.experts:
            self.mlp = MoE(c.d_model, c.d_ff, c.experts, c.experts_per_token)
        elif c.activation == "swiglu":
            self.mlp = SwiGLU(c.d_model, c.d_ff, bias=c.bias)
        else:
            self.mlp = MLP(c.d_model, c.d_ff, activation=c.activation, bias=c.bias)
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, x, *, mask=None, positions=None, cache=None):
        x = x + self.dropout(self.attention(self.attention_norm(x), mask=mask, positions=positions, cache=cache))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


def make_norm(config, d):
    """The norm that `config` asks for, of width d."""
    return RMSNorm(d, eps=config.norm_eps) if config.norm == "rmsnorm" else LayerNorm(d, bias=config.bias, eps=config.norm_eps)


class GPT(nn.Module):
    """A decoder-only transformer: GPT-2, Llama, Qwen3 or Mixtral, as its GPTConfig says. ids (batch, tokens) -> logits (batch, tokens, vocab)."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        rope = rope_tables(config.head_dim, config.context_length, config.rope_base) if config.positions == "rope" else None
        self.blocks = nn.ModuleList(Block(config, rope) for _ in range(config.n_layers))
        self.norm = make_norm(config, config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.token_embedding.weight
        self.initialise()

    def initialise(self):
        """Normal with standard deviation 0.02, divided by sqrt(2 n_layers) where a block writes into the stream (GPT-2's report, section 2.3)."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() > 1:
                writes = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * self.config.n_layers) if writes else 0.02)

    def hidden(self, ids, *, mask=None, positions=None, cache=None):
        """The stream after the last block and the final norm: (batch, tokens, d_model).

        ids: int64 (batch, tokens); mask, positions: as in MultiHeadAttention; cache: a KVCache, whose length is advanced by the new tokens.
        """
        past = 0 if cache is None else cache.length
        self.check(ids, past)
        x = self.token_embedding(ids)                                                   # (batch, tokens, d_model)
        if self.config.positions == "learned":
            x = x + self.position_embedding(torch.arange(past, past + ids.shape[1], device=ids.device) if positions is None else positions)
        x = self.dropout(x)
        for number, block in enumerate(self.blocks):
            x = block(x, mask=mask, positions=positions, cache=None if cache is None else cache[number])
        if cache is not None:
            cache.length += ids.shape[1]
        return self.norm(x)

    def forward(self, ids, *, mask=None, positions=None, cache=None):
        return self.head(self.hidden(ids, mask=mask, positions=positions, cache=cache))

    def aux_loss(self):
        """The mean of the experts' aux_loss over the blocks, of the last call; for models with experts."""
        return torch.stack([block.mlp.aux_loss() for block in self.blocks]).mean()

    def check(self, ids, past):
        """Refuse ids that this model can't read."""
        if ids.dim() != 2 or ids.dtype not in (torch.int64, torch.int32):
            raise ValueError(f"GPT: expected ids as whole numbers of shape (batch, tokens), got {ids.dtype} of shape {tuple(ids.shape)}")
        if past + ids.shape[1] > self.config.context_length:
            raise ValueError(f"GPT: the context holds {self.config.context_length} tokens, and {past + ids.shape[1]} came, {past} of them cached")
        if ids.numel() and not ids.is_meta:
            smallest, largest = ids.aminmax()
            if smallest < 0 or largest >= self.config.vocab_size:
                wrong = smallest.item() if smallest < 0 else largest.item()
                raise ValueError(f"GPT: token ids must be from 0 to {self.config.vocab_size - 1}, got {wrong}")


class MoE(nn.Module):
    """A mixture of SwiGLU experts: each token goes to its `experts_per_token` favourites of `experts`, weighed by a softmax over these alone.

    (batch, tokens, d_model) -> the same (Jiang et al. 2024, arXiv:2401.04088). After a call, `aux_loss()` says how unevenly the experts were used.
    """

    def __init__(self, d_model, d_ff, experts, experts_per_token=2):
        super().__init__()
        if not 1 <= experts_per_token <= experts:
            raise ValueError(f"MoE: experts_per_token must be from 1 to {experts}, the number of experts; got {experts_per_token}")
        self.experts_per_token = experts_per_token
        self.router = nn.Linear(d_model, experts, bias=False)
        self.experts = nn.ModuleList(SwiGLU(d_model, d_ff) for _ in range(experts))

    def forward(self, x):
        tokens = x.flatten(0, -2)                                                       # (n, d_model)
        self.scores = self.router(tokens)                                               # (n, experts)
        best, self.chosen = self.scores.topk(self.experts_per_token)                    # both (n, experts_per_token)
        weights = softmax(best.float()).type_as(x)
        output = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            rows, place = (self.chosen == number).nonzero(as_tuple=True)                # who chose this expert, and as which favourite
            output = output.index_add(0, rows, expert(tokens[rows]) * weights[rows, place, None])
        return output.view_as(x)

    def aux_loss(self):
        """experts x sum over experts of (share of the choices) x (mean probability), of the last call: 1 where both are even, more where the
        same experts win twice (Fedus et al. 2021, arXiv:2101.03961, section 2.2)."""
        shares = F.one_hot(self.chosen, len(self.experts)).float().mean((0, 1))        # (experts,)
        return len(self.experts) * (shares * softmax(self.scores.float()).mean(0)).sum()


# ---- 03_text_generation ----

def sample_logits(logits, *, temperature=1.0, top_k=None, top_p=None, min_p=None, generator=None):
    """Draw one id from each row of logits (..., vocab): int64 (...). Temperature 0 takes the largest.

    After the division by the temperature, what stays in the draw: top_k, the k largest; top_p, the fewest tokens, best first, whose
    probability reaches p (Holtzman et al. 2020, arXiv:1904.09751); min_p, those with at least p times the largest probability
    (Nguyen et al. 2024, arXiv:2407.01082).
    """
    check_sampling(temperature, top_k, top_p, min_p)
    if temperature == 0:
        return logits.argmax(-1)
    weights = kept_weights(logits.float() / temperature, top_k, top_p, min_p)           # (..., vocab)
    return torch.multinomial(weights.view(-1, weights.shape[-1]), 1, generator=generator).view(logits.shape[:-1])


def kept_weights(logits, top_k=None, top_p=None, min_p=None):
    """Probabilities (..., vocab) of the tokens that stay in the draw, one filter after the other, each on what the one before left."""
    if top_k is not None:
        smallest = logits.topk(min(top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits < smallest, -torch.inf)
    if top_p is not None:
        best, order = logits.sort(descending=True, stable=True)
        weights = softmax(best)
        enough = weights.cumsum(-1) - weights >= top_p                                  # those before have reached p already
        logits = logits.scatter(-1, order, best.masked_fill(enough, -torch.inf))
    if min_p is not None:
        weights = softmax(logits)
        logits = logits.masked_fill(weights < min_p * weights.amax(-1, keepdim=True), -torch.inf)
    return softmax(logits)


def check_sampling(temperature, top_k, top_p, min_p):
    """Refuse settings of sample_logits that make no sense."""
    if temperature < 0:
        raise ValueError(f"temperature: expected 0 (greedy) or more, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k: expected at least 1, got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p: expected a probability in (0, 1], got {top_p}")
    if min_p is not None and not 0 <= min_p <= 1:
        raise ValueError(f"min_p: expected a share in [0, 1], got {min_p}")


def penalise_repetition(logits, seen, penalty):
    """Make tokens that stand in the text already less likely: positive logits are divided by the penalty, negative ones multiplied.

    logits: (batch, vocab); seen: bool (batch, vocab) (Keskar et al. 2019, arXiv:1909.05858).
    """
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def left_pad(prompts, device=None):
    """ids int64 (batch, longest), padded with 0 on the left; and bool (batch, longest), True where an id is real."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return ids, torch.arange(longest, device=device) >= longest - lengths[:, None]


def next_logits(model, ids, real, cache=None):
    """Logits (batch, vocab) after the last of `ids`, of which the cache holds the first `cache.length`. real: False where an id is padding."""
    if not hasattr(model, "config"):
        return model(ids)[:, -1]
    start, mask, positions = 0 if cache is None else cache.length, None, None
    if not real.all():
        mask, positions = real[:, None, None], (real.cumsum(1) - 1).clamp(min=0)[:, start:]     # nobody looks at padding, and nobody counts it
    return model.head(model.hidden(ids[:, start:], mask=mask, positions=positions, cache=cache)[:, -1])


@torch.no_grad()
def generate(model, prompts, max_new_tokens, *, temperature=1.0, top_k=None, top_p=None, min_p=None, repetition_penalty=1.0,
             stop_tokens=(), on_token=None, use_cache=True, generator=None):
    """Continue each prompt, a list of ids, by at most `max_new_tokens` ids. Returns the new ids, a list for each prompt, without the stop token.

    on_token(row, id) is called for every new id; where it returns True, that row ends. The other settings: see sample_logits and
    penalise_repetition. Prompts of unequal length are padded on the left. A model without .config, such as an n-gram model, is called as
    model(ids), one prompt at a time, without a cache.
    """
    check_sampling(temperature, top_k, top_p, min_p)
    check_prompts(model, prompts, max_new_tokens, repetition_penalty)
    settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "generator": generator}
    common = {"penalty": repetition_penalty, "stop_tokens": set(stop_tokens), "on_token": on_token, "settings": settings}
    if not hasattr(model, "config"):
        return [new for row, prompt in enumerate(prompts) for new in continue_rows(model, [prompt], max_new_tokens, None, first_row=row, **common)]
    cache = make_cache(model, len(prompts), max(map(len, prompts)) + max_new_tokens) if use_cache else None
    with resting(model):
        return continue_rows(model, prompts, max_new_tokens, cache, device=model.head.weight.device, **common)


def continue_rows(model, prompts, max_new_tokens, cache, *, penalty, stop_tokens, on_token, settings, first_row=0, device=None):
    """The loop of `generate`: read, choose, append, until every row has ended. The prompts are rows first_row, first_row + 1, … of the caller's."""
    ids, real = left_pad(prompts, device)                                               # both (batch, longest)
    new, running = [[] for _ in prompts], set(range(len(prompts)))
    for _ in range(max_new_tokens):
        logits = next_logits(model, ids, real, cache)                                   # (batch, vocab)
        if penalty != 1:
            logits = penalise_repetition(logits, already_seen(prompts, new, logits), penalty)
        drawn = sample_logits(logits, **settings)                                       # (batch,)
        ids, real = torch.cat([ids, drawn[:, None]], 1), F.pad(real, (0, 1), value=True)
        for row in sorted(running):
            token = drawn[row].item()
            if token not in stop_tokens:
                new[row].append(token)
            if token in stop_tokens or (on_token is not None and on_token(first_row + row, token) is True):
                running.remove(row)
        if not running:
            break
    return new


@contextlib.contextmanager
def resting(*models):
    """Inside `with resting(model):` nothing is dropped out; afterwards each model is in training or not, as it was before."""
    models = [model for model in models if hasattr(model, "config")]
    before = [model.training for model in models]
    try:
        for model in models:
            model.eval()
        yield
    finally:
        for model, training in zip(models, before):
            model.train(training)


def make_cache(model, batch_size, max_tokens):
    """An empty KVCache that fits `model`; None for a model without .config."""
    if not hasattr(model, "config"):
        return None
    config, weight = model.config, model.head.weight
    return KVCache(config.n_layers, batch_size, config.n_kv_heads, max_tokens, config.head_dim, dtype=weight.dtype, device=weight.device)


def already_seen(prompts, new, logits):
    """bool (batch, vocab): which tokens stand in each row's prompt or in what came after it."""
    seen = torch.zeros_like(logits, dtype=torch.bool)
    for row, (prompt, added) in enumerate(zip(prompts, new)):
        seen[row, [*prompt, *added]] = True
    return seen


def check_prompts(model, prompts, max_new_tokens, repetition_penalty):
    """Refuse what generate can't continue."""
    if repetition_penalty <= 0:
        raise ValueError(f"repetition_penalty: expected a number above 0 (1 changes nothing), got {repetition_penalty}")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens: expected 0 or more, got {max_new_tokens}")
    if not len(prompts):
        raise ValueError("prompts: expected at least one prompt, got none")
    context = model.config.context_length if hasattr(model, "config") else math.inf
    for row, prompt in enumerate(prompts):
        if isinstance(prompt, int | str) or not all(isinstance(token, int) for token in prompt):
            raise TypeError(f"prompts: expected a list of lists of ids; prompt {row} is {prompt!r:.60}")
        if not prompt:
            raise ValueError(f"prompt {row} is empty: expected at least one id, such as the end-of-text token, which begins every text")
        if len(prompt) + max_new_tokens > context:
            raise ValueError(f"prompt {row} has {len(prompt)} tokens; with {max_new_tokens} new ones that makes "
                             f"{len(prompt) + max_new_tokens}, and the context holds {context}")


@torch.no_grad()
def beam_search(model, prompt, max_new_tokens, beams, *, stop_tokens=(), length_penalty=0.0):
    """Look for the likeliest continuation of one prompt, a list of ids: at every step the `beams` likeliest beginnings live on.

    Returns [(new ids without the stop token, score)], best first, at most `beams` of them. A score is ln P(new ids) divided by
    (their number, the stop token included) ** length_penalty: 0 ranks by probability, 1 by the mean surprise of a token.
    """
    check_prompts(model, [prompt], max_new_tokens, 1.0)
    if beams < 1 or length_penalty < 0:
        raise ValueError(f"beam_search: expected beams from 1 and a length_penalty from 0, got {beams} and {length_penalty}")
    cache = make_cache(model, 1, len(prompt) + max_new_tokens)
    ids = torch.tensor([prompt], device=None if cache is None else cache.keys.device)                # (living beams, tokens)
    stop, log_probs, found = torch.tensor(sorted(stop_tokens), device=ids.device), torch.zeros(1, device=ids.device), []
    with resting(model):
        for step in range(1, max_new_tokens + 1):
            logits = next_logits(model, ids, torch.ones_like(ids, dtype=torch.bool), cache)
            reached = log_probs[:, None] + logits.double().log_softmax(-1)                          # (living beams, vocab)
            log_probs, best = reached.flatten().topk(min(beams, reached.numel()))
            rows, tokens = best // reached.shape[1], best % reached.shape[1]
            ids, ended = torch.cat([ids[rows], tokens[:, None]], 1), torch.isin(tokens, stop)
            found += [(row[len(prompt):-1].tolist(), p.item() / step**length_penalty) for row, p in zip(ids[ended], log_probs[ended])]
            found = sorted(found, key=lambda item: -item[1])[:beams]
            ids, log_probs = ids[~ended], log_probs[~ended]
            if not len(ids) or len(found) == beams and log_probs[0] / max_new_tokens**length_penalty <= found[-1][1]:
                return found                                                                        # no living beam can still get among them
            if cache is not None:
                cache.reorder(rows[~ended])
    found += [(row[len(prompt):].tolist(), p.item() / max(1, max_new_tokens)**length_penalty) for row, p in zip(ids, log_probs)]
    return sorted(found, key=lambda item: -item[1])[:beams]


@torch.no_grad()
def speculative_generate(model, draft, prompt, max_new_tokens, *, draft_tokens=4, temperature=1.0, generator=None):
    """Continue one prompt, a list of ids, by `max_new_tokens` ids drawn from `model`: `draft` proposes, `model` reads all proposals in one pass.

    The ids are distributed as if `model` had drawn each of them (Leviathan et al. 2023, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318).
    draft: a GPT of the same vocabulary, or any model(ids) -> logits. Returns (new ids, how many of them were accepted proposals).
    """
    check_sampling(temperature, None, None, None)
    if draft_tokens < 0:
        raise ValueError(f"draft_tokens: expected 0 or more, got {draft_tokens}")
    for reader in (model, draft):
        check_prompts(reader, [prompt], max_new_tokens, 1.0)
    ids, end, accepted = list(prompt), len(prompt) + max_new_tokens, 0
    caches = [make_cache(reader, 1, end) for reader in (model, draft)]
    with resting(model, draft):
        while len(ids) < end:
            proposed, q = [], []
            while len(proposed) < min(draft_tokens, end - len(ids) - 1):
                q.append(read_on(draft, ids + proposed, caches[1], 1, temperature)[0])             # (vocab,)
                proposed.append(torch.multinomial(q[-1], 1, generator=generator).item())
            p = read_on(model, ids + proposed, caches[0], len(proposed) + 1, temperature)           # (proposals + 1, vocab)
            if q and q[0].shape != p[0].shape:
                raise ValueError(f"draft: expected the model's vocabulary of {p.shape[-1]}, got one of {len(q[0])}")
            for token, p_here, q_here in zip(proposed, p, q):
                if torch.rand((), generator=generator) * q_here[token] >= p_here[token]:            # kept with probability min(1, p / q)
                    missing = (p_here - q_here).clamp(min=0)                                        # what q proposes too seldom
                    correction = missing if missing.any() else p_here                               # equal but for rounding
                    break
                ids.append(token)
                accepted += 1
            else:
                correction = p[-1]
            ids.append(torch.multinomial(correction, 1, generator=generator).item())
            for cache in filter(None, caches):
                cache.truncate(min(cache.length, len(ids) - 1))                                     # forget what was refused
    return ids[len(prompt):], accepted


def read_on(model, ids, cache, last, temperature):
    """Probabilities (last, vocab), float64, of what follows each of the `last` last ids; what the cache holds is not read again."""
    if cache is None:
        logits = model(torch.tensor([ids]))[0, -last:].cpu()                                        # all draws are made on the CPU
    else:
        logits = model(torch.tensor([ids[cache.length:]], device=cache.keys.device), cache=cache)[0, -last:].cpu()
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).double()
    return (logits.double() / temperature).softmax(-1)


# ---- 04_memory_and_compute ----

FORMATS = {"fp32": 4, "bf16": 2, "fp16": 2, "int8": 1, "int4": 0.5}                     # bytes per number


def kept_by_norm(config, width, size):
    """Bytes that autograd keeps for one vector in a norm, its output left out. size: bytes per number."""
    return (width + 2) * size if config.norm == "layernorm" else 8 * width + 4          # RMSNorm is computed in fp32


def kept_by_block(config, batch_size, context_length, size):
    """Bytes that autograd keeps of one block, part by part: a dict. size: bytes per number. Without dropout; on a CPU, by SDPA in tiles."""
    c, tokens = config, batch_size * context_length
    queries, keys = c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim
    copied = c.n_heads > 1 and (c.positions == "rope" or c.qk_norm)       # the heads' outputs, side by side
    mlp = (4 if c.activation == "swiglu" else 2) * c.d_ff * size
    if c.experts:
        mlp = c.experts_per_token * (mlp + (3 * c.d_model + 1) * size + 32) + 12        # rows in, out and weighed; who goes where
    masked = c.window is not None and c.window < context_length
    return {"norms": tokens * (2 * kept_by_norm(c, c.d_model, size) + c.qk_norm * (c.n_heads + c.n_kv_heads) * kept_by_norm(c, c.head_dim, size)),
            "inputs of attention and MLP": tokens * 2 * c.d_model * size,
            "queries, keys, values": tokens * (queries + 2 * keys) * size,
            "attention's output": tokens * ((1 + copied) * queries * size + 4 * c.n_heads) + masked * context_length**2 * size,
            "inside the MLP": tokens * mlp}


def kept_activations(config, batch_size, context_length, size, *, checkpointing=False, chunk=None):
    """Bytes that autograd keeps from the ids to the cross-entropy; checkpointing: of a block, its input alone; chunk: no log-probabilities."""
    c, tokens = config, batch_size * context_length
    block = tokens * c.d_model * size if checkpointing else sum(kept_by_block(c, batch_size, context_length, size).values())
    tables = {"learned": 8 * context_length, "rope": 4 * c.context_length * c.head_dim, "none": 0}[c.positions]
    head = tokens * (kept_by_norm(c, c.d_model, size) + c.d_model * size)
    return 16 * tokens + tables + c.n_layers * block + head + (0 if chunk else 4 * tokens * c.vocab_size)


def chunked_cross_entropy(hidden, weight, targets, *, chunk=1024, ignore_index=-100):
    """(summed surprise in nats, number of targets) of the logits hidden @ weight.T, of which only `chunk` rows exist at a time.

    hidden: (..., d_model), weight: (vocab, d_model), targets: int64 (...), ignore_index where there is nothing to predict.
    """
    if hidden.shape[:-1] != targets.shape or chunk < 1:
        raise ValueError(f"chunked_cross_entropy: expected one target for each hidden vector and a chunk of at least 1; "
                         f"got hidden {tuple(hidden.shape)}, targets {tuple(targets.shape)}, chunk {chunk}")

    def nats(some, theirs):
        logits = some @ weight.T                                                        # (chunk, vocab)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))            # bf16 is too coarse for the logarithm of a sum
        return F.cross_entropy(logits, theirs, ignore_index=ignore_index, reduction="sum")

    pieces = zip(hidden.flatten(0, -2).split(chunk), targets.flatten().split(chunk))
    return sum(checkpoint(nats, some, theirs, use_reentrant=False) for some, theirs in pieces), (targets != ignore_index).sum()


@functools.lru_cache(256)
def parameter_count(config):
    """How many weights a GPT of this config has, counted on a model without numbers."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in GPT(config).parameters())


def memory_budget(config, batch_size, context_length, *, weights="fp32", gradients="fp32", optimizer="adamw", activations="fp32",
                  checkpointing=False, chunk=None, kv_cache=None):
    """Bytes that a GPT needs, by what for: a dict of weights, gradients, optimizer, activations, workspace, kv_cache.

    weights, gradients, activations, kv_cache: a name in FORMATS, or None for none of it (to serve: gradients, optimizer and activations None).
    optimizer: "adamw" (two fp32 numbers a weight), "sgd" (none) or None; for weights below fp32 it holds an fp32 copy of them as well.
    activations: what autograd keeps at the end of the forward pass of batch_size texts of context_length tokens, up to the cross-entropy in
    fp32, without dropout, by PyTorch's operations on a CPU (the fused ones of a GPU may keep less); workspace: what comes on top at the worst
    moment of the backward pass, gradients being held. checkpointing: of each block only the input is kept; chunk: the loss is
    chunked_cross_entropy's. Left out: what a forward pass without gradients needs for a moment, and the scales of int8 and int4.
    """
    for name, form in (("weights", weights), ("gradients", gradients), ("activations", activations), ("kv_cache", kv_cache)):
        if form not in FORMATS and (form is not None or name == "weights"):
            raise ValueError(f"memory_budget: {name} must be one of {', '.join(FORMATS)}{'' if name == 'weights' else ' or None'}; got {form!r}")
    if optimizer not in ("adamw", "sgd", None):
        raise ValueError(f'memory_budget: optimizer must be "adamw", "sgd" or None, got {optimizer!r}')
    if min(batch_size, context_length) < 1 or context_length > config.context_length:
        raise ValueError(f"memory_budget: expected a batch_size from 1 and a context_length from 1 to {config.context_length}; "
                         f"got {batch_size} and {context_length}")
    if activations and config.dropout:
        raise ValueError("memory_budget: activations are counted without dropout, whose masks would come on top")
    count, tokens = parameter_count(config), batch_size * context_length
    moments = {"adamw": 8, "sgd": 0}.get(optimizer, 0) + (4 if optimizer and weights != "fp32" else 0)
    budget = {"weights": FORMATS[weights] * count, "gradients": FORMATS[gradients] * count if gradients else 0, "optimizer": moments * count,
              "activations": 0, "workspace": 0,
              "kv_cache": 2 * config.n_layers * config.n_kv_heads * config.head_dim * tokens * FORMATS[kv_cache] if kv_cache else 0}
    if activations:
        size = FORMATS[activations]
        budget["activations"] = kept_activations(config, batch_size, context_length, size, checkpointing=checkpointing, chunk=chunk)
        of_head = config.vocab_size * config.d_model * size                             # its gradient; if tied, it waits for the embedding's
        head = 12 * min(chunk, tokens) * config.vocab_size + of_head if chunk else 8 * tokens * config.vocab_size
        wide = config.d_ff * max(1, config.experts_per_token * bool(config.experts))
        block = sum(kept_by_block(config, batch_size, context_length, size).values()) + tokens * (wide - config.d_model) * size
        block += config.tied * of_head - (0 if chunk else 4 * tokens * config.vocab_size)
        budget["workspace"] = max(head, block if checkpointing else 0)
    return {name: int(-(-size // 1)) for name, size in budget.items()}


def flops_per_token(config, context_length, *, training=False):
    """FLOPs of all matrix products for one token, 2 for each multiplication and addition: an int.

    Attention is counted in full, context_length keys for each query, masked or not, as PyTorch's FlopCounterMode counts it; so it is also the
    cost of one new token with context_length - 1 in the KV cache. training: forward and backward, three times as much.
    """
    c, queries, keys = config, config.n_heads * config.head_dim, config.n_kv_heads * config.head_dim
    attention = c.d_model * (2 * queries + 2 * keys) + 2 * context_length * queries     # four projections; scores and mixing
    mlp = (3 if c.activation == "swiglu" else 2) * c.d_model * c.d_ff
    if c.experts:
        mlp = c.experts_per_token * mlp + c.d_model * c.experts                         # the favourites, and the router
    forward = 2 * (c.n_layers * (attention + mlp) + c.d_model * c.vocab_size)
    return 3 * forward if training else forward


def by_columns(model):
    """Store each matrix of `model` column by column, in place. Returns the model.

    Values and results stay, up to the order of additions. In fp32 a CPU multiplies such a matrix with a single vector faster, which is what
    cached generation does; in bf16 it is slower.
    """
    for parameter in model.parameters():
        if parameter.dim() == 2:
            parameter.data = parameter.data.T.contiguous().T
    return model
