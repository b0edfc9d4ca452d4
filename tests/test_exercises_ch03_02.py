"""The checks of ch03/02: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import pytest
import torch
from torch.nn import functional as F

from ch03_attention import exercises
from ch03_attention.utils import attention, causal_mask
from tests.verdicts import verdict


def merge(x):
    return x.transpose(1, 2).flatten(2)


def head(tokens, size=None, shift=-1):
    """The solution, with faults to choose from."""
    size = 10 * tokens if size is None else size
    return size * torch.eye(tokens).roll(shift, 1), torch.eye(tokens)


def head_by_loop(tokens):
    W_q = torch.zeros(tokens, tokens)
    for t in range(1, tokens):
        W_q[t, t - 1] = 30 * tokens**0.5
    return [W_q.numpy(), torch.eye(tokens).numpy()]


def head_by_key(tokens):
    return torch.eye(tokens), 20 * tokens * torch.eye(tokens).roll(1, 1)


def credit(output, o_weight, direction, *, transposed=False, interleaved=False):
    """The solution, with faults to choose from."""
    heads, head_dim = output.shape[1], output.shape[3]
    W = o_weight if transposed else o_weight.T
    slices = torch.stack([W[h::heads] for h in range(heads)]) if interleaved else W.unflatten(0, (heads, head_dim))
    return (output @ slices) @ direction


def credit_by_einsum(output, o_weight, direction):
    heads, head_dim = output.shape[1], output.shape[3]
    return torch.einsum("bhtc,dhc,d->bht", output, o_weight.reshape(-1, heads, head_dim), direction)


def unpack(fused, n_heads):
    return fused.unflatten(0, (n_heads, 3, -1)).transpose(0, 1).flatten(1, 2)


def unpack_by_slices(fused, n_heads):
    head_dim = len(fused) // (3 * n_heads)
    blocks = fused.split(head_dim)
    return tuple(torch.cat(blocks[part::3]) for part in range(3))


def induction(ids, vocab_size, *, note_for_first=False, causal=True, shift=1, notes=True, sharp=1000.0):
    """The solution, with faults to choose from."""
    tokens = len(ids)
    syllables, places = F.one_hot(ids, vocab_size).float(), torch.eye(tokens)
    mask = causal_mask(tokens) if causal else None
    before, _ = attention(sharp * places.roll(-shift, 1), places, syllables, mask)
    if not note_for_first:
        before[0] = 0
    return attention(sharp * syllables, before if notes else syllables, syllables, mask)[0]


def induction_by_shift(ids, vocab_size):
    syllables = F.one_hot(ids, vocab_size).double()
    note = F.pad(syllables[:-1], (0, 0, 1, 0))
    weights = (500 * syllables @ note.T).masked_fill(~causal_mask(len(ids)), -torch.inf).softmax(-1)
    return (weights @ syllables + 1e-9).log()


def looks_ahead(ids, vocab_size):
    """Each token notes the one behind it, and so bets on what came before."""
    syllables = F.one_hot(ids, vocab_size).float()
    note = F.pad(syllables[1:], (0, 0, 0, 1))
    weights = (20 * syllables @ note.T).exp() * causal_mask(len(ids)).tril(-2)
    return weights / weights.sum(-1, keepdim=True).clamp(min=1) @ syllables


RIGHT = [
    (exercises.check_bill, (64, 2_359_296, 100_663_296)), (exercises.check_bill, [768 / 12, 4 * 768**2, 8 * 12 * 1024**2]),
    (exercises.check_merge_heads, merge), (exercises.check_merge_heads, lambda x: torch.cat(list(x.unbind(1)), dim=-1)),
    (exercises.check_previous_token_head, head), (exercises.check_previous_token_head, head_by_loop),
    (exercises.check_previous_token_head, head_by_key),
    (exercises.check_credit, credit), (exercises.check_credit, credit_by_einsum),
    (exercises.check_unpack_qkv, unpack), (exercises.check_unpack_qkv, unpack_by_slices),
    (exercises.check_induction_by_hand, induction), (exercises.check_induction_by_hand, induction_by_shift),
]
WRONG = [
    (exercises.check_bill, 64, "expected three numbers"), (exercises.check_bill, (768, 1, 1), "shared out"),
    (exercises.check_bill, (64, 3 * 768**2, 1), "output projection"), (exercises.check_bill, (64, 4 * 768 * 64, 1), "one head's share"),
    (exercises.check_bill, (64, 48 * 768**2, 1), "has a slice"), (exercises.check_bill, (64, 2_359_296, 12 * 1024**2), "one text"),
    (exercises.check_bill, (64, 2_359_296, 8 * 1024**2), "one head"), (exercises.check_bill, (64, 2_359_296, 8 * 12 * 1024 * 64), "take home"),
    (exercises.check_bill, (64, 2_359_296, 7), "(batch, heads, queries, keys)"),
    (exercises.check_merge_heads, lambda x: x.reshape(x.shape[0], x.shape[2], -1), "Which dimension must stand in front"),
    (exercises.check_merge_heads, lambda x: x.permute(0, 2, 3, 1).flatten(2), "interleaved"),
    (exercises.check_merge_heads, lambda x: x.transpose(1, 2), "expected the shape"),
    (exercises.check_merge_heads, lambda x: x.flip(1).transpose(1, 2).flatten(2), "token 0 should be"),
    (exercises.check_previous_token_head, lambda tokens: head(tokens, shift=0), "looks at itself"),
    (exercises.check_previous_token_head, lambda tokens: head(tokens, shift=1), "*next* token"),
    (exercises.check_previous_token_head, lambda tokens: head(tokens, size=9), "must be larger"),
    (exercises.check_previous_token_head, lambda tokens: head(tokens, size=torch.inf), "not all finite"),
    (exercises.check_previous_token_head, lambda tokens: head(tokens)[0], "expected two matrices"),
    (exercises.check_previous_token_head, lambda tokens: (torch.zeros(tokens, tokens),) * 2, "gives the token before it"),
    (exercises.check_credit, lambda *a: credit(*a, transposed=True), "with its transpose"),
    (exercises.check_credit, lambda *a: credit(*a, interleaved=True), "side by side"),
    (exercises.check_credit, lambda *a: credit(*a).mean(1, keepdim=True).expand(-1, a[0].shape[1], -1), "shared out"),
    (exercises.check_credit, lambda *a: credit(*a).sum(1), "expected the shape"),
    (exercises.check_credit, lambda *a: 2 * credit(*a), "sum to"),
    (exercises.check_unpack_qkv, lambda fused, heads: fused.chunk(3), "three thirds"),
    (exercises.check_unpack_qkv, lambda fused, heads: unpack(fused, heads).flip(0), "not in the order"),
    (exercises.check_unpack_qkv, lambda fused, heads: fused.unflatten(0, (heads, -1, 3)).permute(2, 0, 1, 3).flatten(1, 2), "in turn"),
    (exercises.check_unpack_qkv, lambda fused, heads: fused, "expected three matrices"),
    (exercises.check_unpack_qkv, lambda fused, heads: unpack(fused, heads).transpose(1, 2), "the wrong rows"),
    (exercises.check_induction_by_hand, lambda ids, n: induction(ids, n, notes=False), "the syllable itself"),
    (exercises.check_induction_by_hand, lambda ids, n: induction(ids, n, note_for_first=True), "must carry no note"),
    (exercises.check_induction_by_hand, lambda ids, n: induction(ids, n, causal=False), "into the future"),
    (exercises.check_induction_by_hand, looks_ahead, "not ahead"),
    (exercises.check_induction_by_hand, lambda ids, n: induction(ids, n)[-1], "expected logits of shape"),
    (exercises.check_induction_by_hand, lambda ids, n: induction(ids, n) * torch.nan, "not finite"),
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
