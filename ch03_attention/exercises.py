"""Checks for the exercises of chapter 3."""
import math

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ch01_intro.exercises import Wrong, check
from ch03_attention.utils import apply_rope, attention, causal_mask, rope_tables, visible_tiles

# ---- 04 kv cache and variants


@check("3.4.1")
def check_bytes_and_tokens(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong(f"expected two numbers, (bytes per token, tokens in 1 GiB), got {answer!r}")
    per_token, tokens = answer
    right = 2 * 24 * 4 * 64
    causes = {2 * right: "that is with 2 bytes per number; int8 has one",
              4 * right: "that counts the 16 query heads; only the 4 KV heads are stored",
              8 * right: "that counts the 16 query heads, and 2 bytes per number; 4 KV heads are stored, in one byte",
              right // 2: "that is the keys alone; each token leaves a value behind, too",
              right // 24: "that is one layer; all 24 keep a cache of their own"}
    if per_token != right:
        raise Wrong(f"{per_token} bytes per token: {causes.get(per_token, '2 · layers · KV heads · head_dim · bytes per number')}")
    if int(tokens) == 2**30 // right:
        return "12 KiB a word: 87,381 words in the room that Llama-2-7B fills with 2,048."
    if int(tokens) == 10**9 // right:
        raise Wrong("the bytes are right; the tokens are those of 10⁹ bytes, and a GiB has 2³⁰")
    raise Wrong(f"the bytes are right; 2³⁰ divided by {right} is not {tokens}")


@check("3.4.2")
def check_count_cards(count_cards):
    for prompt, new in ((1, 1), (5, 6), (1, 1000), (100, 50), (7, 1), (3, 2)):
        got = count_cards(prompt, new)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"expected two numbers, (without a cache, with one), got {got!r}")
        right = sum(range(prompt, prompt + new)), prompt + new - 1
        shown = f"prompt {prompt}, new {new}: without a cache {got[0]}, with one {got[1]}"
        if tuple(got) == right:
            continue
        if got[0] == right[1] and got[1] == right[0]:
            raise Wrong(f"{shown}: the two are the wrong way round")
        if got[0] == sum(range(prompt + 1, prompt + new + 1)) or got[1] == prompt + new:
            raise Wrong(f"{shown}; expected {right}. Do you read the last new token? Nothing is generated after it")
        if got[0] == sum(range(1, prompt + new)) and prompt > 1:
            raise Wrong(f"{shown}; expected {right}. The prompt is read at once, {prompt} cards the first time, not word by word from 1")
        if got[1] == new:
            raise Wrong(f"{shown}; expected {right}. With a cache the prompt has to be read as well, once")
        raise Wrong(f"{shown}; expected {right}")
    return "A triangle against a line: that is the whole reason for the cache."


@check("3.4.3")
def check_read_cache(read_cache):
    generator = torch.Generator().manual_seed(343)
    for queries, keys in ((4, 4), (1, 3), (2, 5), (1, 1), (5, 12), (1, 64)):
        query, key, value = (torch.randn(2, 3, n, 8, generator=generator) for n in (queries, keys, keys))
        got, case = read_cache(query, key, value), f"{queries} queries, {keys} keys"
        right = attention(query, key, value, causal_mask(queries, keys))[0]
        if not isinstance(got, torch.Tensor) or got.shape != query.shape:
            raise Wrong(f"{case}: expected a tensor of shape {tuple(query.shape)}, got {tuple(got.shape) if hasattr(got, 'shape') else got!r}")
        if torch.allclose(got, right, atol=1e-5):
            continue
        corner = attention(query, key, value, torch.ones(queries, keys, dtype=torch.bool).tril())[0]
        if torch.allclose(got, corner, atol=1e-5):
            raise Wrong(f"{case}: query 1 sees key 1 only, query 2 two of them: the triangle lies in the upper left corner. "
                        "The queries are the last of the keys")
        if torch.allclose(got, attention(query, key, value)[0], atol=1e-5):
            raise Wrong(f"{case}: now every query sees all keys. That is right for a single newest query, but of {queries} new ones "
                        "the first must not see the others")
        if torch.allclose(got, attention(query, key, value, ~causal_mask(queries, keys))[0], atol=1e-5):
            raise Wrong(f"{case}: you show what is to be hidden. True means: may look")
        raise Wrong(f"{case}: the result differs from attention with causal_mask({queries}, {keys}) by "
                    f"{(got - right).abs().max():.2g}; does query 1 see the first {keys - queries + 1} keys, and the last query all?")
    return "Prefill, decode and everything between, by one line."


@check("3.4.4")
def check_pool_heads(pool_heads):
    generator = torch.Generator().manual_seed(344)
    for n_heads, n_kv_heads, head_dim, d_model in ((8, 2, 4, 12), (4, 1, 3, 8), (6, 3, 2, 5), (4, 4, 2, 6)):
        weight = torch.randn(n_heads * head_dim, d_model, generator=generator)
        before, got = weight.clone(), pool_heads(weight, n_heads, n_kv_heads)
        case = f"{n_heads} heads, {n_kv_heads} KV heads, head_dim {head_dim}, d_model {d_model}"
        heads = before.view(n_kv_heads, -1, head_dim, d_model)
        right = heads.mean(1).flatten(0, 1)
        if not isinstance(got, torch.Tensor) or got.shape != right.shape:
            raise Wrong(f"{case}: expected shape {tuple(right.shape)}, got {tuple(got.shape) if hasattr(got, 'shape') else got!r}")
        if torch.allclose(got, right, atol=1e-6):
            if not torch.equal(weight, before):
                raise Wrong(f"{case}: right, but the weight that was handed in has changed")
            continue
        if torch.allclose(got, heads.sum(1).flatten(0, 1), atol=1e-6):
            raise Wrong(f"{case}: that is the sum of each group; with equal heads the model would not stay the same")
        if torch.allclose(got, heads[:, 0].flatten(0, 1), atol=1e-6):
            raise Wrong(f"{case}: that keeps the first head of each group, and throws the others away; average them")
        if torch.allclose(got, before.view(-1, n_kv_heads, head_dim, d_model).mean(0).flatten(0, 1), atol=1e-6):
            group = n_heads // n_kv_heads
            raise Wrong(f"{case}: you have averaged heads 0, {n_kv_heads}, …; a group is of neighbours, heads 0 to {group - 1} first")
        if torch.allclose(got, before.view(n_kv_heads, head_dim, -1, d_model).mean(2).flatten(0, 1), atol=1e-6):
            raise Wrong(f"{case}: you have averaged rows within a head; row r of a head is to be averaged with row r of the next head")
        raise Wrong(f"{case}: row 0 should be the mean of the rows {[head * head_dim for head in range(n_heads // n_kv_heads)]}, and differs from it "
                    f"by {(got[0] - right[0]).abs().max():.2g}")
    return "The start of Ainslie's recipe; what remains is to train on for a while, so that the heads of a group get used to each other."


@check("3.4.5")
def check_absorb_values(absorb_values):
    generator = torch.Generator().manual_seed(345)
    for n_heads, head_dim, latent_dim, d_model in ((3, 4, 5, 7), (2, 6, 3, 8), (4, 4, 4, 16), (1, 2, 3, 4)):
        v_weight = torch.randn(n_heads * head_dim, latent_dim, generator=generator)
        o_weight = torch.randn(d_model, n_heads * head_dim, generator=generator)
        got = absorb_values(v_weight, o_weight, n_heads)
        case = f"{n_heads} heads of width {head_dim}, latent {latent_dim}, d_model {d_model}"
        parts = o_weight.view(d_model, n_heads, head_dim).transpose(0, 1)                       # (heads, d_model, head_dim)
        right = parts @ v_weight.view(n_heads, head_dim, latent_dim)                            # (heads, d_model, latent_dim)
        if not isinstance(got, torch.Tensor) or got.shape != right.shape:
            shape = tuple(got.shape) if hasattr(got, "shape") else got
            hint = ""
            if shape == (d_model, latent_dim):
                hint = "; that is one matrix for all heads together, but each head has mixed its own notes"
            elif shape == (n_heads, latent_dim, d_model):
                hint = "; the output comes first, as in nn.Linear"
            raise Wrong(f"{case}: expected shape {tuple(right.shape)}, got {shape}{hint}")
        if torch.allclose(got, right, atol=1e-4):
            continue
        wrong_rows = o_weight.reshape(n_heads, d_model, head_dim) @ v_weight.view(n_heads, head_dim, latent_dim)
        if torch.allclose(got, wrong_rows, atol=1e-4):
            raise Wrong(f"{case}: o_weight was cut into heads along its rows; a head owns columns, since it is a part of the input of o_proj")
        strided = o_weight.view(d_model, head_dim, n_heads).permute(2, 0, 1) @ v_weight.view(head_dim, n_heads, latent_dim).transpose(0, 1)
        if torch.allclose(got, strided, atol=1e-4):
            raise Wrong(f"{case}: head 0 got the rows and columns whose numbers are divisible by {n_heads}; its own are the first {head_dim}")
        if torch.allclose(got, right.flip(0), atol=1e-4):
            raise Wrong(f"{case}: the right matrices in the wrong order of heads")
        raise Wrong(f"{case}: for notes c of head 0, O₀ V₀ c should be {(right[0] @ torch.ones(latent_dim))[0]:.3f} in its first coordinate for "
                    f"c = 1, 1, …; yours gives {(got[0] @ torch.ones(latent_dim))[0]:.3f}")
    return ("128 products of 5,120 × 512, 336 million numbers, against 92 million in the two factors: what can be absorbed on paper "
            "is better left as two steps.")


@check("3.4.6")
def check_ring_append(ring_append):
    generator = torch.Generator().manual_seed(346)
    for window, tokens in ((3, 8), (1, 4), (5, 17), (6, 4)):
        key, value = torch.randn(2, 2, 3, tokens, 4, generator=generator)                       # each (batch, kv_heads, tokens, head_dim)
        query = torch.randn(2, 3, tokens, 4, generator=generator)
        keys, values = torch.full((2, 2, 3, window, 4), torch.nan)
        mask = causal_mask(tokens) & ~causal_mask(tokens).tril(-window)
        expected = attention(query, key, value, mask)[0]
        for t in range(tokens):
            got, case = ring_append(keys, values, key[:, :, t:t + 1], value[:, :, t:t + 1], t), f"window {window}, token {t}"
            if not isinstance(got, tuple | list) or len(got) != 2:
                raise Wrong(f"{case}: expected (keys, values), got {got!r:.60}")
            held = min(t + 1, window)
            if any(part.shape != (2, 3, held, 4) for part in got):
                shapes = " and ".join(str(tuple(part.shape)) for part in got)
                raise Wrong(f"{case}: expected keys and values of {held} tokens, (2, 3, {held}, 4), got {shapes}"
                            + ("; the room has no more places, so one card must go" if got[0].shape[2] > window else ""))
            if any(part.isnan().any() for part in got):
                raise Wrong(f"{case}: you hand out places that nobody has written on yet")
            answer = attention(query[:, :, t:t + 1], *got)[0]
            if not torch.allclose(answer, expected[:, :, t:t + 1], atol=1e-5):
                first = max(0, t - window + 1)
                present = [n for n in range(tokens) if (got[0] == key[:, :, n:n + 1]).all(-1).any(-1).all()]
                if present == list(range(first, t + 1)):
                    raise Wrong(f"{case}: the keys are right, but the values don't lie in the same places")
                raise Wrong(f"{case}: expected the tokens {list(range(first, t + 1))}, found {present}"
                            + ("; the oldest has to go, which lies at t mod window" if t in present else "; the new one is missing"))
        stored = [n for n in range(tokens) if (keys == key[:, :, n:n + 1]).all(-1).any(-1).all()]
        if stored != list(range(max(0, tokens - window), tokens)):
            raise Wrong(f"{case}: what you return is right, but the room holds the tokens {stored}; `keys` must be changed in place")
    return "Your ring holds the last words of a tale of any length, in room that never grows."


# ---- 05 flash attention


@check("3.5.1")
def check_note_by_hand(note_by_hand):
    try:
        first, correction, last = (float(number) for number in note_by_hand)
    except (TypeError, ValueError):
        raise Wrong(f"expected three numbers (total after two, correction, total after four), got {note_by_hand!r}") from None

    def near(number, right):
        return abs(number - right) < 0.005

    if near(first, 3):
        raise Wrong("a total of 3 is 1 + 2, the powers as they are. The largest score is subtracted first: the powers are 1/2 and 1")
    if not near(first, 1.5):
        raise Wrong(f"after two scores the largest is ln 2, and the powers are e^(0 − ln 2) = 1/2 and e^0 = 1: their total isn't {first:g}")
    if near(correction, 4):
        raise Wrong("a correction of 4 lets the total grow. The old powers had too little subtracted: they must shrink, by e^(ln 2 − ln 8)")
    if not near(correction, 0.25):
        raise Wrong(f"the largest rises from ln 2 to ln 8, so the correction is e^(ln 2 − ln 8) = 2/8, not {correction:g}")
    if near(last, 3):
        raise Wrong("a final total of 3 is 1.5 + 1.5: the old total was not corrected. Times 1/4, then add the new powers")
    if not near(last, 1.875):
        raise Wrong(f"the final total is 1.5 · 1/4 + (1 + 1/2), which isn't {last:g}")
    return "Times 8, the final total is 15 = 1 + 2 + 8 + 4: you have seen all scores at once without doing so."


@check("3.5.2")
def check_longest_rolls(longest_rolls):
    try:
        small, large = longest_rolls
    except (TypeError, ValueError):
        raise Wrong(f"expected two numbers of tokens, got {longest_rolls!r}") from None
    causes = {16384: "that is one head only, or numbers of one byte: twelve heads lie about at the same time",
              8192: "12 · 7.25 · 4 · 8192² is 23.4 · 10⁹, and 16 GiB are 17.2 · 10⁹ bytes",
              2048: "12 · 7.25 · 4 · 2048² is 1.5 · 10⁹: twice as long fits, too"}
    if small != 4096:
        raise Wrong(f"16 GiB: {small} is not it. {causes.get(small, 'Divide 2³⁴ by 12 · 7.25 · 4, and take the root')}")
    if large == 4096 * 64:
        raise Wrong("64 times the memory is not 64 times the roll: a roll 64 times as long has sheets 4,096 times as large")
    if large != 32768:
        raise Wrong(f"64 times the memory: {large} is not it. Bytes grow with T², so T grows with the root of the memory")
    return "64 times the memory for 8 times the roll: that is the bargain which tiles refuse."


def whole_attention(query, key, value):
    """(output, log-sum-exp) over all keys."""
    scores = query @ key.mT / query.shape[-1] ** 0.5
    return scores.softmax(-1) @ value, scores.logsumexp(-1)


@check("3.5.3")
def check_join_notes(join_notes):
    generator = torch.Generator().manual_seed(35)
    for parts, growth, empty in (([4, 4], 1, False), ([3, 1, 6], 1, False), ([5], 1, False), ([2, 7, 3], 1500, False), ([3, 4, 2], 1, True)):
        query, key, value = (torch.randn(2, n, 4, dtype=torch.float64, generator=generator) for n in (3, sum(parts), sum(parts)))
        query, shape = query * growth, f"houses of {parts} keys"
        houses = [whole_attention(query, k, v) for k, v in zip(key.split(parts, dim=-2), value.split(parts, dim=-2))]
        output, lse = whole_attention(query, key, value)
        if empty:
            houses.insert(1, (torch.zeros_like(output), torch.full_like(lse, -torch.inf)))
            shape += ", and one whose log-sum-exps are −∞"
        outputs, lses = [house[0] for house in houses], [house[1] for house in houses]
        got = join_notes([x.clone() for x in outputs], [x.clone() for x in lses])
        if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(x, torch.Tensor) for x in got):
            raise Wrong("expected two tensors, the output and the log-sum-exp of the whole")
        if got[0].shape != output.shape or got[1].shape != lse.shape:
            raise Wrong(f"expected the shapes {tuple(output.shape)} and {tuple(lse.shape)}, got {tuple(got[0].shape)} and {tuple(got[1].shape)}")
        if got[0].isnan().any() or got[1].isnan().any():
            cause = "−∞ − (−∞) is not a number; subtract the largest over the houses, which is finite" if empty else "a power of e has overflowed"
            raise Wrong(f"{shape}: not a number. {cause}")
        if torch.allclose(got[0], sum(outputs) / len(outputs)) and len(parts) > 1:
            raise Wrong(f"{shape}: you gave every house the same share. A house with larger scores weighs more: e^(its lse − lse of the whole)")
        if torch.allclose(got[1], sum(lses)) and len(parts) > 1:
            raise Wrong(f"{shape}: log-sum-exps don't add up. Their powers do, and then you take the logarithm")
        if growth > 1 and got[1].isinf().any():
            raise Wrong(f"{shape}: infinite. Log-sum-exps may be ±1,000, and e^1000 overflows: subtract the largest first")
        if not torch.allclose(got[1], lse, rtol=1e-9):
            raise Wrong(f"{shape}: the log-sum-exp of query 0 should be {lse[0, 0]:.4f}, and is {got[1][0, 0]:.4f}")
        if not torch.allclose(got[0], output, rtol=1e-8, atol=1e-9):
            raise Wrong(f"{shape}: the log-sum-exp is right, but the output of query 0 should be {[round(x, 3) for x in output[0, 0].tolist()]}, "
                        f"and is {[round(x, 3) for x in got[0][0, 0].tolist()]}")
    return "A past of any length can now live in as many houses as you like."


def faulty_running_mean(scores, values, size, correct=False):
    """The function of exercise 3.5.4, which corrects the total only; correct=True: as it should be."""
    largest, total, mixed = -math.inf, 0.0, 0.0
    for start in range(0, len(scores), size):
        some, theirs = scores[start:start + size], values[start:start + size]
        new = max(largest, *some)
        powers, correction = [math.exp(s - new) for s in some], math.exp(largest - new)
        total = total * correction + sum(powers)
        mixed = mixed * (correction if correct else 1) + sum(p * v for p, v in zip(powers, theirs))
        largest = new
    return mixed / total


@check("3.5.4")
def check_green_and_red(green_and_red):
    try:
        green, red = ([float(score) for score in row] for row in green_and_red)
    except (TypeError, ValueError):
        raise Wrong(f"expected two rows of six scores, got {green_and_red!r}") from None
    for name, row in (("green", green), ("red", red)):
        if len(row) != 6 or len(set(row)) != 6 or not all(map(math.isfinite, row)):
            raise Wrong(f"the {name} row: expected six different finite scores, got {row}")
    wrong_by = [abs(faulty_running_mean(row, range(1, 7), 2) - faulty_running_mean(row, range(1, 7), 2, correct=True)) for row in (green, red)]
    if wrong_by[0] > 1e-9 and wrong_by[1] <= 1e-9:
        raise Wrong("the other way round: on your green row he is wrong, on your red one he is right")
    if 1e-9 < wrong_by[0] < 0.01:
        raise Wrong(f"on the green row he is wrong, by {wrong_by[0]:.2g}: nearly right is luck. When is the missing factor exactly 1?")
    if wrong_by[0] > 1e-9:
        raise Wrong(f"on the green row he is wrong by {wrong_by[0]:.2g}: a later tile raises the largest score, and `mixed` isn't corrected")
    if wrong_by[1] <= 1e-9:
        raise Wrong("on the red row he is right: the largest score stands in the first tile already, so there is nothing to correct")
    if wrong_by[1] <= 0.5:
        raise Wrong(f"on the red row he is wrong by {wrong_by[1]:.2g} only: let a later tile hold a much larger score")
    return "Tests need a row whose largest score comes late; now he has one."


def holds_something(rows, columns, window):
    """Does the tile hold a pair of a query and a key at most window − 1 places before it?"""
    return any(row - window < column <= row for row in range(rows.start, rows.stop) for column in range(columns.start, columns.stop))


@check("3.5.5")
def check_window_tiles(window_tiles):
    for tokens, tile, window in ((12, 4, 3), (12, 4, 1), (20, 4, 6), (20, 4, 5), (17, 5, 7), (10, 16, 2), (30, 3, 100), (9, 1, 4), (0, 4, 2)):
        case = f"{tokens} tokens, tile {tile}, window {window}"
        expected = [(rows, [columns for columns in blocks if holds_something(rows, columns, window)])
                    for rows, blocks in visible_tiles(tokens, tokens, True, tile)]
        got = window_tiles(tokens, tile, window)
        if got is None:
            raise Wrong("nothing came back: yield (rows, columns), or return a list of them")
        got = [(rows, list(columns)) for rows, columns in got]
        if [rows for rows, _ in got] != [rows for rows, _ in expected]:
            raise Wrong(f"{case}: the blocks of queries should be {[rows for rows, _ in expected]}, as before")
        for (rows, mine), (_, theirs) in zip(got, expected):
            if mine == theirs:
                continue
            where = f"{case}: for the queries {rows.start}–{rows.stop - 1}"
            seen = [(columns.start, columns.stop) for columns in mine]
            kept = set(seen)
            if any(start > rows.stop - 1 for start, _ in kept):
                raise Wrong(f"{where} there are tiles wholly in the future: {seen}")
            if any(start % tile for start, _ in kept):
                raise Wrong(f"{where} the blocks begin at {[start for start, _ in seen]}: they should begin at multiples of {tile}, "
                            "as without a window")
            missing = [(columns.start, columns.stop) for columns in theirs if (columns.start, columns.stop) not in kept]
            if missing:
                raise Wrong(f"{where} the keys {missing[0][0]}–{missing[0][1] - 1} are missing; the first of these queries sees back to key "
                            f"{max(rows.start - window + 1, 0)}, itself included")
            extra = next(((start, stop) for start, stop in seen if not holds_something(rows, slice(start, stop), window)), None)
            if extra:
                raise Wrong(f"{where} the keys {extra[0]}–{extra[1] - 1} are computed for nothing: the first query sees back to key "
                            f"{max(rows.start - window + 1, 0)} only")
            raise Wrong(f"{where}: expected {[(columns.start, columns.stop) for columns in theirs]}, got {seen}")
    return "With a window the tiles grow with T, not with T²: memory and arithmetic both."


class _LargestTensor(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor that came out of an operation."""

    largest = 0

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        result = operation(*arguments, **(named or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.numel())
        return result


@check("3.5.6")
def check_d_key(d_key):
    for tokens, head_dim, tile in ((12, 4, 4), (13, 4, 5), (7, 3, 1), (6, 4, 50), (80, 4, 8)):
        generator = torch.Generator().manual_seed(tokens)
        query, key, value, d_output = (2 * torch.randn(tokens, head_dim, dtype=torch.float64, generator=generator) for _ in range(4))
        key.requires_grad_()
        scores = (query @ key.T / head_dim**0.5).masked_fill(~causal_mask(tokens), -torch.inf)
        weights, log_sum_exp = scores.softmax(-1), scores.logsumexp(-1).detach()
        output = weights @ value
        expected, = torch.autograd.grad(output, key, d_output)
        case = f"{tokens} tokens, head_dim {head_dim}, tile {tile}"
        with _LargestTensor() as door, torch.no_grad():
            got = d_key(query, key.detach(), value, output.detach(), log_sum_exp, d_output, tile)
        if not isinstance(got, torch.Tensor) or got.shape != key.shape:
            raise Wrong(f"expected a tensor of shape {tuple(key.shape)}, got {tuple(got.shape) if isinstance(got, torch.Tensor) else got!r}")
        if torch.allclose(got, expected, rtol=1e-9, atol=1e-10):
            room = max(min(tile, tokens) ** 2, tokens * head_dim)
            if door.largest > room:
                raise Wrong(f"{case}: the gradient is right, but a tensor of {door.largest:,} numbers was made, where {room:,} are allowed")
            continue
        with torch.no_grad():
            weights, d_weights, average = weights.detach(), d_output @ value.T, (d_output * output).sum(-1, keepdim=True)
            right, unmasked = weights * (d_weights - average), (query @ key.T / head_dim**0.5 - log_sum_exp[:, None]).exp()
            slips = {
                "the scores are divided by √head_dim, so their gradient by key is, too": right.T @ query,
                "D was not subtracted: raising one score lowers the other weights of its row": (weights * d_weights).T @ query / head_dim**0.5,
                "that is the gradient of the query: transpose d_scores, and multiply with the queries": right @ key / head_dim**0.5,
                "the future was not masked: its weights are 0": (unmasked * (d_weights - average)).T @ query / head_dim**0.5,
            }
        for cause, slip in slips.items():
            if torch.allclose(got, slip, rtol=1e-6, atol=1e-8):
                raise Wrong(f"{case}: {cause}")
        if got.isnan().any():
            raise Wrong(f"{case}: not a number. exp(scores − log_sum_exp) needs no largest score, and no division")
        rows = (~torch.isclose(got, expected, rtol=1e-6, atol=1e-8)).any(-1).nonzero().flatten().tolist()
        raise Wrong(f"{case}: the gradient is wrong for the keys {rows[:8]}; key 0 should have {[round(x, 3) for x in expected[0].tolist()]}, "
                    f"and has {[round(x, 3) for x in got[0].tolist()]}")
    return "The key's gradient from one tile at a time: the other two need no new idea."


# ---- 03 positions


@check("3.3.1")
def check_turned_score(turned_score):
    causes = {6: "that is the product as they lie, before any turning; the places are 3 tokens apart",
              -3: "that turns the other way round: (1, 0) becomes (0, 1), so three turns against the clock take (2, 1) to (1, −2)",
              -6: "that is the score for an offset of 2; from place 2 to place 5 it is 3 tokens"}
    if abs(float(turned_score) - 3) < 1e-9:
        return "(2, 1) becomes (1, −2), and 1 · 3 + (−2) · 0 = 3: places 105 and 102 would give the same."
    cause = causes.get(turned_score, "turn (2, 1) by three quarter turns, (x, y) → (−y, x) each, then multiply with (3, 0)")
    raise Wrong(f"{turned_score} is not it: {cause}")


@check("3.3.2")
def check_half_of_the_weight(half_of_the_weight):
    if not isinstance(half_of_the_weight, tuple | list) or len(half_of_the_weight) != 2:
        raise Wrong(f"expected two numbers, (tokens at slope 1/16, tokens at slope 1/256), got {half_of_the_weight!r}")
    for slope, n, right in zip((16, 256), half_of_the_weight, (12, 178)):
        if n == right:
            continue
        share = 1 - math.exp(-n / slope)
        if n == slope:
            raise Wrong(f"slope 1/{slope}: {n} tokens hold {share:.2f} of the weight, more than it takes. Half is reached where e^(−n/{slope}) = 1/2")
        if n != int(n):
            raise Wrong(f"slope 1/{slope}: {n} is not a whole number of tokens; round up, for the nearest {int(n)} hold less than half")
        raise Wrong(f"slope 1/{slope}: the nearest {n} hold {share:.4f} of the weight, " + ("less than half" if n < right else "and fewer would do"))
    return "n = ln 2 / slope, rounded up. A head has a half-life, and ALiBi deals out half-lives."


@check("3.3.3")
def check_hands_that_go_round(hands_that_go_round):
    def count(head_dim, base, tokens, turn=2 * math.pi, exponent=2):
        return sum(tokens * base ** (-exponent * i / head_dim) >= turn for i in range(head_dim // 2))

    cases = [(128, 1e4, 4096), (128, 5e5, 8192), (12, 1e4, 32), (64, 100.0, 2000), (8, 1e4, 6), (4, 1e4, 7)]
    for case in cases:
        got, expected = hands_that_go_round(*case), count(*case)
        asked = f"head_dim {case[0]}, base {case[1]:,.0f}, {case[2]} tokens: "
        if got == expected:
            continue
        if all(hands_that_go_round(*other) == other[0] // 2 - count(*other) for other in cases):
            raise Wrong(f"{asked}you count {got} hands, the ones that do not go round; {expected} do")
        for cause, variant in (("a full turn is 2π radians, not 1 radian", {"turn": 1}), ("a full turn is 2π radians, not π", {"turn": math.pi}),
                               ("a full turn is 2π radians, not 360: the speeds are in radians", {"turn": 360}),
                               ("hand i has the exponent −2i/head_dim; −i/head_dim makes all hands too fast", {"exponent": 1})):
            if all(hands_that_go_round(*other) == count(*other, **variant) for other in cases):
                raise Wrong(f"{asked}{got} is not {expected}: {cause}")
        raise Wrong(f"{asked}expected {expected}, got {got}")
    return "46 of 64 for Llama 2. The others have only ever shown the model a part of their faces."


@check("3.3.4")
def check_newest_scores(newest_scores):
    dice = torch.Generator().manual_seed(334)
    for tokens, head_dim in ((1, 8), (2, 8), (7, 12), (30, 16)):
        cos, sin = rope_tables(head_dim, 40)
        query, keys = torch.randn(1, head_dim, generator=dice), torch.randn(tokens, head_dim, generator=dice)

        def scores(place, turn_keys=True, query=query, keys=keys, cos=cos, sin=sin):
            key = apply_rope(keys, cos[:len(keys)], sin[:len(keys)]) if turn_keys else keys
            return apply_rope(query, cos[place:place + 1], sin[place:place + 1]) @ key.T / key.shape[-1] ** 0.5

        got, expected = newest_scores(query.clone(), keys.clone(), cos, sin), scores(tokens - 1)
        case = f"with {tokens} token{'s' * (tokens > 1)}: "
        if tuple(got.shape) != (1, tokens):
            raise Wrong(f"{case}expected scores of shape {(1, tokens)}, got {tuple(got.shape)}")
        if torch.allclose(got, expected, atol=1e-4):
            continue
        if tokens > 1 and torch.allclose(got, scores(0), atol=1e-4):
            raise Wrong(f"{case}the query is still turned as if it stood at place 0; the newest token stands at the end")
        if torch.allclose(got, scores(tokens), atol=1e-4):
            raise Wrong(f"{case}the query is turned by {tokens}, one place too far: the first token stands at place 0, so the last at {tokens - 1}")
        if torch.allclose(got, query @ keys.T / head_dim**0.5, atol=1e-4):
            raise Wrong(f"{case}nothing is turned, so the model that was trained with RoPE finds no order at all")
        if torch.allclose(got, scores(tokens - 1, turn_keys=False), atol=1e-4):
            raise Wrong(f"{case}the query is turned and the keys are not: then the score depends on where, not on how far")
        if torch.allclose(got, expected * head_dim**0.5, atol=1e-3):
            raise Wrong(f"{case}the places are right; the division by √head_dim has been lost")
        raise Wrong(f"{case}expected {[round(x, 3) for x in expected[0, :4].tolist()]} …, got {[round(x, 3) for x in got[0, :4].tolist()]} …")
    return "The query stands where its token stands. The cache of 3.4 counts places in the same way."


@check("3.3.5")
def check_to_halves(to_halves):
    dice = torch.Generator().manual_seed(335)
    for n_heads, head_dim, d_model in ((1, 8, 5), (3, 8, 24), (2, 12, 10)):
        half, rows = head_dim // 2, n_heads * head_dim
        weight = torch.arange(float(rows))[:, None].repeat(1, d_model) + torch.rand(1, d_model, generator=dice) / 2     # row r begins near r
        got = to_halves(weight.clone(), n_heads)
        case = f"{n_heads} head{'s' * (n_heads > 1)} of {head_dim}: "
        if not isinstance(got, torch.Tensor) or tuple(got.shape) != (rows, d_model):
            what = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
            raise Wrong(f"{case}expected a matrix of shape {(rows, d_model)}, got {what}")
        order = got[:, 0].floor().long().tolist()
        if sorted(order) != list(range(rows)) or not torch.equal(got, weight[order]):
            raise Wrong(f"{case}the rows are not the old rows in another order; each has to occur once, unchanged")
        heads = [order[head * head_dim:(head + 1) * head_dim] for head in range(n_heads)]
        if n_heads > 1 and order == [*range(0, rows, 2), *range(1, rows, 2)]:
            raise Wrong(f"{case}even rows first and then odd ones is right within one head, and you did it across all: "
                        f"the rows of head 0 are now {heads[0]}")
        if heads[0] == [i + side * half for i in range(half) for side in (0, 1)]:
            raise Wrong(f"{case}that is the way back, from halves to neighbours: head 0 now has the rows {heads[0]}")
        if order == list(range(rows)):
            raise Wrong(f"{case}nothing has moved: row 1 has to become row {half}")
        for head, old in enumerate(heads):                      # any order of pairs would do if the speeds were equal; they are not
            pairs = [[head * head_dim + 2 * i, head * head_dim + 2 * i + 1] for i in range(half)]
            if [[old[i], old[i + half]] for i in range(half)] != pairs:
                raise Wrong(f"{case}coordinates 0 and {half} of head {head} should be the old rows {pairs[0]}, and are {[old[0], old[half]]}; "
                            f"the whole head is {old}")
    return "Conversions of real checkpoints contain this line, and fall silent about it."


@check("3.3.6")
def check_look_back(look_back):
    for head_dim, base, steps in ((32, 10_000.0, 3), (32, 10_000.0, 1), (64, 500_000.0, 7), (24, 1000.0, 12)):
        tokens = 48
        cos, sin = rope_tables(head_dim, tokens, base)
        query, key = look_back(steps, cos.clone(), sin.clone())
        query, key = torch.as_tensor(query).detach().float(), torch.as_tensor(key).detach().float()
        if tuple(query.shape) != (head_dim,) or tuple(key.shape) != (head_dim,):
            raise Wrong(f"head_dim {head_dim}: expected two vectors of shape {(head_dim,)}, the same for every place; "
                        f"got {tuple(query.shape)} and {tuple(key.shape)}")
        query, key = (apply_rope(x.expand(tokens, -1), cos, sin) for x in (query, key))
        weights = attention(query, key, torch.eye(tokens), causal_mask(tokens))[1]
        if not weights.isfinite().all():
            raise Wrong(f"steps {steps}: the weights are not numbers; the scores are too large for 32 bits")
        place = tokens - 1
        favourite = place - weights[place].argmax().item()
        share = weights.diagonal(-steps).min().item()
        case = f"head_dim {head_dim}, steps {steps}: "
        if share >= 0.9:
            continue
        if favourite == steps:
            raise Wrong(f"{case}the right token wins, but with {share:.2f} of the weight, and 0.90 is asked for: multiply the query")
        future = attention(query, key, torch.eye(tokens))[1][0].argmax().item()
        if future == steps:
            raise Wrong(f"{case}the head looks {steps} ahead, where the mask forbids: turn the query the other way")
        if favourite == 0:
            raise Wrong(f"{case}each token looks at itself: query and key point the same way at offset 0, and should at offset {steps}")
        raise Wrong(f"{case}the last token's favourite stands {favourite} before it")
    return "A previous-token head, made by hand: no word was consulted."


# ---- 01 self-attention


@check("3.1.1")
def check_two_outputs(answer):
    shown = torch.as_tensor(answer, dtype=torch.float64)
    if shown.shape != (2, 2):
        raise Wrong(f"expected two outputs of two numbers each, got {answer!r}")
    first, second = shown
    causes = {(4, 4): "that is the plain average; the weights are not equal",
              (72 / 26, 136 / 26): "that is without the division by √4; the powers are 1, 3 and 4, not 1, 9 and 16",
              (24, 40): "the powers 1, 3 and 4 must be divided by their sum, 8"}
    for wrong, cause in causes.items():
        if torch.allclose(first, torch.tensor(wrong, dtype=torch.float64), atol=0.02):
            raise Wrong(f"the first output is ({first[0]:.2f}, {first[1]:.2f}): {cause}")
    if not torch.allclose(first, torch.tensor([3.0, 5.0], dtype=torch.float64), atol=0.02):
        raise Wrong(f"the first output is ({first[0]:.2f}, {first[1]:.2f}): the products are 0, 2 ln 3 and 2 ln 4; "
                    "divide by √4, then take the powers")
    if torch.allclose(second, torch.tensor([1.0, 3.0], dtype=torch.float64), atol=0.02):
        raise Wrong("the second output is (1, 3): a weight was dropped after the softmax, and the other two sum to 1/2")
    if torch.allclose(second, first):
        raise Wrong("the second output equals the first: the third key may not be looked at any more")
    if not torch.allclose(second, torch.tensor([2.0, 6.0], dtype=torch.float64), atol=0.02):
        raise Wrong(f"the first is right; the second is ({second[0]:.2f}, {second[1]:.2f}): with two powers left, 1 and 3, what are the weights?")
    return "Weights 1/8, 3/8, 1/2, then 1/4, 3/4: you can do attention without a machine."


@check("3.1.2")
def check_packed_mask(packed_mask):
    for rows in ([[0, 0, 1, 1, 1]], [[0, 0, 0], [0, 1, 2]], [[7, 7, 3, 3, 3, 9], [4, 4, 4, 4, 4, 4]], [[5]]):
        story = torch.tensor(rows)
        batch, tokens = story.shape
        got = packed_mask(story.clone())
        if not isinstance(got, torch.Tensor) or got.shape != (batch, tokens, tokens):
            said = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
            raise Wrong(f"stories {rows}: expected a mask of shape {(batch, tokens, tokens)}, got {said}")
        if got.dtype != torch.bool:
            raise Wrong(f"expected a mask of bool, got {got.dtype}: a mask of numbers would be added to the scores")
        same = story[:, :, None] == story[:, None]
        right = same & causal_mask(tokens)
        if torch.equal(got, right):
            continue
        if torch.equal(got, ~right):
            raise Wrong("True and False are the wrong way round: True = may look")
        b, i, j = (got != right).nonzero()[0].tolist()
        case = f"stories {rows[b]}: token {i} {'may' if got[b, i, j] else 'may not'} look at token {j}"
        if not got[b, i, j]:
            raise Wrong(f"{case}, " + ("which is itself" if i == j else "which stands before it in the same story"))
        raise Wrong(f"{case}, " + ("which comes after it" if j > i else "which belongs to another story"))
    return "Stories in one row no longer hear each other; lesson 7.1 packs its conversations this way."


def _with_faults(query, key, value, tokens_root, mask_times, over_queries):
    """Causal attention with any of the three faults of exercise 3.1.3."""
    scores = query @ key.mT / math.sqrt(key.shape[-2 if tokens_root else -1])
    mask = causal_mask(query.shape[-2], key.shape[-2])
    scores = scores * mask if mask_times else scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-2 if over_queries else -1) @ value


@check("3.1.3")
def check_causal_attention(causal_attention):
    generator = torch.Generator().manual_seed(313)
    named = ("the scores are divided by √tokens, not by √head_dim", "the future has the score 0, whose power is e⁰ = 1, and not −∞",
             "the softmax runs over the queries, so that the columns sum to 1, not the rows")
    for shape, width in (((2, 3, 6, 4), 5), ((5, 9), 2), ((1, 1, 3), 3)):
        query, key = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        value = torch.randn(*shape[:-1], width, generator=generator, dtype=torch.float64)
        got = causal_attention(query, key, value)
        if not isinstance(got, torch.Tensor):
            raise Wrong(f"expected the output alone, a tensor; got {type(got).__name__}")
        right = _with_faults(query, key, value, False, False, False)
        if got.shape != right.shape:
            raise Wrong(f"values of shape {tuple(value.shape)}: expected an output of shape {tuple(right.shape)}, got {tuple(got.shape)}")
        if torch.allclose(got, right, atol=1e-5):
            continue
        for number in range(7, 0, -1):
            faults = [bool(number & bit) for bit in (1, 2, 4)]
            if torch.allclose(got, _with_faults(query, key, value, *faults), atol=1e-5, equal_nan=True):
                raise Wrong("still there: " + "; ".join(name for name, there in zip(named, faults) if there))
        if got.isnan().any():
            raise Wrong("the output holds nan: is there a row in which everything is −∞?")
        if torch.allclose(got, attention(query, key, value)[0], atol=1e-5):
            raise Wrong("the future is not hidden at all")
        raise Wrong(f"for a text of {shape[-2]} tokens the output differs by up to {(got - right).abs().max():.2f}")
    return "None of the three faults stops a training run, and each spoils it. You can now find them."


@check("3.1.4")
def check_score_needed(score_needed):
    for keys, share in ((2, 0.5), (11, 0.5), (2, 0.9), (1000, 0.9), (1_000_000, 0.99), (101, 0.01)):
        got, right = float(score_needed(keys, share)), math.log(share / (1 - share) * (keys - 1))
        if math.isclose(got, right, abs_tol=1e-6):
            continue
        case = f"{keys:,} keys, share {share}: {got:.3f}"
        if math.isclose(got, math.log(share / (1 - share) * keys), abs_tol=1e-6):
            raise Wrong(f"{case}; of the {keys:,} keys, one fits; the others are one fewer")
        if math.isclose(got, math.log(share / (1 - share)), abs_tol=1e-6):
            raise Wrong(f"{case}: that is for one other key; each of the {keys - 1:,} takes e⁰ = 1")
        if math.isclose(got, math.exp(right), rel_tol=1e-6):
            raise Wrong(f"{case}: that is e to the s; the score is its logarithm")
        if math.isclose(got, math.log(share * (keys - 1)), abs_tol=1e-6):
            raise Wrong(f"{case} gives the share {math.exp(got) / (math.exp(got) + keys - 1):.3f}: raising the score raises the sum as well")
        gives = 1 / (1 + (keys - 1) * math.exp(-min(got, 700.0))) if got > -700 else 0.0
        raise Wrong(f"{case} gives the share {gives:.3f}; expected the score {right:.3f}")
    return "A text a thousand times as long costs ln 1,000 ≈ 6.9 more: attention thins out slowly, and a query must grow sharper to make up for it."


@check("3.1.5")
def check_dropout(dropout):
    weights = torch.rand(50, 40, 20, generator=torch.Generator().manual_seed(315)) + 0.1
    for p in (0.1, 0.3):
        if not torch.equal(dropout(weights.clone(), p, False), weights):
            raise Wrong("outside training the weights must stay as they are")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            got, again = dropout(weights.clone(), p, True), dropout(weights.clone(), p, True)
        if got.shape != weights.shape:
            raise Wrong(f"expected the shape {tuple(weights.shape)}, got {tuple(got.shape)}")
        gone = got == 0
        share, spread = gone.float().mean().item(), math.sqrt(p * (1 - p) / gone.numel())
        if not gone.any() or torch.equal(got, weights):
            raise Wrong(f"p = {p}: nothing was dropped in training")
        if abs(share - (1 - p)) < 6 * spread:
            raise Wrong(f"p = {p}: {share:.0%} of the weights were dropped; p is the share that goes, not the one that stays")
        if any(gone.all(d).any() for d in (0, 1, 2)):
            raise Wrong(f"p = {p}: whole rows or columns vanish together; toss for each weight on its own")
        if abs(share - p) > 6 * spread:
            raise Wrong(f"p = {p}: {share:.1%} of the weights were dropped")
        kept = (got / weights)[~gone]
        if torch.allclose(kept, torch.ones(())):
            raise Wrong(f"p = {p}: what stays was not scaled, so the mean fell to {got.mean() / weights.mean():.2f} of what it was")
        if not torch.allclose(kept, torch.tensor(1 / (1 - p))):
            raise Wrong(f"p = {p}: what stays was multiplied by {kept.min():.2f} to {kept.max():.2f}; 1 / (1 − p) = {1 / (1 - p):.2f} keeps the mean")
        if torch.equal(got, again):
            raise Wrong("two calls dropped the same weights: toss anew each time")
    if not torch.equal(dropout(weights.clone(), 0.0, True), weights):
        raise Wrong("p = 0 must change nothing")
    if dropout(weights.clone(), 1.0, True).any():                        # nan counts as true
        raise Wrong("p = 1 must leave zeros only; 0 divided by 0 is nan")
    return "It is F.dropout, made by hand; in every model of this course it stands ready, mostly at p = 0."


@check("3.1.6")
def check_build_head(build_head):
    generator = torch.Generator().manual_seed(316)
    for n in (3, 2, 12, 100):
        matrices = build_head(n)
        if not isinstance(matrices, tuple | list) or len(matrices) != 3:
            raise Wrong("expected three matrices, (W_query, W_key, W_value)")
        W_query, W_key, W_value = (torch.as_tensor(W, dtype=torch.float32) for W in matrices)
        for name, W in (("W_query", W_query), ("W_key", W_key), ("W_value", W_value)):
            if W.shape != (3 * n, n):
                raise Wrong(f"n = {n}: {name} must have the shape {(3 * n, n)}, got {tuple(W.shape)}")
        things, holders = torch.randperm(n, generator=generator), torch.randint(n, (n,), generator=generator)
        x, eye = torch.zeros(2 * n, 3 * n), torch.eye(n)
        x[:n, :n], x[:n, n:2 * n], x[n:, 2 * n:] = eye[things], eye[holders], eye[things]        # n slips, then n who ask
        mask = causal_mask(2 * n)
        mask[n:, n:] = torch.eye(n, dtype=torch.bool)                    # those who ask don't hear each other
        output, weights = attention(x @ W_query, x @ W_key, x @ W_value, mask)
        output, weights = output[n:], weights[n:]
        if torch.allclose(output, eye[holders], atol=0.0101):
            continue
        asked = f"n = {n}: thing {things[0]} is with person {holders[0]}, and the answer there is {output[0, holders[0]]:.2f}"
        right = weights[torch.arange(n), torch.arange(n)].min().item()
        if not output.isfinite().all():
            raise Wrong(f"n = {n}: the answer holds nan or infinity")
        seen = weights[:, :n]
        if (seen.amax(1) - seen.amin(1)).max() < 1e-6:
            raise Wrong(f"{asked}: all slips get the same weight. The question stands in the last third, the thing in the first: "
                        "query and key must meet")
        if right > 0.9 and torch.allclose(output, eye[things], atol=0.1):
            raise Wrong(f"{asked}: it says which thing was asked for; the value is to be the holder, the second third")
        if (seen.argmax(1) == torch.arange(n)).all() and right < 0.99:
            raise Wrong(f"{asked}: the right slip gets only {right:.2f} of the weight. How sharp must the query be, once it is divided by √{n}?")
        if right > 0.98:
            raise Wrong(f"{asked}: the right slip is found, but the value taken from it isn't a 1 in the place of its holder")
        raise Wrong(f"{asked}: the wrong slip is found")
    return "Three blocks of zeros and ones, and a sharp question: you have written a program in attention."


# ---- 02 multi-head attention


@check("3.2.1")
def check_bill(bill):
    if not isinstance(bill, tuple | list) or len(bill) != 3:
        raise Wrong(f"expected three numbers, (width of a head, parameters, numbers in the weights), got {bill!r}")
    width, parameters, weights = bill
    if width != 64:
        raise Wrong(f"a head of width {width}: the 768 numbers are shared out among the 12 heads, 768 / 12 each")
    causes = {3 * 768**2: "that is the queries, keys and values alone; the output projection is a matrix, too",
              4 * 768 * 64: "that is one head's share; there are 12 heads",
              4 * (768**2 + 768): "that counts biases, and there are none here",
              12 * 4 * 768**2: "each of the 12 heads has a slice of the four matrices, not four whole ones"}
    if parameters != 4 * 768**2:
        raise Wrong(f"{parameters:,} parameters: {causes.get(parameters, 'there are four square matrices, 768 × 768 each')}")
    causes = {12 * 1024**2: "that is one text; there are 8 in the batch",
              8 * 1024**2: "that is one head; each of the 12 has weights of its own",
              8 * 12 * 1024 * 64: "that is what the heads take home; the weights are a table of tokens by tokens",
              8 * 12 * 1024 * 1025 // 2: "that is how many may differ from 0 under the mask; the tensor holds the zeros of the future, too"}
    if weights != 8 * 12 * 1024**2:
        raise Wrong(f"{weights:,} numbers in the weights: {causes.get(weights, 'their shape is (batch, heads, queries, keys)')}")
    return "A hundred million weights from two million parameters: it is the weights that long texts make expensive."


@check("3.2.2")
def check_merge_heads(merge_heads):
    for shape in ((2, 3, 5, 4), (1, 1, 7, 2), (3, 4, 1, 6), (2, 4, 4, 4)):
        batch, heads, tokens, head_dim = shape
        merged = torch.arange(math.prod(shape)).view(batch, tokens, heads * head_dim)       # token by token: what should come out
        x = merged.unflatten(-1, (heads, head_dim)).transpose(1, 2)
        got = merge_heads(x)
        if not isinstance(got, torch.Tensor) or got.shape != merged.shape:
            raise Wrong(f"from {shape} expected the shape {tuple(merged.shape)}, got "
                        f"{tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__}")
        if torch.equal(got, merged):
            continue
        if torch.equal(got, x.reshape(merged.shape)):
            raise Wrong(f"from {shape}: a reshape alone keeps the order of the numbers, so the first row holds several tokens of head 0. "
                        "Which dimension must stand in front first?")
        if torch.equal(got, x.permute(0, 2, 3, 1).flatten(2)):
            raise Wrong(f"from {shape}: the heads' numbers are interleaved, one of each head in turn; each head's numbers should stand together")
        raise Wrong(f"from {shape}: token 0 should be {merged[0, 0].tolist()}, you return {got[0, 0].tolist()}")
    return "Each head's part is back in its own columns, of its own token."


@check("3.2.3")
def check_previous_token_head(previous_token_head):
    for tokens in (3, 2, 8, 64):
        matrices = previous_token_head(tokens)
        if not isinstance(matrices, tuple | list) or len(matrices) != 2:
            raise Wrong(f"expected two matrices, (W_q, W_k), got {type(matrices).__name__}")
        W_q, W_k = (torch.as_tensor(matrix).float() for matrix in matrices)
        if W_q.shape != (tokens, tokens) or W_k.shape != (tokens, tokens):
            raise Wrong(f"for {tokens} tokens expected two matrices ({tokens}, {tokens}), got {tuple(W_q.shape)} and {tuple(W_k.shape)}")
        places = torch.eye(tokens)
        _, weights = attention(places @ W_q, places @ W_k, places, causal_mask(tokens))
        if not weights.isfinite().all():
            raise Wrong(f"for {tokens} tokens the weights are not all finite; large scores are enough, infinite ones make nan")
        before = weights.diagonal(-1)
        if before.min() > 0.99:
            continue
        t = before.argmin().item() + 1
        if weights.diagonal()[1:].min() > 0.5:
            raise Wrong(f"for {tokens} tokens each token looks at itself, token {t} with {weights[t, t]:.2f}; "
                        "its query must fit the key of the place before")
        if (W_q @ W_k.T).argmax(1)[:-1].equal(torch.arange(1, tokens)):
            raise Wrong(f"for {tokens} tokens the scores are largest for the *next* token, which the mask hides; shift the other way")
        if (W_q @ W_k.T)[1:].argmax(1).equal(torch.arange(tokens - 1)):
            raise Wrong(f"for {tokens} tokens the right place is favoured, but token {t} gives it a weight of {before[t - 1]:.3f} only: "
                        "the scores must be larger")
        raise Wrong(f"for {tokens} tokens token {t} gives the token before it a weight of {before[t - 1]:.3f}")
    return "One shifted diagonal, multiplied by a large number: training finds the same, place by place."


@check("3.2.4")
def check_credit(credit):
    generator = torch.Generator().manual_seed(4)
    for batch, heads, tokens, head_dim in ((2, 3, 5, 4), (1, 1, 2, 6), (3, 4, 4, 4)):
        d_model = heads * head_dim
        output = torch.randn(batch, heads, tokens, head_dim, generator=generator, dtype=torch.float64)
        o_weight = torch.randn(d_model, d_model, generator=generator, dtype=torch.float64)
        direction = torch.randn(d_model, generator=generator, dtype=torch.float64)
        right = torch.stack([output[:, h] @ o_weight.T[h * head_dim:(h + 1) * head_dim] @ direction for h in range(heads)], dim=1)
        got = credit(output.clone(), o_weight.clone(), direction.clone())
        if not isinstance(got, torch.Tensor) or got.shape != right.shape:
            raise Wrong(f"expected the shape (batch, heads, tokens) = {tuple(right.shape)}, got "
                        f"{tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__}")
        if torch.allclose(got, right, atol=1e-9):
            continue
        swapped = torch.stack([output[:, h] @ o_weight[h * head_dim:(h + 1) * head_dim] @ direction for h in range(heads)], dim=1)
        if torch.allclose(got, swapped, atol=1e-9):
            raise Wrong("you took rows of o_proj.weight; nn.Linear multiplies with its transpose, so head h owns *columns* of it")
        interleaved = torch.stack([output[:, h] @ o_weight.T[h::heads] @ direction for h in range(heads)], dim=1)
        if torch.allclose(got, interleaved, atol=1e-9):
            raise Wrong("head h owns the rows h · head_dim to (h + 1) · head_dim of the transpose, side by side, not every `heads`-th row")
        whole, yours = right.sum(1)[0, 0], got.sum(1)[0, 0]
        if torch.allclose(whole, yours):
            raise Wrong("the heads' numbers sum to the right whole, but are not shared out among the heads as they should be")
        raise Wrong(f"the heads' numbers sum to {yours:.2f} at the first token; the layer's output times the direction is {whole:.2f}")
    return "Each head's vote can be read off: this is how one finds out which head made a model say something."


@check("3.2.5")
def check_unpack_qkv(unpack_qkv):
    generator = torch.Generator().manual_seed(5)
    for heads, head_dim in ((3, 4), (1, 6), (4, 2), (3, 3)):
        d_model = heads * head_dim
        right = torch.randn(3, d_model, d_model, generator=generator)
        fused = right.unflatten(1, (heads, head_dim)).transpose(0, 1).reshape(3 * d_model, d_model)      # head by head: q, k, v
        got = unpack_qkv(fused.clone(), heads)
        if not isinstance(got, tuple | list | torch.Tensor) or len(got) != 3 or any(part.shape != (d_model, d_model) for part in got):
            raise Wrong(f"for {heads} heads of width {head_dim} expected three matrices ({d_model}, {d_model})")
        if all(torch.equal(part, one) for part, one in zip(got, right)):
            continue
        if all(torch.equal(part, one) for part, one in zip(got, fused.chunk(3))):
            raise Wrong(f"you cut it into three thirds: with {heads} heads, your queries hold head 0's queries, keys and values")
        if all(any(torch.equal(part, one) for part in got) for one in right):
            raise Wrong("the three matrices are right, but not in the order queries, keys, values")
        if all(torch.equal(part, one) for part, one in zip(got, fused.unflatten(0, (heads, head_dim, 3)).permute(2, 0, 1, 3).flatten(1, 2))):
            raise Wrong("you read the rows as one of q, one of k, one of v in turn; a head's queries stand together: (heads, 3, head_dim)")
        n = next(n for n in range(3) if not torch.equal(got[n], right[n]))
        raise Wrong(f"{heads} heads of width {head_dim}: the matrix of the {('queries', 'keys', 'values')[n]} has the wrong rows")
    return "You could load such a model now. The shapes fit either way, so only a look at the outputs tells."


def lone_copies(ids):
    """(t, what followed) for each token t that came exactly once before it."""
    found = [(t, [j for j in range(t) if ids[j] == ids[t]]) for t in range(len(ids))]
    return [(t, ids[before[0] + 1]) for t, before in found if len(before) == 1]


@check("3.2.6")
def check_induction_by_hand(induction_by_hand):
    generator = torch.Generator().manual_seed(6)
    songs = [(torch.tensor([0, 3, 1, 4, 2, 3]), 5), (torch.tensor([0, 1, 0, 2, 1]), 3), (torch.tensor([2, 2, 0, 1, 0]), 3)]
    songs += [(torch.randperm(30, generator=generator)[:14].repeat(2), 30) for _ in range(3)]
    songs += [(torch.randint(20, (24,), generator=generator), 20) for _ in range(5)]
    for ids, vocab_size in songs:
        logits = induction_by_hand(ids.clone(), vocab_size)
        if not isinstance(logits, torch.Tensor) or logits.shape != (len(ids), vocab_size):
            raise Wrong(f"expected logits of shape (tokens, vocab_size) = {(len(ids), vocab_size)}, got "
                        f"{tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__}")
        if not logits.isfinite().all():
            raise Wrong("some logits are not finite; a large factor is enough to make the weights sharp")
        changed = ids.clone()
        changed[-1] = (changed[-1] + 1) % vocab_size
        if not torch.allclose(induction_by_hand(changed, vocab_size)[:-1].float(), logits[:-1].float(), atol=1e-5):
            raise Wrong(f"song {ids.tolist()}: with another last syllable the bets before it change. You look into the future: "
                        "both calls need the causal mask")
        bets = logits.argmax(-1)
        for t, follower in lone_copies(ids.tolist()):
            if bets[t] == follower:
                continue
            where = f"song {ids[:t + 1].tolist()}: syllable {ids[t]} came once before, and then {follower}; you bet on {bets[t]}"
            if bets[t] == ids[t] == ids[0]:
                raise Wrong(f"{where}, the first syllable of all: it has nothing before it and must carry no note, least of all of itself")
            if bets[t] == ids[t]:
                raise Wrong(f"{where}, the syllable itself: the keys of the second call must be the notes about the token *before*")
            first = ids.tolist().index(ids[t].item())
            if first > 0 and bets[t] == ids[first - 1]:
                raise Wrong(f"{where}, which came *before* it: each token must look one back, not ahead, for its note")
            raise Wrong(where)
    return "Two looks, no training: A B … A is completed to B, for any A and B."
