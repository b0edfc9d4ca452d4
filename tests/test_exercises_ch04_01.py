"""The checks of ch04/01: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ch04_gpt_model import exercises
from tests.verdicts import verdict


def normed(change=lambda x: x):
    x = torch.tensor([1.0, 3.0, 3.0, 9.0])
    return change(x - x.mean())


def forward(block, x):
    x = x + block.attention(block.attention_norm(x))
    return x + block.mlp(block.mlp_norm(x))


def forward_in_one_line(block, x):
    a = torch.add(x, block.attention(block.attention_norm(x)))
    return sum((a, block.mlp(block.mlp_norm(a))))


def colleague(block, x):
    x = block.attention_norm(x)
    x = x + block.attention(x)
    x = block.mlp_norm(x)
    return x + block.mlp(x)


def post_norm(block, x):
    x = block.attention_norm(x + block.attention(x))
    return block.mlp_norm(x + block.mlp(x))


def side_by_side(block, x):
    return x + block.attention(block.attention_norm(x)) + block.mlp(block.mlp_norm(x))


def overwriting(block, x):
    x += block.attention(block.attention_norm(x))
    return x + block.mlp(block.mlp_norm(x))


def size(start, note, n_layers, divided, *, writers=2, root=True, linear=False):
    if linear:
        return start + writers * n_layers * note
    notes = note / math.sqrt(2 * n_layers) if divided else note
    variance = start**2 + writers * n_layers * notes**2
    return math.sqrt(variance) if root else variance


def by_drawing_up_a_list(start, note, n_layers, divided):
    notes = [note / (2 * n_layers) ** 0.5 if divided else note] * (2 * n_layers)
    return torch.tensor([start, *notes], dtype=torch.float64).norm()


def learn(model, ids, *, steps=150, shift=True, rate=5e-3, up=False, optimizer=torch.optim.Adam, parameters=None):
    inputs, targets = (ids[:, :-1], ids[:, 1:]) if shift else (ids, ids)
    steps_of = optimizer(model.parameters() if parameters is None else parameters, lr=rate)
    for _ in range(steps):
        steps_of.zero_grad()
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        (-loss if up else loss).backward()
        steps_of.step()


def learn_until_it_knows(model, ids):
    optimizer, loss = torch.optim.AdamW(model.parameters(), lr=3e-3), torch.tensor(9.0)
    while loss > 0.03:
        loss = F.cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def fold(norm, linear, *, rows=False, own=True, shift=True, new=False):
    folded = nn.Linear(linear.in_features, linear.out_features, dtype=linear.weight.dtype)
    with torch.no_grad():
        weight = linear.weight * (norm.weight[:, None] if rows else norm.weight)
        folded.weight.copy_(weight)
        folded.bias.zero_()
        if own and linear.bias is not None:
            folded.bias += linear.bias
        if shift:
            folded.bias += (weight if new else linear.weight) @ norm.bias
    return folded


def fold_by_probing(norm, linear):
    """The result at 0 is the bias, the results at the unit vectors are the columns."""
    d = linear.in_features
    probes = torch.cat([torch.zeros(1, d), torch.eye(d)]).to(linear.weight.dtype)
    with torch.no_grad():
        results = linear(probes * norm.weight + norm.bias)
        folded = nn.Linear(d, linear.out_features).to(linear.weight.dtype)
        folded.bias.copy_(results[0])
        folded.weight.copy_((results[1:] - results[0]).T)
    return folded


def fold_in_place(norm, linear):
    with torch.no_grad():
        linear.weight *= norm.weight
    return linear


def fold_without_bias(norm, linear):
    folded = nn.Linear(linear.in_features, linear.out_features, bias=linear.bias is not None, dtype=linear.weight.dtype)
    with torch.no_grad():
        folded.weight.copy_(linear.weight * norm.weight)
        if linear.bias is not None:
            folded.bias.copy_(linear.bias + linear.weight @ norm.bias)
    return folded


def count(d):
    attention = 4 * (d * d + d)
    mlp = d * 4 * d + 4 * d + 4 * d * d + d
    return attention + mlp + 2 * 2 * d


RIGHT = [
    (exercises.check_through_the_glasses, (-1, -1 / 3, -1 / 3, 5 / 3)),
    (exercises.check_through_the_glasses, torch.tensor([-1, -0.333, -0.333, 1.667])),
    (exercises.check_block_parameters, lambda d: 12 * d * d + 13 * d),
    (exercises.check_block_parameters, count),
    (exercises.check_block_forward, forward),
    (exercises.check_block_forward, forward_in_one_line),
    (exercises.check_board_size, size),
    (exercises.check_board_size, by_drawing_up_a_list),
    (exercises.check_learn_by_heart, learn),
    (exercises.check_learn_by_heart, learn_until_it_knows),
    (exercises.check_fold, fold),
    (exercises.check_fold, fold_by_probing),
]

WRONG = [
    (exercises.check_through_the_glasses, (-3, -1, -1, 5), "those are the deviations"),
    (exercises.check_through_the_glasses, normed(lambda x: x / 9), "you divided by the variance"),
    (exercises.check_through_the_glasses, normed(lambda x: x / math.sqrt(12)), "by n − 1 = 3"),
    (exercises.check_through_the_glasses, (0.2, 0.6, 0.6, 1.8), "root mean square"),
    (exercises.check_through_the_glasses, normed(lambda x: x / 6), "you made the length 1"),
    (exercises.check_through_the_glasses, (1, 2, 3, 4), "sum to 10.00"),
    (exercises.check_through_the_glasses, (-2, -2, 2, 2), "the mean of their squares is 4.00"),
    (exercises.check_through_the_glasses, (1, 2), "expected four numbers"),
    (exercises.check_block_parameters, lambda d: 12 * d * d, "those are the six matrices"),
    (exercises.check_block_parameters, lambda d: 12 * d * d + 9 * d, "each of the two norms has a weight and a bias"),
    (exercises.check_block_parameters, lambda d: 12 * d * d + 10 * d, "has 4d numbers"),
    (exercises.check_block_parameters, lambda d: 8 * d * d + 9 * d, "one that widens to 4d"),
    (exercises.check_block_parameters, lambda d: 11 * d * d + 12 * d, "attention has four matrices"),
    (exercises.check_block_parameters, lambda d: d, "count attention, MLP and the two norms apart"),
    (exercises.check_block_forward, colleague, "that is the colleague's"),
    (exercises.check_block_forward, post_norm, "that is post-norm"),
    (exercises.check_block_forward, overwriting, "changes the board it was given"),
    (exercises.check_block_forward, lambda block, x: block.mlp(block.mlp_norm(block.attention(block.attention_norm(x)))), "nothing is added"),
    (exercises.check_block_forward, side_by_side, "before the attention"),
    (exercises.check_block_forward, lambda block, x: (y := x + block.attention(block.attention_norm(x))) + block.mlp(y), "the MLP reads without"),
    (exercises.check_block_forward, lambda block, x: (y := x + block.attention(x)) + block.mlp(block.mlp_norm(y)), "the attention reads without"),
    (exercises.check_block_forward, lambda block, x: x[0], "expected a tensor of the same shape"),
    (exercises.check_block_forward, lambda block, x: 2 * x, "not GPT-2's block"),
    (exercises.check_board_size, lambda *a: size(*a, linear=True), "sizes don't add up"),
    (exercises.check_board_size, lambda *a: size(*a, writers=1), "a block has two writers"),
    (exercises.check_board_size, lambda *a: size(*a, root=False), "that is the variance"),
    (exercises.check_board_size, lambda s, n, layers, divided: size(s, n, layers, False), "the notes were to be divided"),
    (exercises.check_board_size, lambda s, *a: size(0.0, *a), "isn't empty at the start"),
    (exercises.check_board_size, lambda *a: 6.5, "Start from the variances"),
    (exercises.check_learn_by_heart, lambda model, ids: model(ids).sum(), "no parameter has moved"),
    (exercises.check_learn_by_heart, lambda model, ids: learn(model, ids, steps=30), "go on until"),
    (exercises.check_learn_by_heart, lambda model, ids: learn(model, ids, shift=False), "it has learned to repeat"),
    (exercises.check_learn_by_heart, lambda model, ids: learn(model, ids, steps=20, up=True), "did you step uphill"),
    (exercises.check_learn_by_heart, lambda model, ids: learn(model, ids, rate=1e30, optimizer=torch.optim.SGD), "not a number any more"),
    (exercises.check_fold, lambda norm, linear: fold(norm, linear, rows=linear.in_features == linear.out_features), "you scaled the rows"),
    (exercises.check_fold, lambda norm, linear: fold(norm, linear, shift=False), "goes through the matrix as well"),
    (exercises.check_fold, lambda norm, linear: fold(norm, linear, own=False), "had a bias of its own"),
    (exercises.check_fold, lambda norm, linear: fold(norm, linear, new=True), "through the old matrix"),
    (exercises.check_fold, fold_without_bias, "this matrix had no bias"),
    (exercises.check_fold, fold_in_place, "have changed"),
    (exercises.check_fold, lambda norm, linear: copy.deepcopy(linear), "results differ by up to"),
    (exercises.check_fold, lambda norm, linear: linear.weight, "expected a new nn.Linear"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_wrong_answers_are_told_why(capsys, check, answer, message):
    said = verdict(capsys, check, answer)
    assert "not yet" in said and message in said


def test_messages_differ():
    messages = {}
    for check, _, message in WRONG:
        messages.setdefault(check.__name__, set()).add(message)
    assert len(messages) == 6 and all(len(found) >= 3 for found in messages.values())
