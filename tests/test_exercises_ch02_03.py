"""The checks of ch02/03: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import functools
import itertools
import re

import pytest

from ch02_tokenization import exercises

KIND, UN = ["kind", "##ness"], ["un", "##kind"]


def count_ways(word, pieces):
    ways = [1] + [0] * len(word)
    for end in range(1, len(word) + 1):
        ways[end] = sum(ways[start] for start in range(end) if word[start:end] in pieces)
    return ways[-1]


def by_recursion(word, pieces):
    @functools.cache
    def ways(at):
        return 1 if at == len(word) else sum(ways(end) for end in range(at + 1, len(word) + 1) if word[at:end] in pieces)
    return ways(0)


def fewest(word, pieces):
    best = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        ways = [best[start] + [word[start:end]] for start in range(end) if best[start] is not None and word[start:end] in pieces]
        best[end] = min(ways, key=len, default=None)
    return best[-1]


def by_trying(word, pieces):
    for size in range(len(word) + 1):
        for inner in itertools.combinations(range(1, len(word)), size):
            cut = [word[a:b] for a, b in itertools.pairwise([0, *inner, len(word)])]
            if set(cut) <= pieces:
                return tuple(cut)
    return None


def greedy(word, pieces):
    used, at = [], 0
    while at < len(word):
        end = next((end for end in range(len(word), at, -1) if word[at:end] in pieces), None)
        if end is None:
            return None
        used.append(word[at:end])
        at = end
    return used


RIGHT = [
    ("check_longest_match", KIND, UN, ["[UNK]"]), ("check_longest_match", tuple(KIND), tuple(UN), "[UNK]"),
    ("check_piece_loss", 140), ("check_piece_loss", 140.0), ("check_faulty_forward", 6, 0.375),
    ("check_count_ways", count_ways), ("check_count_ways", by_recursion), ("check_fewest", fewest), ("check_fewest", by_trying),
]
WRONG = [
    ("check_longest_match", "never takes a token back", KIND, UN, ["kin", "##der"]),
    ("check_longest_match", "whole word unknown", KIND, UN, ["kind", "[UNK]"]),
    ("check_longest_match", "carries `##`", ["kind", "ness"], UN, ["[UNK]"]),
    ("check_longest_match", "a longer token", ["kind", "##ne", "##s", "##s"], UN, ["[UNK]"]),
    ("check_longest_match", "isn't on the list", KIND, UN, ["kind", "##er"]),
    ("check_longest_match", "doesn't spell", KIND, ["un"], ["[UNK]"]),
    ("check_piece_loss", "above zero", -140), ("check_piece_loss", "take the difference", 340), ("check_piece_loss", "used 40 times", 3.5),
    ("check_piece_loss", "a cheaper one", 160), ("check_piece_loss", "best detour", 200), ("check_piece_loss", "the detours are", 7),
    ("check_faulty_forward", "line 3 is right", 3, 0.375), ("check_faulty_forward", "line 2 is right", 2, 0.375),
    ("check_faulty_forward", "does what it should", 7, 0.375), ("check_faulty_forward", "best way alone", 6, 0.125),
    ("check_faulty_forward", "counts two ways", 6, 0.25), ("check_faulty_forward", "the number isn't", 6, 0.5),
    ("check_count_ways", "one way to cut nothing", lambda word, pieces: count_ways(word, pieces) if word else 0),
    ("check_count_ways", "expected 0", lambda word, pieces: max(1, count_ways(word, pieces))),
    ("check_count_ways", "a single way", lambda word, pieces: min(1, count_ways(word, pieces))),
    ("check_count_ways", "counted twice", lambda word, pieces: count_ways(word, pieces) * 2 if len(word) > 1 else count_ways(word, pieces)),
    ("check_count_ways", "some ways are missing", lambda word, pieces: count_ways(word, {piece for piece in pieces if len(piece) < 3})),
    ("check_count_ways", "a whole number", lambda word, pieces: [].append(word)),
    ("check_fewest", "are enough", greedy),
    ("check_fewest", "are enough", lambda word, pieces: list(word) if set(word) <= pieces else fewest(word, pieces)),
    ("check_fewest", "gets stuck", lambda word, pieces: fewest(word, pieces) if "d" not in word else None),
    ("check_fewest", "expected None", lambda word, pieces: fewest(word, pieces) or []),
    ("check_fewest", "doesn't join", lambda word, pieces: fewest(word, pieces)[1:] if fewest(word, pieces) else None),
    ("check_fewest", "as a list", lambda word, pieces: fewest(word, pieces) and len(fewest(word, pieces))),
]


def verdict(capsys, name, answers):
    getattr(exercises, name)(*answers)
    return capsys.readouterr().out


@pytest.mark.parametrize("name, answers", [(name, answers) for name, *answers in RIGHT])
def test_right_answers_pass(capsys, name, answers):
    assert ": right. " in verdict(capsys, name, answers)


@pytest.mark.parametrize("name, cause, answers", [(name, cause, answers) for name, cause, *answers in WRONG])
def test_wrong_answers_are_told_their_cause(capsys, name, cause, answers):
    out = verdict(capsys, name, answers)
    assert ": not yet. " in out and re.search(cause, out), out


def test_each_check_rejects_three_wrong_answers_each_with_its_own_message():
    for name in {name for name, *_ in RIGHT}:
        assert len({cause for other, cause, *_ in WRONG if other == name}) >= 3, name


def test_stubs_are_not_tried_yet(capsys):
    def stub(word, pieces):
        """..."""
        ...
    for name, answers in (("check_longest_match", [...] * 3), ("check_piece_loss", [...]), ("check_faulty_forward", [...] * 2),
                          ("check_count_ways", [stub]), ("check_fewest", [stub])):
        assert "not tried yet" in verdict(capsys, name, answers)
