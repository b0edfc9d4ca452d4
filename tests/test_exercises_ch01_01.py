"""The checks of ch01/01: each passes a right answer in any style, and names the cause of at least three wrong ones."""

import bisect
import itertools
import math

import pytest

from ch01_intro import exercises
from tests.verdicts import verdict


def letters(train, test, n, unit="bits", per="bytes", vocabulary=None):
    from ch01_intro.utils import NGramModel

    ids = {c: 1 + i for i, c in enumerate(vocabulary or sorted(set(train + test)))}
    model = NGramModel(n, len(ids) + 1).fit([[ids[c] for c in train]])
    padded = [0] * n + [ids[c] for c in test] + [0]
    nats = -sum(math.log(model.prob(padded[i], padded[i - n + 1 : i])) for i in range(n, len(padded)))
    return (
        nats
        / (math.log(2) if unit == "bits" else 1)
        / {"bytes": len(test.encode()), "characters": len(test), "tokens": len(test) + 1}[per]
    )


RIGHT = [
    (exercises.check_surprise_in_bits, lambda p: -math.log2(p)),
    (exercises.check_surprise_in_bits, lambda p: math.log(1 / p) / math.log(2)),
    (exercises.check_perplexity, 2**2.25),
    (exercises.check_perplexity, 4.757),
    (exercises.check_bits_per_byte_of_text, lambda nats, text: nats / math.log(2) / len(text.encode("utf-8"))),
    (exercises.check_choose, lambda probs, u: bisect.bisect_right(list(itertools.accumulate(probs)), u)),
    (exercises.check_add_one, lambda row, token, V: (row.get(token, 0) + 1) / (sum(row.values()) + V)),
    (exercises.check_letters, letters),
]
WRONG = [
    (exercises.check_surprise_in_bits, lambda p: math.log2(p), "never negative"),
    (exercises.check_surprise_in_bits, lambda p: -math.log(p), "in nats"),
    (exercises.check_surprise_in_bits, lambda p: 1 / p, "expected 0.000"),
    (exercises.check_perplexity, 5.5, "mean of 1/p"),
    (exercises.check_perplexity, 2.25, "in bits"),
    (exercises.check_perplexity, math.exp(2.25), "mixed the bases"),
    (exercises.check_perplexity, 512, "fourth root"),
    (exercises.check_bits_per_byte_of_text, lambda nats, text: nats / math.log(2) / len(text), "counts characters"),
    (exercises.check_bits_per_byte_of_text, lambda nats, text: nats / len(text.encode()), "still in nats"),
    (exercises.check_bits_per_byte_of_text, lambda nats, text: nats * math.log(2) / len(text.encode()), "expected"),
    (exercises.check_choose, lambda probs, u: max(range(len(probs)), key=probs.__getitem__), "greedy"),
    (exercises.check_choose, lambda probs, u: int(u * len(probs)), "expected"),
    (exercises.check_choose, lambda probs, u: bisect.bisect_left(list(itertools.accumulate(probs)), u), "probability 0"),
    (
        exercises.check_add_one,
        lambda row, token, V: row.get(token, 0) / max(1, sum(row.values())),
        "expected|probability 0|should be",
    ),
    (exercises.check_add_one, lambda row, token, V: (row.get(token, 0) + 1) / 5, "the total grows"),
    (exercises.check_add_one, lambda row, token, V: (row[token] + 1) / (sum(row.values()) + V), "KeyError"),
    (
        exercises.check_add_one,
        lambda row, token, V: (row[token] + 1) / (sum(row.values()) + V) if token in row else 0,
        "still has probability 0",
    ),
    (exercises.check_letters, lambda a, b, n: letters(a, b, n, unit="nats"), "divide by ln 2"),
    (exercises.check_letters, lambda a, b, n: letters(a, b, n, per="tokens"), "not by its tokens"),
    (exercises.check_letters, lambda a, b, n: letters(a, b, n, vocabulary=[chr(i) for i in range(32, 256)]), "vocabulary"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_wrong_answers_are_told_why(capsys, check, answer, cause):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and any(part in said for part in cause.split("|")), said


def stub(x):
    """A docstring is not an answer."""
    ...


@pytest.mark.parametrize("answer", [..., stub, lambda *args: ...])
def test_a_stub_is_not_tried_yet(capsys, answer):
    assert verdict(capsys, exercises.check_choose, answer) == "Exercise 1.1.4: not tried yet\n"


def test_an_answer_that_returns_a_constant_was_tried(capsys):
    assert "not yet" in verdict(capsys, exercises.check_surprise_in_bits, lambda p: 1.0)
