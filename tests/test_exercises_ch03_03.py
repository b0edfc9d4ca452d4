"""The checks of ch03/03: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math

import pytest
import torch

from ch03_attention import exercises
from ch03_attention.utils import apply_rope
from tests.verdicts import verdict


def hands(head_dim, base, tokens, turn=2 * math.pi, exponent=2, rest=False):
    speeds = base ** (-exponent * torch.arange(head_dim // 2).double() / head_dim)
    done = (tokens * speeds >= turn).sum().item()
    return head_dim // 2 - done if rest else done


def hands_by_loop(head_dim, base, tokens):
    return sum(2 * math.pi * base ** (2 * i / head_dim) <= tokens for i in range(head_dim // 2))


def newest(query, keys, cos, sin, *, place=-1, turn_keys=True, scale=True, turn=True):
    """The solution, with faults to choose from."""
    place = len(keys) + place
    if turn:
        query = apply_rope(query, cos[place:place + 1], sin[place:place + 1])
    if turn and turn_keys:
        keys = apply_rope(keys, cos[:len(keys)], sin[:len(keys)])
    return query @ keys.T / (keys.shape[-1] ** 0.5 if scale else 1)


def newest_at_zero(query, keys, cos, sin):
    return newest(query, keys, cos, sin, place=-len(keys))


def newest_by_offsets(query, keys, cos, sin):
    """Another right style: the query stays, and each key is turned back by its distance."""
    back = len(keys) - 1 - torch.arange(len(keys))
    return query @ apply_rope(keys, cos[back], -sin[back]).T / math.sqrt(query.shape[-1])


def halves(weight, n_heads):
    return weight.unflatten(0, (n_heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def halves_by_loop(weight, n_heads):
    heads = weight.chunk(n_heads)
    return torch.cat([part for head in heads for part in (head[0::2], head[1::2])])


def look(steps, cos, sin, *, strength=200.0, sign=-1, turn=True):
    ones = torch.ones(2 * cos.shape[-1])
    return strength * (apply_rope(ones, cos[steps], sign * sin[steps]) if turn else ones), ones


def look_by_the_key(steps, cos, sin):
    """Another right style: the key is turned ahead, as complex numbers, and carries the strength."""
    hand = torch.polar(torch.ones_like(cos[steps]), torch.atan2(sin[steps], cos[steps]))
    return torch.cat([torch.ones(len(hand)), torch.zeros(len(hand))]), 400 * torch.cat([hand.real, hand.imag])


RIGHT = [
    (exercises.check_turned_score, 3), (exercises.check_turned_score, 3.0),
    (exercises.check_half_of_the_weight, (12, 178)), (exercises.check_half_of_the_weight, [math.ceil(n * math.log(2)) for n in (16, 256)]),
    (exercises.check_hands_that_go_round, hands), (exercises.check_hands_that_go_round, hands_by_loop),
    (exercises.check_newest_scores, newest), (exercises.check_newest_scores, newest_by_offsets),
    (exercises.check_to_halves, halves), (exercises.check_to_halves, halves_by_loop),
    (exercises.check_look_back, look), (exercises.check_look_back, look_by_the_key),
]

WRONG = [
    (exercises.check_turned_score, 6, "before any turning"),
    (exercises.check_turned_score, -3, "the other way round"),
    (exercises.check_turned_score, -6, "offset of 2"),
    (exercises.check_turned_score, 1, "three quarter turns"),
    (exercises.check_half_of_the_weight, 12, "expected two numbers"),
    (exercises.check_half_of_the_weight, (11, 178), "the nearest 11 hold 0.4972 of the weight, less than half"),
    (exercises.check_half_of_the_weight, (16, 178), "more than it takes"),
    (exercises.check_half_of_the_weight, (12, 256), "slope 1/256: 256 tokens hold 0.63"),
    (exercises.check_half_of_the_weight, (11.09, 177.4), "not a whole number"),
    (exercises.check_half_of_the_weight, (12, 180), "fewer would do"),
    (exercises.check_hands_that_go_round, lambda *a: hands(*a, turn=1), "not 1 radian"),
    (exercises.check_hands_that_go_round, lambda *a: hands(*a, turn=math.pi), "not π"),
    (exercises.check_hands_that_go_round, lambda *a: hands(*a, turn=360), "not 360"),
    (exercises.check_hands_that_go_round, lambda *a: hands(*a, exponent=1), "all hands too fast"),
    (exercises.check_hands_that_go_round, lambda *a: hands(*a, rest=True), "the ones that do not go round"),
    (exercises.check_hands_that_go_round, lambda *a: 46, "expected 35, got 46"),
    (exercises.check_newest_scores, newest_at_zero, "as if it stood at place 0"),
    (exercises.check_newest_scores, lambda *a: newest(*a, place=0), "one place too far"),
    (exercises.check_newest_scores, lambda *a: newest(*a, turn=False), "nothing is turned"),
    (exercises.check_newest_scores, lambda *a: newest(*a, turn_keys=False), "the keys are not"),
    (exercises.check_newest_scores, lambda *a: newest(*a, scale=False), "division by √head_dim"),
    (exercises.check_newest_scores, lambda *a: newest(*a)[0], "expected scores of shape"),
    (exercises.check_newest_scores, lambda *a: -newest(*a), "expected ["),
    (exercises.check_to_halves, lambda w, n: w, "nothing has moved"),
    (exercises.check_to_halves, lambda w, n: torch.cat([w[0::2], w[1::2]]), "across all"),
    (exercises.check_to_halves, lambda w, n: w.unflatten(0, (n, 2, -1)).transpose(1, 2).flatten(0, 2), "from halves to neighbours"),
    (exercises.check_to_halves, lambda w, n: halves(w, n).T, "expected a matrix of shape"),
    (exercises.check_to_halves, lambda w, n: 2 * w, "each has to occur once, unchanged"),
    (exercises.check_to_halves, lambda w, n: halves(w, n).flip(0), "should be the old rows"),
    (exercises.check_look_back, lambda *a: look(*a, strength=1.0), "multiply the query"),
    (exercises.check_look_back, lambda *a: look(*a, sign=1), "turn the query the other way"),
    (exercises.check_look_back, lambda *a: look(*a, turn=False), "looks at itself"),
    (exercises.check_look_back, lambda steps, cos, sin: look(steps + 1, cos, sin), "favourite stands 4 before it"),
    (exercises.check_look_back, lambda *a: tuple(x.expand(48, -1) for x in look(*a)), "the same for every place"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    said = verdict(capsys, check, answer)
    assert ": right. " in said and said.count("\n") == 1


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_wrong_answers_are_told_why(capsys, check, answer, cause):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and cause in said and said.count("\n") == 1


def test_stubs_are_not_tried(capsys):
    def stub(steps, cos, sin):
        """Docstring."""
        ...

    assert verdict(capsys, exercises.check_look_back, stub) == "Exercise 3.3.6: not tried yet\n"
    assert verdict(capsys, exercises.check_turned_score, ...) == "Exercise 3.3.1: not tried yet\n"
