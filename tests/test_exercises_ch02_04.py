"""The checks of lesson 2.4's exercises: the solution passes, likely wrong answers are told apart."""
import random
import re
from collections import Counter, defaultdict

import pytest

from ch02_tokenization import exercises
from ch02_tokenization.utils import normal_words


def choose_bands(num_hashes, threshold):
    ways = [(bands, num_hashes // bands) for bands in range(1, num_hashes + 1) if num_hashes % bands == 0]
    return min(ways, key=lambda way: abs((1 / way[0]) ** (1 / way[1]) - threshold))


def luhn(digits, first=1):
    return sum(2 * digit - 9 * (digit > 4) if n % 2 == first else digit for n, digit in enumerate(reversed(digits))) % 10 == 0


def card_masker(pattern=r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", test=luhn, mark="|||CARD_NUMBER|||"):
    def mask_cards(text):
        found = []

        def mask(match):
            if not test([int(digit) for digit in re.sub("[ -]", "", match[0])]):
                return match[0]
            found.append(match[0])
            return mark
        return re.sub(pattern, mask, text), len(found)
    return mask_cards


def from_left(digits):
    return luhn(digits[::-1], 0)


def top_pair_share(text):
    words = text.split()
    pairs = Counter(zip(words, words[1:]))
    if not pairs:
        return 0.0
    letters, times = max(((len(a + b), times) for (a, b), times in pairs.items()), key=lambda found: (found[1], found[0]))
    return times * letters / sum(map(len, words))


def of_pairs(text):
    pairs = Counter(zip(text.split(), text.split()[1:]))
    return max(pairs.values()) / len(pairs)


def split(key, shuffled=True, fixed=None):
    def split_texts(texts, share, seed):
        groups = defaultdict(list)
        for number, text in enumerate(texts):
            groups[key(number, text)].append(number)
        order = list(groups.values())
        if shuffled:
            random.Random(seed if fixed is None else fixed).shuffle(order)
        train, test = [], []
        for group in order:
            (test if len(test) < share * len(texts) else train).extend(group)
        return train, test
    return split_texts


by_words = split(lambda _, text: tuple(normal_words(text)))
CHECKS = {
    exercises.check_bands_by_hand: (1 - (1 - 0.8**3) ** 4, [0.512, 0.0567, 0.8**12, 2.048, 0.5], 0.943),
    exercises.check_choose_bands: (choose_bands, [lambda n, t: choose_bands(n, t)[::-1], lambda n, t: (n // 2, 3), lambda n, t: (n, 1),
                                                  lambda n, t: n], None),
    exercises.check_salted_line: ("b", ["a", "c", "d", "all"], " B "),
    exercises.check_mask_cards: (card_masker(), [card_masker(test=lambda _: True), card_masker(test=from_left),
                                                 card_masker(r"\d(?:[ -]?\d){12,18}"),
                                                 card_masker(mark="***"), lambda text: text], None),
    exercises.check_top_pair_share: (top_pair_share, [of_pairs,
                                                      lambda text: top_pair_share(text) * len("".join(text.split())) / max(len(text), 1),
                                                      lambda text: top_pair_share(text) / max(Counter(zip(text.split(),
                                                                                                          text.split()[1:])).values()),
                                                      lambda text: top_pair_share(text) or 0.5, lambda text: 1.0], None),
    exercises.check_split_texts: (by_words, [split(lambda number, _: number), split(lambda _, text: text), lambda texts, share,
                                             seed: by_words(texts, 0.5, seed),
                                             split(lambda _, text: tuple(normal_words(text)), fixed=3),
                                             lambda texts, share,
                                             seed: tuple([texts[n] for n in side] for side in by_words(texts, share, seed)),
                                             lambda texts, share, seed: by_words(texts, share, random.random())], None)}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_solutions_pass_and_wrong_answers_are_told_apart(check, capsys):
    solution, wrong_answers, other = CHECKS[check]
    for right in (solution, *([other] if other is not None else [])):
        check(right)
        assert ": right. " in capsys.readouterr().out
    messages = []
    for wrong in wrong_answers:
        check(wrong)
        messages.append(capsys.readouterr().out)
    assert all(": not yet. " in message and "Your code stopped" not in message for message in messages), messages
    assert len(set(messages)) == len(messages) >= 3
    check(...)
    assert "not tried yet" in capsys.readouterr().out
