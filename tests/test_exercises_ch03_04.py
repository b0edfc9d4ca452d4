"""The checks of ch03/04: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

from ch03_attention import exercises
from ch03_attention.utils import attention, causal_mask
from tests.verdicts import verdict


def count_cards(prompt, new):
    return sum(prompt + n for n in range(new)), prompt + new - 1


def read_by_loop(query, key, value):
    past = key.shape[-2] - query.shape[-2]
    rows = [attention(query[..., n:n + 1, :], key[..., :past + n + 1, :], value[..., :past + n + 1, :])[0] for n in range(query.shape[-2])]
    return torch.cat(rows, dim=-2)


def pool_heads(weight, n_heads, n_kv_heads):
    return weight.unflatten(0, (n_kv_heads, n_heads // n_kv_heads, -1)).mean(1).flatten(0, 1)


def pool_by_loop(weight, n_heads, n_kv_heads):
    heads, group = weight.chunk(n_heads), n_heads // n_kv_heads
    return torch.cat([sum(heads[n:n + group]) / group for n in range(0, n_heads, group)])


def pool_in_place(weight, n_heads, n_kv_heads):
    pooled = pool_heads(weight, n_heads, n_kv_heads)
    weight.zero_()
    return pooled


def absorb_values(v_weight, o_weight, n_heads):
    return o_weight.unflatten(1, (n_heads, -1)).transpose(0, 1) @ v_weight.unflatten(0, (n_heads, -1))


def absorb_by_loop(v_weight, o_weight, n_heads):
    return torch.stack([o @ v for o, v in zip(o_weight.chunk(n_heads, dim=1), v_weight.chunk(n_heads))])


def absorb_strided(v_weight, o_weight, n_heads):
    return torch.stack([o_weight[:, n::n_heads] @ v_weight[n::n_heads] for n in range(n_heads)])


def ring_append(keys, values, key, value, t, *, shift=0, values_shift=0, all_places=False):
    """The solution, with faults to choose from."""
    window = keys.shape[2]
    place, held = (t + shift) % window if t >= window else t, min(t + 1, window)
    keys[:, :, place], values[:, :, (place + values_shift) % window] = key[:, :, 0], value[:, :, 0]
    return (keys, values) if all_places else (keys[:, :, :held], values[:, :, :held])


def ring_by_moving(keys, values, key, value, t):
    """In order of time, all cards moved: slow and right."""
    window, held = keys.shape[2], min(t + 1, keys.shape[2])
    for room, new in ((keys, key), (values, value)):
        old = room[:, :, :min(t, window)].clone()
        room[:, :, :held] = torch.cat([old, new], dim=2)[:, :, -held:]
    return keys[:, :, :held], values[:, :, :held]


def ring_outside():
    """Keeps its cards in lists of its own, and leaves the room empty."""
    past = {}

    def append(keys, values, key, value, t):
        past.update({t: (key, value)} if t else {})
        if t == 0:
            past.clear()
            past[0] = (key, value)
        last = [past[n] for n in range(max(0, t - keys.shape[2] + 1), t + 1)]
        return torch.cat([k for k, _ in last], 2), torch.cat([v for _, v in last], 2)
    return append


def ring_that_grows():
    past = []

    def append(keys, values, key, value, t):
        past[:] = [*past[:t], (key, value)]
        return torch.cat([k for k, _ in past], 2), torch.cat([v for _, v in past], 2)
    return append


def ring_swapped(keys, values, key, value, t):
    """The newest replaces the newest."""
    place, held = min(t, keys.shape[2] - 1), min(t + 1, keys.shape[2])
    keys[:, :, place], values[:, :, place] = key[:, :, 0], value[:, :, 0]
    return keys[:, :, :held], values[:, :, :held]


RIGHT = [
    (exercises.check_bytes_and_tokens, (12_288, 87_381)), (exercises.check_bytes_and_tokens, [12_288.0, 2**30 / 12_288]),
    (exercises.check_count_cards, count_cards),
    (exercises.check_count_cards, lambda prompt, new: [new * prompt + new * (new - 1) // 2, prompt + new - 1]),
    (exercises.check_read_cache, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=causal_mask(q.shape[-2], k.shape[-2]))),
    (exercises.check_read_cache, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(q.shape[-2], k.shape[-2]))),
    (exercises.check_read_cache, read_by_loop),
    (exercises.check_pool_heads, pool_heads), (exercises.check_pool_heads, pool_by_loop),
    (exercises.check_absorb_values, absorb_values), (exercises.check_absorb_values, absorb_by_loop),
    (exercises.check_ring_append, ring_append), (exercises.check_ring_append, ring_by_moving),
]
WRONG = [
    (exercises.check_bytes_and_tokens, 12_288, "expected two numbers"), (exercises.check_bytes_and_tokens, (24_576, 43_690), "2 bytes per number"),
    (exercises.check_bytes_and_tokens, (49_152, 21_845), "16 query heads; only"),
    (exercises.check_bytes_and_tokens, (6_144, 174_762), "the keys alone"),
    (exercises.check_bytes_and_tokens, (98_304, 10_922), "16 query heads, and 2 bytes"),
    (exercises.check_bytes_and_tokens, (512, 2**21), "one layer"),
    (exercises.check_bytes_and_tokens, (12_288, 81_380), "10⁹ bytes"), (exercises.check_bytes_and_tokens, (12_288, 87_382), "is not 87382"),
    (exercises.check_bytes_and_tokens, (1, 1), "2 · layers"),
    (exercises.check_count_cards, lambda prompt, new: count_cards(prompt, new)[::-1], "wrong way round"),
    (exercises.check_count_cards, lambda prompt, new: (sum(range(prompt + 1, prompt + new + 1)), prompt + new), "read the last new token"),
    (exercises.check_count_cards, lambda prompt, new: (sum(range(1, prompt + new)), prompt + new - 1), "read at once"),
    (exercises.check_count_cards, lambda prompt, new: (sum(range(prompt, prompt + new)), new), "read as well, once"),
    (exercises.check_count_cards, lambda prompt, new: prompt + new, "expected two numbers"),
    (exercises.check_count_cards, lambda prompt, new: (prompt * new, prompt + new - 1), "expected (45, 10)"),
    (exercises.check_read_cache, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), "upper left corner"),
    (exercises.check_read_cache, lambda q, k, v: F.scaled_dot_product_attention(q, k, v), "every query sees all keys"),
    (exercises.check_read_cache,
     lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=~causal_mask(q.shape[-2], k.shape[-2])), "what is to be hidden"),
    (exercises.check_read_cache, lambda q, k, v: attention(q, k, v, causal_mask(q.shape[-2], k.shape[-2])), "expected a tensor"),
    (exercises.check_read_cache, lambda q, k, v: 2 * read_by_loop(q, k, v), "differs from attention with"),
    (exercises.check_pool_heads, lambda w, n, m: w.view(m, n // m, -1, w.shape[1]).sum(1).flatten(0, 1), "the sum of each group"),
    (exercises.check_pool_heads, lambda w, n, m: w.view(m, n // m, -1, w.shape[1])[:, 0].flatten(0, 1), "first head of each group"),
    (exercises.check_pool_heads, lambda w, n, m: w.view(n // m, m, -1, w.shape[1]).mean(0).flatten(0, 1), "a group is of neighbours"),
    (exercises.check_pool_heads, lambda w, n, m: w.view(m, w.shape[0] // n, -1, w.shape[1]).mean(2).flatten(0, 1), "within a head"),
    (exercises.check_pool_heads, lambda w, n, m: w, "expected shape"), (exercises.check_pool_heads, pool_in_place, "handed in has changed"),
    (exercises.check_pool_heads, lambda w, n, m: 0 * pool_heads(w, n, m), "row 0 should be the mean"),
    (exercises.check_absorb_values, lambda v, o, n: o @ v, "one matrix for all heads"),
    (exercises.check_absorb_values, lambda v, o, n: absorb_values(v, o, n).mT, "the output comes first"),
    (exercises.check_absorb_values, lambda v, o, n: o.reshape(n, o.shape[0], -1) @ v.unflatten(0, (n, -1)), "a head owns columns"),
    (exercises.check_absorb_values, absorb_strided, "numbers are divisible by 3"),
    (exercises.check_absorb_values, lambda v, o, n: [v, o], "got [tensor"),
    (exercises.check_absorb_values, lambda v, o, n: absorb_values(v, o, n).flip(0), "wrong order of heads"),
    (exercises.check_absorb_values, lambda v, o, n: 2 * absorb_values(v, o, n), "first coordinate"),
    (exercises.check_ring_append, lambda *room: room[0], "expected (keys, values)"),
    (exercises.check_ring_append, lambda *room: ring_append(*room, shift=1), "lies at t mod window"),
    (exercises.check_ring_append, ring_swapped, "window 3, token 3: expected the tokens [1, 2, 3], found [0, 1, 3]"),
    (exercises.check_ring_append, lambda *room: ring_append(*room, all_places=True), "expected keys and values of 1 tokens"),
    (exercises.check_ring_append, lambda *room: ring_append(*room, values_shift=1), "nobody has written on yet"),
    (exercises.check_ring_append, lambda keys, values, key, value, t: (key, value), "expected keys and values of 2 tokens"),
    (exercises.check_ring_append, ring_outside(), "changed in place"), (exercises.check_ring_append, ring_that_grows(), "no more places"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    said = verdict(capsys, check, answer)
    assert ": right. " in said, said


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_hears_why(check, answer, cause, capsys):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and cause in said, said


def test_each_check_has_messages_of_its_own(capsys):
    for check in {check for check, _, _ in WRONG}:
        said = [verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check]
        assert len(set(said)) == len(said) >= 3


def test_a_stub_is_not_tried(capsys):
    def stub(*args):
        """Of the lesson."""
        ...
    for check in {check for check, _, _ in WRONG}:
        assert "not tried yet" in verdict(capsys, check, ...) and "not tried yet" in verdict(capsys, check, stub)
