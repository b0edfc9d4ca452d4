"""The checks of ch02/06: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import pytest
import torch
from torch.nn import functional as F

from ch02_tokenization import exercises
from tests.verdicts import verdict

TABLE, REST = 128_256 * 2048, 973_146_112
TIED, UNTIED = TABLE / (TABLE + REST), 2 * TABLE / (2 * TABLE + REST)


def backward(ids, slopes, vocab_size):
    return torch.zeros(vocab_size, slopes.shape[-1]).index_add_(0, ids.flatten(), slopes.reshape(-1, slopes.shape[-1]))


def backward_by_product(ids, slopes, vocab_size):
    return torch.einsum("...v,...d->vd", F.one_hot(ids, vocab_size).float(), slopes)


def backward_by_loop(ids, slopes, vocab_size):
    gradient = torch.zeros(vocab_size, slopes.shape[-1])
    for id, slope in zip(ids.flatten().tolist(), slopes.flatten(0, -2)):
        gradient[id] += slope
    return gradient


def lossy(ids, slopes, vocab_size):
    gradient = torch.zeros(vocab_size, slopes.shape[-1])
    gradient[ids] += slopes
    return gradient


def averaged(ids, slopes, vocab_size):
    return backward(ids, slopes, vocab_size) / torch.bincount(ids.flatten(), minlength=vocab_size).clamp(min=1)[:, None]


def in_place(ids, slopes, vocab_size):
    gradient = backward(ids, slopes, vocab_size)
    slopes.mul_(2)
    return gradient


def nearest(table, id, k, *, score=None, own=False, flip=False):
    """The solution, with faults to choose from."""
    seats = F.normalize(table, dim=1)
    scores = seats @ seats[id] if score is None else score(table, id)
    if not own:
        scores[id] = -1e9
    found = scores.topk(k).indices.tolist()
    return found[::-1] if flip else found


def nearest_by_sorting(table, id, k):
    others = [i for i in range(len(table)) if i != id]
    return torch.tensor(sorted(others, key=lambda i: -F.cosine_similarity(table[i], table[id], dim=0).item())[:k])


def axes(points, share, *, centre=True, power=2, more=0):
    """The solution, with faults to choose from."""
    sizes = torch.linalg.svdvals((points - points.mean(0) if centre else points).double()) ** power
    return int((sizes.cumsum(0) / sizes.sum() < share - 1e-9).sum()) + 1 + more


def axes_by_eigenvalues(points, share):
    values = torch.linalg.eigvalsh(torch.cov(points.double().T)).flip(0).clamp(min=0)
    held, k = 0.0, 0
    while held < share * values.sum() - 1e-6 * values.sum():
        held, k = held + values[k], k + 1
    return torch.tensor(k)


def seats(ids, vocab_size, d, *, positive=True, power=0.5, backwards=False, logarithm=True, guard=True, shuffle=False):
    """The solution, with faults to choose from."""
    first, second = (ids[1:], ids[:-1]) if backwards else (ids[:-1], ids[1:])
    counts = torch.bincount(first * vocab_size + second, minlength=vocab_size**2).view(vocab_size, vocab_size).double()
    joint = counts / counts.sum()
    ratio = joint / (joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True))
    table = (torch.where(joint > 0, ratio, 1) if guard else ratio).log()
    table = counts if not logarithm else table.clamp(min=0) if positive else table
    table = torch.zeros_like(table) if not table.isfinite().all() and guard else table
    left, sizes, _ = torch.linalg.svd(table) if table.isfinite().all() else (table, table[0], None)
    result = left[:, :d] * sizes[:d] ** power
    return result.flip(0) if shuffle else result


def seats_by_loop(ids, vocab_size, d):
    pairs = list(zip(ids[:-1].tolist(), ids[1:].tolist()))
    table = torch.zeros(vocab_size, vocab_size)
    for a, b in set(pairs):
        chance = sum(x == a for x, _ in pairs) * sum(y == b for _, y in pairs) / len(pairs)
        table[a, b] = max(0.0, torch.tensor(pairs.count((a, b)) / chance).log().item())
    values, vectors = torch.linalg.eigh(table @ table.T)
    return (vectors * values.clamp(min=0) ** 0.25).flip(1)[:, :d]


RIGHT = [
    (exercises.check_table_slopes, [[0, 0], [0, 5], [0, 0], [5, 5]]),
    (exercises.check_table_slopes, torch.tensor([[0.0, 0.0], [0.0, 5.0], [0.0, 0.0], [5.0, 5.0]])),
    (exercises.check_shares_of_tables, (TIED, UNTIED)), (exercises.check_shares_of_tables, [0.21, 0.35]),
    (exercises.check_embedding_backward, backward), (exercises.check_embedding_backward, backward_by_product),
    (exercises.check_embedding_backward, backward_by_loop),
    (exercises.check_nearest_words, nearest), (exercises.check_nearest_words, nearest_by_sorting),
    (exercises.check_axes_needed, axes), (exercises.check_axes_needed, axes_by_eigenvalues),
    (exercises.check_seats_by_counting, seats), (exercises.check_seats_by_counting, lambda *a: -seats(*a).float()),
    (exercises.check_seats_by_counting, seats_by_loop),
]
WRONG = [
    (exercises.check_table_slopes, [[1, 2], [5, 5], [-1, 0], [0, 3]], "carry each to the row"),
    (exercises.check_table_slopes, [[0, 0], [0, 3], [0, 0], [5, 5]], "its last use alone"),
    (exercises.check_table_slopes, [[0, 0], [0, 1.667], [0, 0], [5, 5]], "mean of its three"),
    (exercises.check_table_slopes, [[0, 0, 0, 5], [0, 5, 0, 5]], "two rows of four"),
    (exercises.check_table_slopes, [0, 5, 0, 10], "four rows of two"),
    (exercises.check_table_slopes, [[1, 0], [0, 5], [0, 0], [5, 5]], "nothing flows back"),
    (exercises.check_table_slopes, [[0, 0], [0, 5], [0, 0], [10, 10]], "looked up once"),
    (exercises.check_table_slopes, [[0, 0], [2, 5], [0, 0], [5, 5]], "not (2.0, 5.0)"),
    (exercises.check_shares_of_tables, (UNTIED, TIED), "wrong way round"),
    (exercises.check_shares_of_tables, (TABLE / REST, 2 * TABLE / REST), "divided by the other"),
    (exercises.check_shares_of_tables, (TIED, 2 * TIED), "not twice the first"),
    (exercises.check_shares_of_tables, (21, 35), "between 0 and 1"),
    (exercises.check_shares_of_tables, 0.21, "expected two shares"),
    (exercises.check_shares_of_tables, (TIED, 0.3), "above the line"),
    (exercises.check_shares_of_tables, (0.1, 0.2), "262,668,288"),
    (exercises.check_embedding_backward, lossy, "don't all arrive"),
    (exercises.check_embedding_backward, averaged, "they add up"),
    (exercises.check_embedding_backward, lambda ids, slopes, size: backward(ids, slopes, size + 1), "expected a tensor of shape"),
    (exercises.check_embedding_backward, in_place, "`slopes` was changed"),
    (exercises.check_embedding_backward, lambda ids, slopes, size: -backward(ids, slopes, size), "row 2 should be"),
    (exercises.check_embedding_backward, lambda ids, slopes, size: slopes.tolist(), "got list"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, own=True), "itself among them"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, score=lambda t, i: t @ t[i]), "dot products"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, score=lambda t, i: -(t - t[i]).norm(dim=1)), "distances"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, flip=True), "wrong order"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, score=lambda t, i: -F.cosine_similarity(t, t[i], dim=1)), "farthest"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k)[1:], "different ids"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t.mul_(2), i, k), "table was changed"),
    (exercises.check_nearest_words, lambda t, i, k: nearest(t, i, k, score=lambda t, i: (t / t.norm(dim=1, keepdim=True)) @ t[i]), "all zeros"),
    (exercises.check_axes_needed, lambda p, s: axes(p, s, centre=False), "take their mean away"),
    (exercises.check_axes_needed, lambda p, s: axes(p, s, power=1), "SQUARE"),
    (exercises.check_axes_needed, lambda p, s: axes(p, s, more=-1), "one more is needed"),
    (exercises.check_axes_needed, lambda p, s: axes(p, s, more=1), "hold that share already"),
    (exercises.check_axes_needed, lambda p, s: axes(p, s, more=7), "expected 1, got 8"),
    (exercises.check_axes_needed, lambda p, s: [0.5, 0.4], "whole number"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, backwards=True), "what comes before it"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, positive=False), "set them to 0"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, power=1.0), "square roots"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, power=0.0), "not scaled"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, logarithm=False), "the counts themselves"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a, guard=False), "nan or infinity"),
    (exercises.check_seats_by_counting, lambda ids, size, d: seats(ids, size, d).T, "expected a tensor of shape"),
    (exercises.check_seats_by_counting, lambda *a: seats(*a) + 1, "should be zeros"),
    (exercises.check_seats_by_counting, lambda *a: 2 * seats(*a), "dot product of rows"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_hears_why(check, answer, cause, capsys):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and cause in said, said


def test_each_check_has_messages_of_its_own(capsys):
    for check in {check for check, _, _ in WRONG}:
        said = [verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check]
        assert len(set(said)) == len(said) >= 3


def test_an_untried_stub_is_told_so(capsys):
    def stub(table, id, k):
        """Doc."""
        ...
    assert "not tried yet" in verdict(capsys, exercises.check_nearest_words, stub)
    assert "not tried yet" in verdict(capsys, exercises.check_table_slopes, ...)
