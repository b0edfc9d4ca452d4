"""Checks for the exercises of chapter 2."""
import functools
import math
import os
import pathlib
import random
import re
import tempfile
from collections import Counter

import torch

from ch01_intro.exercises import Wrong, check, untried
from ch02_tokenization.utils import CharTokenizer, learn_merges, pretokenize, train_bpe

# ---- 02 byte pair encoding

WORDS = [(("m", "i", "ll"), 2), (("s", "t", "i", "ll"), 3), (("a", "a", "a"), 5), (("b", "a"), 4), (("y",), 7)]


@check("2.2.1")
def check_count_pairs(count_pairs):
    got = count_pairs(list(WORDS))
    if not isinstance(got, dict):
        raise Wrong(f"expected a Counter, or another dict from pairs to counts; got {type(got).__name__}")
    expected = {("m", "i"): 2, ("i", "ll"): 5, ("s", "t"): 3, ("t", "i"): 3, ("a", "a"): 10, ("b", "a"): 4}
    if got.get(("i", "ll")) == 2:
        raise Wrong("('i', 'll') stands in 'm i ll', which has 2 copies, and in 's t i ll', which has 3: that makes 5, not 2")
    if got.get(("a", "a")) == 5:
        raise Wrong("'a a a' holds the pair ('a', 'a') at two places, so 5 copies of it hold the pair 10 times, not 5")
    if ("ll", "s") in got:
        raise Wrong("('ll', 's'): the end of one word and the beginning of the next are no pair: no merge crosses two words")
    for pair in {**expected, **got}:
        if got.get(pair, 0) != expected.get(pair, 0):
            raise Wrong(f"{pair}: expected {expected.get(pair, 0)}, got {got.get(pair, 0)} for the words {WORDS}")
    if count_pairs([]) or count_pairs([(("x",), 3)]):
        raise Wrong("no words, or words of one symbol, have no pairs at all")
    return "These are the counts from which every merge is chosen."


@check("2.2.2")
def check_by_hand(merges):
    expected = ["nd", "ind", "wind", "mind"]
    got = ["".join(merge) for merge in merges]
    if got == expected:
        return "You have trained a tokenizer with a pencil, ties included."
    if got[:1] == ["in"]:
        raise Wrong("in and nd are level, 7 times each. The last in the dictionary wins: ('n', 'd') comes after ('i', 'n')")
    if got[:2] == ["nd", "in"]:
        raise Wrong("after the first merge no n stands behind an i any more: wind is now w i nd. Which pair is the best there?")
    if got[:3] == ["nd", "ind", "mind"]:
        raise Wrong("w + ind stands in wind, of 3 copies, and in windy, of 1: more often than m + ind. Did you count copies?")
    if got[:4] == ["nd", "ind", "wind", "windy"]:
        raise Wrong("wind + y stands in one word of one copy; m + ind stands in one word of two")
    right = next((n for n, (mine, theirs) in enumerate(zip(got, expected)) if mine != theirs), min(len(got), 4))
    raise Wrong(f"of your {len(got)} merges the first {right} are right, and four were asked for. Write down all words with "
                "what is merged so far, and count again")


@check("2.2.3")
def check_unseen(n_tokens):
    causes = {4: "those are its characters; no token was learned for € and 鸦, so they are spelled in bytes",
              3: "those are its pre-tokens; a pre-token is one token only if merges have made it one",
              7: "the space is a byte, too", 2: "that is as if the whole of € 鸦 were known",
              6: "€ and 鸦 have three bytes each, and there are two characters more",
              10: "€ has three bytes, not four, and so has 鸦"}
    tokenizer = train_bpe("the mill is still, it cost 5 pounds, 5 and 25. " * 9, 280)
    if n_tokens == len(tokenizer.encode("5€ 鸦")):
        return "One for 5, three for €, one for the space, three for 鸦: dear, but never unknown."
    raise Wrong(f"{n_tokens} is not it: {causes.get(n_tokens, 'write down the bytes of each character; none of those above 127 was ever merged')}")


@check("2.2.4")
def check_any_case(pretokenize_any_case):
    cases = {"it's": ["it", "'s"], "IT'S": ["IT", "'S"], "WE'LL": ["WE", "'LL"], "They'Re": ["They", "'Re"], "ISN'T it": ["ISN", "'T", " it"],
             "O'NEILL'D": ["O", "'", "NEILL", "'D"], "25's,  I'VE\n": ["25", "'s", ",", " ", " I", "'VE", "\n"], "": []}
    for text, expected in cases.items():
        got = pretokenize_any_case(text)
        if got == expected:
            continue
        if got is None or "".join(got) != text:
            changed = "its letters were changed" if got and "".join(got).lower() == text.lower() else "joined, they must be the text"
            raise Wrong(f"{text!r} -> {got}: {changed}")
        if text == "WE'LL":
            raise Wrong(f"{text!r} -> {got}: one letter works now, but ll, ve and re have capitals as well")
        if got == pretokenize(text):
            raise Wrong(f"{text!r} is cut as before, {got}: 'S is to be a piece, as 's is. `(?i:…)` makes a part blind to case")
        if text == "O'NEILL'D":
            raise Wrong(f"{text!r} -> {got}: an apostrophe and any letter is too much, only s, d, m, t, ll, ve and re count")
        raise Wrong(f"{text!r}: expected {expected}, got {got}")
    return "'S and 's are now pieces of the same kind, as in GPT-4."


def right_merge(symbols, pair):
    """The merge of the lesson: from left to right, whole symbols only."""
    merged, at = [], 0
    while at < len(symbols):
        found = tuple(symbols[at:at + 2]) == tuple(pair)
        merged.append(pair[0] + pair[1] if found else symbols[at])
        at += 1 + found
    return tuple(merged)


def hasty_merge(symbols, pair):
    """A merge that somebody wrote in one line. It is wrong; exercise 2.2.5 asks where."""
    return tuple(" ".join(symbols).replace(" ".join(pair), "".join(pair)).split(" "))


@check("2.2.5")
def check_counterexample(symbols, pair):
    symbols, pair = tuple(symbols), tuple(pair)
    if len(pair) != 2 or not all(isinstance(part, str) and part for part in symbols + pair):
        raise Wrong(f"expected a tuple of symbols and a pair of symbols, all of them strings, got {symbols} and {pair}")
    if " " in "".join(symbols + pair):
        raise Wrong("a space as a symbol does confuse it, but that is only its separator. It goes wrong on letters, too")
    if len(symbols) > 2:
        raise Wrong(f"{len(symbols)} symbols are more than it takes: two are enough")
    hasty, right = hasty_merge(symbols, pair), right_merge(symbols, pair)
    if hasty == right:
        raise Wrong(f"on {symbols} with {pair} it gives {hasty}, which is right. In which string does `replace` search?")
    return f"It makes {hasty} of {symbols}. Sennrich's published code asks for blanks around the pair, for this very reason."


def ranked(word, merges):
    """Byte pair encoding by the definition: of the pairs in `word`, merge the one learned first, everywhere; look again."""
    symbols, rank = tuple(bytes([byte]) for byte in word), {pair: n for n, pair in enumerate(merges)}
    while found := [pair for pair in zip(symbols, symbols[1:]) if pair in rank]:
        symbols = right_merge(symbols, min(found, key=rank.get))
    return list(symbols)


@check("2.2.6")
def check_encode_by_rank(encode_by_rank):
    text = "the mill is still, the miller is still milling; until the wind fills the sails, the mill stands still. aaaa banana"
    learned = learn_merges(Counter(pretokenize(text)), 60)
    cases = [(b"still", [(b"l", b"l"), (b"i", b"ll"), (b"t", b"ill"), (b"s", b"till")]), (b"abab", [(b"a", b"b")]),
             (b"abc", [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")]), (b"aaaaa", [(b"a", b"a"), (b"aa", b"aa")]),
             (b"xyz", [(b"a", b"b")]), (b"", [(b"a", b"b")]), (b"q", [])]
    cases += [(piece.encode(), learned) for piece in pretokenize(text + " stillness unwilling, naïve €")]
    for word, merges in cases:
        got, expected = encode_by_rank(word, list(merges)), ranked(word, merges)
        if got is not None and list(got) == expected:
            continue
        if got is None or not all(isinstance(token, bytes) for token in got):
            raise Wrong(f"{word}: expected a list of bytes, got {got!r}; `bytes([number])` makes a byte of a number")
        if b"".join(got) != word:
            raise Wrong(f"the tokens of {word}, {got}, are not {word} again when joined: was half a pair lost, or used twice?")
        if word == b"abc" and got == [b"abc"]:
            raise Wrong("abc with the merges b+c, a+b, ab+c: b+c was learned first and goes first. Then no a+b is left: [a, bc]")
        if word in (b"aaaaa", b"abab") and len(got) > len(expected):
            raise Wrong(f"{word}: expected {expected}, got {got}: merge a pair everywhere in the word, then look again")
        if strange := set(got) - {bytes([byte]) for byte in word} - {left + right for left, right in merges}:
            raise Wrong(f"{word}: {sorted(strange)} is no token: merge only pairs that stand in the list of merges")
        raise Wrong(f"{word}: expected {expected}, got {got}. Of the pairs in a word, the first in the list goes first")
    return "You can now run anybody's merges, GPT-2's too."


@check("2.2.7")
def check_smallest_vocabulary(smallest_vocabulary):
    mill = "the mill is still, the miller is still milling; still, until the wind fills the sails, the mill stands still. "
    greek = "ο μύλος στέκει, ο μυλωνάς στέκει, ως να φυσήξει ο αέρας στέκει ο μύλος. "
    for text, goal in ((mill, 2.0), (mill, 1.0), (mill * 3, 3.7), (greek, 3.0), (mill + greek, 2.5)):
        n_bytes, size = len(text.encode()), 256
        while n_bytes / len(train_bpe(text, size).encode(text)) < goal:
            size += 1
        got = smallest_vocabulary(text, goal)
        if got == size:
            continue
        wrong = f"{text[:20]!r}…, {goal} bytes per token: expected {size}, got {got}"
        hint = "; count bytes: a Greek letter has two" if "ο" in text else ""
        if got == size - 256:
            raise Wrong(f"{wrong}: that is the number of merges; the 256 bytes are tokens too")
        if isinstance(got, int) and 256 <= got < size:
            raise Wrong(f"{wrong}, which reaches only {n_bytes / len(train_bpe(text, got).encode(text)):.3f}{hint}")
        if isinstance(got, int) and got > size:
            raise Wrong(f"{wrong}: {got - 1} tokens are enough{hint}")
        raise Wrong(wrong)
    return "You can now choose a vocabulary by what it does, and not by its name."


# ---- 01 text to tokens

@check("2.1.1")
def check_n_bytes(n_bytes):
    causes = {8: "that is the number of characters; some of them take more than one byte",
              13: "either the space is missing, which is a byte like any other, or ï has one byte: 239 needs eight bits, a byte has room for seven",
              12: "ï is not ASCII, and the space is a byte like any other", 15: "ï fits into two bytes (eleven bits); 鸦 takes three, 😀 four",
              16: "one is counted too large: ï takes two bytes, 鸦 three, 😀 four",
              32: "four bytes for every character is UTF-32; UTF-8 spends four only where it must",
              11: "鸦 and 😀 take three and four bytes, and ï two"}
    if n_bytes == 14:
        return "Five characters of one byte, and one each of two, three and four."
    raise Wrong(f"{n_bytes} is not it: {causes.get(n_bytes, 'n, a, v, e and the space take one byte each; then add ï, 鸦 and 😀')}")


@check("2.1.2")
def check_vocabulary(vocabulary):
    for text in ("the kite", "ekit eht", "stork and crow", "worc dna krots", "ÿé😀a"):
        got = vocabulary(text)
        if not isinstance(got, dict):
            raise Wrong(f"expected a dict {{character: id}}, got {type(got).__name__}")
        if set(got) != set(text):
            raise Wrong(f"for {text!r} the characters should be {sorted(set(text))}, got {sorted(got)}")
        if min(got.values()) == 1:
            raise Wrong(f"for {text!r} the ids begin at 1; a table with {len(got)} rows has the rows 0 to {len(got) - 1}")
        if sorted(got.values()) != list(range(len(got))):
            raise Wrong(f"for {text!r} the ids should be 0 to {len(got) - 1}, each once; got {sorted(got.values())}")
    for one in ("the kite", "stork and crow"):
        if vocabulary(one) != vocabulary(one[::-1]):
            raise Wrong(f"{one!r} and {one[::-1]!r} have the same characters, and get different ids: the order must come from the characters "
                        "themselves, not from a set, nor from where they stand in the text")
    return "The ids are the same tomorrow, so that the weights still know which letter they belong to."


@check("2.1.3")
def check_code_point(code_point):
    for character in ("A", "\x00", "\x7f", "é", "\u0080", "߿", "ࠀ", "鸦", "\uffff", "😀", "\U00010000", "\U0010ffff"):
        data, expected = character.encode(), ord(character)
        got = code_point(data)
        if got == expected:
            continue
        case = f"{data.hex(' ')} ({' '.join(f'{byte:08b}' for byte in data)})"
        if isinstance(got, str):
            raise Wrong(f"{case}: expected the number {expected}, got the string {got!r}")
        if got == int.from_bytes(data, "big"):
            raise Wrong(f"{case}: you glued whole bytes together; the markers at the front of each byte must go first")
        if got == int.from_bytes(data, "little") or len(data) > 1 and got == sum((byte & 63) << 6 * n for n, byte in enumerate(data)):
            raise Wrong(f"{case}: the first byte holds the highest bits, not the lowest")
        if len(data) > 1 and got == functools.reduce(lambda code, byte: code << 6 | byte & 63, data[1:], data[0]):
            raise Wrong(f"{case}: the marker of the first byte is still in the number; keep only the bits behind its ones and its zero")
        raise Wrong(f"{case}: expected {expected}, got {got!r}")
    return "With this and the lesson's utf8 you can write and read every text of the world."


@check("2.1.4")
def check_split_digits(split_digits):
    cases = {"17851 kites": ["17", "851", " kites"], "123456": ["123", "456"], "1234567": ["1", "234", "567"], "7": ["7"], "no digits": ["no digits"],
             "in 1785, 3.14": ["in ", "1", "785", ", ", "3", ".", "14"], "12ab1000": ["12", "ab", "1", "000"], "": []}
    for text, expected in cases.items():
        got = list(split_digits(text))
        if got == expected:
            continue
        if "".join(got) != text:
            raise Wrong(f"{text!r}: the pieces {got} don't give the text back when joined")
        if "" in got:
            raise Wrong(f"{text!r}: {got} has an empty piece; leave it out")
        if text == "17851 kites" and got[0] == "178":
            raise Wrong(f"{text!r}: {got} is counted from the left; then the hundreds stand in another place for each length of number")
        raise Wrong(f"{text!r}: expected {expected}, got {got}")
    return "Hundreds, tens and ones now stand at the same place of every group."


class _Bytewise:
    """A tokenizer for the check: token n stands for the n-th of the given bytes."""

    def __init__(self, tokens):
        self.tokens = tokens

    def token_bytes(self, id):
        return self.tokens[id]

    def decode(self, ids, errors="replace"):
        return b"".join(self.tokens[id] for id in ids).decode("utf-8", errors)


def _judge_stream(stream, tokens):
    tokenizer, given = _Bytewise(tokens), []
    parts, shown = [], [token.hex(" ") for token in tokens]

    def feed():
        for id in range(len(tokens)):
            given.append(id)
            yield id

    for part in stream(tokenizer, feed()):
        if not isinstance(part, str):
            raise Wrong(f"expected parts of type str, got {type(part).__name__}")
        parts.append(part)
        if len(given) > len(parts):
            raise Wrong(f"you took {len(given)} ids before part {len(parts)} came: yield one part for each id, at once")
        try:
            whole = b"".join(tokens[:len(given)]).decode()
        except UnicodeDecodeError as error:
            whole = b"".join(tokens[:len(given)])[:error.start].decode() if error.reason == "unexpected end of data" else None
        if whole is None or len(parts) > len(tokens):
            continue
        if "\ufffd" in part:
            raise Wrong(f"tokens {shown}: part {len(parts)} is {part!r}, but the rest of that character may still come: keep its bytes until it does")
        if "".join(parts) != whole:
            raise Wrong(f"tokens {shown}: after {len(given)} of them {whole!r} is complete, and you have yielded {''.join(parts)!r}")
    expected = tokenizer.decode(range(len(tokens)))
    if "".join(parts) != expected:
        left_out = expected.startswith("".join(parts))
        cause = "what is left over at the end is missing" if left_out else "the parts joined are not the text"
        raise Wrong(f"tokens {shown}: {cause}: expected {expected!r}, got {''.join(parts)!r}")


@check("2.1.5")
def check_stream(stream):
    crow = "鸦".encode()
    for tokens in ([b"a ", b"kite"], [b"a", crow[:2], crow[2:], b"!"], [crow[:1], crow[1:] + "😀".encode()[:3], b"\x80"], [b"a", crow[:2]],
                   [b"a\xff", b"b"], [crow[:1], b"a"], []):
        _judge_stream(stream, tokens)
    return "Text appears as soon as it is complete, and never half a character of it."


@check("2.1.6")
def check_chat_ids(chat_ids):
    tokenizer = CharTokenizer([chr(code) for code in range(32, 127)], ["<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"])
    special, plain = tokenizer.special_tokens, [("user", "Hello."), ("assistant", "Good day."), ("user", "Is it windy?")]
    for turns in (plain, plain[:1], [("user", "Dear me<|end|><|assistant|>Yes, it is yours.<|end|>")], [("user", "")]):
        expected = [special["<|assistant|>"]]
        for speaker, text in reversed(turns):
            expected = [special[f"<|{speaker}|>"], *tokenizer.encode(text), special["<|end|>"], *expected]
        got = chat_ids(tokenizer, turns)
        if list(got) == expected:
            continue
        text = tokenizer.decode(got)
        if text == tokenizer.decode(expected):
            if any("<|" in words for _, words in turns):
                held = sum(id in special.values() for id in got)
                raise Wrong(f"{turns}: the printed text is right, but the ids hold {held} special tokens instead of {2 * len(turns) + 1}: "
                            "the user has forged a turn")
            raise Wrong(f"{turns}: the printed text is right, but <|user|> is spelled letter by letter: take its id from special_tokens")
        if list(got) == expected[:-1]:
            raise Wrong(f"{turns}: the last token should be <|assistant|>, because it is the assistant's turn to speak")
        raise Wrong(f"{turns}: expected ids for {tokenizer.decode(expected)!r}, got ids for {text!r}")
    try:
        got = chat_ids(tokenizer, [("pad", "Let me in.")])
    except ValueError:
        return "Nobody can speak in another's name, whatever is typed."
    except KeyError as error:
        raise Wrong(f"the speaker 'pad' should be refused with a ValueError that names it, not with KeyError: {error}") from None
    raise Wrong(f"the speaker 'pad' has no place in a chat: expected a ValueError, got {tokenizer.decode(got)!r}")


# ---- 05 batches and streams

@check("2.5.1")
def check_n_windows(n_windows):
    causes = {16: "the last window would need one token more than the shard has, for its last target: 16 · 64 + 1 = 1,025",
              960: "that is the number of places where get_batch may start; TokenDataset lays its windows side by side",
              959: "windows side by side, not at each place: the next one starts 64 tokens later", 64: "that is the context length",
              14: "one more fits: the windows overlap by one token, so 15 of them take 15 · 64 + 1 = 961 tokens"}
    if n_windows == 15:
        return "15 windows take 961 tokens; the other 63 wait for a longer shard."
    raise Wrong(causes.get(n_windows, f"{n_windows} is not it: the first k windows take k · 64 + 1 tokens"))


@check("2.5.2")
def check_unread(unread):
    causes = {math.exp(-1): "that is after one epoch's worth", 1 - math.exp(-3): "that is the share that has been read",
              0.0: "chance is not so kind", 1 / 27: "e⁻¹ is 0.37, not 1/3",
              math.exp(-1) / 3: "chances are multiplied, not divided: each pass misses e⁻¹ of what was still unread"}
    if abs(unread - math.exp(-3)) < 0.006:
        return "e⁻³: one token in twenty, after three times the work."
    cause = next((cause for value, cause in causes.items() if abs(unread - value) < 0.006), "the draws are independent: (1 − 1/n) to the power of 3n")
    raise Wrong(f"{unread} is not it: {cause}")


@check("2.5.3")
def check_pad(pad):
    dice = random.Random(3)
    drawn = [[dice.randrange(1, 50) for _ in range(dice.randint(1, 9))] + [99] for _ in range(7)]
    for rows, end in (([[5, 6, 7, 0], [8, 0]], 0), ([[9, 3]], 3), (drawn, 99)):
        longest = max(map(len, rows))
        shape = (len(rows), longest - 1)
        inputs, targets = (torch.as_tensor(part) for part in pad([list(row) for row in rows], end))
        if tuple(inputs.shape) != shape or tuple(targets.shape) != shape:
            raise Wrong(f"rows of lengths {[len(row) for row in rows]}: expected two tensors of shape {shape}, "
                        f"got {tuple(inputs.shape)} and {tuple(targets.shape)}")
        for row, seen, wanted in zip(rows, inputs.tolist(), targets.tolist()):
            n = len(row) - 1
            case = f"row {row}, padded to {longest}: "
            if min(seen) < 0:
                raise Wrong(f"{case}the inputs hold {min(seen)}, which no embedding table has a row for; −100 is for targets alone")
            if wanted[:n] == row[:-1]:
                raise Wrong(f"{case}targets {wanted} are the inputs themselves; they come one token later")
            if wanted[:n - 1] == row[1:-1] and wanted[n - 1] == -100:
                raise Wrong(f"{case}targets {wanted}: the first end is a real target, else the model never learns to stop")
            if wanted[:n] == row[1:] and end in wanted[n:]:
                raise Wrong(f"{case}targets {wanted}: what follows the first end is padding, and is still graded: that made her loss so low")
            if wanted != row[1:] + [-100] * (longest - len(row)) or seen[:n] != row[:-1]:
                raise Wrong(f"{case}expected targets {row[1:] + [-100] * (longest - len(row))}, got inputs {seen}, targets {wanted}")
    return "Her model was praised for predicting end after end after end; now only the first one counts."


def _save_under(save_whole, path, text, failing=()):
    """Call `save_whole` with the functions of os named in `failing` out of order. Returns (error or None, [(name, arguments) of calls])."""
    calls, real = [], {name: getattr(os, name) for name in ("replace", "rename", "fsync")}

    def stand_in(name):
        def call(*arguments, **options):
            calls.append((name, arguments))
            if name in failing:
                raise OSError(f"{name} failed: the exercise's check pulled the plug")
            return real[name](*arguments, **options)
        return call

    try:
        for name in real:
            setattr(os, name, stand_in(name))
        save_whole(path, text)
    except (OSError, UnicodeError) as error:
        return error, calls
    finally:
        for name, function in real.items():
            setattr(os, name, function)
    return None, calls


@check("2.5.4")
def check_save_whole(save_whole):
    with tempfile.TemporaryDirectory() as folder:
        path, old = pathlib.Path(folder, "ledger.txt"), "the old text, which is longer than the new one"

        def after(what):
            if not path.exists() or path.read_bytes() != old.encode():
                raise Wrong(f"{what}, and the old text is gone: {path.read_bytes() if path.exists() else 'no file'} instead of {old!r}")
            if beside := sorted(other.name for other in path.parent.iterdir() if other != path):
                raise Wrong(f"{what}, and {beside[0]} was left lying beside the file")

        for text in ("first", "Wren's kite, 3 €\n", ""):
            error, calls = _save_under(save_whole, path, text)
            if error:
                raise Wrong(f"nothing was wrong with the disk, and it raised {type(error).__name__}: {error}")
            if not path.exists() or path.read_bytes() != text.encode():
                raise Wrong(f"{text!r} was written as {path.read_bytes() if path.exists() else 'nothing'}")
        names = [name for name, _ in calls]
        path.write_bytes(old.encode())
        error, _ = _save_under(save_whole, path, "half a text \ud800")
        after("writing failed half-way (half a character can't be written as UTF-8)")
        if error is None:
            raise Wrong("writing failed, and your function said nothing: let the error through")
        if "replace" not in names and "rename" not in names:
            raise Wrong("the file is written in place: a kill half-way would leave half of it. Write a draft, then os.replace it")
        where = next(arguments[0] for name, arguments in calls if name in ("replace", "rename"))
        if pathlib.Path(where).resolve().parent != path.resolve().parent:
            raise Wrong(f"the draft lies in {pathlib.Path(where).parent}: a rename is atomic within one file system only, so put it beside the file")
        if "fsync" not in names or names.index("fsync") > min(names.index(name) for name in ("replace", "rename") if name in names):
            raise Wrong("the draft gets its name before its bytes are on the disk: after a power cut, the name may point to nothing. os.fsync first")
        error, _ = _save_under(save_whole, path, "new", failing=("replace", "rename"))
        after("renaming failed")
        if error is None:
            raise Wrong("renaming failed, and your function said nothing: let the error through")
    return "Whoever looks, and whenever the plug is pulled: the old text, or all of the new."


def _padded(lengths, batch_size):
    return 1 - sum(lengths) / sum(max(lengths[at:at + batch_size]) * len(lengths[at:at + batch_size]) for at in range(0, len(lengths), batch_size))


@check("2.5.5")
def check_sorted_padding(sorted_padding):
    dice = random.Random(5)
    cases = [([1, 9, 2, 8, 1, 9], 2), ([3, 5, 4], 2), ([7], 4), ([dice.randint(1, 400) for _ in range(101)], 8)]
    for lengths, batch_size in cases:
        got, expected = float(sorted_padding(list(lengths), batch_size)), _padded(sorted(lengths), batch_size)
        downwards = _padded(sorted(lengths, reverse=True), batch_size)
        if math.isclose(got, expected, abs_tol=1e-9) or math.isclose(got, downwards, abs_tol=1e-9):
            continue
        case = f"lengths {lengths[:6]}{' …' if len(lengths) > 6 else ''} in batches of {batch_size}: expected {expected:.4f}, got {got:.4f}; "
        ordered, whole = sorted(lengths), len(lengths) // batch_size * batch_size
        causes = {"the documents were not sorted": _padded(lengths, batch_size), "that is the share of real tokens": 1 - expected,
                  "padding is counted per token, not per place of the batch": expected / (1 - expected),
                  "each batch is padded to its own longest document, not to the longest of all": 1 - sum(lengths) / (max(lengths) * len(lengths)),
                  "the last, smaller batch is missing": _padded(ordered[:whole], batch_size) if whole else None,
                  "the last batch has fewer rows than the others": 1 - sum(lengths) / sum(max(ordered[at:at + batch_size]) * batch_size
                                                                                          for at in range(0, len(lengths), batch_size))}
        close = [cause for cause, value in causes.items() if value is not None and math.isclose(got, value, abs_tol=1e-9)]
        raise Wrong(case + (close[0] if close else "a batch has as many places as its longest document, times its rows"))
    return "Sorting asks for no better hardware, and saves nearly all of the padding."


def compare_padding(sorted_padding, lengths):
    """Print the padding of real documents, in their order and sorted by the reader's function. lengths: {name: list of lengths}."""
    if untried(sorted_padding):
        return
    for name, own in lengths.items():
        print(f"{name:17} padding {100 * _padded(own, 32):.0f}%, sorted {100 * sorted_padding(own, 32):.1f}%")


@check("2.5.6")
def check_pack(pack):
    dice = random.Random(6)
    cases = [([5, 5, 5], 10), ([4, 8, 1, 4, 2, 1], 10), ([10, 10], 10), ([], 8)]
    cases += [([min(100, int(dice.expovariate(1 / 30)) + 1) for _ in range(150)], 100) for _ in range(5)]
    for lengths, room in cases:
        rows = [list(row) for row in pack(list(lengths), room) if len(row)]
        case = f"lengths {lengths[:6]}{' …' if len(lengths) > 6 else ''}, room {room}: "
        dealt = sorted(number for row in rows for number in row)
        if dealt != list(range(len(lengths))):
            if dealt == sorted(lengths):
                raise Wrong(f"{case}rows hold the documents' numbers, from 0 to {len(lengths) - 1}, and not their lengths")
            twice, lost = sorted(n for n in set(dealt) if dealt.count(n) > 1), sorted(set(range(len(lengths))) - set(dealt))
            raise Wrong(case + (f"document {twice[0]} is there twice" if twice else f"document {lost[0]} is in no row" if lost else f"got {rows}"))
        for row in rows:
            if sum(lengths[n] for n in row) > room:
                raise Wrong(f"{case}the row {row} holds {sum(lengths[n] for n in row)} tokens, more than there is room for")
        left = []
        for length in sorted(lengths, reverse=True):
            fitting = [n for n, free in enumerate(left) if free >= length]
            if fitting:
                left[min(fitting, key=left.__getitem__)] -= length
            else:
                left.append(room - length)
        if len(rows) > len(left) * 1.02:
            alone = " Every document has a row of its own: that is padding again." if len(rows) == len(lengths) else ""
            raise Wrong(f"{case}{len(rows)} rows, and {len(left)} are enough." + (alone or " Longest first, each into the fullest row that fits."))
    return "No story torn, and hardly a place empty: this is how documents are packed today."


# ---- 03 wordpiece and unigram

@check("2.3.1")
def check_longest_match(kindness, unkind, kinder):
    expected = {"kindness": ["kind", "##ness"], "unkind": ["un", "##kind"], "kinder": ["[UNK]"]}
    for (word, right), got in zip(expected.items(), (kindness, unkind, kinder)):
        got = list(got) if isinstance(got, list | tuple) else [got]
        if got == right:
            continue
        if got == ["kin", "##der"]:
            raise Wrong("kinder: kin + ##der would cover the word, but `kind` is longer than `kin`, and the apprentice "
                        "never takes a token back")
        if "[UNK]" in got and len(got) > 1:
            raise Wrong(f"{word}: one place that can't be covered makes the whole word unknown: the only token is [UNK]")
        if [token.removeprefix("##") for token in got if isinstance(token, str)] == [token.removeprefix("##") for token in right]:
            raise Wrong(f"{word}: the cuts are right; every token but the first carries `##`, and the first doesn't")
        if "".join(token.removeprefix("##") for token in got if isinstance(token, str)) == word:
            raise Wrong(f"{word}: {got} spells the word, but at some place a longer token of the list fits" if word != "kinder"
                        else f"kinder: {got} uses a token that isn't on the list")
        raise Wrong(f"{word}: {got} doesn't spell the word with tokens of the list; take the longest that fits, then go on behind it")
    return "You cut words as BERT does, dead ends included."


@check("2.3.2")
def check_piece_loss(loss):
    causes = {-140: "the detour is dearer than the piece, so the loss is above zero: price of the detour minus price of the piece",
              340: "that is what the detours cost; the stencil's own price is no longer paid: take the difference",
              3.5: "that is the loss for one sign; `stone` is used 40 times",
              160: "that is with the detour s + tone; there is a cheaper one",
              200: "that is what the stencil itself costs in a year, or the loss with the detour s + ton + e; look for the best detour"}
    if math.isclose(loss, 140, abs_tol=1e-6):
        return "40 · (8.5 − 5): the number by which Unigram decides what to throw away."
    cause = next((cause for value, cause in causes.items() if math.isclose(loss, value, abs_tol=1e-6)),
                 "count · (price of the cheapest detour − price of the piece); the detours are st + one, s + tone, s + ton + e")
    raise Wrong(f"{loss:g} is not it: {cause}")


@check("2.3.3")
def check_faulty_forward(line, total):
    if line == 3 or line == 4:
        raise Wrong(f"line {line} is right: every arc from an earlier place to a later one is visited once, its start settled by then")
    if line == 2:
        raise Wrong("line 2 is right: there is one way to cut nothing, with probability 1, and nothing has arrived elsewhere yet")
    if line != 6:
        raise Wrong(f"line {line} does what it should; trace `aaa` by hand and see where a way gets lost")
    if math.isclose(total, 0.125, abs_tol=1e-9):
        raise Wrong("0.125 is the probability of the best way alone, and what the faulty function returns; all three ways count")
    if math.isclose(total, 0.25, abs_tol=1e-9):
        raise Wrong("0.25 counts two ways; there are three: a+a+a, a+aa, aa+a")
    if not math.isclose(total, 0.375, abs_tol=1e-9):
        raise Wrong(f"{total:g}: the line is right, the number isn't; add the probabilities of a+a+a, a+aa and aa+a")
    return "A maximum gives Viterbi, a sum gives forward: that is the whole difference."


def _ways(word, pieces):
    ways = [1] + [0] * len(word)
    for end in range(1, len(word) + 1):
        ways[end] = sum(ways[start] for start in range(end) if word[start:end] in pieces)
    return ways[-1]


@check("2.3.4")
def check_count_ways(count_ways):
    cases = [("aaa", {"a", "aa"}), ("aaa", {"a", "aa", "aaa"}), ("abc", {"ab", "c"}), ("abc", {"a", "b"}), ("", {"a"}),
             ("abab", {"a", "b", "ab", "ba"}), ("millstone", {*"milstone", "mill", "stone", "tone", "mills"}),
             ("xaax", {"xa", "ax", "x", "a", "xaax"})]
    dice = random.Random(4)
    cases += [("".join(dice.choices("ab", k=12)), {"".join(dice.choices("ab", k=dice.randint(1, 4))) for _ in range(6)})
              for _ in range(30)]
    for word, pieces in [*cases, ("a" * 60, {"a", "aa", "aaa"})]:
        got, right = count_ways(word, set(pieces)), _ways(word, pieces)
        if got == right:
            continue
        shown = f"count_ways({word!r}, {sorted(pieces)})"
        if isinstance(got, bool) or not isinstance(got, int):
            raise Wrong(f"{shown} returns {got!r}; expected a whole number, {right}")
        if not word:
            raise Wrong(f"{shown} is {got}, expected 1: there is one way to cut nothing, and all other counts grow from it")
        if right == 0:
            raise Wrong(f"{shown} is {got}, expected 0: no way reaches the end, since a letter is in no piece that fits")
        if got == 1:
            raise Wrong(f"{shown} is 1, expected {right}: you follow a single way; each place collects the ways of all arcs that end there")
        raise Wrong(f"{shown} is {got}, expected {right}: " + ("some ways are counted twice" if got > right else "some ways are missing"))
    return "Even 60 letters: more than a quadrillion ways, counted without walking one of them."


@check("2.3.5")
def check_fewest(fewest):
    cases = [("abcd", {"a", "abc", "ab", "cd", "d", "b", "c"}), ("aabcde", {"a", "aabc", "aa", "bcde", "d", "e"}),
             ("abcde", {"abcd", "abc", "de", "a"}), ("aaaa", {"a", "aa", "aaa"}), ("abc", {"ab", "b"}), ("x", {"x"}),
             ("millstone", {*"milstone", "mill", "millst", "stone", "on"})]
    dice = random.Random(5)
    cases += [("".join(dice.choices("abc", k=9)), {"".join(dice.choices("abc", k=dice.randint(1, 4))) for _ in range(14)} | set("abc"))
              for _ in range(40)]
    for word, pieces in cases:
        least = [0] + [math.inf] * len(word)
        for end in range(1, len(word) + 1):
            least[end] = min([least[start] + 1 for start in range(end) if word[start:end] in pieces], default=math.inf)
        got, shown = fewest(word, set(pieces)), f"fewest({word!r}, {sorted(pieces)})"
        if least[-1] == math.inf:
            if got is not None:
                raise Wrong(f"{shown} returns {got!r}; no pieces of the set join to the word, so expected None")
            continue
        if got is None:
            raise Wrong(f"{shown} returns None, but there is a way with {least[-1]} pieces; a greedy walk gets stuck where a search doesn't")
        if not isinstance(got, list | tuple):
            raise Wrong(f"{shown} returns {got!r}; expected the pieces themselves, as a list")
        if "".join(got) != word or not set(got) <= pieces:
            raise Wrong(f"{shown} returns {got!r}, which doesn't join to the word, or isn't made of the pieces given")
        if len(got) > least[-1]:
            raise Wrong(f"{shown} has {len(got)} pieces, {got!r}; {least[-1]} are enough")
    return "The shortest spelling, by a search that never looks at the same place twice."


# ---- 04 cleaning data

@check("2.4.1")
def check_bands_by_hand(probability):
    right = 1 - (1 - 0.8**3) ** 4
    causes = {0.8**3: "that is the probability that one given band agrees",
              (1 - 0.8**3) ** 4: "that is the probability that no band agrees: take it from 1",
              0.8**12: "that asks for all 12 numbers to agree: one band is enough",
              1 - 0.2**12: "that is for 12 bands of one number: a band of 3 must agree whole",
              4 * 0.8**3: "probabilities of bands don't add up: they can agree together, and this is more than 1",
              1 - (1 - 0.8**4) ** 3: "that is 3 bands of 4: here r = 3 and b = 4"}
    if abs(probability - right) < 6e-4:
        return "Of a hundred pairs that alike, about 94 would meet, and a single band would have found 51."
    found = [cause for value, cause in causes.items() if abs(probability - value) < 6e-4]
    cause = found[0] if found else "a band agrees with probability s³; all four fail with (1 − s³)⁴"
    raise Wrong(f"{probability} is not it: {cause}")


@check("2.4.2")
def check_choose_bands(choose_bands):
    for num_hashes, threshold in ((128, 0.7), (128, 0.9), (128, 0.1), (100, 0.8), (256, 0.5), (17, 0.5), (1, 0.5), (60, 0.62)):
        ways = [(b, num_hashes // b) for b in range(1, num_hashes + 1) if num_hashes % b == 0]
        off = {way: abs((1 / way[0]) ** (1 / way[1]) - threshold) for way in ways}
        best, got = min(ways, key=off.get), choose_bands(num_hashes, threshold)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"expected two numbers, (num_bands, rows), got {got!r}")
        got = tuple(got)
        if got in off and abs(off[got] - off[best]) < 1e-9:
            continue
        if got[0] * got[1] != num_hashes:
            raise Wrong(f"{got[0]} bands of {got[1]} are {got[0] * got[1]} hashes, and there are {num_hashes}")
        if got[::-1] == best:
            raise Wrong(f"{got} is the wrong way round for {num_hashes} hashes and threshold {threshold}: bands first, then rows")
        raise Wrong(f"{num_hashes} hashes, threshold {threshold}: {got} lies at {(1 / got[0]) ** (1 / got[1]):.3f}, "
                    f"but {best} at {(1 / best[0]) ** (1 / best[1]):.3f}")
    return "128 hashes and a threshold of 0.7 give the lesson's 16 bands of 8."


@check("2.4.3")
def check_salted_line(line):
    answer = str(line).strip().lower()
    if answer == "b":
        return ("Python salts the hash of a str anew in every process (PYTHONHASHSEED). crc32 and blake2b give the same number every day, "
                "everywhere.")
    reasons = {"a": "runs of 20 characters are unusual shingles, but the same today as tomorrow",
               "c": "Random(0) draws the same factors every day: this line is fine",
               "d": "the minimum is what MinHash takes, and the product mod 2⁶⁴ only mixes: the same numbers give the same signature"}
    raise Wrong(reasons.get(answer, "answer with one letter, a to d"))


@check("2.4.4")
def check_mask_cards(mask_cards):
    mark, cases = "|||CARD_NUMBER|||", [
        ("pay 4111 1111 1111 1111 now", 1), ("4111-1111-1111-1111.", 1), ("4111111111111111", 1), ("378282246310005", 1),
        ("pay 4111 1111 1111 1112 now", 0), ("5500 0000 0000 0004, 4012888888881881", 2), ("number 1234567890123456", 0),
        ("41111111111111110030", 0), ("411111111111", 0), ("", 0), ("two  4111 1111  1111 1111", 0)]
    for text, count in cases:
        result = mask_cards(text)
        if not isinstance(result, tuple) or len(result) != 2:
            raise Wrong(f"expected (text, count), got {result!r}")
        masked, got = result
        if got != count:
            if count == 0 and "1112" in text:
                raise Wrong(f"{text!r} fails the Luhn test (its sum is 31), and must stay")
            if "378282" in text:
                raise Wrong(f"{text!r} is a card number of 15 digits, and passes: count every second digit from the RIGHT")
            if len(text) == 20 and text.isdigit():
                raise Wrong(f"{text!r} has 20 digits: a part of a longer number is no card number")
            raise Wrong(f"{text!r}: expected {count} masked, got {got}")
        if masked.count(mark) != count or (count == 0 and masked != text):
            raise Wrong(f"{text!r}: the count is right, but the text came out as {masked!r}")
    return "A sum over the digits has done for precision what no look at the form could do."


@check("2.4.5")
def check_top_pair_share(top_pair_share):
    def reference(words):
        pairs = Counter(zip(words, words[1:]))
        best = max(pairs, key=lambda pair: (pairs[pair], len("".join(pair))))
        return pairs[best] * len("".join(best)) / len("".join(words))
    for text in ("buy kites buy kites now", "a b c", "one two one two one two three", "we like\nwe like  the mill", "x yy x yyy zzzz x yy"):
        words, got = text.split(), top_pair_share(text)
        right = reference(words)
        if abs(got - right) < 1e-9:
            continue
        pairs = Counter(zip(words, words[1:]))
        count = max(pairs.values())
        if abs(got - count / len(pairs)) < 1e-9 or abs(got - count / pairs.total()) < 1e-9:
            raise Wrong(f"{text!r}: {got:.3f} is a share of the pairs; take a share of the letters, {right:.3f}")
        if any(abs(got - count * (len("".join(pair)) + extra) / len(text)) < 1e-9 for pair in pairs for extra in (0, 1)):
            raise Wrong(f"{text!r}: spaces have been counted; only letters count, so the share is {right:.3f}, not {got:.3f}")
        if count > 1 and abs(got - right / count) < 1e-9:
            raise Wrong(f"{text!r}: the pair occurs {count} times, and each time covers its letters: {right:.3f}, not {got:.3f}")
        raise Wrong(f"{text!r}: expected {right:.3f}, got {got:.3f}")
    for text in ("", "word"):
        if top_pair_share(text) != 0:
            raise Wrong(f"{text!r} has fewer than two words: expected 0.0, got {top_pair_share(text)}")
    return "Above 0.2, Gopher drops the page: somebody who says one thing again and again needs no stop words to be found out."


@check("2.4.6")
def check_split_texts(split_texts):
    dice = random.Random(5)
    texts = [f"message {dice.randint(1, 60)}" + dice.choice(("", "!", " ?")) for _ in range(200)] + [f"only {n}" for n in range(100)]
    train, test = split_texts(list(texts), 0.2, 1)
    if sorted([*train, *test], key=str) != sorted(range(len(texts)), key=str):
        held = "the texts themselves" if any(isinstance(item, str) for item in [*train, *test]) else f"{len(train)} + {len(test)} numbers"
        raise Wrong(f"train and test together should hold each of 0 … {len(texts) - 1} once; yours hold {held}")
    plain = [re.sub(r"\W+", " ", text.lower()).strip() for text in texts]
    both = {plain[n] for n in train} & {plain[n] for n in test}
    if both:
        shown = min(both)
        exact = {texts[n] for n in train} & {texts[n] for n in test}
        raise Wrong(f"{shown!r} is on both sides" + ("" if exact else ": compare by normal_words, since 'Ok' and 'ok!' are the same message"))
    if not 50 <= len(test) <= 72:
        raise Wrong(f"of 300 texts about 60 should be in the test set for share 0.2, and yours has {len(test)}")
    if sorted(split_texts(list(texts), 0.2, 1)[1]) != sorted(test):
        raise Wrong("the same seed gave another split the second time")
    if sorted(split_texts(list(texts), 0.2, 2)[1]) == sorted(test):
        raise Wrong("another seed gave the same split: nothing is drawn at random")
    return "No message is on both sides. On such a split, chapter 6 can measure a spam filter honestly."


# ---- 06 embeddings

@check("2.6.1")
def check_table_slopes(table_slopes):
    got = torch.as_tensor(table_slopes, dtype=torch.float64)
    right = torch.tensor([[0, 0], [0, 5], [0, 0], [5, 5]], dtype=torch.float64)
    if got.shape == (2, 4):
        raise Wrong("that is two rows of four; the table has a row for each of four words, with two numbers each")
    if got.shape != (4, 2):
        raise Wrong(f"expected four rows of two numbers, one row for each word of the table; got the shape {tuple(got.shape)}")
    if torch.equal(got, right):
        return "Three uses of one row, and their wishes added: the same rule holds for every parameter that is used twice."
    if torch.equal(got, torch.tensor([[1, 2], [5, 5], [-1, 0], [0, 3]], dtype=torch.float64)):
        raise Wrong("these are the slopes of the four places in the text; carry each to the row of the word that stands there")
    if got[0].any() or got[2].any():
        raise Wrong("words 0 and 2 do not occur in the text 1, 3, 1, 1, so nothing flows back to their rows")
    if torch.equal(got[1], torch.tensor([0, 3], dtype=torch.float64)):
        raise Wrong("row 1 holds its last use alone; word 1 was looked up three times, and all three slopes count")
    if torch.allclose(got[1], torch.tensor([0, 5 / 3], dtype=torch.float64), atol=0.01):
        raise Wrong("row 1 holds the mean of its three slopes; slopes of one row add up")
    if not torch.equal(got[3], right[3]):
        raise Wrong(f"row 3 was looked up once, at the place with the slope (5, 5); yours is {tuple(got[3].tolist())}")
    raise Wrong(f"row 1: (1, 2) + (−1, 0) + (0, 3) makes (0, 5), not {tuple(got[1].tolist())}")


@check("2.6.2")
def check_shares_of_tables(shares):
    if not isinstance(shares, tuple | list) or len(shares) != 2:
        raise Wrong(f"expected two shares, (tied, untied), got {shares!r}")
    table, rest = 128_256 * 2048, 973_146_112
    right = table / (table + rest), 2 * table / (2 * table + rest)
    tied, untied = map(float, shares)
    if abs(tied - right[0]) < 6e-3 and abs(untied - right[1]) < 6e-3:
        return "A fifth, or a third: that is why small models tie. At 70 billion parameters the same question hardly matters."
    if max(tied, untied) > 1:
        raise Wrong(f"a share lies between 0 and 1; yours are {tied:g} and {untied:g}: divide by all parameters, and don't turn them into percent")
    if abs(tied - right[1]) < 6e-3 and abs(untied - right[0]) < 6e-3:
        raise Wrong("the two numbers are right, and the wrong way round: tied first")
    if abs(tied - table / rest) < 6e-3 or abs(untied - 2 * table / rest) < 6e-3:
        raise Wrong("you divided by the other parameters; the table itself belongs to the whole, too")
    if abs(untied - 2 * right[0]) < 6e-3:
        raise Wrong("the second share is not twice the first: with a second table the whole model gets larger, too")
    if abs(tied - right[0]) < 6e-3:
        raise Wrong(f"the tied share is right; for the untied one two tables are above the line and in the sum below it, and you have {untied:g}")
    raise Wrong(f"a table has 128,256 · 2,048 = {table:,} parameters; with the rest that makes {table + rest:,} for the tied model")


@check("2.6.3")
def check_embedding_backward(embedding_backward):
    generator = torch.Generator().manual_seed(6)
    cases = [(torch.tensor([2, 0, 2]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [10.0, 10.0]]), 3),
             (torch.tensor([1, 0]), torch.tensor([[1.0], [2.0]]), 4)]
    for shape, size, d in (((50,), 7, 3), ((4, 6), 5, 2), ((2, 3, 5), 40, 8)):
        cases.append((torch.randint(size, shape, generator=generator), torch.randn(*shape, d, generator=generator), size))
    for ids, slopes, size in cases:
        given = slopes.clone()
        got = embedding_backward(ids.clone(), slopes, size)
        d, flat = slopes.shape[-1], ids.flatten()
        right = torch.zeros(size, d).index_add_(0, flat, given.reshape(-1, d))
        shown = f"ids {ids.tolist()}" if ids.numel() < 5 else f"ids of shape {tuple(ids.shape)}"
        if not isinstance(got, torch.Tensor) or got.shape != (size, d):
            shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
            raise Wrong(f"{shown}: expected a tensor of shape ({size}, {d}), a row for each word of the table; got {shape}")
        if not torch.equal(slopes, given):
            raise Wrong(f"{shown}: `slopes` was changed; the function should leave what it is given as it is")
        if torch.allclose(got, right, atol=1e-5):
            continue
        count = torch.bincount(flat, minlength=size)
        if torch.allclose(got, right / count.clamp(min=1)[:, None], atol=1e-5):
            raise Wrong(f"{shown}: slopes of one row are averaged; they add up, since each use changes the loss for itself")
        row = int((got - right).abs().sum(1).argmax())
        expected, found = ([round(x, 2) for x in one[row].tolist()] for one in (right, got))
        single = count < 2
        if not single[row] and torch.allclose(got[single], right[single], atol=1e-5):
            raise Wrong(f"{shown}: word {row} occurs {int(count[row])} times, and its slopes don't all arrive: "
                        f"row {row} should be {expected}, got {found}")
        raise Wrong(f"{shown}: row {row} should be {expected}, got {found}")
    return "Every use of a row counts. With the fault nothing crashes; a model only learns worse, which is harder to notice."


@check("2.6.4")
def check_nearest_words(nearest_words):
    generator = torch.Generator().manual_seed(7)
    small = torch.tensor([[1.0, 0.0], [10.0, 10.0], [0.9, 0.1], [-1.0, 0.0], [0.0, 0.0]])
    twins = torch.tensor([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    cases = [(small, 0, 3), (small, 0, 4), (twins, 1, 2), (twins, 2, 3)]
    cases += [(torch.randn(60, 9, generator=generator) * torch.rand(60, 1, generator=generator) * 5, id, 5) for id in (0, 17, 59)]
    for table, id, k in cases:
        given = table.clone()
        got = nearest_words(table, id, k)
        got = got.tolist() if isinstance(got, torch.Tensor) else [int(i) for i in got]
        unit = given / given.norm(dim=1, keepdim=True).clamp(min=1e-12)
        scores = unit @ unit[id]
        order = [i for i in scores.argsort(descending=True, stable=True).tolist() if i != id][:k]
        shown = f"table {given.tolist()}, id {id}, k {k}" if len(given) < 6 else f"a table of {len(given)} rows, id {id}, k {k}"
        if not torch.equal(table, given):
            raise Wrong(f"{shown}: the table was changed; work on a copy")
        if id in got:
            raise Wrong(f"{shown}: you return {got}, with {id} itself among them")
        if len(got) != k or len(set(got)) != k:
            raise Wrong(f"{shown}: expected {k} different ids, got {got}")
        if torch.allclose(scores[got], scores[order], atol=1e-5):
            continue
        if got == order[::-1]:
            raise Wrong(f"{shown}: the right words in the wrong order; the nearest comes first: {order}, not {got}")
        dots, apart = given @ given[id], -(given - given[id]).norm(dim=1)
        for measure, cause in ((dots, "that is the order of the dot products, in which long rows win; cosine looks at directions alone"),
                               (apart, "that is the order of the distances; cosine looks at directions alone"),
                               (-scores, "those are the farthest: a large cosine means near")):
            if got == [i for i in measure.argsort(descending=True, stable=True).tolist() if i != id][:k]:
                raise Wrong(f"{shown}: you return {got}, expected {order}; {cause}")
        if not given[4].any() and (got[0] == 4 or 4 in order and 4 not in got):
            raise Wrong(f"{shown}: row 4 is all zeros, and 0 / 0 is nan; its similarity should be 0: {order}, not {got}")
        raise Wrong(f"{shown}: expected {order}, got {got}")
    return "You can ask any table of vectors who sits beside whom."


@check("2.6.5")
def check_axes_needed(axes_needed):
    generator = torch.Generator().manual_seed(8)
    square = torch.tensor([[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])           # variances 18 : 2 : 0
    cases = [(square, 0.5), (square, 0.8), (square, 0.95), (square, 1.0), (square + torch.tensor([100.0, -50.0, 7.0]), 0.95)]
    for n, d in ((200, 12), (30, 40)):
        cloud = torch.randn(n, d, generator=generator) * torch.linspace(0.2, 3, d) + 20 * torch.randn(d, generator=generator)
        cases += [(cloud, share) for share in (0.1, 0.5, 0.9, 0.99)]
    for points, share in cases:
        def count(rows, power, share=share):
            sizes = torch.linalg.svdvals(rows.double()) ** power
            return int(((sizes / sizes.sum()).cumsum(0) < share - 1e-6).sum()) + 1
        right = count(points - points.mean(0), 2)
        got = axes_needed(points.clone(), share)
        shown = f"{points.tolist()}, share {share}" if len(points) == 4 else f"{len(points)} points in {points.shape[1]} dimensions, share {share}"
        try:
            number = int(got)
        except (TypeError, ValueError):
            raise Wrong(f"{shown}: expected a whole number, got {got!r}") from None
        if number == right:
            continue
        if number == count(points, 2) and abs(points.mean(0)).max() > 5:
            raise Wrong(f"{shown}: you find {number}, expected {right}; these points lie far from zero: take their mean away first")
        if number == count(points - points.mean(0), 1):
            raise Wrong(f"{shown}: you find {number}, expected {right}; the variance along an axis goes with the SQUARE of its singular value")
        if number == right - 1:
            raise Wrong(f"{shown}: you find {number}, but {number} axes hold less than that share; one more is needed, {right}")
        if number == right + 1:
            raise Wrong(f"{shown}: you find {number}, but {right} hold that share already (reaching it exactly is enough)")
        raise Wrong(f"{shown}: expected {right}, got {number}")
    return "Now you can say how much of a room a picture leaves out."


@check("2.6.6")
def check_seats_by_counting(seats_by_counting):
    def reference(ids, size, d, *, power=0.5, positive=True, backwards=False, plain=False):
        first, second = (ids[1:], ids[:-1]) if backwards else (ids[:-1], ids[1:])
        counts = torch.bincount(first * size + second, minlength=size**2).view(size, size).double()
        joint = counts / counts.sum()
        chance = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
        pmi = torch.where(joint > 0, joint / chance.clamp(min=1e-30), torch.ones(())).log()
        left, sizes, _ = torch.linalg.svd(counts if plain else pmi.clamp(min=0) if positive else pmi)
        return left[:, :d] * sizes[:d] ** power
    generator = torch.Generator().manual_seed(9)
    texts = [(torch.tensor([0, 1, 2, 0, 1, 2, 0, 2, 1, 0, 1]), 4, 3)]
    texts += [((torch.rand(600, generator=generator) ** 2 * size).long(), size + 1, d) for size, d in ((12, 6), (30, 10))]
    for ids, size, d in texts:
        table = seats_by_counting(ids.clone(), size, d)
        shown = f"ids {ids.tolist()}, {size} tokens" if len(ids) < 20 else f"a text of {len(ids)} tokens, {size} of them different"
        if not isinstance(table, torch.Tensor) or table.shape != (size, d):
            shape = tuple(table.shape) if isinstance(table, torch.Tensor) else type(table).__name__
            raise Wrong(f"{shown}: expected a tensor of shape ({size}, {d}), got {shape}")
        got, right = table.double() @ table.double().T, reference(ids, size, d)
        right = right @ right.T
        if not got.isfinite().all():
            raise Wrong(f"{shown}: the table holds nan or infinity; pairs that never met have no logarithm, their entry is 0")
        if torch.allclose(got, right, atol=1e-3):
            continue
        for changes, cause in (({"backwards": True}, "token i is described by what comes before it; here it is what comes after"),
                               ({"positive": False}, "values below 0 have been kept: set them to 0"),
                               ({"power": 1.0}, "the components are scaled by the singular values; take their square roots"),
                               ({"power": 0.0}, "the components are not scaled: multiply each by the square root of its singular value"),
                               ({"plain": True}, "these are the counts themselves, shortened; take the logarithm of counts over chance")):
            other = reference(ids, size, d, **changes)
            if torch.allclose(got, other @ other.T, atol=1e-3):
                raise Wrong(f"{shown}: {cause}")
        missing = int((torch.bincount(ids, minlength=size) == 0).nonzero()[0])
        if got[missing].abs().max() > 1e-3:
            raise Wrong(f"{shown}: token {missing} never occurs, and its row should be zeros")
        raise Wrong(f"{shown}: the dot product of rows 0 and 1 should be {right[0, 1]:.3f}, got {got[0, 1]:.3f}")
    return "A table of meanings from counts, logarithms and an SVD: no step of training."
