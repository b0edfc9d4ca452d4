"""Characters and wrapped tiktoken (lesson 2.1): round trips of arbitrary text, special tokens, refusals, parity with tiktoken itself."""
import pickle

import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ch02_tokenization.utils import CharTokenizer, TiktokenTokenizer
from data import downloads

END = "<|endoftext|>"
SPECIALS = [END, "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]
thorough = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
oddities = st.sampled_from([" ", "\n", "\r\n", "\t", "\u00a0", "\ufeff", "\u200b", "e\u0301", "é", "ﬁ", "鸦", "कौ", "👩‍🚀", "🇬🇷", "\u0000", "1785",
                            *SPECIALS, "<|end", "oftext|>", "|", "the crow", " the", "\ufffd", "\U0010ffff", "\ufdd0"])
texts = st.lists(oddities | st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=10).map("".join)
bytewise = tiktoken.Encoding("bytes", pat_str=r"[\s\S]", mergeable_ranks={bytes([n]): n for n in range(256)},
                             special_tokens={END: 256, "<|pad|>": 300})       # needs no data; its ids have a gap


@pytest.fixture(scope="module", params=["bytes", "gpt2"])
def wrapped(request):
    """The wrapper around a vocabulary of bytes, and around GPT-2's where it is here."""
    if request.param == "bytes":
        return TiktokenTokenizer(bytewise)
    if not downloads.available("gpt2-bpe"):
        pytest.skip("gpt2-bpe is not here: set COURSE_DATA, or `make data`")
    return TiktokenTokenizer()


# ---- round trips ----

@thorough
@given(texts)
def test_characters_give_every_text_back(text):
    tokenizer = CharTokenizer(text + "x", SPECIALS)
    for allow in (False, True):
        ids = tokenizer.encode(text, allow_special=allow)
        assert tokenizer.decode(ids) == text == tokenizer.decode(ids, errors="strict")
    assert len(tokenizer.encode(text)) == len(text)


@thorough
@given(text=texts)
def test_tiktoken_gives_every_text_back(wrapped, text):
    for allow in (False, True):
        assert wrapped.decode(wrapped.encode(text, allow_special=allow), errors="strict") == text


@thorough
@given(text=texts)
def test_tokens_are_the_bytes_of_the_text(wrapped, text):
    for tokenizer in (wrapped, CharTokenizer(text + "x")):
        assert b"".join(map(tokenizer.token_bytes, tokenizer.encode(text))) == text.encode()


@thorough
@given(text=texts)
def test_user_text_never_becomes_a_special_token(wrapped, text):
    for tokenizer in (wrapped, CharTokenizer(text + "x", SPECIALS)):
        special = set(tokenizer.special_tokens.values())
        assert special and special.isdisjoint(tokenizer.encode(text))


@thorough
@given(st.lists(st.integers(0, 255), max_size=20))
def test_decoding_is_decoding_the_joined_bytes(ids):
    assert TiktokenTokenizer(bytewise).decode(ids) == bytes(ids).decode(errors="replace")


# ---- characters ----

def test_ids_are_sorted_and_special_tokens_come_last():
    tokenizer = CharTokenizer("mill", [END, "<|pad|>"])
    assert tokenizer.encode("mill") == [2, 0, 1, 1]
    assert tokenizer.special_tokens == {END: 3, "<|pad|>": 4} and tokenizer.vocab_size == 5
    assert tokenizer.token_bytes(3) == END.encode() and tokenizer.decode([2, 3]) == "m" + END


def test_ids_depend_on_the_characters_alone():
    one = CharTokenizer("the crow and the kite")
    for other in ("kite the and crow the", ["the crow", " and the kite"], (word for word in ("the crow and", " kite"))):
        assert CharTokenizer(other).encode("crow in it".replace("in ", "")) == one.encode("crow it")


def test_special_tokens_are_written_only_on_request():
    tokenizer = CharTokenizer([chr(code) for code in range(32, 127)], ["<|end|>", "<|end|>more"])
    assert len(tokenizer.encode("a<|end|>b")) == 9
    assert tokenizer.encode("a<|end|>b", allow_special=True) == [*tokenizer.encode("a"), tokenizer.special_tokens["<|end|>"], *tokenizer.encode("b")]
    assert tokenizer.encode("<|end|>more", allow_special=True) == [tokenizer.special_tokens["<|end|>more"]]      # the longer one is meant
    assert CharTokenizer("ab").encode("ab", allow_special=True) == [0, 1]


@pytest.mark.parametrize("text, allow, place", [("crow in Soho", False, 8), ("S", False, 0), ("<|end|>crowS", True, 11), ("crow S S", True, 5)])
def test_a_new_character_is_refused_with_its_place(text, allow, place):
    tokenizer = CharTokenizer("crow in<|end>", ["<|end|>"])
    with pytest.raises(ValueError, match=rf"'S' \(U\+0053\), character {place} of the text, is not among the 12 characters"):
        tokenizer.encode(text, allow_special=allow)


@pytest.mark.parametrize("arguments, error, said", [
    (("",), ValueError, "at least one character"), (([],), ValueError, "at least one character"), ((["a", 7],), TypeError, "item 1 is of type int"),
    ((b"abc",), TypeError, "item 0 is of type int"), (("abc", "<|end|>"), TypeError, "list of names"), (("abc", [7]), TypeError, "list of names"),
    (("abc", ["<|a|>", "<|a|>"]), ValueError, "different names"), (("abc", [""]), ValueError, "none empty"),
    (("abc", ["a"]), ValueError, "none a character"),
    (("\ud800",), ValueError, "surrogates")])
def test_characters_refuse_what_makes_no_vocabulary(arguments, error, said):
    with pytest.raises(error, match=said):
        CharTokenizer(*arguments)


# ---- tiktoken ----

def test_ids_are_tiktokens(wrapped):
    text = f"The crow's kite: 鸦 🪁 {END}"
    assert wrapped.encode(text) == wrapped.encoding.encode_ordinary(text)
    assert wrapped.encode(text, allow_special=True) == wrapped.encoding.encode(text, allowed_special="all")
    assert wrapped.encode(text, allow_special=True)[-1] == wrapped.special_tokens[END]
    assert wrapped.token_bytes(wrapped.special_tokens[END]) == END.encode()


def test_sizes_and_special_tokens(wrapped):
    if wrapped.encoding is bytewise:
        assert (wrapped.vocab_size, wrapped.special_tokens) == (301, {END: 256, "<|pad|>": 300})
    else:
        assert (wrapped.vocab_size, wrapped.special_tokens) == (50_257, {END: 50_256})


def test_half_a_character(wrapped):
    ids = wrapped.encode("鸦")
    assert wrapped.decode(ids[:1]) == "\ufffd" and wrapped.decode(ids[:1], errors="ignore") == ""
    with pytest.raises(UnicodeDecodeError):
        wrapped.decode(ids[:1], errors="strict")


@pytest.mark.parametrize("id", [-1, 257, 301, 60_000, 10**9, 2**40])
def test_ids_outside_the_vocabulary_are_refused(id):
    for tokenizer in (TiktokenTokenizer(bytewise), CharTokenizer("abc")):
        for refused in (tokenizer.token_bytes, lambda id, tokenizer=tokenizer: tokenizer.decode([0, id])):
            with pytest.raises(ValueError, match=f"id {id}: expected"):
                refused(id)


def test_what_is_no_text_is_refused(wrapped):
    for tokenizer in (wrapped, CharTokenizer("abc")):
        for wrong in (b"abc", None, 7, ["a"]):
            with pytest.raises(TypeError, match="expected a str"):
                tokenizer.encode(wrong)
        with pytest.raises(ValueError):
            tokenizer.encode("a\ud800")                 # half a surrogate pair: tiktoken alone would write another character


def test_numbers_of_other_libraries_are_ids():
    numpy, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
    for tokenizer in (TiktokenTokenizer(bytewise), CharTokenizer([chr(n) for n in range(128)])):
        for ids in (numpy.array([107, 105]), torch.tensor([107, 105]), (id for id in (107, 105))):
            assert tokenizer.decode(ids) == "ki"


def test_without_data_the_reason_is_said(monkeypatch):
    def missing():
        raise downloads.NotAvailable("gpt2-bpe is not here")
    monkeypatch.setattr(downloads, "tiktoken_gpt2", missing)
    with pytest.raises(downloads.NotAvailable, match="gpt2-bpe"):
        TiktokenTokenizer()


def test_a_name_is_no_encoding():
    with pytest.raises(TypeError, match="expected a tiktoken.Encoding, got str"):
        TiktokenTokenizer("gpt2")


def test_characters_can_be_sent_to_workers():
    tokenizer = CharTokenizer("the crow", SPECIALS)
    assert pickle.loads(pickle.dumps(tokenizer)).encode("crow" + END, allow_special=True) == tokenizer.encode("crow" + END, allow_special=True)
