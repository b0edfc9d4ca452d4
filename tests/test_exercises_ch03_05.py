"""The checks of ch03/05: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import functools

import pytest
import torch

from ch03_attention import exercises
from ch03_attention.utils import causal_mask, visible_tiles
from tests.verdicts import verdict


def join_notes(outputs, log_sum_exps, *, fault=None):
    """The solution, with faults to choose from."""
    lses = torch.stack(log_sum_exps)
    shares, lse = torch.softmax(lses, 0), lses.logsumexp(0)
    if fault == "same share":
        shares = torch.full_like(shares, 1 / len(outputs))
    if fault == "sum":
        lse = lses.sum(0)
    if fault == "overflow":
        lse = lses.exp().sum(0).log()
    if fault == "nan shares":
        shares = lses.exp() / lses.exp().sum(0)
    if fault == "mean":
        lse = lses.mean(0)
    if fault == "squared":
        shares = torch.softmax(2 * lses, 0)
    if fault == "empty":
        shares = shares + (lses - lses) * 0
    if fault == "shape":
        shares = shares[..., :1]
        lse = lse[..., :1]
    return (shares[..., None] * torch.stack(outputs)).sum(0), lse


def join_in_turn(outputs, log_sum_exps):
    output, lse = outputs[0], log_sum_exps[0]
    for other, theirs in zip(outputs[1:], log_sum_exps[1:]):
        new = torch.logaddexp(lse, theirs)
        output, lse = output * (lse - new).exp()[..., None] + other * (theirs - new).exp()[..., None], new
    return output, lse


def window_tiles(tokens, tile, window, *, off=0, unaligned=False, future=False, everything=False):
    """The solution, with faults to choose from."""
    for first in range(0, tokens, tile):
        rows = slice(first, min(first + tile, tokens))
        oldest = max(first - window + 1 + off, 0)
        oldest = 0 if everything else oldest if unaligned else oldest // tile * tile
        stop = tokens if future else rows.stop
        yield rows, [slice(column, min(column + tile, stop)) for column in range(oldest, stop, tile)]


def window_by_looking(tokens, tile, window):
    return [(rows, [columns for columns in blocks if columns.stop > rows.start - window + 1])
            for rows, blocks in visible_tiles(tokens, tokens, True, tile)]


def d_key(query, key, value, output, log_sum_exp, d_output, tile, *, scale=True, average=True, mask=True, last=False):
    """The solution, with faults to choose from."""
    tokens, head_dim = key.shape
    D = (d_output * output).sum(-1, keepdim=True)
    gradient = torch.zeros_like(key)
    for start in range(0, tokens, tile):
        columns = slice(start, min(start + tile, tokens))
        for first in range(start if mask else 0, tokens, tile):
            rows = slice(first, min(first + tile, tokens))
            weights = (query[rows] @ key[columns].T / head_dim**0.5 - log_sum_exp[rows, None]).exp()
            if first == start and mask:
                weights = weights.tril()
            d_scores = weights * (d_output[rows] @ value[columns].T - (D[rows] if average else 0))
            part = d_scores.T @ query[rows] / (head_dim**0.5 if scale else 1)
            gradient[columns] = part if last else gradient[columns] + part
    return gradient


def d_key_of_the_sheet(query, key, value, output, log_sum_exp, d_output, tile, *, of_query=False):
    """Right, or that of the query; with a whole sheet."""
    scores = (query @ key.T / query.shape[1]**0.5).masked_fill(~causal_mask(len(query)), -torch.inf)
    d_scores = (scores - log_sum_exp[:, None]).exp() * (d_output @ value.T - (d_output * output).sum(-1, keepdim=True)) / query.shape[1]**0.5
    return d_scores @ key if of_query else d_scores.T @ query


def d_key_rows_outside(query, key, value, output, log_sum_exp, d_output, tile):
    """The solution in the order of the lesson's backward pass."""
    gradient, scale = torch.zeros_like(key), key.shape[1] ** -0.5
    for rows, blocks in visible_tiles(len(query), len(key), True, tile):
        for columns in blocks:
            scores = query[rows] @ key[columns].T * scale
            future = torch.arange(columns.start, columns.stop) > torch.arange(rows.start, rows.stop)[:, None]
            weights = (scores.masked_fill(future, -torch.inf) - log_sum_exp[rows, None]).exp()
            d_weights = d_output[rows] @ value[columns].T
            d_scores = weights * (d_weights - (d_output[rows] * output[rows]).sum(-1, keepdim=True)) * scale
            gradient[columns] += d_scores.T @ query[rows]
    return gradient


rising, falling = [1, 2, 3, 4, 5, 9], [9, 1, 5, 4, 3, 2]
RIGHT = [
    (exercises.check_note_by_hand, (3 / 2, 1 / 4, 15 / 8)), (exercises.check_note_by_hand, torch.tensor([1.5, 0.25, 1.875])),
    (exercises.check_longest_rolls, (4096, 32768)), (exercises.check_longest_rolls, [2**12, 2**15]),
    (exercises.check_join_notes, join_notes), (exercises.check_join_notes, join_in_turn),
    (exercises.check_green_and_red, (falling, rising)), (exercises.check_green_and_red, ([0, 5, 1, 4, 2, 3], (-3, -2, -1, 0.5, 40, 39.0))),
    (exercises.check_window_tiles, window_tiles), (exercises.check_window_tiles, window_by_looking),
    (exercises.check_d_key, d_key), (exercises.check_d_key, d_key_rows_outside),
]
WRONG = [
    (exercises.check_note_by_hand, (3, 0.25, 1.875), "subtracted first"), (exercises.check_note_by_hand, (2, 0.25, 1.875), "their total isn't 2"),
    (exercises.check_note_by_hand, (1.5, 4, 7.5), "must shrink"), (exercises.check_note_by_hand, (1.5, 0.5, 2.25), "2/8, not 0.5"),
    (exercises.check_note_by_hand, (1.5, 0.25, 3), "was not corrected"), (exercises.check_note_by_hand, (1.5, 0.25, 15), "isn't 15"),
    (exercises.check_note_by_hand, 1.5, "three numbers"),
    (exercises.check_longest_rolls, (16384, 131072), "one head only"), (exercises.check_longest_rolls, (8192, 65536), "17.2"),
    (exercises.check_longest_rolls, (4096, 262144), "not 64 times the roll"), (exercises.check_longest_rolls, (4096, 65536), "65536 is not it"),
    (exercises.check_longest_rolls, (7026, 56209), "take the root"), (exercises.check_longest_rolls, 4096, "two numbers"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="same share"), "same share"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="sum"), "don't add up"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="overflow"), "infinite"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="nan shares"), "overflowed"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="empty"), "subtract the largest over the houses"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="mean"), "of query 0 should be"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="squared"), "is right, but the output"),
    (exercises.check_join_notes, functools.partial(join_notes, fault="shape"), "expected the shapes"),
    (exercises.check_join_notes, lambda outputs, lses: outputs[0], "two tensors"),
    (exercises.check_green_and_red, (rising, falling), "other way round"), (exercises.check_green_and_red, (rising, rising), "raises the largest"),
    (exercises.check_green_and_red, (falling, falling), "nothing to correct"), (exercises.check_green_and_red, ([1] * 6, rising), "six different"),
    (exercises.check_green_and_red, (falling, [1, 0.99, 0.98, 1.01, 0.9, 0.91]), "much larger score"),
    (exercises.check_green_and_red, ([1, 2, 2.0001, 0, -1, -2], rising), "luck"), (exercises.check_green_and_red, falling, "two rows"),
    (exercises.check_window_tiles, functools.partial(window_tiles, off=1), "are missing"),
    (exercises.check_window_tiles, functools.partial(window_tiles, off=-1), "for nothing"),
    (exercises.check_window_tiles, functools.partial(window_tiles, unaligned=True), "multiples of"),
    (exercises.check_window_tiles, functools.partial(window_tiles, future=True), "wholly in the future"),
    (exercises.check_window_tiles, lambda tokens, tile, window: print(end=""), "nothing came back"),
    (exercises.check_window_tiles, lambda tokens, tile, window: list(window_tiles(tokens, tile, window))[1:], "blocks of queries"),
    (exercises.check_window_tiles, lambda *sizes: [(rows, blocks[::-1]) for rows, blocks in window_tiles(*sizes)], "expected"),
    (exercises.check_d_key, functools.partial(d_key, scale=False), "divided by √head_dim"),
    (exercises.check_d_key, functools.partial(d_key, average=False), "D was not subtracted"),
    (exercises.check_d_key, functools.partial(d_key, mask=False), "the future was not masked"),
    (exercises.check_d_key, functools.partial(d_key, last=True), "wrong for the keys"),
    (exercises.check_d_key, functools.partial(d_key_of_the_sheet, of_query=True), "gradient of the query"),
    (exercises.check_d_key, d_key_of_the_sheet, "are allowed"),
    (exercises.check_d_key, lambda *a: a[0][:1], "of shape"), (exercises.check_d_key, lambda *a: a[0] * float("nan"), "not a number"),
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


def test_the_fault_of_the_exercise_is_the_one_that_is_printed():
    """The function of 3.5.4 is right with the correction, and wrong without it where the largest score comes late."""
    for row in (rising, falling):
        weights = torch.softmax(torch.tensor(row, dtype=torch.float64), 0)
        mean = (weights @ torch.arange(1.0, 7, dtype=torch.float64)).item()
        assert abs(exercises.faulty_running_mean(row, range(1, 7), 2, correct=True) - mean) < 1e-12
        assert (abs(exercises.faulty_running_mean(row, range(1, 7), 2) - mean) < 1e-9) == (row is falling)
