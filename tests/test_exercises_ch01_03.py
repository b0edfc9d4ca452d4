"""The checks of lesson 1.3's exercises: each passes the solution, and names what is wrong with likely wrong answers."""
import math

import pytest
import torch
from torch.nn import functional as F

from ch01_intro import exercises


def verdict(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out.strip()


# ---- solutions

def log_softmax(z):
    z = z - z.max(-1, keepdim=True).values
    return z - z.exp().sum(-1, keepdim=True).log()


def bigram_loss(board, inputs, targets):
    return F.cross_entropy(board[inputs], targets)


def informed_start(counts):
    return counts.sum(0).log().expand_as(counts).clone()


def train_bigram(ids, vocab_size, steps=400, rate=0.2):
    board = torch.zeros(vocab_size, vocab_size, requires_grad=True)
    adam = torch.optim.Adam([board], lr=rate)
    for _ in range(steps):
        loss = F.cross_entropy(board[ids[:-1]], ids[1:])
        adam.zero_grad()
        loss.backward()
        adam.step()
    return board.detach()


def by_hand(board, inputs, targets):
    return -board[inputs].log_softmax(-1).gather(1, targets[:, None]).mean()


def counted(ids, size):
    return torch.bincount(ids[:-1] * size + ids[1:], minlength=size**2).view(size, size).double()


@pytest.mark.parametrize(("check", "answer"), [
    (exercises.check_slopes_of_logits, (1 / 8, -6 / 8, 5 / 8)),
    (exercises.check_slopes_of_logits, torch.tensor([0.125, -0.75, 0.625])),
    (exercises.check_clock, (2000, 20_000)),
    (exercises.check_clock, [2000.0, 20_000.0]),
    (exercises.check_log_softmax, log_softmax),
    (exercises.check_log_softmax, lambda z: torch.log_softmax(z, -1)),
    (exercises.check_bigram_loss, bigram_loss),
    (exercises.check_bigram_loss, by_hand),
    (exercises.check_informed_start, informed_start),
    (exercises.check_informed_start, lambda c: (c.sum(0) / c.sum()).log().repeat(len(c), 1)),
    (exercises.check_train_bigram, train_bigram),
    (exercises.check_train_bigram, lambda ids, size: (counted(ids, size) + 1e-4).log()),
])
def test_passes(capsys, check, answer):
    assert ": right." in verdict(capsys, check, answer)


WRONG = {
    exercises.check_slopes_of_logits: [
        ((1 / 8, 2 / 8, 5 / 8), "those are the bets"),
        ((-1 / 8, 6 / 8, -5 / 8), "directions of the step"),
        ((1 / 8, 2 / 8, -3 / 8), "from the third"),
        ((-7 / 8, 2 / 8, 5 / 8), "from the first"),
        ((0, math.log(2) - 1, math.log(5)), "from the logit itself"),
        ((1, 1, 1), "sum to 3.000"),
        ((0.5, -0.5, 0), "the powers of the logits"),
        (0.5, "three slopes"),
    ],
    exercises.check_clock: [
        ((400_000, 20_000), "not squared"),
        ((0.05, 20_000), "other way round"),
        ((10, 20_000), "200 times smaller"),
        ((200, 20_000), "how many times"),
        ((2000, 1000), "characters: 1000 is not it"),
        (2000, "expected two numbers"),
    ],
    exercises.check_log_softmax: [
        (lambda z: z.exp() / z.exp().sum(-1, keepdim=True), "asked for are their logarithms"),
        (lambda z: z - z.exp().sum().log(), "last dimension"),
        (lambda z: z - z.exp().sum(-1, keepdim=True).log(), "burst"),
        (lambda z: torch.softmax(z, -1).log(), "became 0"),
        (lambda z: z - z.max(-1, keepdim=True).values, "they should sum to 1"),
        (lambda z: log_softmax(z)[..., :1], "tensor of the same shape"),
    ],
    exercises.check_bigram_loss: [
        (lambda b, x, y: F.cross_entropy(F.softmax(b[x], -1), y), "still taken twice"),
        (lambda b, x, y: F.cross_entropy(b[x], y, reduction="sum"), "that is the sum"),
        (lambda b, x, y: b[x].softmax(-1).gather(1, y[:, None]).mean(), "mean bet"),
        (lambda b, x, y: -by_hand(b, x, y), "sign is wrong"),
        (lambda b, x, y: F.cross_entropy(b[y], x), "exchanged"),
        (lambda b, x, y: F.nll_loss(b[x].log_softmax(0), y), "wrong dimension"),
        (lambda b, x, y: bigram_loss(b.detach(), x, y), "no slopes flow"),
        (lambda b, x, y: F.cross_entropy(b[x], y, reduction="none"), "one number"),
    ],
    exercises.check_informed_start: [
        (lambda c: (c.sum(0) / c.sum()).expand_as(c), "dials are logits"),
        (lambda c: c.sum(1).log().expand_as(c), "columns (dim 0)"),
        (lambda c: c.log(), "infinity"),
        (lambda c: torch.zeros_like(c), "evenly"),
        (lambda c: (c + 1).log(), "on page 0"),
        (lambda c: c.sum(0).log(), "every row alike"),
    ],
    exercises.check_train_bigram: [
        (lambda ids, size: torch.zeros(size, size), "hardly moved"),
        (lambda ids, size: counted(ids, size).log(), "exactly 0"),
        (lambda ids, size: train_bigram(ids, size, steps=40, rate=0.02), "More steps"),
        (lambda ids, size: train_bigram(ids, size).T, "turned"),
        (lambda ids, size: train_bigram(ids.flip(0), size), "turned"),
        (lambda ids, size: train_bigram(ids, size)[0], "expected logits of shape"),
        (lambda ids, size: torch.full((size, size), math.nan), "nan"),
    ],
}


@pytest.mark.parametrize(("check", "answer", "message"), [(check, *case) for check, cases in WRONG.items() for case in cases])
def test_names_the_fault(capsys, check, answer, message):
    said = verdict(capsys, check, answer)
    assert ": not yet." in said and message in said
    assert "stopped with" not in said


@pytest.mark.parametrize("check", WRONG)
def test_a_stub_is_not_tried(capsys, check):
    assert "not tried yet" in verdict(capsys, check, ...)
