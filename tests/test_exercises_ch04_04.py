"""The checks of ch04/04: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math

import pytest
import torch
from torch.nn import functional as F

from ch04_gpt_model import exercises
from ch04_gpt_model.utils import memory_budget
from tests.verdicts import assert_hears, assert_not_tried, verdict


def by_loop(gradients, *, largest=None, start=1.0, signed=False):
    gradients = gradients.double()
    size = gradients.max() if signed else gradients.abs().max()
    scale = start
    while size * scale * 2 < (largest or 65520):
        scale *= 2
    while size * scale >= (largest or 65520) and scale > start * 2.0**-40:
        scale /= 2
    return scale


def by_logarithm(gradients):
    power = math.floor(math.log2(65520 / gradients.double().abs().max().item()))
    return 2.0 ** (power - (gradients.double().abs().max().item() * 2.0**power >= 65520))


def batch(config, tokens, memory, *, parts=None, over=0, least=0, strict=False, ignore=False, **options):
    if ignore:
        options = {}

    def total(batch_size):
        budget = memory_budget(config, batch_size, tokens, **options)
        return sum(size for part, size in budget.items() if parts is None or part in parts)

    size = 0
    while total(size + 1) < memory + (not strict):
        size += 1
    return max(least, size + over)


def batch_by_halving(config, tokens, memory, **options):
    low, high = 0, 4096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(memory_budget(config, middle, tokens, **options).values()) <= memory else (low, middle)
    return low


def by_chance(x, step, generator, *, mirrored=False, towards_zero=False, one_coin=False, even=False, own_coins=False, unscaled=False):
    below = torch.trunc(x / step) if towards_zero else torch.floor(x / step)
    chance = x / step - below
    shape = (1,) if one_coin else x.shape
    coin = torch.rand(shape, dtype=x.dtype) if own_coins else torch.rand(shape, generator=generator, dtype=x.dtype)
    up = coin >= chance if mirrored else coin < 0.5 if even else coin < chance
    return (below + up) * (1 if unscaled else step)


def by_floor(x, step, generator):
    return torch.floor(x / step + torch.rand(x.shape, generator=generator, dtype=x.dtype)) * step


def nats_of(hidden, weight, targets, chunk, *, whole=False, mean=False, flipped=False, last=False, no_one_hot=False, spoil=False, mean_slope=False):
    chunk = len(hidden) if whole else chunk
    nats, d_hidden, d_weight = 0.0, [], torch.zeros_like(weight)
    for some, theirs in zip(hidden.split(chunk), targets.split(chunk)):
        logits = some @ weight.T
        slope, places = logits.softmax(-1), torch.arange(len(some))
        nats = nats - logits.log_softmax(-1)[places, theirs].sum()
        if not no_one_hot:
            slope[places, theirs] -= 1
        slope = (-slope if flipped else slope) / (len(hidden) if mean_slope else 1)
        d_hidden.append(slope @ weight)
        d_weight = slope.T @ some if last else d_weight + slope.T @ some
    if spoil:
        hidden.mul_(2)
    return nats / len(hidden) if mean else nats, torch.cat(d_hidden), d_weight


def nats_by_autograd(hidden, weight, targets, chunk):
    total, d_hidden, d_weight = 0.0, [], torch.zeros_like(weight)
    for some, theirs in zip(hidden.split(chunk), targets.split(chunk)):
        some, table = some.clone().requires_grad_(), weight.clone().requires_grad_()
        nats = F.cross_entropy(some @ table.T, theirs, reduction="sum")
        one, other = torch.autograd.grad(nats, (some, table))
        total, d_weight = total + nats.item(), d_weight + other
        d_hidden.append(one)
    return total, torch.cat(d_hidden), d_weight


RIGHT = [
    (exercises.check_read_the_bits, (10, 257, 2049)),
    (exercises.check_read_the_bits, [10.0, 2**8 + 1, 2**11 + 1]),
    (exercises.check_billions, (0.5, 1, 4, 16)),
    (exercises.check_billions, [8 / size for size in (16, 8, 2, 0.5)]),
    (exercises.check_largest_scale, by_loop),
    (exercises.check_largest_scale, by_logarithm),
    (exercises.check_largest_scale, lambda gradients: torch.tensor(by_loop(gradients))),
    (exercises.check_largest_batch, batch),
    (exercises.check_largest_batch, batch_by_halving),
    (exercises.check_round_by_chance, by_chance),
    (exercises.check_round_by_chance, by_floor),
    (exercises.check_nats_and_gradients, nats_of),
    (exercises.check_nats_and_gradients, nats_by_autograd),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


PARTS = ("weights", "gradients", "optimizer", "activations")
WRONG = [
    (exercises.check_read_the_bits, (2, 257, 2049), "leaves out the 1 in front"),
    (exercises.check_read_the_bits, (8, 257, 2049), "that is the exponent alone"),
    (exercises.check_read_the_bits, (20, 257, 2049), "130 − 127 is 3, not 4"),
    (exercises.check_read_the_bits, (10, 129, 2049), "bf16: 129 still fits"),
    (exercises.check_read_the_bits, (10, 256, 2049), "256 is a power of two, which fits"),
    (exercises.check_read_the_bits, (10, 257, 1025), "fp16: 1025 still fits"),
    (exercises.check_read_the_bits, (10, 257, 65505), "fp16: there is a gap before 65505"),
    (exercises.check_read_the_bits, (10, 100, 2049), "bf16 holds 100"),
    (exercises.check_billions, (2, 1, 4, 16), "AdamW in fp32, 2 billion: that is the weights alone"),
    (exercises.check_billions, (1, 1, 4, 16), "the two memories of Adam are missing"),
    (exercises.check_billions, (0.5, 2, 4, 16), "the fp32 copy of the weights takes 4 more"),
    (exercises.check_billions, (0.5, 1, 2, 16), "bf16 has 2 bytes, not 4"),
    (exercises.check_billions, (0.5, 1, 4, 8), "4 bits are half a byte"),
    (exercises.check_billions, (0.5, 1, 4), "you give 3"),
    (exercises.check_billions, (0.5, 1.5, 4, 16), "5.33 bytes a weight are not right"),
    (exercises.check_largest_scale, lambda gradients: by_loop(gradients, signed=True), "The largest in size is negative"),
    (exercises.check_largest_scale, lambda gradients: 65504 / gradients.abs().max().item(), "is not a power of two"),
    (exercises.check_largest_scale, lambda gradients: by_loop(gradients) / 2, "twice your scale would not overflow either"),
    (exercises.check_largest_scale, lambda gradients: by_loop(gradients, largest=65504.5), "is rounded down to it, not to infinity"),
    (exercises.check_largest_scale, lambda gradients: 1.0, "scales above 1 are what it is for"),
    (exercises.check_largest_scale, lambda gradients: max(1.0, by_loop(gradients)), "there a gradient becomes infinite"),
    (exercises.check_largest_batch, lambda *a, **o: batch(*a, over=1, **o), "which takes"),
    (exercises.check_largest_batch, lambda *a, **o: batch(*a, least=1, **o), "not even one text fits"),
    (exercises.check_largest_batch, lambda *a, **o: batch(*a, ignore=True, **o), "were not passed on"),
    (exercises.check_largest_batch, lambda *a, **o: batch(*a, strict=True, **o), "exactly full is allowed"),
    (exercises.check_largest_batch, lambda *a, **o: batch(*a, parts=PARTS, **o), "the workspace counts too"),
    (exercises.check_largest_batch, lambda *a, **o: max(0, batch(*a, **o) - 1), "one more would fit"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, mirrored=True), "the wrong way round"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, towards_zero=True), "use floor, not trunc"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, one_coin=True), "a coin of its own"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, even=True), "The share of the step that it has gone is the chance"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, own_coins=True), "with the generator that is given"),
    (exercises.check_round_by_chance, lambda *a: by_chance(*a, unscaled=True), "the neighbours are 0 and 0.25, and you give 0 to 1"),
    (exercises.check_round_by_chance, lambda x, step, generator: (x / step).round() * step, "a coin of its own"),
    (exercises.check_round_by_chance, lambda x, step, generator: x, "is not a multiple of the step"),
    (exercises.check_round_by_chance, lambda x, step, generator: by_chance(x, step, generator)[:5], "got shape (5,)"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, whole=True), "larger than chunk × vocab"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, mean=True), "that is the mean"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, flipped=True), "the wrong sign"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, last=True), "Only the last chunk arrived"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, no_one_hot=True), "the gradient of hidden starts with"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, mean_slope=True), "is that of the mean"),
    (exercises.check_nats_and_gradients, lambda *a: nats_of(*a, spoil=True), "were changed"),
    (exercises.check_nats_and_gradients, lambda *a: (*nats_of(*a)[:2], nats_of(*a)[2].T), "the gradient of weight has shape"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_wrong_answers_hear_their_cause(capsys, check, answer, message):
    assert_hears(capsys, check, answer, message)


@pytest.mark.parametrize("check", sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__))
def test_stubs_are_not_tried_yet(capsys, check):
    assert_not_tried(capsys, check)
