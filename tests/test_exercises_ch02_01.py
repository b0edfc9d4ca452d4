"""The checks of ch02/01: each passes a right answer in any style, and names the cause of at least three wrong ones."""
import codecs
import re

import pytest

from ch02_tokenization import exercises
from tests.verdicts import verdict


def by_shifts(data, keep_marker=False):
    length = len(f"{data[0]:08b}".split("0")[0])
    code = data[0] if keep_marker or not length else data[0] & (0x7F >> length)
    for byte in data[1:]:
        code = code << 6 | byte & 63
    return code


def by_bits(data):
    bits = "".join(f"{byte:08b}"[2:] for byte in data[1:])
    return int((f"{data[0]:08b}".partition("0")[2] if data[1:] else f"{data[0]:08b}") + bits, 2)


def threes(text):
    pieces = []
    for n, part in enumerate(re.split(r"([0-9]+)", text)):
        head = len(part) % 3
        pieces += [part[:head], *(part[at:at + 3] for at in range(head, len(part), 3))] if n % 2 else [part]
    return [piece for piece in pieces if piece]


def incremental(tokenizer, ids):
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for id in ids:
        yield decoder.decode(tokenizer.token_bytes(id))
    yield decoder.decode(b"", final=True)


def one_by_one(tokenizer, ids):
    for id in ids:
        yield tokenizer.decode([id])


def careful_but_forgetful(tokenizer, ids):
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for id in ids:
        yield decoder.decode(tokenizer.token_bytes(id))


def all_at_the_end(tokenizer, ids):
    yield tokenizer.decode(list(ids))


def always_late(tokenizer, ids):
    decoder, waiting = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for id in ids:
        part, waiting = waiting, decoder.decode(tokenizer.token_bytes(id))
        yield part
    yield waiting + decoder.decode(b"", final=True)


def in_bytes(tokenizer, ids):
    for id in ids:
        yield tokenizer.token_bytes(id)


def safe_chat(tokenizer, turns):
    ids = []
    for speaker, text in turns:
        if speaker not in ("user", "assistant"):
            raise ValueError(f"speaker: expected user or assistant, got {speaker!r}")
        ids += [tokenizer.special_tokens[f"<|{speaker}|>"], *tokenizer.encode(text), tokenizer.special_tokens["<|end|>"]]
    return [*ids, tokenizer.special_tokens["<|assistant|>"]]


def joined(turns):
    return "".join(f"<|{speaker}|>{text}<|end|>" for speaker, text in turns) + "<|assistant|>"


def unchecked(tokenizer, turns):
    ids = [id for speaker, text in turns
           for id in (tokenizer.special_tokens[f"<|{speaker}|>"], *tokenizer.encode(text), tokenizer.special_tokens["<|end|>"])]
    return [*ids, tokenizer.special_tokens["<|assistant|>"]]


def unnamed(tokenizer, turns):
    if turns[0][0] == "ghost":
        raise ValueError
    return unchecked(tokenizer, [(speaker if speaker in ("user", "assistant") else "ghost", text) for speaker, text in turns])


RIGHT = [
    (exercises.check_n_bytes, 14),
    (exercises.check_vocabulary, lambda text: {character: id for id, character in enumerate(sorted(set(text)))}),
    (exercises.check_code_point, by_shifts),
    (exercises.check_code_point, by_bits),
    (exercises.check_split_digits, threes),
    (exercises.check_split_digits, lambda text: re.findall(r"[^\d]+|\d{1,3}(?=(?:\d{3})*(?!\d))", text)),
    (exercises.check_stream, incremental),
    (exercises.check_chat_ids, safe_chat),
]
WRONG = [
    (exercises.check_n_bytes, 8, "number of characters"),
    (exercises.check_n_bytes, 13, "space"),
    (exercises.check_n_bytes, 32, "UTF-32"),
    (exercises.check_n_bytes, 99, "one byte each"),
    (exercises.check_vocabulary, lambda text: {character: id for id, character in enumerate(dict.fromkeys(text))}, "different ids"),
    (exercises.check_vocabulary, lambda text: {character: id for id, character in enumerate(sorted(set(text)), start=1)}, "begin at 1"),
    (exercises.check_vocabulary, lambda text: {character: ord(character) for character in text}, "each once"),
    (exercises.check_vocabulary, lambda text: sorted(set(text)), "expected a dict"),
    (exercises.check_vocabulary, lambda text: {"a": 0}, "characters should be"),
    (exercises.check_code_point, lambda data: int.from_bytes(data, "big"), "glued whole bytes"),
    (exercises.check_code_point, lambda data: by_shifts(data, keep_marker=True), "marker of the first byte"),
    (exercises.check_code_point, lambda data: data.decode(), "expected the number"),
    (exercises.check_code_point, lambda data: data[0] if len(data) == 1 else sum((byte & 63) << 6 * n for n, byte in enumerate(data)), "highest"),
    (exercises.check_code_point, lambda data: data[0], "marker|expected"),
    (exercises.check_split_digits, lambda text: re.findall(r"\d{1,3}|[^\d]+", text), "from the left"),
    (exercises.check_split_digits, lambda text: re.findall(r"\d{1,3}(?=(?:\d{3})*(?!\d))", text), "give the text back"),
    (exercises.check_split_digits, lambda text: re.split(r"(\d{1,3}(?=(?:\d{3})*(?!\d)))", text), "empty piece"),
    (exercises.check_split_digits, lambda text: re.findall(r"\d|[^\d]+", text), "expected ["),
    (exercises.check_stream, one_by_one, "may still come"),
    (exercises.check_stream, careful_but_forgetful, "left over at the end"),
    (exercises.check_stream, all_at_the_end, "at once"),
    (exercises.check_stream, always_late, "is complete"),
    (exercises.check_stream, in_bytes, "of type str"),
    (exercises.check_chat_ids, lambda tokenizer, turns: tokenizer.encode(joined(turns), allow_special=True), "forged"),
    (exercises.check_chat_ids, lambda tokenizer, turns: tokenizer.encode(joined(turns)), "letter by letter"),
    (exercises.check_chat_ids, lambda tokenizer, turns: safe_chat(tokenizer, turns)[:-1], "turn to speak"),
    (exercises.check_chat_ids, lambda tokenizer, turns: safe_chat(tokenizer, turns[:1]), "got ids for"),
    (exercises.check_chat_ids, unchecked, "expected a ValueError|not with KeyError"),
    (exercises.check_chat_ids, lambda tokenizer, turns: [id for id in unnamed(tokenizer, turns)], "not with KeyError"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_wrong_answers_are_told_why(capsys, check, answer, cause):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and any(part in said for part in cause.split("|")), said


@pytest.mark.parametrize("check", sorted({check for check, *_ in WRONG}, key=lambda check: check.__name__))
def test_each_check_tells_three_faults_apart(capsys, check):
    said = {verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check}
    assert len(said) >= 3
