"""The checks of ch01/04: each passes a right answer in any style, and names the cause of at least three wrong ones."""
import math

import numpy as np
import pytest
import torch

from ch01_intro import exercises
from ch01_intro.utils import count_parameters
from tests.verdicts import verdict


def turns_mask(lengths, users=(0,), flip=False, future=False):
    mask = torch.ones(sum(lengths), sum(lengths), dtype=torch.bool).tril()
    start = 0
    for turn, length in enumerate(lengths):
        if turn % 2 in users:
            mask[start:None if future else start + length, start:start + length] = True
            if future:
                mask[start:start + length, start:] = True
        start += length
    return mask.T if flip else mask


def apart(lengths):
    return torch.block_diag(*[torch.ones(n, n) if i % 2 == 0 else torch.ones(n, n).tril() for i, n in enumerate(lengths)]).bool()


def days(work=6, power=-1, unit=86_400, share_gpus=True):
    return lambda N, D, gpus, share, peak=989e12: work * N * D * share**power / (peak * (gpus if share_gpus else 1)) / unit


def parameters_of(config, **change):
    return count_parameters(**(dict(
        vocab_size=config["vocab_size"], d_model=config["hidden_size"], n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"], n_kv_heads=config.get("num_key_value_heads"), head_dim=config.get("head_dim"),
        d_ff=config["intermediate_size"], gated=True, tied=config["tie_word_embeddings"]) | change))


def cheapest(target, served, weight=2, tokens_instead=False):
    sizes = np.geomspace(1e7, 1e13, 20_001)
    room = np.maximum(target - 1.8172 - 482.01 / sizes**0.3478, 1e-12)
    tokens = (2085.43 / room) ** (1 / 0.3658)
    best = (6 * sizes * tokens + weight * sizes * served).argmin()
    return tokens[best] if tokens_instead else sizes[best]


def by_bisection(target, served):
    """The same by the slope of the logarithm of the cost, without a grid."""
    def cost(x):
        size = math.exp(x)
        room = target - 1.8172 - 482.01 / size**0.3478
        return 6 * size * (2085.43 / room) ** (1 / 0.3658) + 2 * size * served if room > 0 else math.inf

    low, high = math.log((482.01 / (target - 1.8172)) ** (1 / 0.3478)) + 1e-6, math.log(1e14)
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if cost(a) < cost(b) else (a, high)
    return math.exp(low)


E = exercises
RIGHT = [
    (E.check_block_by_hand, 244),
    (E.check_block_by_hand, 12 * 4**2 + 13 * 4.0),
    (E.check_layers_needed, lambda distance, reach: math.ceil(distance / (reach - 1))),
    (E.check_layers_needed, lambda distance, reach: -(-distance // (reach - 1))),
    (E.check_turns_mask, turns_mask),
    (E.check_training_days, days()),
    (E.check_training_days, lambda N, D, gpus, utilisation, peak: 6 * N / gpus / utilisation * D / peak / 3600 / 24),
    (E.check_parameters_of, parameters_of),
    (E.check_cheapest_size, cheapest),
    (E.check_cheapest_size, by_bisection),
]
WRONG = [
    (E.check_block_by_hand, 192, "weights alone"),
    (E.check_block_by_hand, 228, "two norms are missing"),
    (E.check_block_by_hand, 208, "biases of the matrices"),
    (E.check_block_by_hand, 7_087_872, "width 768"),
    (E.check_block_by_hand, 100, "two norms"),
    (E.check_layers_needed, lambda distance, reach: -(-distance // reach), "counts the word itself"),
    (E.check_layers_needed, lambda distance, reach: distance // (reach - 1), "round up"),
    (E.check_layers_needed, lambda distance, reach: distance // (reach - 1) + 1, "divides evenly"),
    (E.check_layers_needed, lambda distance, reach: distance / (reach - 1), "expected|whole numbers"),
    (E.check_layers_needed, lambda distance, reach: float(math.ceil(distance / (reach - 1))), "whole numbers"),
    (E.check_turns_mask, lambda lengths: turns_mask(lengths, users=()), "in both directions"),
    (E.check_turns_mask, lambda lengths: turns_mask(lengths, users=(0, 1)), "no future"),
    (E.check_turns_mask, lambda lengths: turns_mask(lengths, flip=True), "swapped"),
    (E.check_turns_mask, lambda lengths: turns_mask(lengths, future=True), "later turn"),
    (E.check_turns_mask, apart, "earlier turns"),
    (E.check_turns_mask, lambda lengths: turns_mask(lengths).float(), "bool"),
    (E.check_turns_mask, lambda lengths: turns_mask([2, 2]), "shape"),
    (E.check_training_days, days(work=2, power=1), "both faults"),
    (E.check_training_days, days(power=1), "divide by the utilisation"),
    (E.check_training_days, days(work=2), "forward pass alone"),
    (E.check_training_days, days(power=0), "utilisation is missing"),
    (E.check_training_days, days(unit=1), "in seconds"),
    (E.check_training_days, days(unit=3600), "in hours"),
    (E.check_training_days, days(share_gpus=False), "one GPU"),
    (E.check_parameters_of, lambda config: parameters_of(config, tied=False), "too many"),
    (E.check_parameters_of, lambda config: parameters_of(config, tied=True), "table is missing"),
    (E.check_parameters_of, lambda config: parameters_of(config, gated=False), "gate"),
    (E.check_parameters_of, lambda config: parameters_of(config, n_kv_heads=None), "num_key_value_heads"),
    (E.check_parameters_of, lambda config: parameters_of(config, head_dim=None), "head_dim"),
    (
        E.check_parameters_of,
        lambda config: parameters_of(config, context_length=config.get("max_position_embeddings", 0)),
        "no table of positions",
    ),
    (E.check_cheapest_size, lambda target, served: cheapest(target, 0), "not in the bill"),
    (E.check_cheapest_size, lambda target, served: cheapest(target, served, weight=6), "not 6N"),
    (E.check_cheapest_size, lambda target, served: cheapest(target, served, tokens_instead=True), "number of tokens"),
    (E.check_cheapest_size, lambda target, served: 1e8, "any number of tokens"),
    (E.check_cheapest_size, lambda target, served: 1e12, "which is less"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_wrong_answers_hear_their_cause(capsys, check, answer, cause):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and "Your code stopped" not in said
    assert any(part in said for part in cause.split("|")), said


def test_each_exercise_has_three_wrong_answers_with_messages_of_their_own(capsys):
    for check in {check for check, *_ in WRONG}:
        assert len({verdict(capsys, check, answer) for judged, answer, _ in WRONG if judged is check}) >= 3


def test_untried_stubs(capsys):
    def stub(*arguments):
        """Not tried."""
        ...

    for check in {check for check, _ in RIGHT}:
        assert "not tried yet" in verdict(capsys, check, ... if check is E.check_block_by_hand else stub)
