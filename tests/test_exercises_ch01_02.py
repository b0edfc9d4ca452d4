"""The checks of lesson 1.2's exercises: each passes the solution, and names what is wrong with likely wrong answers."""
import math

import pytest
import torch

from ch01_intro import exercises
from ch01_intro.utils import Scalar

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def verdict(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out.strip()


# ---- solutions

def twice(x):
    y = x * x
    return y + y


def logistic(x):
    e = math.exp(-abs(x.value))
    s = 1 / (1 + e) if x.value >= 0 else e / (1 + e)
    return Scalar(s, ((x, s * (1 - s)),), "logistic")


def hessian(x):
    inputs = torch.stack([x, torch.ones_like(x)], dim=1)
    return 2 * inputs.T @ inputs / len(x)


def largest_rate(x):
    return 2 / torch.linalg.eigvalsh(hessian(x))[-1]


def counts(word):
    return [word.count(letter) for letter in LETTERS]


def counts_and_last(word):
    return counts(word) + [word[-1] == letter for letter in LETTERS]


SHAPES = [(4, 3), "refused", (4, 3), (4, 4), (4, 2), (4,), "refused"]


@pytest.mark.parametrize("check, answer", [
    (exercises.check_slopes_by_hand, (16, -16)), (exercises.check_slopes_by_hand, [16.0, torch.tensor(-16.0)]),
    (exercises.check_shapes, SHAPES), (exercises.check_shapes, tuple(list(s) if s != "refused" else s for s in SHAPES)),
    (exercises.check_trap, twice),
    (exercises.check_trap, lambda x: (x + 1) * (x + 1) + (lambda y: y * y * y)(x * 0.5)),
    (exercises.check_logistic, logistic), (exercises.check_largest_rate, largest_rate),
    (exercises.check_largest_rate, lambda x: float(2 / torch.linalg.matrix_norm(hessian(x), 2))),
    (exercises.check_features, counts_and_last)])
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


# ---- wrong answers, each with a message of its own

def changed(place, value):
    return [value if i == place else shape for i, shape in enumerate(SHAPES)]


def from_pieces(x):
    return 1 / (1 + (-x).exp())


def one_node(value, slope):
    """A logistic whose value or slope is another function of (x, s)."""
    def wrong(x):
        s = logistic(x).value
        return Scalar(value(x.value, s), ((x, slope(x.value, s)),))
    return wrong


def plain_overflow(x):
    s = 1 / (1 + math.exp(-x.value))
    return Scalar(s, ((x, s * (1 - s)),))


def uneven(word):
    return [word.count(letter) for letter in sorted(set(word))]


ticks = iter(range(10**9))

WRONG = {
    exercises.check_slopes_by_hand: [
        ((-16, 16), "swapped"),
        ((24, -16), "two roads"),
        ((-8, -16), "direct road"),
        ((-2, 2), "slopes of the brackets"),
        ((8, -8), "the 2 is missing"),
        ((-16, -16), "sign"),
        ((1, 2), "(1.0, 2.0) is not it"),
        (3, "two numbers"),
        ((1, 2, 3), "got 3")],
    exercises.check_shapes: [
        (changed(1, (4, 3)), "3 meets 4"),
        (changed(3, (4,)), "trap"),
        (changed(3, (4, 1)), "both 1s"),
        (changed(3, "refused"), "nothing clashes"),
        (changed(2, "refused"), "is stretched"),
        (changed(4, (4, 3, 2)), "vanish"),
        (changed(5, (4, 3)), "sums over"),
        (changed(5, (4, 1)), "dropped"),
        (changed(5, "refused"), "agree"),
        (changed(6, (3, 3)), "2 and 4"),
        (changed(0, (3, 4)), "from the right"),
        (SHAPES[:3], "7 entries")],
    exercises.check_trap: [
        (lambda x: x * x, "only x itself"),
        (lambda x: x.value**2, "got float"),
        (lambda x: x, "x itself; compute"),
        (lambda x: Scalar(3.0) * 2, "doesn't depend"),
        (lambda x: x * x + (lambda y: y + y)(x * 0.0), "is 0 at x = 1.5")],
    exercises.check_logistic: [
        (from_pieces, "one source x"),
        (plain_overflow, "overflows"),
        (one_node(lambda x, s: math.tanh(x), lambda x, s: 1), "the value should be"),
        (one_node(lambda x, s: s, lambda x, s: x * (1 - x)), "value of the result"),
        (one_node(lambda x, s: s, lambda x, s: s), "that is the value"),
        (lambda x: 0.5, "got float"),
        (one_node(lambda x, s: s, lambda x, s: 1.0), "the slope should be")],
    exercises.check_largest_rate: [
        (lambda x: 2 / torch.linalg.eigvalsh(hessian(x))[0], "flattest"),
        (lambda x: 4 / torch.linalg.eigvalsh(hessian(x))[-1], "twice too large"),
        (lambda x: 1 / torch.linalg.eigvalsh(hessian(x))[-1], "half of it"),
        (lambda x: largest_rate(x) / len(x), "divide the sums"),
        (lambda x: torch.linalg.eigvalsh(hessian(x))[-1], "that is the curvature"),
        (lambda x: 1 / (x * x).mean(), "column of ones"),
        (lambda x: 0.01, "take the Hessian")],
    exercises.check_features: [
        (counts, "order of the letters"),
        (lambda word: [1.0], "tell them apart"),
        (uneven, "as many numbers"),
        (lambda word: word, "list of numbers"),
        (lambda word: [next(ticks)], "different numbers"),
        (lambda word: [word[0] == letter for letter in LETTERS], "keep the letter counts"),
        (lambda word: [0] * 6000, "more than the check")],
}


@pytest.mark.parametrize("check, answer, message", [(check, *case) for check, cases in WRONG.items() for case in cases])
def test_wrong_answers_are_told_why(capsys, check, answer, message):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and message in said


def test_messages_differ(capsys):
    for check, cases in WRONG.items():
        said = [verdict(capsys, check, answer) for answer, _ in cases]
        assert len(set(said)) >= 3 and len(set(said)) == len(said)


@pytest.mark.parametrize("check", list(WRONG))
def test_stubs_are_not_tried_yet(capsys, check):
    def stub(x):
        """What is asked."""
        ...
    for answer in (..., stub):
        assert verdict(capsys, check, answer).endswith("not tried yet")
