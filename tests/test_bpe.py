"""Byte pair encoding (lesson 2.2): trainers, encoder, files and streams against plain definitions, tiktoken, and HF tokenizers."""
import itertools
import json
import os
import pickle
import random
import stat
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import pytest
import tiktoken
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ch02_tokenization.utils as bpe
from ch02_tokenization.utils import (
    BYTES,
    BPETokenizer,
    learn_merges,
    merge_by_rank,
    number_merges,
    pretokenize,
    settled,
    train_bpe,
)
from data import downloads

STORIES = [path.read_text(encoding="utf-8") for path in sorted(Path(downloads.__file__).with_name("stories").glob("*.txt"))]
SCRIPTS = ("Γράφω γράμματα, γράφω γράμματα. Я пишу письма, ты пишешь письма. 我写信，你也写信。 मैं पत्र लिखता हूँ, तुम पत्र लिखते हो। "
           "אני כותב, אתה כותב. 👩‍🚀👩‍🚀🚀 naïve café, ﬁne ①②③ ½½ x²+x² ")
EMPTY = BPETokenizer(dict(enumerate(BYTES)), [])
END = "<|endoftext|>"
thorough = settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def needs(name):
    return pytest.mark.skipif(not downloads.available(name), reason=f"{name} is not here: set COURSE_DATA, or `make data`")


@pytest.fixture(scope="module")
def tokenizer():
    """Stories and six scripts, 1,200 tokens, one of them special."""
    return train_bpe([*STORIES, SCRIPTS], 1200, [END])


# Arbitrary text of all planes. Characters that Unicode 14 doesn't know are left out: whether they are letters depends on the release
# of Unicode that `regex` and tiktoken were built with. Half a surrogate pair is no text. The parts below make oddities frequent.
anything = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40)
oddities = st.sampled_from([
    " ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\x1c", "\x85", "\u200b", "'", "''", "'s", "'S", "'l", "'ll",
    "'lL", "'r", "'re", "'v", "'ve", "'t", " '", "’s", "a", "Z", "ll", "0", "12", "٣", "½", "é", "e\u0301", "ß", "ﬁ", "字", "한", "न", "ि",
    "👩‍🚀", "🇫🇷", "\u0000", "!", "...", "—", END, "<|end", "oftext|>", "the", " the", "said", "\ufeff"])
texts = st.lists(oddities | anything, max_size=14).map("".join)


def plain_merges(words, n_merges):
    """Byte pair encoding as it is defined: recount everything, merge the most frequent pair, the greatest of equals."""
    words = [([bytes([byte]) for byte in word.encode()], copies) for word, copies in words.items()]
    merges = []
    while len(merges) < n_merges:
        pairs = Counter()
        for word, copies in words:
            for pair in zip(word, word[1:]):
                pairs[pair] += copies
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word, _ in words:
            merge_in_place(word, best)
    return merges


def merge_in_place(word, pair):
    at = 0
    while at < len(word) - 1:
        if (word[at], word[at + 1]) == pair:
            word[at:at + 2] = [pair[0] + pair[1]]
        at += 1


# ---- pre-tokens ----

def test_pretokens_of_the_docstring():
    assert pretokenize("The mill's still.") == ["The", " mill", "'s", " still", "."]
    assert pretokenize("") == []


@thorough
@given(texts)
def test_pretokens_are_the_text_again(text):
    assert "".join(pretokenize(text)) == text
    assert all(pretokenize(text))


# ---- training: plain = fast ----

@pytest.mark.parametrize("name, corpus, n_merges", [
    ("stories", STORIES[0] + STORIES[1], 500), ("scripts", SCRIPTS, 400), ("one letter", "a" * 70 + " " + "a" * 33, 50),
    ("empty", "", 5), ("one byte", "x", 5), ("numbers", " ".join(map(str, range(900))), 300)])
def test_fast_trainer_is_the_plain_one(name, corpus, n_merges):
    words = Counter(pretokenize(corpus))
    assert learn_merges(words, n_merges) == plain_merges(words, n_merges)


@settings(thorough, max_examples=400)
@given(st.dictionaries(st.text("ab", max_size=9) | st.text("aé€👍", max_size=6) | anything, st.integers(1, 4), max_size=12), st.integers(0, 60))
def test_fast_trainer_is_the_plain_one_on_ties_and_any_unicode(words, n_merges):
    assert learn_merges(words, n_merges) == plain_merges(words, n_merges)


def test_uncut_text_may_be_one_word():
    words = {STORIES[2][:2000]: 1}
    assert learn_merges(words, 200) == plain_merges(words, 200)


def test_ties_go_to_the_greatest_bytes():
    assert learn_merges({"ab": 1, "cd": 1, "ef": 1}, 3) == [(b"e", b"f"), (b"c", b"d"), (b"a", b"b")]
    assert learn_merges({"xaa": 1, "xab": 1, "xa": 2}, 2) == [(b"x", b"a"), (b"xa", b"b")]       # (xa, b) > (xa, a)
    tokens = [b"", b"a", b"ab", b"abc", b"b", b"\x00", b"\xff", b"\xff\xff", "é".encode()]
    assert sorted(tokens, key=bpe._mirror) == sorted(tokens, reverse=True)


def test_training_does_not_depend_on_order_or_hash():
    words = list(Counter(pretokenize(STORIES[3])).items())
    shuffled = words[:]
    random.Random(1).shuffle(shuffled)
    assert learn_merges(dict(words), 300) == learn_merges(dict(shuffled), 300)


def hf_trainer(text, vocab_size):
    """Merges of HF tokenizers' trainer (Rust) as pairs of bytes: GPT-2's pre-tokens, 256 bytes to start with, no least frequency."""
    level = tokenizers.pre_tokenizers.ByteLevel
    byte_of = dict(zip(gpt2_alphabet(), range(256)))
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = level(add_prefix_space=False)
    theirs.train_from_iterator([text], tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=level.alphabet(), min_frequency=0, show_progress=False))
    merges = json.loads(theirs.to_str())["model"]["merges"]
    return [tuple(bytes(byte_of[letter] for letter in part) for part in pair) for pair in merges]


def gpt2_alphabet():
    """The characters by which GPT-2's files (and HF's) write the bytes 0 to 255, in that order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = (chr(256 + n) for n in itertools.count())
    return [chr(byte) if byte in printable else next(extra) for byte in range(256)]


@pytest.mark.parametrize("text", ["".join(STORIES), SCRIPTS * 3, "a" * 50 + " aaa aaaa" * 7])
def test_each_merge_of_hf_has_the_highest_count_when_it_is_its_turn(text):
    # HF breaks ties in another way, so the lists differ. Both are right if every merge of theirs is among our best at its step.
    words = [([bytes([byte]) for byte in piece.encode()], copies) for piece, copies in Counter(pretokenize(text)).items()]
    merges = hf_trainer(text, 600)
    assert merges
    for number, merge in enumerate(merges):
        pairs = Counter()
        for word, copies in words:
            for pair in zip(word, word[1:]):
                pairs[pair] += copies
        assert pairs[merge] == max(pairs.values()), f"merge {number}, {merge}"
        for word, _ in words:
            merge_in_place(word, merge)


def test_hf_encodes_as_we_do_with_our_merges(tokenizer):
    letters = gpt2_alphabet()
    written = {n: "".join(letters[byte] for byte in token) for n, token in tokenizer.vocab.items() if n < tokenizer.vocab_size - 1}
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(
        {text: n for n, text in written.items()}, [tuple("".join(letters[b] for b in part) for part in pair) for pair in tokenizer.merges]))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in [*STORIES, SCRIPTS]:
        assert theirs.encode(text).ids == tokenizer.encode(text)


# ---- train_bpe ----

def test_ids_are_bytes_then_merges_then_specials(tokenizer):
    assert tokenizer.vocab_size == len(tokenizer.vocab) == 1200 and len(tokenizer.merges) == 1200 - 257
    assert [tokenizer.vocab[n] for n in range(256)] == BYTES
    assert [tokenizer.vocab[256 + n] for n in range(len(tokenizer.merges))] == [left + right for left, right in tokenizer.merges]
    assert tokenizer.special_tokens == {END: 1199} and tokenizer.token_bytes(1199) == END.encode()


def test_a_text_and_an_iterable_of_texts():
    whole = train_bpe(STORIES[0], 400)
    assert train_bpe([STORIES[0]], 400).merges == train_bpe((text for text in [STORIES[0]]), 400).merges == whole.merges
    assert train_bpe(["ab", "ab"], 257).merges == [(b"a", b"b")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train_bpe(["a", "b"] * 50, 256).merges == []          # no merge across two documents


def test_special_tokens_are_cut_out_of_the_training_text():
    parts = ["the mill " * 9, "the hill " * 9]
    joined = train_bpe(END.join(parts), 265 + 1, [END])
    assert joined.merges == train_bpe(parts, 265).merges
    assert not any(b"|" in token or b"<" in token for n, token in joined.vocab.items() if 256 <= n < 265)


def test_a_small_text_gives_fewer_tokens_and_says_so():
    with pytest.warns(UserWarning, match="no more pairs to merge: 260 tokens instead of 300"):
        small = train_bpe("abc abc", 300, [END])
    assert small.vocab_size == 260 and small.special_tokens == {END: 259} and small.encode("abc abc") == [257, 258]


@pytest.mark.parametrize("arguments, error, message", [
    (("", 300), ValueError, "found no character"),
    (([], 300), ValueError, "found no character"),
    (([END, ""], 300, [END]), ValueError, "no character besides special tokens"),
    (("text", 255), ValueError, "expected at least 256, the 256 bytes and 0 special tokens, got 255"),
    (("text", 257, ["<a>", "<b>"]), ValueError, "expected at least 258"),
    (("text", -1), ValueError, "got -1"),
    (("text", 300.0), TypeError, "float"),
    ((b"text", 300), TypeError, "item 0 is of type int"),
    ((["text", None], 300), TypeError, "item 1 is of type NoneType"),
    ((None, 300), TypeError, "NoneType"),
    (("text", 300, "<a>"), TypeError, "expected a list of names, got the single text '<a>'"),
    (("text", 300, ["<a>", ""]), ValueError, "a name is empty"),
    (("text", 300, ["<a>", "<b>", "<a>"]), ValueError, "'<a>' is there twice"),
    (("text", 300, [b"<a>"]), TypeError, r"got b'<a>'"),
    (("text", 300, ["x"]), ValueError, "'x' is also an ordinary token"),
])
def test_bad_training_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train_bpe(*arguments)


# ---- encoding ----

@thorough
@given(text=texts)
def test_encoding_is_tiktokens_and_loses_nothing(tokenizer, text):
    ids = tokenizer.encode(text)
    assert ids == rust(tokenizer).encode_ordinary(text)
    assert tokenizer.decode(ids) == tokenizer.decode(ids, errors="strict") == text
    assert ids == BPETokenizer(tokenizer.vocab, tokenizer.merges, [END]).encode(text)      # nothing hangs on what was met before


@pytest.fixture(scope="module", autouse=True)
def encodings():
    """tiktoken's Encoding of each tokenizer, made once."""
    cache.clear()
    yield
    cache.clear()


cache = {}


def rust(tokenizer):
    if id(tokenizer) not in cache:
        cache[id(tokenizer)] = tokenizer.to_tiktoken()
    return cache[id(tokenizer)]


def test_characters_newer_than_unicode_14_lose_nothing(tokenizer):
    text = "".join(map(chr, range(0x1E000, 0x1E200))) + " \U0003fffd \U0010ffff"
    assert tokenizer.decode(tokenizer.encode(text), errors="strict") == text


@thorough
@given(st.text("ab", min_size=1, max_size=40), st.dictionaries(st.text("ab", max_size=9), st.integers(1, 3), max_size=9), st.integers(0, 400))
def test_the_two_ways_of_merge_by_rank_agree(word, words, padding):
    joined = number_merges(learn_merges(words, 40))
    replayed = word
    for pair, new in joined.items():
        replayed = replayed.replace(pair, new)
    assert merge_by_rank(word, joined) == replayed
    long = word + "c" * (257 + padding)                             # past 256 symbols it replays
    assert merge_by_rank(long, joined) == merge_by_rank(word, joined) + "c" * (257 + padding)


def test_a_million_letters_without_a_space(tokenizer):
    word = "".join(random.Random(0).choices("theandsaid", k=1_000_000))
    ids = tokenizer.encode(word)
    assert tokenizer.decode(ids) == word and len(ids) < 750_000


@needs("gpt2-bpe")
def test_gpt2s_merges_give_gpt2s_ids():
    gpt2 = downloads.tiktoken_gpt2()
    byte_of = {letter: bytes([byte]) for byte, letter in enumerate(gpt2_alphabet())}

    def as_bytes(written):
        return b"".join(byte_of[letter] for letter in written)

    lines = downloads.path_of("gpt2-bpe", "vocab.bpe").read_text(encoding="utf-8").splitlines()[1:]
    merges = [tuple(map(as_bytes, line.split(" "))) for line in lines]
    ids = json.loads(downloads.path_of("gpt2-bpe", "encoder.json").read_text(encoding="utf-8"))
    vocab = {n: END.encode() if written == END else as_bytes(written) for written, n in ids.items()}
    ours = BPETokenizer(vocab, merges, [END])
    assert ours.vocab_size == 50_257 and ours.special_tokens == {END: 50_256} and len(merges) == 50_000
    assert ours.vocab[0] == b"!" and ours.vocab[220] == b" "          # GPT-2 numbers its bytes in an order of its own

    @settings(thorough, max_examples=300)
    @given(texts)
    def same(text):
        assert ours.encode(text) == gpt2.encode_ordinary(text)
        assert ours.encode(text, allow_special=True) == gpt2.encode(text, allowed_special="all")

    same()
    for text in [*STORIES, SCRIPTS, *(downloads.read_text(name) for name in ["the-verdict"] if downloads.available(name))]:
        assert ours.encode(text) == gpt2.encode_ordinary(text)
        assert ours.decode(ours.encode(text)) == text
    assert ours.to_tiktoken().encode_ordinary(SCRIPTS) == gpt2.encode_ordinary(SCRIPTS)
    assert BPETokenizer({n: token for n, token in vocab.items() if n < 50_256}, merges, [END]).vocab == ours.vocab


@needs("tinyshakespeare")
def test_shakespeare_as_tiktoken_has_it():
    text = downloads.read_text("tinyshakespeare")
    tokenizer = train_bpe(text, 4096)
    ids = tokenizer.encode(text)
    assert ids == tokenizer.to_tiktoken().encode_ordinary(text) and tokenizer.decode(ids) == text
    assert list(tokenizer.encode_iterable(text[at:at + 10_000] for at in range(0, len(text), 10_000))) == ids


def test_the_store_of_known_pieces_is_bounded(tokenizer):
    fresh = BPETokenizer(tokenizer.vocab, tokenizer.merges, [END])
    fresh.encode(" ".join(f"{n:x}" for n in range(150_000)))
    assert len(fresh._known) <= 65_536
    fresh.encode("y" * 5000)
    assert "y" * 5000 not in fresh._known


def test_encode_returns_a_list_of_its_own(tokenizer):
    ids = tokenizer.encode(" the")
    ids.append(0)
    assert tokenizer.encode(" the") == ids[:-1]


@pytest.mark.parametrize("text, error, message", [
    (b"bytes", TypeError, "expected a str, got bytes"), (None, TypeError, "got NoneType"), (["a"], TypeError, "got list"),
    ("half a pair: \ud83d", ValueError, "surrogates not allowed")])
@pytest.mark.parametrize("allow_special", [False, True])
def test_what_is_no_text_is_refused(tokenizer, text, error, message, allow_special):
    with pytest.raises(error, match=message):
        tokenizer.encode(text, allow_special=allow_special)


# ---- special tokens ----

def test_special_tokens_that_a_user_types_are_ordinary_text(tokenizer):
    text = f"One.{END}Two."
    ordinary, special = tokenizer.encode(text), tokenizer.encode(text, allow_special=True)
    assert 1199 not in ordinary and special.count(1199) == 1
    assert tokenizer.decode(ordinary) == tokenizer.decode(special) == text
    assert special == [*tokenizer.encode("One."), 1199, *tokenizer.encode("Two.")]
    assert ordinary == rust(tokenizer).encode_ordinary(text) and special == rust(tokenizer).encode(text, allowed_special="all")
    assert 1199 not in list(tokenizer.encode_iterable([text]))


def test_where_two_special_tokens_fit_the_longer_is_meant():
    tokenizer = BPETokenizer(dict(enumerate(BYTES)), [], ["<|end|>", "<|end|><|end|>", "(*+"])
    assert tokenizer.encode("a<|end|><|end|><|end|>(*+", allow_special=True) == [97, 257, 256, 258]
    assert tokenizer.encode("", allow_special=True) == []


# ---- decoding ----

def test_half_a_letter_is_shown_as_such(tokenizer):
    assert EMPTY.decode([0xE2, 0x82]) == "\ufffd" and EMPTY.decode([0xE2, 0x82, 0xAC]) == "€"
    with pytest.raises(UnicodeDecodeError):
        EMPTY.decode([0xE2], errors="strict")
    assert EMPTY.decode([0xE2], errors="ignore") == "" == EMPTY.decode([])


@pytest.mark.parametrize("ids, error, message", [
    ([1, 256], ValueError, "id 256: expected 0 to 255"), ([-1], ValueError, "id -1"), ([1.0], TypeError, "float"), (["1"], TypeError, "str")])
def test_ids_that_are_none_are_named(ids, error, message):
    with pytest.raises(error, match=message):
        EMPTY.decode(ids)


def test_ids_may_come_from_numpy_and_torch(tokenizer):
    import numpy
    import torch
    ids = tokenizer.encode("The mill is still.")
    assert tokenizer.decode(numpy.array(ids)) == tokenizer.decode(torch.tensor(ids)) == "The mill is still."
    assert tokenizer.token_bytes(numpy.int64(65)) == b"A"


# ---- streams ----

def cut(text, places):
    places = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in zip(places, places[1:])]


@settings(thorough, max_examples=600)
@given(texts, st.lists(st.integers(0, 10_000), max_size=12), st.integers(1, 5))
def test_no_chunking_changes_the_pre_tokens(text, places, block):
    assert list(settled(cut(text, places), block)) == pretokenize(text)


def test_character_by_character():
    for text in [SCRIPTS, *map("".join, itertools.product("a 'l\n", repeat=5))]:
        assert list(settled(text, block=1)) == pretokenize(text)


@settings(thorough, max_examples=100)
@given(text=texts, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_encode_iterable_is_encode(tokenizer, text, places):
    assert list(tokenizer.encode_iterable(cut(text, places))) == tokenizer.encode(text)
    assert list(tokenizer.encode_iterable(iter(text))) == tokenizer.encode(text)


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000, 10_000_000])
def test_encode_iterable_on_long_texts(tokenizer, size):
    text = "\n\n".join(STORIES)[:40_000] * 4 + "z" * 150_000 + " tail"
    assert list(tokenizer.encode_iterable(text[at:at + size] for at in range(0, len(text), size))) == tokenizer.encode(text)


def test_a_stream_needs_little_memory(tokenizer):
    def peak(repeats):
        tracemalloc.start()
        count = sum(1 for _ in tokenizer.encode_iterable(chunk for _ in range(repeats) for chunk in (STORIES[0][:4000],)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, count

    tokenizer.encode(STORIES[0] + STORIES[0][:4000] * 2)            # its pieces are known before
    (short, few), (long, many) = peak(50), peak(400)
    assert many > 7.9 * few and long < 1.2 * short + 500_000 < 12_000_000


def test_one_long_pre_token_is_held_and_not_cut_again_and_again():
    lengths = []

    def watched(text):
        lengths.append(len(text))
        return real(text)

    real, bpe.pretokenize = bpe.pretokenize, watched
    try:
        pieces = list(bpe.settled(["x" * 1000] * 2000))
    finally:
        bpe.pretokenize = real
    assert pieces == ["x" * 2_000_000] and sum(lengths) < 4 * 2_000_000


def test_chunks_that_are_no_text_are_named(tokenizer):
    with pytest.raises(TypeError, match="item 1 is of type bytes"):
        list(tokenizer.encode_iterable(["a", b"b"]))
    assert list(tokenizer.encode_iterable([])) == list(tokenizer.encode_iterable(["", ""])) == []


# ---- vocabularies that don't fit together ----

ALL = dict(enumerate(BYTES))


@pytest.mark.parametrize("arguments, error, message", [
    (([b"a"], []), TypeError, "expected a dict {id: bytes}, got list"),
    ((ALL | {257: b"ab"}, [(b"a", b"b")]), ValueError, "ids 0 to 256 without a gap, and 256 is missing"),
    ((ALL | {256: "ab"}, [(b"a", b"b")]), TypeError, "for id 256, got 'ab'"),
    ((ALL | {256: b""}, []), TypeError, "at least one, for id 256"),
    ((ALL | {256: b"a"}, []), ValueError, r"b'a' has two ids, 97 and 256"),
    (({n: token for n, token in ALL.items() if n < 255}, []), ValueError, r"1 of the 256 single bytes have no id, the first is b'\\xff'"),
    ((ALL | {256: b"ab"}, [(b"a", b"b", b"c")]), TypeError, "merge 0 is"),
    ((ALL | {256: b"ab"}, [("a", "b")]), TypeError, r"merge 0 is \('a', 'b'\)"),
    ((ALL | {256: b"abc"}, [(b"ab", b"c")]), ValueError, r"merge 0, .*, needs b'ab'"),
    ((ALL | {256: b"abc", 257: b"ab"}, [(b"ab", b"c"), (b"a", b"b")]), ValueError, r"merge 0, .*, needs b'ab'"),
    ((ALL, [(b"a", b"b")]), ValueError, r"makes b'ab', which has no id"),
    ((ALL | {256: b"ab"}, [(b"a", b"b"), (b"a", b"b")]), ValueError, "merge 1, .*, which an earlier merge has made"),
    ((ALL | {256: b"ab"}, []), ValueError, "id 256, b'ab', is neither a byte, nor made by a merge, nor in special_tokens"),
    ((ALL, [], ["a"]), ValueError, "'a' is also an ordinary token"),
    ((ALL, [], ["<a>", "<a>"]), ValueError, "'<a>' is there twice"),
    ((ALL, [], [""]), ValueError, "a name is empty"),
    ((ALL, [], "<a>"), TypeError, "the single text '<a>'"),
])
def test_a_vocabulary_that_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        BPETokenizer(*arguments)


def test_any_numbering_will_do(tokenizer):
    numbers = list(range(tokenizer.vocab_size))
    random.Random(0).shuffle(numbers)
    other = BPETokenizer({numbers[n]: token for n, token in tokenizer.vocab.items()}, tokenizer.merges, [END])
    text = STORIES[1] + END
    assert other.encode(text, allow_special=True) == [numbers[n] for n in tokenizer.encode(text, allow_special=True)]
    assert other.decode(other.encode(text)) == text and other.special_tokens == {END: numbers[1199]}
    with pytest.raises(ValueError, match="not in the order of the merges"):
        other.to_tiktoken()


def test_parts_are_copied(tokenizer):
    vocab, merges = dict(tokenizer.vocab), list(tokenizer.merges)
    mine = BPETokenizer(vocab, merges, [END])
    vocab.clear(), merges.clear()
    assert mine.vocab == tokenizer.vocab and mine.merges == tokenizer.merges


def test_worker_processes_can_be_handed_one(tokenizer):
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode(SCRIPTS) == tokenizer.encode(SCRIPTS) and again.special_tokens == tokenizer.special_tokens


# ---- files ----

def same(one, other):
    return (one.vocab, one.merges, one.special_tokens) == (other.vocab, other.merges, other.special_tokens)


def test_what_is_saved_is_loaded(tokenizer, tmp_path):
    for name, saved in (("full", tokenizer), ("empty", EMPTY), ("odd", BPETokenizer(ALL, [], ["<|é|>", '<"\n\\>', "👍👍"]))):
        path = tmp_path / f"{name}.json"
        saved.save(path)
        assert same(BPETokenizer.load(path), saved) and same(BPETokenizer.load(str(path)), saved)
        assert path.read_bytes().isascii() and json.loads(path.read_text())
    assert sorted(os.listdir(tmp_path)) == ["empty.json", "full.json", "odd.json"]
    lines = (tmp_path / "full.json").read_text().splitlines()
    assert f"{json.dumps([part.decode('latin-1') for part in tokenizer.merges[0]])}," in lines and '" the",' in lines
    assert stat.S_IMODE((tmp_path / "full.json").stat().st_mode) & stat.S_IRUSR


def test_two_saves_write_the_same_bytes(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "a.json")
    BPETokenizer.load(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_every_truncation_is_refused_by_name(tokenizer, tmp_path):
    path = tmp_path / "cut.json"
    tokenizer.save(path)
    whole = path.read_bytes()
    for size in [0, 1, 2, 10, len(whole) // 3, len(whole) // 2, len(whole) - 100, len(whole) - 3, len(whole) - 2]:
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut.json: cut off, or no JSON"):
            BPETokenizer.load(path)


def test_every_changed_byte_is_refused_by_name(tokenizer, tmp_path):
    path = tmp_path / "changed.json"
    tokenizer.save(path)
    whole = bytearray(path.read_bytes())
    dice = random.Random(0)
    for place in dice.sample(range(len(whole) - 1), 150):
        changed = whole.copy()
        changed[place] ^= 1 << dice.randrange(7)
        path.write_bytes(changed)
        try:
            loaded = BPETokenizer.load(path)
        except ValueError as error:
            assert "changed.json: " in str(error)
        else:
            assert same(loaded, tokenizer)              # the byte was a space between two values, turned into another kind of space


@pytest.mark.parametrize("content", [
    "[]", "{}", "null", "3", '"text"', '{"format": "another"}', '{"model": {"type": "BPE"}}', "\x80\x04pickle", "[" * 100_000])
def test_other_files_are_refused_by_name(content, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match="other.json: "):
        BPETokenizer.load(path)


def test_a_missing_file_and_a_missing_folder(tokenizer, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        BPETokenizer.load(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError):
        tokenizer.save(tmp_path / "nowhere" / "file.json")


def test_a_save_that_fails_leaves_the_old_file(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    EMPTY.save(path)
    before = path.read_bytes()

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(bpe.os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        tokenizer.save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["kept.json"]


# ---- tiktoken ----

def test_our_merges_inside_tiktoken(tokenizer):
    theirs = tokenizer.to_tiktoken("mine")
    assert isinstance(theirs, tiktoken.Encoding) and theirs.name == "mine" and theirs.n_vocab == tokenizer.vocab_size
    for text in [*STORIES, SCRIPTS]:
        assert theirs.encode_ordinary(text) == tokenizer.encode(text)
        assert theirs.decode(tokenizer.encode(text)) == text
