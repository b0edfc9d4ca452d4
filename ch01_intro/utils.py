# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import itertools
import math
import numbers
import random
import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch

# ---- 01_what_is_a_language_model ----

# Okabe and Ito's colour-blind safe palette (2008)
COLORS = {"blue": "#0072B2", "orange": "#E69F00", "green": "#009E73", "red": "#D55E00", "purple": "#CC79A7",
          "sky": "#56B4E9", "grey": "#8A8A8A", "ink": "#222222"}


def use_style():
    """Set the course's one figure style: colour-blind safe, open axes, readable at half size."""
    plt.rcParams.update({
        "figure.figsize": (7.0, 3.2), "figure.dpi": 110, "savefig.dpi": 110, "figure.constrained_layout.use": True,
        "font.size": 10.5, "axes.titlesize": 11.5, "axes.titlelocation": "left", "axes.titleweight": "bold",
        "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6,
        "axes.edgecolor": COLORS["ink"], "text.color": COLORS["ink"], "axes.labelcolor": COLORS["ink"],
        "lines.linewidth": 2.0, "lines.markersize": 5, "legend.frameon": False, "svg.hashsalt": "course",
        "axes.prop_cycle": plt.cycler(color=[COLORS[c] for c in ("blue", "orange", "green", "red", "purple", "sky")]),
    })


# a run of letters, or any other single character, each with the space before it
PIECE = re.compile(r" ?[^\W\d_]+| ?\S|\s")


class WordTokenizer:
    """Words and marks as tokens; a word outside the vocabulary is spelled: an escape token, then its bytes. Nothing is lost.

    WordTokenizer(texts, min_count=2): the vocabulary is every piece that occurs at least min_count times in `texts`, the most
    frequent first. Ids: the special tokens `<|endoftext|>` and `<|spell|>`, then 256 bytes, then pieces.
    """

    def __init__(self, texts, min_count=2):
        if isinstance(texts, str):
            raise TypeError("texts: expected a list of strings, got one string; write [text]")
        counts = Counter(piece for text in texts for piece in PIECE.findall(text))
        self.special_tokens = {"<|endoftext|>": 0, "<|spell|>": 1}
        kept = [piece for piece in sorted(counts, key=lambda piece: (-counts[piece], piece)) if counts[piece] >= min_count]
        self._bytes = [name.encode() for name in self.special_tokens]
        self._bytes += [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in kept]
        self._ids = {piece: 258 + i for i, piece in enumerate(kept)}
        self.vocab_size = len(self._bytes)

    def encode(self, text, *, allow_special=False):
        """The token ids of a text. Special-token text is ordinary text unless allow_special is set."""
        if allow_special:
            names = "|".join(map(re.escape, self.special_tokens))
            return [i for part in re.split(f"({names})", text) if part
                    for i in ([self.special_tokens[part]] if part in self.special_tokens else self.encode(part))]
        ids = []
        for piece in PIECE.findall(text):
            known = self._ids.get(piece)
            ids += [known] if known is not None else [1, *(2 + byte for byte in piece.encode())]
        return ids

    def decode(self, ids, errors="replace"):
        """The text of token ids; the escape token prints nothing. ValueError for an id outside the vocabulary."""
        return b"".join(b"" if i == 1 else self.token_bytes(i) for i in ids).decode(errors=errors)

    def token_bytes(self, id):
        """The bytes that one token stands for."""
        if not 0 <= id < self.vocab_size:
            raise ValueError(f"token id: expected 0 to {self.vocab_size - 1}, got {id}")
        return self._bytes[id]


def cross_entropy_nats(log_probs, targets):
    """Mean surprise in nats per token: −mean log p(target).

    log_probs: (..., vocab), natural logarithms of probabilities; targets: int64 (...), where −100 marks what does not count.
    Returns a scalar tensor. ValueError where the shapes don't fit. (Shannon 1948.)
    """
    if log_probs.shape[:-1] != targets.shape:
        raise ValueError(f"targets: expected the shape {tuple(log_probs.shape[:-1])} of log_probs, got {tuple(targets.shape)}")
    counted = targets != -100
    # gather: from each row of log-probabilities, the one of its target
    return -log_probs[counted].gather(-1, targets[counted].unsqueeze(-1)).mean()


def bits_per_byte(nats, n_bytes):
    """A text's total surprise in nats and its length in UTF-8 bytes, as bits per byte: comparable across tokenizers."""
    if n_bytes <= 0:
        raise ValueError(f"n_bytes: expected a positive number of bytes, got {n_bytes}")
    return float(nats) / math.log(2) / n_bytes


class NGramModel:
    """Counts of runs of up to n tokens, with Witten and Bell's back-off (1991): longer contexts are mixed with all shorter ones.

    NGramModel(n, vocab_size).fit(stories) counts lists of token ids, each read as `end`, its ids, `end`, where `end` is id 0.
    model(ids) -> log-probabilities of the next token after each position, float64 (…, tokens, vocab); ids: int64 (…, tokens).
    What stands before the first token counts as `end`.
    """

    def __init__(self, n, vocab_size, end=0):
        if n < 1:
            raise ValueError(f"n: expected at least 1, got {n}")
        self.n, self.vocab_size, self.end = n, vocab_size, end
        self.followers = [{} for _ in range(n)]              # followers[k]: context of k tokens -> {next token: count}
        self.totals = [Counter() for _ in range(n)]          # totals[k]: the same counts, summed up for each context

    def fit(self, stories):
        """Count the runs of n tokens of each story; shorter runs are sums of those. Returns the model itself."""
        runs = Counter()
        for ids in stories:
            padded = [self.end] * (self.n - 1) + list(ids) + [self.end]
            # for n = 3 and a story a, b: (end, end, a), (end, a, b), (a, b, end)
            runs.update(zip(*(padded[k:] for k in range(self.n))))
        for run, count in runs.items():
            for k in range(self.n):
                context, token = run[self.n - 1 - k:-1], run[-1]
                row = self.followers[k].setdefault(context, {})
                row[token] = row.get(token, 0) + count
                self.totals[k][context] += count
        return self

    def rows(self, context):
        """(followers, their total) of the last 0, 1, … n − 1 tokens of `context`, as far as training has seen them."""
        context = (self.end,) * (self.n - 1) + tuple(context)
        for k in range(self.n):
            last = context[len(context) - k:]
            if last not in self.followers[k]:
                return
            yield self.followers[k][last], self.totals[k][last]

    def prob(self, token, context):
        """P(token | context), one number: the formula, from the shortest context to the longest."""
        p = 1 / self.vocab_size
        for row, total in self.rows(context):
            p = (row.get(token, 0) + len(row) * p) / (total + len(row))
        return p

    def next_probs(self, context):
        """P(· | context) for the whole vocabulary at once: float64 (vocab,)."""
        probs = torch.full((self.vocab_size,), 1 / self.vocab_size, dtype=torch.float64)
        for row, total in self.rows(context):
            probs *= len(row) / (total + len(row))
            probs[list(row)] += torch.tensor(list(row.values()), dtype=torch.float64) / (total + len(row))
        return probs

    def __call__(self, ids):
        if ids.ndim > 1:
            return torch.stack([self(row) for row in ids])
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < self.vocab_size:
            raise ValueError(f"ids: expected 0 to {self.vocab_size - 1}, got {int(ids.min())} to {int(ids.max())}")
        ids = ids.tolist()
        return torch.stack([self.next_probs(ids[max(0, i - self.n + 2):i + 1]) for i in range(len(ids))]).log()


def plot_next_token(distributions, top=8, title=""):
    """Bars of the likeliest next tokens, one panel for each distribution.

    distributions: {name: {token text: probability}}; the `top` likeliest of each are drawn, and the rest summed up in grey.
    """
    fig, axes = plt.subplots(1, len(distributions), squeeze=False)
    for axis, (name, shares), colour in zip(axes[0], distributions.items(), ("blue", "orange", "green", "red")):
        best = sorted(shares.items(), key=lambda item: -item[1])[:top]
        rest = max(0.0, 1 - sum(share for _, share in best))
        labels = [repr(text)[1:-1] for text, _ in best] + ["all others"]
        values = [share for _, share in best] + [rest]
        axis.barh(range(len(labels)), values, color=[COLORS[colour]] * len(best) + [COLORS["grey"]])
        axis.set(yticks=range(len(labels)), yticklabels=labels, xlabel="probability", title=name)
        axis.set_xlim(0, 1.2 * max(values))
        for i, value in enumerate(values):
            axis.text(value, i, f" {value:.2f}", va="center", fontsize=9)
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
    fig.suptitle(title, fontsize=10)
    plt.show()


# ---- 02_tensors_and_gradients ----

class Scalar:
    """A number that remembers how it was made, so that `backward` can find the slope of a result by every number behind it.

    value: float. sources: pairs (Scalar, slope of this value by that one). grad: d(result)/d(this), summed over backward calls.
    Takes + − * / with Scalars and numbers, ** with a fixed exponent, exp, log, tanh. (Reverse mode: Linnainmaa 1970.)
    """
    births = itertools.count()

    def __init__(self, value, sources=(), how=""):
        if not isinstance(value, numbers.Real):
            raise TypeError(f"value: expected a real number, got {type(value).__name__}")
        self.value, self.sources, self.how, self.grad, self.birth = float(value), sources, how, 0.0, next(Scalar.births)

    def __add__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.value + other.value, ((self, 1.0), (other, 1.0)), "+")

    def __mul__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.value * other.value, ((self, other.value), (other, self.value)), "×")

    def __pow__(self, n):
        slope = n * math.pow(self.value, n - 1) if n else 0.0
        return Scalar(math.pow(self.value, n), ((self, slope),), f"^{n}")

    def exp(self): return Scalar(y := math.exp(self.value), ((self, y),), "exp")
    def log(self): return Scalar(math.log(self.value), ((self, 1 / self.value),), "log")
    def tanh(self): return Scalar(y := math.tanh(self.value), ((self, 1 - y * y),), "tanh")
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -other
    def __rsub__(self, other): return -self + other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return self**-1 * other
    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        """Add d(self)/d(x) to x.grad, for self and every Scalar x behind it."""
        slopes, found = {self: 1.0}, [self]
        for node in found:                                      # the list grows while we walk along it
            new = dict.fromkeys(source for source, _ in node.sources if source not in slopes)
            slopes.update(dict.fromkeys(new, 0.0))
            found += new
        for node in sorted(found, key=lambda node: node.birth, reverse=True):
            node.grad += slopes[node]
            for source, slope in node.sources:
                slopes[source] += slopes[node] * slope


def set_seed(seed):
    """Seed the global random generators of Python, NumPy and PyTorch (all devices). seed: an integer from 0 to 2**32 − 1.

    Returns nothing. What should not depend on earlier draws takes a generator of its own: torch.Generator().manual_seed(seed).
    """
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"seed: expected an integer from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    torch.manual_seed(int(seed))


def pick_device():
    """The fastest torch.device at hand: "cuda" (NVIDIA, AMD), else "mps" (Apple), else "cpu"."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


# ---- 03_a_first_neural_model ----

def plot_losses(curves, floor=None, ylabel="loss, nats per token", title="", ax=None, log=""):
    """Draw losses over steps, each line labelled at its end; returns the axes, and leaves plt.show() to the caller.

    curves: {label: losses} or {label: (steps, losses)}; without steps they are 0, 1, 2 …   floor: a number, drawn as a dashed
    line, or None.   ax: the axes to draw on; None makes a new figure.   log: which axes are logarithmic, "", "x", "y" or "xy".
    ValueError where a curve is empty, or its steps and losses differ in number. What can't be drawn leaves a gap.
    """
    ax = plt.subplots()[1] if ax is None else ax
    ax.set(xlabel="step", ylabel=ylabel, title=title, **{f"{axis}scale": "log" for axis in log})
    ends = []                                                   # (height, label, colour)
    for label, curve in curves.items():
        paired = isinstance(curve, tuple) and len(curve) == 2 and hasattr(curve[0], "__len__")
        losses = [float(loss) for loss in (curve[1] if paired else curve)]
        steps = [float(step) for step in (curve[0] if paired else range(len(losses)))]
        if len(steps) != len(losses) or not losses:
            raise ValueError(f"curve {label!r}: expected as many losses as steps, at least one; "
                             f"got {len(losses)} losses, {len(steps)} steps")
        losses = [loss if math.isfinite(loss) and (loss > 0 or ax.get_yscale() != "log") else math.nan for loss in losses]
        line, = ax.plot(steps, losses)
        ends += [(loss, label, line.get_color()) for loss in losses[::-1] if not math.isnan(loss)][:1]
    if floor is not None:
        ax.axhline(floor, color=COLORS["ink"], linestyle="--", linewidth=1.3)
        ends.append((float(floor), f"floor {floor:.2f}", COLORS["ink"]))
    ends.sort(key=lambda end: end[0])
    ax.get_ylim()                                               # matplotlib settles the limits only when asked
    places = [ax.transData.transform((1, height))[1] * 72 / ax.figure.dpi for height, _, _ in ends]     # in points
    shown = list(places)
    for _ in range(100):                                        # labels that are too near push each other apart
        for i in range(len(shown) - 1):
            push = max(0.0, 1.25 * plt.rcParams["font.size"] * (1 + ends[i][1].count("\n")) - (shown[i + 1] - shown[i])) / 2
            shown[i], shown[i + 1] = shown[i] - push, shown[i + 1] + push
    for (height, label, colour), place, at in zip(ends, places, shown):
        ax.annotate(label, (1, height), xytext=(6, at - place), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                    va="center", color=colour, annotation_clip=False)
    return ax


# ---- 04_roadmap ----

def count_parameters(*, vocab_size, d_model, n_layers, n_heads, n_kv_heads=None, head_dim=None, d_ff=None,
                     context_length=0, gated=False, bias=False, tied=False):
    """Parameters of a decoder-only transformer, exactly. -> int

    n_kv_heads: heads of keys and values (default n_heads). head_dim: default d_model / n_heads. d_ff: width inside the MLP
    (default 4 d_model). context_length: rows of a learned position table, 0 for none. gated: the MLP has a third matrix (SwiGLU).
    bias: biases on the matrices and shifts on the norms (GPT-2). tied: the output shares the token table. Two norms a block, one
    at the end.
    ValueError where sizes are not positive whole numbers or heads don't divide.
    """
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    sizes = {"vocab_size": vocab_size, "d_model": d_model, "n_layers": n_layers, "n_heads": n_heads, "n_kv_heads": n_kv_heads,
             "head_dim": head_dim, "d_ff": d_ff, "context_length": context_length}
    for name, size in sizes.items():
        left_out = size is None and name in ("head_dim", "d_ff") or size == 0 and name == "context_length"
        if not left_out and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            raise ValueError(f"{name}: expected a positive whole number, got {size!r}")
    for name, switch in (("gated", gated), ("bias", bias), ("tied", tied)):
        if not isinstance(switch, bool):
            raise ValueError(f"{name}: expected True or False, got {switch!r}")
    if n_heads % n_kv_heads:
        raise ValueError(f"n_heads: expected a multiple of n_kv_heads = {n_kv_heads}, got {n_heads}")
    if head_dim is None and d_model % n_heads:
        raise ValueError(f"n_heads: expected a divisor of d_model = {d_model}, got {n_heads}")
    head_dim, d_ff = head_dim or d_model // n_heads, d_ff or 4 * d_model

    def matrix(inputs, outputs):
        return inputs * outputs + bias * outputs

    norm = d_model + bias * d_model
    queries, keys = n_heads * head_dim, n_kv_heads * head_dim   # widths; values are as wide as keys
    attention = matrix(d_model, queries) + 2 * matrix(d_model, keys) + matrix(queries, d_model)
    mlp = (1 + gated) * matrix(d_model, d_ff) + matrix(d_ff, d_model)
    tables = (1 if tied else 2) * vocab_size * d_model + context_length * d_model
    return tables + n_layers * (attention + mlp + 2 * norm) + norm


def train_flops(parameters, tokens):
    """FLOPs to train on `tokens` tokens: 6 · parameters · tokens (2 forward, 4 backward).

    In a mixture of experts only the parameters that a token meets count. Leaves out attention's scores, a few percent at usual
    lengths. ValueError unless both are positive. (Kaplan et al. 2020, arXiv 2001.08361.)
    """
    for name, value in (("parameters", parameters), ("tokens", tokens)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, got {value!r}")
    return 6.0 * parameters * tokens


def chinchilla_optimal(flops, tokens_per_parameter=20.0):
    """(parameters, tokens) that spend a budget of `flops` at a fixed ratio: N = √(C / 6r), D = r N.

    r = 20 gives about the lowest loss for the budget. ValueError unless both are positive.
    (Hoffmann et al. 2022, arXiv 2203.15556.)
    """
    for name, value in (("flops", flops), ("tokens_per_parameter", tokens_per_parameter)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, got {value!r}")
    parameters = math.sqrt(flops / (6 * tokens_per_parameter))
    return parameters, tokens_per_parameter * parameters
