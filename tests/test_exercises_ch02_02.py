"""The checks of ch02/02: each passes the chapter's solution and others, and names the cause of at least three wrong answers."""
import collections
import itertools
import re

import pytest
import regex

from ch02_tokenization import exercises
from ch02_tokenization.utils import BYTES, GPT2_PATTERN, BPETokenizer, learn_merges, pretokenize, train_bpe
from tests.verdicts import verdict
from tools.notebooks import ROOT, read_notebook, tags

SOLUTIONS = ROOT / "ch02_tokenization" / "solutions.ipynb"
CHECKS = {name: getattr(exercises, name) for name in (
    "check_count_pairs", "check_by_hand", "check_unseen", "check_any_case", "check_counterexample", "check_encode_by_rank",
    "check_smallest_vocabulary")}


# ---- the chapter's solutions ----

def test_the_solutions_are_right(capsys):
    namespace, mine = {"exercises": exercises}, False
    for cell in read_notebook(SOLUTIONS).cells:
        if cell.cell_type == "markdown":
            mine = cell.source.lstrip("#").startswith(" 2.2.")
        elif mine and "needs-data" not in tags(cell):
            exec(cell.source, namespace)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS) and all(re.fullmatch(r"Exercise 2\.2\.\d: right\. .+", line) for line in lines), lines


@pytest.mark.parametrize("name", CHECKS)
def test_a_stub_is_not_tried_yet(capsys, name):
    def stub(first, second):
        """What it should do."""
        ...

    assert "not tried yet" in verdict(capsys, CHECKS[name], stub)
    assert "not tried yet" in verdict(capsys, CHECKS[name], ...)


# ---- other right answers, and wrong ones ----

def count(words, weigh=True, overlap=True):
    pairs = collections.Counter()
    for symbols, copies in words:
        found = list(zip(symbols, symbols[1:]))
        for pair in found if overlap else set(found):
            pairs[pair] += copies if weigh else 1
    return pairs


def by_rank(word, merges, choose=min, limit=None, once=False):
    symbols, rank = [bytes([byte]) for byte in word], {pair: n for n, pair in enumerate(merges)}
    for _ in itertools.count() if limit is None else range(limit):
        found = [pair for pair in zip(symbols, symbols[1:]) if pair in rank]
        if not found:
            break
        best = choose(found, key=rank.get)
        merged = exercises.right_merge(symbols, best)
        if once:
            at = next(at for at in range(len(symbols)) if tuple(symbols[at:at + 2]) == best)
            merged = [*symbols[:at], best[0] + best[1], *symbols[at + 2:]]
        symbols = list(merged)
    return symbols


def replayed(word, merges):
    symbols = [bytes([byte]) for byte in word]
    for pair in merges:
        symbols = list(exercises.right_merge(symbols, pair))
    return symbols


def longest_first(word, merges):
    tokens, cut = {left + right for left, right in merges} | set(BYTES), []
    while word:
        end = max(end for end in range(1, len(word) + 1) if word[:end] in tokens)
        cut.append(word[:end])
        word = word[end:]
    return cut


def loses_halves(word, merges):
    symbols = [bytes([byte]) for byte in word]
    for left, right in merges:
        for at in range(len(symbols) - 1):
            if (symbols[at], symbols[at + 1]) == (left, right):
                symbols[at] = left + right
    return symbols


def smallest(text, goal, measure=lambda text: len(text.encode()), shift=0):
    merges, size = learn_merges(collections.Counter(pretokenize(text)), 4000), 256
    while measure(text) / len(BPETokenizer(
            dict(enumerate(BYTES + [a + b for a, b in merges[:size - 256]])), merges[:size - 256]).encode(text)) < goal:
        size += 1
        if size > 256 + len(merges):
            return size
    return size + shift


def with_contractions(part):
    return lambda text: regex.findall(GPT2_PATTERN.replace("'(?:[sdmt]|ll|ve|re)", part), text)


ALSO_RIGHT = [
    ("check_count_pairs", lambda words: dict(count(words))),
    ("check_by_hand", [("n", "d"), ("i", "nd"), ("w", "ind"), ("m", "ind")]),
    ("check_any_case", lambda text: [match.group() for match in regex.finditer(GPT2_PATTERN, text, regex.IGNORECASE)]),
    ("check_any_case", with_contractions("'(?:[sdmtSDMT]|[lL]{2}|[vVrR][eE])")),
    ("check_counterexample", ["mill", "s"], ["ll", "s"]),
    ("check_counterexample", ("a", "bc"), ("a", "b")),
    ("check_encode_by_rank", by_rank),
    ("check_encode_by_rank", replayed),
    ("check_encode_by_rank", lambda word, merges: by_rank(word, merges, once=True)),
    ("check_smallest_vocabulary", smallest),
]
WRONG = [
    ("check_count_pairs", "that makes 5, not 2", lambda words: count(words, weigh=False)),
    ("check_count_pairs", "10 times, not 5", lambda words: count(words, overlap=False)),
    ("check_count_pairs", "no merge crosses", lambda words: count(words) + count(
        [(tuple(itertools.chain.from_iterable(symbols for symbols, _ in words)), 1)])),
    ("check_count_pairs", "expected a Counter", lambda words: list(count(words).items())),
    ("check_count_pairs", "expected 4, got 8", lambda words: count(words) + collections.Counter({("b", "a"): 4})),
    ("check_by_hand", "The last in the dictionary wins", ["in", "ind", "wind", "mind"]),
    ("check_by_hand", "no n stands behind an i", ["nd", "in", "wi", "wind"]),
    ("check_by_hand", "Did you count copies", ["nd", "ind", "mind", "wind"]),
    ("check_by_hand", "one word of one copy", ["nd", "ind", "wind", "windy"]),
    ("check_by_hand", "the first 2 are right, and four", ["nd", "ind"]),
    ("check_by_hand", "the first 0 are right", ["wi", "win", "wind", "mi"]),
    ("check_unseen", "those are its characters", 4),
    ("check_unseen", "those are its pre-tokens", 3),
    ("check_unseen", "the space is a byte", 7),
    ("check_unseen", "not four", 10),
    ("check_unseen", "12 is not it: write down the bytes", 12),
    ("check_any_case", "is cut as before", pretokenize),
    ("check_any_case", "its letters were changed", lambda text: pretokenize(text.lower())),
    ("check_any_case", "ll, ve and re have capitals", with_contractions("'(?:(?i:[sdmt])|ll|ve|re)")),
    ("check_any_case", "any letter is too much", with_contractions("'(?:(?i:ll|ve|re)|[A-Za-z])")),
    ("check_any_case", "joined, they must be the text", lambda text: with_contractions("(?i:'[sdmt]|ll|ve|re)")(text)[1:]),
    ("check_any_case", "expected ..it", lambda text: [text] if text else []),
    ("check_counterexample", "which is right", ("a", "b"), ("a", "b")),
    ("check_counterexample", "two are enough", ("x", "ca", "b"), ("a", "b")),
    ("check_counterexample", "only its separator", (" ", "b"), ("a", "b")),
    ("check_counterexample", "all of them strings", (b"ca", b"b"), (b"a", b"b")),
    ("check_counterexample", "a pair of symbols", ("ca", "b"), ("a", "b", "c")),
    ("check_encode_by_rank", "goes first", longest_first),
    ("check_encode_by_rank", "goes first", lambda word, merges: by_rank(word, merges, choose=max)),
    ("check_encode_by_rank", "everywhere in the word", lambda word, merges: by_rank(word, merges, limit=len(merges), once=True)),
    ("check_encode_by_rank", "lost, or used twice", loses_halves),
    ("check_encode_by_rank", "expected a list of bytes", lambda word, merges: list(word)),
    ("check_encode_by_rank", "expected a list of bytes", lambda word, merges: [].append(word)),
    ("check_encode_by_rank", "is no token", lambda word, merges: [word] if word else []),
    ("check_encode_by_rank", "goes first", lambda word, merges: [bytes([byte]) for byte in word]),
    ("check_smallest_vocabulary", "the number of merges", lambda text, goal: smallest(text, goal, shift=-256)),
    ("check_smallest_vocabulary", "are enough", lambda text, goal: smallest(text, goal, shift=1)),
    ("check_smallest_vocabulary", "reaches only", lambda text, goal: max(256, smallest(text, goal) - 1)),
    ("check_smallest_vocabulary", "a Greek letter has two", lambda text, goal: smallest(text, goal, measure=len)),
    ("check_smallest_vocabulary", "expected 2.., got None", lambda text, goal: [].append(goal)),
]


@pytest.mark.parametrize("name, answers", [(name, answers) for name, *answers in ALSO_RIGHT])
def test_right_answers_in_other_styles_pass(capsys, name, answers):
    assert ": right. " in verdict(capsys, CHECKS[name], *answers)


@pytest.mark.parametrize("name, cause, answers", [(name, cause, answers) for name, cause, *answers in WRONG])
def test_wrong_answers_are_told_their_cause(capsys, name, cause, answers):
    out = verdict(capsys, CHECKS[name], *answers)
    assert ": not yet. " in out and re.search(cause, out), out


def test_each_check_rejects_three_wrong_answers_each_with_its_own_message():
    for name in CHECKS:
        assert len({cause for other, cause, *_ in WRONG if other == name}) >= 3, name


def test_an_error_in_the_answer_is_a_verdict(capsys):
    assert "stopped with ZeroDivisionError" in verdict(capsys, exercises.check_count_pairs, lambda words: 1 / 0)


def test_the_course_and_the_definition_agree():
    text = "the miller is still milling the meal, 2025 times"
    tokenizer = train_bpe(text, 280)
    for piece in pretokenize(text + " unmilled"):
        assert exercises.ranked(piece.encode(), tokenizer.merges) == [tokenizer.token_bytes(id) for id in tokenizer.encode(piece)]
