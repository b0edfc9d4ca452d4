"""The checks of ch04/03: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math

import pytest
import torch

from ch04_gpt_model import exercises
from tests.verdicts import verdict


def odds(x):
    return math.log(x) - math.log(1 - x)


def stop_at(phrase, tokenizer, said=None):
    said = {} if said is None else said

    def listen(row, token):
        said.setdefault(row, []).append(token)
        return phrase in tokenizer.decode(said[row])
    return listen


class StopAt:
    """The same as an object, which remembers texts."""

    def __init__(self, phrase, tokenizer):
        self.phrase, self.tokenizer, self.said = phrase, tokenizer, {}

    def __call__(self, row, token):
        self.said[row] = self.said.get(row, "") + self.tokenizer.decode([token])
        return True if self.phrase in self.said[row] else None


def stop_one_text(phrase, tokenizer):
    said = []

    def listen(row, token):
        said.append(token)
        return phrase in tokenizer.decode(said)
    return listen


SHARED = {}


def forbidden(ids, n):
    last = ids[len(ids) - n + 1:] if n > 1 else []
    return {ids[i + n - 1] for i in range(len(ids) - n + 1) if ids[i:i + n - 1] == last} if len(ids) >= n - 1 else set()


def forbidden_by_runs(ids, n):
    runs = {tuple(ids[i:i + n]) for i in range(len(ids) - n + 1)}
    return [token for token in set(ids) if tuple([*ids, token][-n:]) in runs]


def wrong_result(p, q):
    return torch.minimum(p, q) + (1 - torch.minimum(p, q).sum(-1, keepdim=True)) * p


def wrong_result_by_ratio(p, q):
    kept = q * (p / q).clamp(max=1)
    return kept + p - p * kept.sum(-1)[..., None]


def best(alpha, cost, most=20):
    def speed(k):
        return sum(alpha**i for i in range(k + 1)) / (1 + k * cost)
    return max(range(most + 1), key=lambda k: (round(speed(k), 12), -k))


def best_by_walking(alpha, cost, most=20):
    tokens, k, found, record = 0.0, 0, 0, 0.0
    while k <= most:
        tokens += alpha**k
        if tokens / (1 + k * cost) > record + 1e-12:
            record, found = tokens / (1 + k * cost), k
        k += 1
    return found


@pytest.mark.parametrize("check, answer", [
    (exercises.check_four_counts, (4, 3, 4, 1)), (exercises.check_four_counts, [4, 3, 4, 1]),
    (exercises.check_temperature_for, lambda p, share: odds(p) / odds(share)),
    (exercises.check_temperature_for, lambda p, share: math.atanh(2 * p - 1) / math.atanh(2 * share - 1)),
    (exercises.check_stop_at, stop_at), (exercises.check_stop_at, StopAt),
    (exercises.check_forbidden, forbidden), (exercises.check_forbidden, forbidden_by_runs),
    (exercises.check_wrong_result, wrong_result), (exercises.check_wrong_result, wrong_result_by_ratio),
    (exercises.check_best_draft_tokens, best), (exercises.check_best_draft_tokens, best_by_walking),
])
def test_right_answers_pass(capsys, check, answer):
    assert ": right." in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", [
    (exercises.check_four_counts, (4, 2, 4, 1), "0.65, not yet 0.75"),
    (exercises.check_four_counts, (4, 3, 2, 1), "0.2 times the largest bet"),
    (exercises.check_four_counts, (4, 3, 4, 2), "0.45 / 0.65"),
    (exercises.check_four_counts, (4, 3, 4), "four numbers"),
    (exercises.check_temperature_for, lambda p, share: odds(share) / odds(p), "upside down"),
    (exercises.check_temperature_for, lambda p, share: math.log(p) / math.log(share), "look at the ratio"),
    (exercises.check_temperature_for, lambda p, share: 1.0, "p = 0.8, share = 0.9: expected 0.6309, got 1.0000"),
    (exercises.check_stop_at, lambda phrase, tokenizer: lambda row, token: phrase == tokenizer.decode([token]), "the newest token"),
    (exercises.check_stop_at, stop_one_text, "keep a list for each row"),
    (exercises.check_stop_at, lambda phrase, tokenizer: stop_at(phrase, tokenizer, SHARED), "keep a list for each row"),
    (exercises.check_forbidden, lambda ids, n: {ids[i + n - 1] for i in range(len(ids) - n + 1) if ids[i:i + n - 1] == ids[-(n - 1):]}, "ids[-0:]"),
    (exercises.check_forbidden, lambda ids, n: set(), "stood before; what followed them there?"),
    (exercises.check_forbidden, lambda ids, n: set(ids), "too many"),
    (exercises.check_wrong_result, lambda p, q: p, "that is p"),
    (exercises.check_wrong_result, lambda p, q: torch.minimum(p, q) / torch.minimum(p, q).sum(-1, keepdim=True), "accepted proposals alone"),
    (exercises.check_wrong_result, lambda p, q: torch.minimum(p, q) + p, "sums to 1.700"),
    (exercises.check_wrong_result, lambda p, q: q, "expected [0.35, 0.39, 0.26], got [0.2, 0.6, 0.2]"),
    (exercises.check_best_draft_tokens, lambda alpha, cost, most=20: most, "divide them by the time of the round"),
    (exercises.check_best_draft_tokens, lambda alpha, cost, most=20: max(1, best(alpha, cost, most)), "k = 0, is allowed too"),
    (exercises.check_best_draft_tokens, lambda alpha, cost, most=20: (1 - alpha**9) / (1 - alpha) and best(alpha, cost, most), "ZeroDivisionError"),
    (exercises.check_best_draft_tokens, lambda alpha, cost, most=20: best(alpha, cost, most) + 1, "tokens per pass-time"),
])
def test_wrong_answers_learn_their_cause(capsys, check, answer, cause):
    SHARED.clear()
    told = verdict(capsys, check, answer)
    assert cause in told and ": right." not in told, told


def test_untried_stubs_are_not_judged(capsys):
    assert "not tried yet" in verdict(capsys, exercises.check_four_counts, ...)
