"""Every check of lesson 5.2 passes right answers in more than one style, and names the cause of at least three wrong ones."""
import math
import statistics

import pytest
import torch

from ch05_pretraining import exercises
from tests.verdicts import assert_hears, assert_not_tried, verdict

NAMES = dict(zip("ABCDEFGH", ("padding", "spike", "rate", "labels", "healthy", "shard", "mask", "nan")))


def swapped(one, other):
    return NAMES | {one: NAMES[other], other: NAMES[one]}


def sight(model, tokens, *, places=None, plus=0, change="token", smallest=False, forwards=False):
    before, distances = model(tokens), [0]
    for place in range(tokens.shape[1]) if places is None else places:
        other = tokens if change == "given" else tokens.clone()
        other[:, place] = torch.where(tokens[:, place] == 0, 1, 0)
        if change == "mode":
            model.eval()
        moved = ((model(other) - before).abs() > 1e-6).any(-1).any(0).nonzero().flatten()
        if len(moved):
            distances.append((moved[-1].item() - place) if forwards else place - moved[0].item())
    return (min(distances[1:]) if smallest else max(distances)) + plus


def sight_by_pairs(model, tokens):
    best = torch.tensor(0)
    for place in range(tokens.shape[1]):
        for early in range(place):
            other = tokens.clone()
            other[:, place] = (tokens[:, place] + 1) % (tokens.max() + 1)
            if not torch.allclose(model(other)[:, early], model(tokens)[:, early], atol=1e-6):
                best = torch.maximum(best, torch.tensor(place - early))
    return best


def by_formula(cost, failures, *, half=True, parts=2, percent=False, wrong=1.0):
    interval = math.sqrt((2 if half else 1) * cost * failures) * wrong
    return interval, parts * cost / interval * (100 if percent else 1)


def by_search(cost, failures):
    best = min((1.0003**n for n in range(60_000)), key=lambda t: cost / t + t / (2 * failures))
    return [best, cost / best + best / 2 / failures]


def bad_shards(losses, order, *, late=2 / 3, center=statistics.median, middle=statistics.median, sign=False, limit=0.3, always=False):
    start = int(len(losses) * late)
    heaps = {shard: center([loss for loss, at in zip(losses[start:], order[start:]) if at == shard]) for shard in set(order)}
    usual = middle(heaps.values())
    if always:
        return {max(heaps, key=heaps.get)}
    return {shard for shard, heap in heaps.items() if (heap - usual if sign else abs(heap - usual)) > limit}


def by_leaving_out(losses, order):
    tail = list(zip(losses, order))[-len(losses) // 3:]
    found = []
    for shard in sorted(set(order)):
        own, rest = [loss for loss, at in tail if at == shard], [loss for loss, at in tail if at != shard]
        if abs(statistics.median(own) - statistics.median(rest)) > 0.4:
            found.append(shard)
    return found


def newest_sound(names, load, *, key=lambda name: int(name[5:]), newest=True, catch=ValueError, repeat=True, error=ValueError, all_of_them=False):
    faults, found = [], []
    for name in sorted(names, key=key, reverse=newest):
        try:
            found.append((name, load(name)))
            if not all_of_them:
                break
        except catch as fault:
            faults.append(str(fault))
    if found:
        return found[0]
    if error is None:
        return None
    raise error("; ".join(faults) if repeat else "nothing is sound")


def newest_recursive(names, load, faults=()):
    if not names:
        raise ValueError("none is sound: " + " and ".join(faults))
    name = max(names, key=lambda name: int(name[5:]))
    try:
        history = load(name)
    except ValueError as fault:
        return newest_recursive([other for other in names if other != name], load, (*faults, str(fault)))
    return [name, history] and (name, history)


RIGHT = [
    (exercises.check_diagnosis, NAMES),
    (exercises.check_diagnosis, dict(reversed(NAMES.items()))),
    (exercises.check_wrong_lines, (2, 17, 24)),
    (exercises.check_wrong_lines, [3, 17, 24]),
    (exercises.check_sight, sight),
    (exercises.check_sight, sight_by_pairs),
    (exercises.check_best_interval, by_formula),
    (exercises.check_best_interval, by_search),
    (exercises.check_bad_shards, bad_shards),
    (exercises.check_bad_shards, by_leaving_out),
    (exercises.check_newest_sound, newest_sound),
    (exercises.check_newest_sound, newest_recursive),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


def several(function, *places, **changes):
    return lambda *answers: function(*answers, *places, **changes)


WRONG = [
    (exercises.check_diagnosis, ["padding"], "expected a dict"),
    (exercises.check_diagnosis, {"A": "padding"}, "nobody has looked at B, C, D, E, F, G, H yet"),
    (exercises.check_diagnosis, NAMES | {"C": "tired"}, "C: 'tired' is none of the eight cases"),
    (exercises.check_diagnosis, NAMES | {"C": "mask"}, "you have 'mask' twice"),
    (exercises.check_diagnosis, swapped("D", "G"), "6 of 8 fit. D is not 'mask': whoever may see the next letter must first learn"),
    (exercises.check_diagnosis, swapped("B", "F"), "B is not 'shard': one file of eight shows every eight steps"),
    (exercises.check_diagnosis, swapped("A", "D"), "A is not 'labels': to copy the input is the easiest of tasks"),
    (exercises.check_wrong_lines, 2, "expected three line numbers"),
    (exercises.check_wrong_lines, (6, 17, 24), "Whose weights does the optimizer turn"),
    (exercises.check_wrong_lines, (2, 18, 24), "to validate is fine"),
    (exercises.check_wrong_lines, (2, 15, 24), "second loop, line 15: that line does what it should"),
    (exercises.check_wrong_lines, (2, 17, 26), "too early, before it"),
    (exercises.check_wrong_lines, (2, 17, 23), "what norm have the gradients"),
    (exercises.check_sight, several(sight, plus=1), "A place always sees its own token"),
    (exercises.check_sight, several(sight, places=[11]), "Change the token at every place in turn"),
    (exercises.check_sight, lambda model, tokens: 0, "Are the logits before the changed token compared at all"),
    (exercises.check_sight, several(sight, forwards=True), "expected"),
    (exercises.check_sight, several(sight, change="given"), "work on a clone"),
    (exercises.check_sight, several(sight, change="mode"), "leave its weights and its mode as they are"),
    (exercises.check_best_interval, several(by_formula, half=False), "that half is missing"),
    (exercises.check_best_interval, several(by_formula, wrong=2.0), "and lose"),
    (exercises.check_best_interval, several(by_formula, parts=1), "add both"),
    (exercises.check_best_interval, several(by_formula, percent=True), "in per cent"),
    (exercises.check_best_interval, several(by_formula, parts=3), "of the time is lost, and you say"),
    (exercises.check_bad_shards, several(bad_shards, always=True), "Somebody always has the largest loss"),
    (exercises.check_bad_shards, several(bad_shards, sign=True), "far too low, and that is a fault as well"),
    (exercises.check_bad_shards, several(bad_shards, middle=statistics.mean), "the median stays with the good ones"),
    (exercises.check_bad_shards, several(bad_shards, late=0.0, center=statistics.mean, limit=0.2), "look at the last third"),
    (exercises.check_bad_shards, several(bad_shards, center=statistics.mean), "One step isn't a shard"),
    (exercises.check_bad_shards, lambda losses, order: set(), "one bad shard, number 5: you accuse nobody"),
    (exercises.check_newest_sound, several(newest_sound, key=str), "1000 comes before 900"),
    (exercises.check_newest_sound, several(newest_sound, newest=False), "the oldest"),
    (exercises.check_newest_sound, several(newest_sound, all_of_them=True), "you loaded step-100 as well"),
    (exercises.check_newest_sound, several(newest_sound, repeat=False), "repeat what was wrong with each"),
    (exercises.check_newest_sound, several(newest_sound, error=None), "raise a ValueError"),
    (exercises.check_newest_sound, several(newest_sound, catch=Exception), "Catch ValueError alone"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_wrong_answers_hear_their_cause(capsys, check, answer, message):
    assert_hears(capsys, check, answer, message)


@pytest.mark.parametrize("check", sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__))
def test_stubs_are_not_tried_yet(capsys, check):
    assert_not_tried(capsys, check)
