"""The checks of ch05/01: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ch05_pretraining import exercises
from ch05_pretraining.utils import bootstrap_interval
from tests.verdicts import assert_hears, assert_not_tried, verdict


def mean_loss(logits, targets, *, by="targets", guard=True, spoil=False):
    losses = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-100, reduction="none")
    count = (targets != -100).sum(1)
    if spoil:
        targets[targets == -100] = 0
    if by == "places":
        return losses.mean(1).mean()
    if by == "rows":
        return (losses.sum(1) / count).mean()
    if by == "sum":
        return losses.sum()
    if by == "halves":
        return losses.sum() / count.sum() / 2
    return losses.sum() / (count.sum().clamp(min=1) if guard else count.sum())


def mean_loss_by_rows(logits, targets):
    kept = targets != -100
    if not kept.any():
        return torch.tensor(0.0)
    return -logits.log_softmax(-1)[kept].gather(-1, targets[kept][:, None]).mean()


def trapezoid(steps, warmup, cooldown, *, early=0, late=0, ends=None, product=False, capped=True):
    def schedule(step):
        up = (step + 1 - early) / warmup if warmup else 1.0
        down = (steps - late - step) / cooldown if cooldown else 1.0
        if ends is not None and step >= steps - cooldown:
            return ends
        if product:
            return min(1.0, up) * min(1.0, down) ** 2
        return min(up, down, 1.0) if capped else min(up, down)

    return schedule


def trapezoid_by_cases(steps, warmup, cooldown):
    def schedule(step):
        if step < warmup and (step + 1) / warmup <= (steps - step) / max(1, cooldown):
            return (step + 1) / warmup
        return (steps - step) / cooldown if step > steps - cooldown else 1

    return schedule


def paired(one, other):
    return bootstrap_interval(one - other)


def by_standard_error(one, other):
    difference = (one - other).numpy()
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return difference.mean() - 1.96 * error, difference.mean() + 1.96 * error


def by_drawing(one, other, *, apart=False, share=1):
    generator = torch.Generator().manual_seed(5)
    means, size = [], int(len(one) * share)
    for _ in range(2000):
        rows = torch.randint(len(one), (size,), generator=generator)
        means.append(one[rows].mean() - other[torch.randint(len(one), (size,), generator=generator) if apart else rows].mean())
    return torch.stack(means).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()


def lion(weight, gradient, memory, lr, beta1, beta2, decay, *, sign=True, late=False, swapped=False, up=False, through=False,
         rateless=False, inner=False):
    if through:
        gradient = gradient + decay * weight
    renewed = (beta1 * memory + (1 - beta1) * gradient) if swapped else beta2 * memory + (1 - beta2) * gradient
    mixed = beta1 * (renewed if late else memory) + (1 - beta1) * gradient
    update = mixed.sign() if sign else mixed
    if inner:
        update = renewed.sign()
    step = lr * update * (-1 if up else 1) + (0 if through else decay * weight * (1 if rateless else lr))
    return weight - step, (beta2 * memory + (1 - beta2) * (gradient - decay * weight)) if through else renewed


def lion_in_place(weight, gradient, memory, lr, beta1, beta2, decay):
    weight.sub_(lr * ((beta1 * memory + (1 - beta1) * gradient).sign() + decay * weight))
    return weight, memory.lerp(gradient, 1 - beta2)


def lion_with_where(weight, gradient, memory, lr, beta1, beta2, decay):
    update = torch.lerp(gradient, memory, beta1)
    stride = torch.where(update > 0, 1.0, -1.0) * (update != 0)
    return (1 - lr * decay) * weight - lr * stride, memory + (1 - beta2) * (gradient - memory)


def ratio(nats, floors):
    return sum(nats) / sum(floors) - 1


RIGHT = [
    (exercises.check_after_one_step, (2.008, 2.008)),
    (exercises.check_after_one_step, torch.tensor([2 * (1 - 0.001) + 0.01] * 2)),
    (exercises.check_above_the_floor, ratio),
    (exercises.check_above_the_floor, lambda nats, floors: np.subtract(nats, floors).sum() / np.sum(floors)),
    (exercises.check_above_the_floor, lambda nats, floors: torch.tensor(ratio(nats, floors), dtype=torch.float64)),
    (exercises.check_mean_loss, mean_loss),
    (exercises.check_mean_loss, mean_loss_by_rows),
    (exercises.check_trapezoid, trapezoid),
    (exercises.check_trapezoid, trapezoid_by_cases),
    (exercises.check_interval_of_difference, paired),
    (exercises.check_interval_of_difference, by_drawing),
    (exercises.check_interval_of_difference, by_standard_error),
    (exercises.check_lion_step, lion),
    (exercises.check_lion_step, lion_with_where),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


WRONG = [
    (exercises.check_after_one_step, (2.01, 2.01), "the decay is missing"),
    (exercises.check_after_one_step, (1.988, 1.988), "downhill is against the gradient"),
    (exercises.check_after_one_step, (1.81, 1.81), "not 0.1 of it"),
    (exercises.check_after_one_step, (2.00247, 2.00247), "not yet divided by 1 − β"),
    (exercises.check_after_one_step, (2.001, 2.001), "without Adam's division"),
    (exercises.check_after_one_step, (1.998, 1.998), "the stride is missing"),
    (exercises.check_after_one_step, (2.5, 2.5), "is not right"),
    (exercises.check_after_one_step, (2.008, 4.998), "What is their ratio?"),
    (exercises.check_after_one_step, 2.008, "expected two numbers"),
    (exercises.check_above_the_floor, lambda nats, floors: np.divide(nats, floors).mean() - 1, "the mean of the stories' ratios"),
    (exercises.check_above_the_floor, lambda nats, floors: sum(nats) / sum(floors), "that is the ratio"),
    (exercises.check_above_the_floor, lambda nats, floors: 100 * ratio(nats, floors), "not in percent"),
    (exercises.check_above_the_floor, lambda nats, floors: 1 - sum(floors) / sum(nats), "a share of the model's nats"),
    (exercises.check_above_the_floor, lambda nats, floors: sum(nats) - sum(floors), "a number of nats"),
    (exercises.check_above_the_floor, lambda nats, floors: 0.5, "expected"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, by="places"), "is still counted in your mean"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, by="rows"), "a row with one target counts as much"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, by="sum"), "That is the sum"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, by="halves"), "expected"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, guard=False), "0/0 has to be avoided"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a, spoil=True), "are changed"),
    (exercises.check_mean_loss, lambda *a: mean_loss(*a).item(), "expected a scalar tensor"),
    (exercises.check_trapezoid, lambda *a: trapezoid(*a, early=1), "step 0 gets 1/warmup"),
    (exercises.check_trapezoid, lambda *a: trapezoid(*a, late=1), "expected"),
    (exercises.check_trapezoid, lambda *a: trapezoid(*a, ends=0.0), "expected"),
    (exercises.check_trapezoid, lambda *a: trapezoid(*a, product=True), "The fall begins"),
    (exercises.check_trapezoid, lambda *a: trapezoid(*a, capped=False), "Never more than 1"),
    (exercises.check_trapezoid, lambda *a: 1.0, "must return a function"),
    (exercises.check_trapezoid, lambda steps, w, c: lambda step: min(1.0, (step + 1) / w, (steps - step) / c), "ZeroDivisionError"),
    (exercises.check_interval_of_difference, lambda one, other: by_drawing(one, other, apart=True), "resampled independently"),
    (exercises.check_interval_of_difference, lambda one, other: paired(other, one), "the sign is wrong"),
    (exercises.check_interval_of_difference, lambda one, other: tuple(reversed(paired(one, other))), "the lower end comes first"),
    (exercises.check_interval_of_difference, lambda one, other: by_drawing(one, other, share=0.03), "how single stories differ"),
    (exercises.check_interval_of_difference, lambda one, other: by_drawing(one, other, share=20), "too narrow"),
    (exercises.check_interval_of_difference, lambda one, other: bootstrap_interval(one - other, level=0.7), "is right"),
    (exercises.check_interval_of_difference, lambda one, other: (one - other).mean(), "Your code stopped"),
    (exercises.check_lion_step, lambda *a: lion(*a, sign=False), "the sign is missing"),
    (exercises.check_lion_step, lambda *a: lion(*a, late=True), "renewed before it was read"),
    (exercises.check_lion_step, lambda *a: lion(*a, swapped=True), "renewed with β₂"),
    (exercises.check_lion_step, lambda *a: lion(*a, up=True), "uphill"),
    (exercises.check_lion_step, lambda *a: lion(*a, through=True), "through the gradient"),
    (exercises.check_lion_step, lambda *a: lion(*a, rateless=True), "with the rate before it"),
    (exercises.check_lion_step, lambda *a: lion(*a, inner=True), "the sign is that of the new memory"),
    (exercises.check_lion_step, lambda w, g, m, lr, b1, b2, decay: lion(w, g, m, lr, b1, b2, 0.0), "the decay is missing"),
    (exercises.check_lion_step, lion_in_place, "is changed"),
    (exercises.check_lion_step, lambda *a: lion(*a)[0], "expected (new weight, new memory)"),
    (exercises.check_lion_step, lambda w, g, m, *rest: (lion(w, g, m, *rest)[0], m), "is not β₂ m"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_wrong_answers_hear_their_cause(capsys, check, answer, message):
    assert_hears(capsys, check, answer, message)


@pytest.mark.parametrize("check", sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__))
def test_stubs_are_not_tried_yet(capsys, check):
    assert_not_tried(capsys, check)
