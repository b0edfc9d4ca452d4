# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import contextlib
import functools
import hashlib
import heapq
import itertools
import json
import math
import operator
import os
import pathlib
import re
import shutil
import unicodedata
import warnings
import zlib
from array import array
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import regex
import tiktoken
import torch
from torch.utils.data import DataLoader

from data import downloads

# ---- 01_text_to_tokens ----

def _characters(text, special_tokens):
    """The sorted characters of a text, or of an iterable of texts, which the names of special tokens must not be among."""
    found, names = set(), list(special_tokens)
    for n, part in enumerate([text] if isinstance(text, str) else text):
        if not isinstance(part, str):
            raise TypeError(f"text: expected a str or an iterable of them; item {n} is of type {type(part).__name__}")
        found.update(part)
    if not found:
        raise ValueError("text: expected a training text with at least one character, got none")
    if isinstance(special_tokens, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"special_tokens: expected a list of names, got {special_tokens!r}")
    if "" in names or len(set(names)) < len(names) or not found.isdisjoint(names):
        raise ValueError(f"special_tokens: expected different names, none empty, none a character of the text, got {names}")
    return sorted(found)


class CharTokenizer:
    """Characters as tokens: the sorted characters of a training text get the ids 0, 1, 2 …, and the special tokens the last ones.

    text: a str, or an iterable of them. special_tokens: names such as "<|endoftext|>". A character that isn't in the training
    text has no id, and `encode` refuses it by name: without it, the ids would be those of another text.
    Raises TypeError for what isn't text, ValueError for no text at all, or a name that is empty, there twice, or a character.
    """

    def __init__(self, text, special_tokens=()):
        special_tokens = special_tokens if isinstance(special_tokens, str) else list(special_tokens)
        self._ids = {character: id for id, character in enumerate(_characters(text, special_tokens))}
        self.special_tokens = {name: len(self._ids) + n for n, name in enumerate(special_tokens)}
        self._bytes = [piece.encode() for piece in (*self._ids, *self.special_tokens)]
        self.vocab_size = len(self._bytes)

    def encode(self, text, *, allow_special=False):
        """The ids of a text; ValueError for a new character. A special token's name is ordinary text, unless `allow_special`."""
        if not isinstance(text, str):
            raise TypeError(f"text: expected a str, got {type(text).__name__}")
        names = sorted(self.special_tokens, key=len, reverse=True) if allow_special else []
        parts, ids = re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text], []
        for n, part in enumerate(parts):                        # text, special token, text, … text
            try:
                ids += [self.special_tokens[part]] if n % 2 else [self._ids[character] for character in part]
            except KeyError as error:
                new, known = error.args[0], len(self._ids)
                place = len("".join(parts[:n])) + part.index(new)
                raise ValueError(f"{new!r} (U+{ord(new):04X}), character {place} of the text, is not among the {known} "
                                 "characters of the training text") from None
        return ids

    def decode(self, ids, errors="replace"):
        """The text of the ids; ValueError for an unknown id. Tokens are whole characters: `errors` never matters here."""
        return b"".join([self.token_bytes(id) for id in ids]).decode("utf-8", errors)

    def token_bytes(self, id):
        """The bytes of token `id` in UTF-8; a special token's are its name's. ValueError for an id that isn't there."""
        if not 0 <= operator.index(id) < self.vocab_size:
            raise ValueError(f"id {id}: expected 0 to {self.vocab_size - 1}")
        return self._bytes[id]


class TiktokenTokenizer:
    """A tiktoken.Encoding with the course's interface; without an argument, GPT-2's, of 50,257 tokens (Radford et al. 2019).

    vocab_size is the highest id plus one, special tokens included: in newer vocabularies a few ids stand for nothing.
    Raises data.downloads.NotAvailable when GPT-2's vocabulary is asked for, and is neither here nor to be had.
    """

    def __init__(self, encoding=None):
        if not isinstance(encoding, tiktoken.Encoding | None):
            raise TypeError(f"encoding: expected a tiktoken.Encoding, got {type(encoding).__name__}")
        self.encoding = downloads.tiktoken_gpt2() if encoding is None else encoding
        special = {name: self.encoding.encode_single_token(name) for name in self.encoding.special_tokens_set}
        self.special_tokens = dict(sorted(special.items(), key=lambda item: item[1]))
        self.vocab_size = self.encoding.n_vocab

    def encode(self, text, *, allow_special=False):
        """The ids of a text. A special token's name in it is ordinary text, unless `allow_special`."""
        if not isinstance(text, str):
            raise TypeError(f"text: expected a str, got {type(text).__name__}")
        text.encode()                       # half a surrogate pair is no text: an error here, where tiktoken would change it
        return self.encoding.encode(text, allowed_special="all") if allow_special else self.encoding.encode_ordinary(text)

    def decode(self, ids, errors="replace"):
        """The text of the ids. Bytes that are no UTF-8 (half a letter) become "\ufffd", or what `errors` says."""
        ids = list(ids)
        try:
            data = self.encoding.decode_bytes(ids)
        except (KeyError, OverflowError):
            data = b"".join(map(self.token_bytes, ids))         # raises for the first id that isn't there, and names it
        return data.decode("utf-8", errors)

    def token_bytes(self, id):
        """The bytes of token `id`; a special token's are its name's. Raises ValueError for an id that isn't there."""
        try:
            return self.encoding.decode_single_token_bytes(operator.index(id))
        except (KeyError, OverflowError):
            raise ValueError(f"id {id}: expected a token of this vocabulary, 0 to {self.vocab_size - 1}") from None


# ---- 02_byte_pair_encoding ----

GPT2_PATTERN = "|".join([
    r"'(?:[sdmt]|ll|ve|re)",        # the end of a contraction: 's 'd 'm 't 'll 've 're
    r" ?\p{L}+",                    # letters, with the space before them if there is one
    r" ?\p{N}+",                    # digits, likewise
    r" ?[^\s\p{L}\p{N}]+",          # marks, likewise: whatever is neither space, letter nor digit
    r"\s+(?!\S)",                   # white space, but for its last character when something follows
    r"\s+",                         # that last character, when it is not a plain space: a line's end, a tab
])
_PRETOKEN = regex.compile(GPT2_PATTERN)


def pretokenize(text):
    """Cut a text into GPT-2's pre-tokens: pretokenize("The mill's still.") -> ["The", " mill", "'s", " still", "."].

    Joined, they are the text again. Raises TypeError for anything but a str. Radford et al. 2019.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    return _PRETOKEN.findall(text)


def as_symbols(piece):
    """A piece of text as a string with one character, number 0 to 255, for each of its UTF-8 bytes."""
    return piece.encode().decode("latin-1")


def _mirror(token):
    return "".join(chr(255 - byte) for byte in token) + "\u0100"


def learn_merges(counts, n_merges):
    """The first `n_merges` merges of byte pair encoding, or all there are: a list of (bytes, bytes), the first learned first.

    counts: {pre-token: copies}. Of several pairs with the highest count, the greatest (bytes, bytes) is merged. A word is kept as
    a string with one character per symbol: a byte's, or chr(256 + n) for merge n. Sennrich et al. 2016, arXiv 1508.07909.
    """
    words, copies = [as_symbols(piece) for piece in counts], list(counts.values())
    tokens = [bytes([byte]) for byte in range(256)]                     # what each symbol stands for
    mirrors = [_mirror(token) for token in tokens]
    totals, where, heap = defaultdict(int), defaultdict(list), []       # pair -> its count; the numbers of its words

    def push(pairs):
        for pair in pairs:
            heapq.heappush(heap, (-totals[pair], mirrors[ord(pair[0])], mirrors[ord(pair[1])], pair))

    for n, word in enumerate(words):
        for pair in map(str.__add__, word, word[1:]):
            totals[pair] += copies[n]
            where[pair].append(n)
    push(totals)
    merges = []
    while heap and len(merges) < n_merges:
        count, _, _, best = heapq.heappop(heap)
        if -count != totals[best]:
            push([best])                                                # an old promise goes back at its present worth
            continue
        if not count:
            break                                                       # even the best pair is in no word any more
        left, right = (tokens[ord(symbol)] for symbol in best)
        merges.append((left, right))
        new, born = chr(len(tokens)), set()
        tokens.append(left + right)
        mirrors.append(_mirror(left + right))
        for n in where.pop(best):
            word, copy = words[n], copies[n]
            while (at := word.find(best)) >= 0:
                before, after = word[at - 1:at], word[at + 2:at + 3]    # the neighbours, "" at an end of the word
                word = word.replace(best, new, 1)
                for lost, pair in ((before + best[0], before + new), (best[1] + after, new + after)):
                    if len(pair) == 2:
                        totals[lost] -= copy
                        totals[pair] += copy
                        where[pair].append(n)
                        born.add(pair)
            words[n] = word
        push(born)
    return merges


BYTES = [bytes([byte]) for byte in range(256)]


def number_merges(merges):
    """{two symbols: the symbol of their merge}, in the order learned: [(b"l", b"l"), (b"i", b"ll")] -> {"ll": "Ā", "iĀ": "ā"}."""
    symbol = {token: chr(n) for n, token in enumerate(BYTES)}
    joined = {}
    for left, right in merges:
        symbol[left + right] = chr(len(symbol))
        joined[symbol[left] + symbol[right]] = symbol[left + right]
    return joined


def merge_by_rank(symbols, joined):
    """Merge a word as the trainer would have: `symbols` as from `as_symbols`, `joined` as from `number_merges` -> fewer symbols."""
    if len(symbols) > 256:                              # long words: all merges in order, in time proportional to the length
        for pair, new in joined.items():
            symbols = symbols.replace(pair, new)
        return symbols
    while len(symbols) > 1:
        best = min(map(str.__add__, symbols, symbols[1:]), key=lambda pair: joined.get(pair, "\U0010ffff"))
        if best not in joined:
            break
        symbols = symbols.replace(best, joined[best])   # a lower symbol is an earlier merge
    return symbols


def _names(special_tokens):
    if isinstance(special_tokens, str | bytes):
        raise TypeError(f"special_tokens: expected a list of names, got the single text {special_tokens!r}")
    names = list(special_tokens)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"special_tokens: expected names of type str, got {name!r}")
        if not name or names.count(name) > 1:
            raise ValueError(f"special_tokens: {'a name is empty' if not name else repr(name) + ' is there twice'} in {names}")
    return names


def _checked(vocab, merges, special_tokens):
    """(vocab with the special tokens in it, merges, {special token: id}); raises for the first thing that is wrong with them."""
    names, made, id_of = _names(special_tokens), set(BYTES), {}
    if not isinstance(vocab, dict):
        raise TypeError(f"vocab: expected a dict {{id: bytes}}, got {type(vocab).__name__}")
    for n in range(len(vocab)):
        token = vocab.get(n)
        if token is None:
            raise ValueError(f"vocab: expected the ids 0 to {len(vocab) - 1} without a gap, and {n} is missing")
        if not isinstance(token, bytes) or not token:
            raise TypeError(f"vocab: expected bytes, at least one, for id {n}, got {token!r}")
        if id_of.setdefault(token, n) != n:
            raise ValueError(f"vocab: {token!r} has two ids, {id_of[token]} and {n}")
    if lacking := made - id_of.keys():
        raise ValueError(f"vocab: {len(lacking)} of the 256 single bytes have no id, the first is {min(lacking)!r}: "
                         "texts with these bytes could not be encoded")
    merges = [tuple(pair) for pair in merges]
    for n, pair in enumerate(merges):
        if len(pair) != 2 or not all(isinstance(part, bytes) for part in pair):
            raise TypeError(f"merges: expected pairs (bytes, bytes), and merge {n} is {pair!r}")
        token = b"".join(pair)
        for part in pair:
            if part not in made:
                raise ValueError(f"merges: merge {n}, {pair!r}, needs {part!r}, which is no byte and made by no merge before it")
        if token in made:
            raise ValueError(f"merges: merge {n}, {pair!r}, makes {token!r}, which an earlier merge has made")
        if token not in id_of:
            raise ValueError(f"merges: merge {n}, {pair!r}, makes {token!r}, which has no id in vocab")
        made.add(token)
    for name in names:
        if name.encode() in made:
            raise ValueError(f"special_tokens: {name!r} is also an ordinary token of this vocabulary")
    special = {name: id_of.setdefault(name.encode(), len(id_of)) for name in names}
    if strange := id_of.keys() - made - {name.encode() for name in names}:
        token = min(strange, key=id_of.get)
        raise ValueError(f"vocab: id {id_of[token]}, {token!r}, is neither a byte, nor made by a merge, nor in special_tokens")
    return {n: token for token, n in id_of.items()}, merges, special


class _Known(dict):
    """{pre-token: its ids}, each worked out when it is first met. A full store is emptied, a long pre-token not kept."""

    def __init__(self, vocab, merges):
        id_of = {token: n for n, token in vocab.items()}
        self.joined = number_merges(merges)
        self.id_of = {chr(n): id_of[token] for n, token in enumerate(BYTES + [left + right for left, right in merges])}

    def __missing__(self, piece):
        ids = [self.id_of[symbol] for symbol in merge_by_rank(as_symbols(piece), self.joined)]
        if len(self) >= 65_536:
            self.clear()
        if len(piece) <= 64:
            self[piece] = ids
        return ids


def split_special(text, names):
    """Cut a text around special tokens: [text, special token, text, …, text]. Where two fit, the longer one is meant."""
    if not names or not isinstance(text, str):
        return [text]
    longest_first = sorted(names, key=len, reverse=True)
    return regex.split(f"({'|'.join(map(regex.escape, longest_first))})", text)


class BPETokenizer:
    """Byte pair encoding with GPT-2's pre-tokens: every text to ids and back, without loss (arXiv 1508.07909; Radford et al. 2019).

    vocab: {id: bytes}, ids 0, 1, 2 … in any order: all 256 bytes, what each merge makes, and perhaps the special tokens, which are
    put at the end if they are missing. merges: (bytes, bytes) pairs, the first learned first. special_tokens: their names.
    Raises ValueError or TypeError for parts that don't fit together.
    """

    def __init__(self, vocab, merges, special_tokens=()):
        self.vocab, self.merges, self.special_tokens = _checked(vocab, merges, special_tokens)
        self.vocab_size = len(self.vocab)
        self._known = _Known(self.vocab, self.merges)

    def token_bytes(self, id):
        """The bytes of token `id`; a special token's are its name's. Raises ValueError for an id that isn't there."""
        if operator.index(id) not in self.vocab:
            raise ValueError(f"id {id}: expected 0 to {self.vocab_size - 1}")
        return self.vocab[operator.index(id)]

    def encode(self, text, *, allow_special=False):
        """The ids of a text. A special token's name in it is ordinary text, unless `allow_special`."""
        ids = []
        for n, part in enumerate(split_special(text, self.special_tokens if allow_special else ())):
            if n % 2:
                ids.append(self.special_tokens[part])
            else:
                for piece in pretokenize(part):
                    ids += self._known[piece]
        return ids

    def encode_iterable(self, chunks):
        """Yield the ids of "".join(chunks), whatever the chunks, in little memory. Special tokens' names are ordinary text."""
        for piece in settled(chunks):
            yield from self._known[piece]

    def decode(self, ids, errors="replace"):
        """The text of the ids. Bytes that are no UTF-8, such as half a letter, become "\ufffd", or what `errors` says."""
        return b"".join([self.token_bytes(id) for id in ids]).decode("utf-8", errors)

    def save(self, path):
        """Write a JSON file for people to read; what was at `path` stays until the new file is complete."""
        write_tokenizer(self, path)

    @classmethod
    def load(cls, path):
        """The tokenizer of a saved file. Raises ValueError, naming the file, if it is cut off, altered, or something else."""
        return cls(*read_tokenizer(path))

    def to_tiktoken(self, name="course"):
        """The same tokenizer as a tiktoken.Encoding, in Rust. Raises ValueError where ids are not in the order of the merges."""
        ranks = {token: n for n, token in self.vocab.items() if n not in self.special_tokens.values()}
        made = [ranks[left + right] for left, right in self.merges]
        if made != sorted(made):
            raise ValueError("tiktoken takes a token's id for its rank, and here the ids are not in the order of the merges")
        return tiktoken.Encoding(name, pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens=self.special_tokens)


def train_bpe(text, vocab_size, special_tokens=()):
    """Learn a BPETokenizer of `vocab_size` tokens: the 256 bytes, then the merges, then the special tokens.

    text: a str, or an iterable of them, each a document of its own. Special tokens in it are cut out. Of several pairs with the
    highest count, the greatest (bytes, bytes) is merged. A text too small for `vocab_size` gives fewer tokens, and a warning.
    Raises ValueError for an empty text or a vocab_size without room for bytes and special tokens, TypeError for what is no text.
    """
    names, counts = _names(special_tokens), Counter()
    n_merges = operator.index(vocab_size) - len(BYTES) - len(names)
    if n_merges < 0:
        raise ValueError(f"vocab_size: expected at least {len(BYTES) + len(names)}, the 256 bytes and {len(names)} special "
                         f"tokens, got {vocab_size}")
    for n, document in enumerate([text] if isinstance(text, str) else text):
        if not isinstance(document, str):
            raise TypeError(f"text: expected a str or an iterable of them; item {n} is of type {type(document).__name__}")
        for part in split_special(document, names)[::2]:
            counts.update(pretokenize(part))
    if not counts:
        raise ValueError("text: expected something to learn from, found no character" + " besides special tokens" * bool(names))
    merges = learn_merges(counts, n_merges)
    if len(merges) < n_merges:
        warnings.warn(f"the text has no more pairs to merge: {vocab_size - n_merges + len(merges)} tokens instead of {vocab_size}",
                      stacklevel=2)
    return BPETokenizer(dict(enumerate(BYTES + [left + right for left, right in merges])), merges, names)


def settled(chunks, block=65_536):
    """Yield the pre-tokens of "".join(chunks), in memory bounded by `block`, the longest chunk and the longest pre-token."""
    rest, waiting, size = "", [], 0
    for n, chunk in enumerate(chunks):
        if not isinstance(chunk, str):
            raise TypeError(f"chunks: expected strings; item {n} is of type {type(chunk).__name__}")
        waiting.append(chunk)
        size += len(chunk)
        if size >= max(block, len(rest)):               # wait until the text at hand has doubled: no piece is cut often
            pieces = pretokenize(rest + "".join(waiting))
            rest, waiting, size = "".join(pieces[-2:]), [], 0
            yield from pieces[:-2]                      # what comes may still change the last two
    yield from pretokenize(rest + "".join(waiting))


FORMAT = {"format": "byte pair encoding, version 1", "pattern": GPT2_PATTERN}


def _digest(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_tokenizer(tokenizer, path):
    """Write a BPETokenizer as JSON, one token or merge a line, by way of a temporary file beside `path`."""
    path = pathlib.Path(path)
    content = FORMAT | {"special_tokens": list(tokenizer.special_tokens),
                        "merges": [[left.decode("latin-1"), right.decode("latin-1")] for left, right in tokenizer.merges],
                        "vocab": [tokenizer.vocab[n].decode("latin-1") for n in range(tokenizer.vocab_size)]}
    content["sha256"] = _digest(content)
    rows = []
    for key, value in content.items():
        written = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value)
        rows.append(f"{json.dumps(key)}: {written}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tokenizer(path):
    """(vocab, merges, special tokens) of a file that `write_tokenizer` wrote; ValueError, naming the file, for any other."""
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cut off, or no JSON at all ({error})") from None
    for key, expected in FORMAT.items():
        found = content.get(key) if isinstance(content, dict) else None
        if found != expected:
            raise ValueError(f"{path}: not a tokenizer of this course: expected {key} {expected!r}, found {found!r}")
    expected = content.pop("sha256", None)
    if expected != _digest(content):
        raise ValueError(f"{path}: altered since it was written: expected sha256 {expected}, found {_digest(content)}")
    return (dict(enumerate(token.encode("latin-1") for token in content["vocab"])),
            [(left.encode("latin-1"), right.encode("latin-1")) for left, right in content["merges"]], content["special_tokens"])


# ---- 03_wordpiece_and_unigram ----

# \p{P} is what Unicode calls punctuation. BERT counts every ASCII sign as a mark: the nine that Unicode calls symbols come along.
_WORD = regex.compile(r"[^\s\p{P}$+<=>^`|~]+|[\p{P}$+<=>^`|~]")      # a run without white space and marks, or one mark


def split_words(text):
    """Cut a text into words and marks: split_words("It's 5 p.m.") -> ["It", "'", "s", "5", "p", ".", "m", "."].

    White space is lost. As BERT does, but without BERT's cleaning of the text (case, accents, spaces around Chinese characters).
    Raises TypeError for anything but a str. Devlin et al. 2018, arXiv 1810.04805.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    return _WORD.findall(text)


def longest_match(word, vocab):
    """Cut a word into tokens of `vocab`, always the longest that fits: "stones" -> ["stone", "##s"], or None where none fits."""
    tokens, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in vocab), None)
        if end is None:
            return None
        tokens.append(mark + word[start:end])
        start = end
    return tokens


def _checked_vocab(vocab, special_tokens):
    """(list of tokens with the missing special ones at its end, {special token: id}); raises for what can't be a vocabulary."""
    if isinstance(special_tokens, str) or not list(special_tokens):
        raise ValueError(f"special_tokens: expected names, the first for what is unknown, got {special_tokens!r}")
    if isinstance(vocab, str):
        raise TypeError(f"vocab: expected a list of tokens, got the single text {vocab!r}")
    ids = {}
    for n, token in enumerate([*vocab, *(name for name in special_tokens if name not in set(vocab))]):
        if not isinstance(token, str):
            raise TypeError(f"vocab: expected tokens of type str, and token {n} is {token!r}")
        if not token.removeprefix("##"):
            raise ValueError(f"vocab: token {n}, {token!r}, is empty")
        if ids.setdefault(token, n) != n:
            raise ValueError(f"vocab: {token!r} has two ids, {ids[token]} and {n}")
    return list(ids), {name: ids[name] for name in special_tokens}


class WordPieceTokenizer:
    """WordPiece as in BERT: words, each cut longest token first. White space is lost, and what can't be spelled is unknown.

    vocab: tokens (str) in the order of their ids; "##" begins one that continues a word. special_tokens: their names, the first
    stands for an unknown word; missing ones get the last ids. Words of more than `max_word` characters are unknown.
    Raises ValueError or TypeError for tokens that can't be. Schuster and Nakajima 2012; Devlin et al. 2018, arXiv 1810.04805.
    """

    def __init__(self, vocab, special_tokens=("[UNK]",), max_word=100):
        self.vocab, self.special_tokens = _checked_vocab(vocab, special_tokens)
        self.vocab_size, self.max_word = len(self.vocab), max_word
        self._ids = {token: n for n, token in enumerate(self.vocab) if token not in self.special_tokens}
        self._unknown = next(iter(self.special_tokens.values()))

    def encode(self, text, *, allow_special=False):
        """The ids of a text. A special token's name in it is ordinary text, unless `allow_special`."""
        ids = []
        # split_special gives text, name, text, name, …, text: the odd parts are special tokens, the even ones ordinary text
        for n, part in enumerate(split_special(text, self.special_tokens if allow_special else ())):
            for word in [] if n % 2 else split_words(part):
                tokens = longest_match(word, self._ids) if len(word) <= self.max_word else None
                ids += [self._unknown] if tokens is None else [self._ids[token] for token in tokens]
            ids += [self.special_tokens[part]] if n % 2 else []
        return ids

    def decode(self, ids, errors="replace"):
        """The words of the ids with one space between them: not the text, whose white space is lost. `errors` has no use here."""
        tokens = [self._token(id) for id in ids]
        return "".join([token[2:] if token.startswith("##") else " " + token for token in tokens]).removeprefix(" ")

    def token_bytes(self, id):
        """The bytes of token `id` without its "##"; a special token's are its name's. ValueError for an id that isn't there."""
        return self._token(id).removeprefix("##").encode()

    def _token(self, id):
        if not 0 <= operator.index(id) < self.vocab_size:
            raise ValueError(f"id {id}: expected 0 to {self.vocab_size - 1}")
        return self.vocab[id]


def learn_wordpieces(counts, n_tokens, score):
    """Letters, then one token for each merge: a list of at most `n_tokens` (str), "##" before those that continue a word.

    counts: {word: copies}. score(pair's count, left's, right's, all tokens') is largest for the pair to merge next; of
    equals, the greatest pair is taken. Schuster and Nakajima 2012.
    """
    words, copies = [(word[0], *("##" + letter for letter in word[1:])) for word in counts], list(counts.values())
    single, pairs, where = Counter(), Counter(), defaultdict(set)

    def note(n, sign):
        for token in words[n]:
            single[token] += sign * copies[n]
        for pair in zip(words[n], words[n][1:]):
            pairs[pair] += sign * copies[n]
            where[pair].add(n)
            if not pairs[pair]:
                del pairs[pair]

    for n in range(len(words)):
        note(n, 1)
    vocab = dict.fromkeys(sorted(single))
    while pairs and len(vocab) < n_tokens:
        total = single.total()
        best = max(pairs, key=lambda pair: (score(pairs[pair], single[pair[0]], single[pair[1]], total), pair))
        new = best[0] + best[1].removeprefix("##")
        vocab[new] = None
        for n in where.pop(best):
            note(n, -1)
            words[n] = _merged(words[n], best, new)
            note(n, 1)
    return list(vocab)


def _merged(word, pair, new):
    out = []
    for token in word:
        if out and (out[-1], token) == pair:
            out[-1] = new
        else:
            out.append(token)
    return tuple(out)


def log_sums(text, scores, unknown=None, alpha=1.0, longest=None):
    """ln of the summed probability of all ways from the start to each place, and for each place the arcs into it.

    scores: {piece: ln p}, times `alpha`; unknown: the score of a character that is not a piece. longest: the longest piece's length.
    With s₁ for the sum at place 1, returns ([0.0, ln s₁, …], [[], [(start, ln of the ways that come by this arc), …], …]).
    """
    longest = longest or max(map(len, scores))
    sums, arcs = [0.0], [[]]
    for end in range(1, len(text) + 1):
        into = []
        for start in range(max(0, end - longest), end):
            score = scores.get(text[start:end], unknown if start == end - 1 else None)
            if score is not None:
                into.append((start, sums[start] + alpha * score))
        top = max([value for _, value in into])                         # taken out, so that exp never underflows to a sum of 0
        sums.append(top + math.log(sum([math.exp(value - top) for _, value in into])))
        arcs.append(into)
    return sums, arcs


def expected_counts(counts, scores):
    """How often each piece is used, on average over all ways to cut the words; and the words' surprise in nats.

    counts: {word: copies}; scores: {piece: ln p}, every single letter among them. Returns ({piece: expected count}, nats).
    """
    expected, nats, longest = dict.fromkeys(scores, 0.0), 0.0, max(map(len, scores))
    for word, copies in counts.items():
        sums, arcs = log_sums(word, scores, longest=longest)
        nats -= copies * sums[-1]
        share = [0.0] * len(word) + [float(copies)]                     # copies whose way comes by this place
        for end in range(len(word), 0, -1):
            if share[end] > 1e-12:
                for start, value in arcs[end]:
                    part = share[end] * math.exp(value - sums[end])
                    expected[word[start:end]] += part
                    share[start] += part
    return expected, nats


def reestimate(expected):
    """Expected counts as scores, ln(count / total). Nothing gets less than 0.001 of a count, so that each logarithm exists."""
    floored = {piece: max(count, 1e-3) for piece, count in expected.items()}
    total = math.log(sum(floored.values()))
    return {piece: math.log(count) - total for piece, count in floored.items()}


def best_path(text, scores, unknown=None, typecode="d", longest=None):
    """The most probable way to cut a text: "millstone" -> ["mill", "stone"]. Of equals, the one whose last piece is longest.

    scores: {piece: ln p}; unknown: the score of a character that is not a piece. typecode "d" adds in double precision, as HF
    tokenizers does; "f" in single precision, as SentencePiece does, its shift at -100,000 included. Viterbi 1967.
    """
    longest, size = longest or max(map(len, scores)), len(text)
    best, cell = array(typecode, [0]) * (size + 1), array(typecode, [0])        # an array rounds what is stored in it
    starts = [-1] * (size + 1)
    for start in range(size):
        ends = range(start + 1, min(start + longest, size) + 1)
        if typecode == "f" and best[start] < -1e5:                              # see "Far from the beginning" in lesson 2.3
            for end in ends:
                best[end] -= best[start]
            best[start] = 0
        here = best[start]
        for end in ends:
            score = scores.get(text[start:end], unknown if end == start + 1 else None)
            if score is not None:
                cell[0] = here + score
                if starts[end] < 0 or cell[0] > best[end]:
                    best[end], starts[end] = cell[0], start
    path, end = [], size
    while end:
        path.append(text[starts[end]:end])
        end = starts[end]
    return path[::-1]


def losses(expected, scores):
    """{piece of two letters or more: about how many nats dearer the words get without it, by the best detour inside it}."""
    lost, others, longest = {}, dict(scores), max(map(len, scores))
    for piece, count in expected.items():
        if len(piece) > 1:
            own = others.pop(piece)
            detour = best_path(piece, others, longest=longest)
            lost[piece] = count * (own - sum(scores[part] for part in detour))
            others[piece] = own
    return lost


def learn_unigram(counts, n_pieces, on_round=None):
    """A unigram vocabulary of `n_pieces`, or of all letters if they are more: {piece: ln p}. Kudo 2018, arXiv 1804.10959.

    counts: {pre-token: copies}; those of more than 32 letters only lend their letters. on_round(n_pieces, nats) watches.
    """
    letters, seeds = set().union(*counts), Counter()
    counts = {word: copies for word, copies in counts.items() if 0 < len(word) <= 32}
    for word, copies in counts.items():
        for start in range(len(word)):
            for end in range(start + 2, min(start + 16, len(word)) + 1):
                seeds[word[start:end]] += copies
    ranked = sorted((piece for piece in seeds if seeds[piece] > 1), key=lambda piece: (-seeds[piece] * len(piece), piece))
    scores = reestimate(dict.fromkeys(sorted(letters), 1) | {piece: seeds[piece] for piece in ranked[:8 * n_pieces]})
    while True:
        for _ in range(2):
            expected, nats = expected_counts(counts, scores)
            scores = reestimate(expected)
        if on_round:
            on_round(len(scores), nats)
        room = max(n_pieces - len(letters), 0)
        if len(scores) - len(letters) <= room:
            return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
        lost = losses(expected, scores)
        keep = sorted(lost, key=lambda piece: (-lost[piece], piece))[:max(room, len(lost) * 3 // 4)]
        scores = {piece: scores[piece] for piece in sorted(letters) + keep}


def _checked_scores(scores, special_tokens, typecode):
    """({piece: score in this precision}, special names); raises for the first thing that is wrong with them."""
    names = [] if isinstance(special_tokens, str) else list(special_tokens)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"special_tokens: expected different names, the first for what is unknown, got {special_tokens!r}")
    if typecode not in ("d", "f"):
        raise ValueError(f"typecode: expected 'd' (double precision) or 'f' (single), got {typecode!r}")
    if not scores:
        raise ValueError("scores: expected at least one piece, got none")
    for piece, score in scores.items():
        if not isinstance(piece, str):
            raise TypeError(f"scores: expected pieces of type str, got {piece!r}")
        if not piece or not math.isfinite(score):
            raise ValueError(f"scores: expected pieces that aren't empty and finite numbers, got {score} for {piece!r}")
    return dict(zip(scores, array(typecode, scores.values()))), names


class UnigramTokenizer:
    """Unigram: the most probable way to cut a text into pieces (Kudo 2018, arXiv 1804.10959). With byte fallback, without loss.

    scores: {piece: ln p}. special_tokens: their names, the first stands for what is unknown. Ids: special tokens, 256 bytes if
    `byte_fallback`, pieces. typecode: "d" or "f", see `best_path`. Raises ValueError or TypeError for pieces that can't be.
    """

    def __init__(self, scores, special_tokens=("<unk>",), byte_fallback=True, typecode="d"):
        self.scores, names = _checked_scores(scores, special_tokens, typecode)
        self.special_tokens, self.typecode = {name: n for n, name in enumerate(names)}, typecode
        self.byte_fallback, self.longest = bool(byte_fallback), max(map(len, scores))
        self.unknown = array(typecode, [min(self.scores.values()) - 10])[0]
        self._bytes = [name.encode() for name in names] + BYTES * self.byte_fallback + [piece.encode() for piece in scores]
        self.vocab_size = len(self._bytes)
        self._ids = {piece: self.vocab_size - len(scores) + n for n, piece in enumerate(scores)}

    def encode(self, text, *, allow_special=False):
        """The ids of a text. A special token's name in it is ordinary text, unless `allow_special`."""
        if not isinstance(text, str):
            raise TypeError(f"text: expected a str, got {type(text).__name__}")
        parts, ids = split_special(text, self.special_tokens if allow_special else ()), []      # the odd parts are special tokens
        for n, part in enumerate(parts):
            ids += [self.special_tokens[part]] if n % 2 else self.ids_of(
                best_path(part, self.scores, self.unknown, self.typecode, self.longest))
        return ids

    def ids_of(self, pieces):
        """The ids of a text that is cut already. Whatever is not a piece becomes its bytes, or a run of it one unknown token."""
        ids, before = [], True                                  # before: was the last piece known? Only then does a run begin here
        for piece in pieces:
            if (known := piece in self._ids):
                ids.append(self._ids[piece])
            elif self.byte_fallback:
                ids += [len(self.special_tokens) + byte for byte in piece.encode()]
            elif before:
                ids.append(0)
            before = known
        return ids

    def decode(self, ids, errors="replace"):
        """The text of the ids. Bytes that are not UTF-8 become "\ufffd", or what `errors` says (see bytes.decode)."""
        return b"".join([self.token_bytes(id) for id in ids]).decode("utf-8", errors)

    def token_bytes(self, id):
        """The bytes of token `id`; a special token's are its name's. Raises ValueError for an id that isn't there."""
        if not 0 <= operator.index(id) < self.vocab_size:
            raise ValueError(f"id {id}: expected 0 to {self.vocab_size - 1}")
        return self._bytes[id]


def draw_path(text, scores, unknown, alpha, dice, longest=None):
    """One way to cut a text, drawn with probability proportional to p**alpha: at 0 any way, at a large alpha the best.

    dice: random.Random. Subword regularisation, Kudo 2018, arXiv 1804.10959.
    """
    sums, arcs = log_sums(text, scores, unknown, alpha, longest)
    path, end = [], len(text)
    while end:
        start, = dice.choices([start for start, _ in arcs[end]], [math.exp(value - sums[end]) for _, value in arcs[end]])
        path.append(text[start:end])
        end = start
    return path[::-1]


# ---- 04_cleaning_data ----

BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# What a label means (WHATWG Encoding Standard): iso-8859-1 is Windows-1252. UTF-8 and UTF-16 are recognised without a label; what
# bears theirs and isn't is Windows-1252 as a rule.
MEANT = dict.fromkeys("iso-8859-1 latin-1 latin1 ascii us-ascii utf-8 utf8 utf-16 utf-16le utf-16be".split(), "cp1252") | {
    "iso-8859-9": "cp1254", "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "gb2312": "gb18030", "gbk": "gb18030",
    "euc-kr": "cp949"}
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.I)


def decode_html(raw):
    """The text of a page's bytes, never an error: by its byte order mark, as UTF-8 if it is mostly that, as declared, as
    Windows-1252.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return raw[len(mark):].decode(encoding, "replace")
    declared = _DECLARED.search(raw[:4096])
    label = declared[1].decode("ascii", "replace").lower() if declared else ""
    as_utf8 = raw.decode("utf-8", "replace")
    broken = as_utf8.count("\ufffd")
    whole = len(as_utf8) - len(as_utf8.encode("ascii", "ignore")) - broken      # letters of two bytes and more that came out well
    mostly = whole >= broken if label in ("utf-8", "utf8") else whole > 2 * broken
    if whole and mostly or raw.isascii() and not label.startswith("iso-2022"):
        return as_utf8                                  # by chance, other encodings hardly ever look like UTF-8
    try:
        return raw.decode(MEANT.get(label, label) or "cp1252", "replace")
    except (LookupError, UnicodeError):                 # a label that nobody knows
        return raw.decode("cp1252", "replace")


BLOCKS = set("""address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form
                h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody tfoot thead title tr ul""".split())
NOT_TEXT = set("""script style template noscript title svg iframe object canvas audio video button select textarea
                  nav footer aside""".split())
VOID = set("area base br col embed hr img input link meta param source track wbr".split())


class _Reader(HTMLParser):
    """Collects the lines of a page. `open` holds the open elements, each with whether it hides its content."""

    def __init__(self):
        super().__init__(convert_charrefs=True)                     # &eacute; and &#233; arrive as é
        self.open, self.n_open, self.hidden, self.pre, self.line, self.lines = [], Counter(), 0, 0, [], []

    def end_line(self):
        text = "".join(self.line)
        text = text.strip("\n\r") if self.pre else re.sub(r"[ \t\n\r\f]+", " ", text).strip(" ")
        self.line = []
        if text.strip(" •\t"):
            self.lines.append(text)

    def handle_starttag(self, tag, attrs):
        if tag in BLOCKS:
            self.end_line()
        if tag in VOID:
            return
        attrs = dict(attrs)
        style = (attrs.get("style") or "").replace(" ", "").lower()
        hides = tag in NOT_TEXT or "hidden" in attrs or "display:none" in style
        self.open.append((tag, hides))
        self.n_open[tag] += 1
        self.hidden += hides
        self.pre += tag == "pre"
        if tag == "li" and not self.hidden:
            self.line.append("• ")

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.end_line()
        while self.n_open[tag]:                     # what was left open inside ends here too; a stray end tag does nothing
            name, hides = self.open.pop()
            self.n_open[name] -= 1
            self.hidden -= hides
            self.pre -= name == "pre"
            if name == tag:
                break

    def handle_data(self, data):
        if not self.hidden:
            self.line.append(" " + data if self.open and self.open[-1][0] in ("td", "th") else data)

    def parse_comment(self, i, report=1):
        end = super().parse_comment(i, report)
        return end if end >= 0 else len(self.rawdata)               # a comment that nobody closes runs to the end

    def parse_html_declaration(self, i):
        try:
            return super().parse_html_declaration(i)
        except AssertionError:                                      # <![what is this[: the parser gives up, a browser doesn't
            return self.parse_bogus_comment(i)


def extract_text(html_bytes):
    """The readable text of an HTML page: bytes in (or a str already decoded), lines out; a block element is a line, a list item
    "• …".

    Scripts, styles, hidden elements, nav, footer and aside are left out; entities become letters; broken markup is read as it
    comes. The encoding is found by `decode_html`. No page is refused: without text it gives "". Raises TypeError for anything but
    bytes or str.
    """
    if not isinstance(html_bytes, bytes | bytearray | str):
        raise TypeError(f"html_bytes: expected the bytes of a page, got {type(html_bytes).__name__}")
    page = html_bytes if isinstance(html_bytes, str) else decode_html(bytes(html_bytes))
    last = page.rfind(">") + 1
    reader = _Reader()
    reader.feed(page[:last] + re.split("<[a-zA-Z/!?]", page[last:])[0])         # a crawler that stopped midway leaves half a tag
    reader.close()
    reader.end_line()
    return "\n".join(reader.lines)


_BYTE_OF = {chr(byte): byte for byte in range(0x80, 0x100)} | {     # a letter of Latin-1 or Windows-1252 -> the byte it was
    bytes([byte]).decode("cp1252"): byte for byte in range(0x80, 0x100) if byte not in b"\x81\x8d\x8f\x90\x9d"}


def _letters(*bounds):
    """A character class of all letters whose byte lies in one of the bounds, given as first, last, first, last …"""
    inside = [c for c, byte in _BYTE_OF.items() if any(low <= byte <= high for low, high in zip(bounds[::2], bounds[1::2]))]
    return f"[{re.escape(''.join(inside))}]"


_NEXT, _NO_QUOTE = _letters(0x80, 0xBF), _letters(0x80, 0x90, 0x95, 0xBF)           # bytes 91 to 94 are curly quotes
_MOJIBAKE = re.compile("|".join([
    f"{_letters(0xC2, 0xC5, 0xCE, 0xCF, 0xD0, 0xD1)}(?:{_NO_QUOTE}|{_NEXT}(?=\\w))",        # é, ½, ł, λ, ж: two bytes
    "Æ’(?=\\w)|Ë[†œ]",                                                  # ƒ, ˆ and ˜, which only mojibake of mojibake has
    f"{_letters(0xE2, 0xE2)}{_NO_QUOTE}{_NEXT}", f"{_letters(0xEF, 0xEF)}{_NO_QUOTE}{_NEXT}",     # “, —, €; full-width marks
    f"(?:{_letters(0xE0, 0xE1, 0xE3, 0xED)}{_NEXT}{_NEXT}){{2,}}",        # Asian scripts: one alone may be an honest é’”
    f"{_letters(0xF0, 0xF0)}{_NEXT}{_NEXT}{_NEXT}"]))                   # emoji
_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_INVISIBLE = {code: None for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x2060, 0xFEFF) if chr(code) not in "\n\t"}


def _mended(match):
    try:
        return bytes(_BYTE_OF[c] for c in match[0]).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


def repair_unicode(text):
    """Undo mojibake (UTF-8 that was read as Windows-1252, up to three times over), compose accents (NFC), drop invisible
    characters.

    All line ends become "\\n", all spaces plain ones. Letters that can be meant as they stand are left alone.
    """
    for _ in range(3):
        before, text = text, _MOJIBAKE.sub(_mended, text)
        if text == before:
            break
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return unicodedata.normalize("NFC", text.translate(_SPACES | _INVISIBLE))


def _checked_files(input_files):
    """The input as a list of Paths; raises for a single path, for what isn't a file, and for two files of one name."""
    if isinstance(input_files, str | bytes | os.PathLike):
        raise TypeError(f"input_files: expected a list of paths, got the single path {input_files!r}; "
                        "for all files of a folder give sorted(Path(folder).iterdir())")
    paths, names = [Path(path) for path in input_files], {}
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"input_files: {'no such file: ' * (not path.exists())}{path}{' is no file' * path.exists()}")
        if path.name in names:
            raise ValueError(f"input_files: {names[path.name]} and {path} have the same name, and the output keeps names")
        names[path.name] = path
    if not paths:
        raise ValueError("input_files: expected at least one path, got none")
    return paths


@contextlib.contextmanager
def _whole_folder(paths, output_directory):
    """A draft folder to write into. When the block ends well it becomes the output folder, all files at once; else it goes away.
    """
    folder = Path(output_directory).absolute()
    if any(path.absolute().parent.resolve() == folder.resolve() for path in paths):
        raise ValueError(f"output_directory: {folder} holds the input files; they would be lost: choose another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"output_directory: {folder} is there already and is not an empty folder: choose a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    draft.mkdir()
    try:
        yield draft
        if folder.exists():
            folder.rmdir()                              # empty, as we have seen; Windows renames onto nothing else
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def dedup_lines(input_files, output_directory, *, max_copies=1):
    """Drop every line that occurs more than `max_copies` times in all files together, in each of its places; (lines kept, lines
    dropped).

    Each file is written under its name into `output_directory`, new or empty, which appears when all is done. Files are read
    twice, as bytes; 16 bytes are kept for each different line. A line's end (\\n or \\r\\n) doesn't count. Empty lines are lines
    like others. Raises ValueError, TypeError, FileNotFoundError or FileExistsError for files or folders that don't fit, before
    anything is written.
    """
    paths, counts, kept = _checked_files(input_files), Counter(), 0
    if isinstance(max_copies, bool) or not isinstance(max_copies, int) or max_copies < 1:
        raise ValueError(f"max_copies: expected a whole number from 1 on, got {max_copies!r}")

    def digest(line):
        return hashlib.blake2b(line.rstrip(b"\r\n"), digest_size=16).digest()

    with _whole_folder(paths, output_directory) as draft:
        for path in paths:
            with open(path, "rb") as lines:
                counts.update(map(digest, lines))
        for path in paths:
            with open(path, "rb") as lines, open(draft / path.name, "wb") as out:
                for line in lines:
                    if counts[digest(line)] <= max_copies:
                        out.write(line)
                        kept += 1
    return kept, counts.total() - kept


SAMPLES = {
    "en": "There was nothing left to do but wait. She had asked them all, and each of them said that they would think about it. "
          "When the rain stopped we walked along the road with our shoes in our hands. What would you have done? The children "
          "were not at home, which is why the house was so quiet. It takes only one of you to shut the door, but all of us to "
          "keep it shut. He could have been here.",
    "de": "Es blieb nichts anderes übrig als zu warten. Sie hatte alle gefragt, und jeder von ihnen sagte, er werde darüber "
          "nachdenken. Als der Regen aufhörte, gingen wir mit den Schuhen in der Hand die Straße entlang. Was hättest du getan? "
          "Die Kinder waren nicht zu Hause, deshalb war das Haus so still. Einer von euch schließt die Tür, aber wir alle müssen "
          "dafür sorgen, dass sie geschlossen bleibt.",
    "fr": "Il ne restait plus qu'à attendre. Elle les avait tous interrogés, et chacun d'eux avait dit qu'il y réfléchirait. "
          "Quand la pluie s'est arrêtée, nous avons marché le long de la route, nos chaussures à la main. Qu'auriez-vous fait ? "
          "Les enfants n'étaient pas à la maison, c'est pourquoi elle était si calme. Il suffit d'un seul pour fermer la porte, "
          "mais il nous faut être tous pour la tenir.",
    "es": "No quedaba más remedio que esperar. Ella les había preguntado a todos, y cada uno dijo que lo pensaría. Cuando dejó de"
          " llover caminamos por la carretera con los zapatos en la mano. ¿Qué habrías hecho tú? Los niños no estaban en casa, y "
          "por eso había tanto silencio. Basta con uno de vosotros para cerrar la puerta, pero hacemos falta todos para que siga "
          "cerrada. Ya se lo dije ayer.",
    "pt": "Não restava mais nada senão esperar. Ela tinha perguntado a todos, e cada um disse que ia pensar no assunto. Quando a "
          "chuva parou, caminhámos pela estrada com os sapatos na mão. O que terias feito? As crianças não estavam em casa, e por"
          " isso havia tanto silêncio. Basta um de vocês para fechar a porta, mas são precisos todos para a manter fechada. Já "
          "lhe disse isso ontem à noite.",
    "it": "Non restava altro da fare che aspettare. Lei aveva chiesto a tutti, e ognuno di loro aveva detto che ci avrebbe "
          "pensato. Quando smise di piovere camminammo lungo la strada con le scarpe in mano. Che cosa avresti fatto tu? I "
          "bambini non erano a casa, ed è per questo che la casa era così silenziosa. Basta uno di voi per chiudere la porta, ma "
          "ci vogliamo tutti per tenerla chiusa.",
    "nl": "Er zat niets anders op dan te wachten. Ze had het aan iedereen gevraagd, en ieder van hen zei dat hij erover zou "
          "nadenken. Toen het ophield met regenen liepen we met onze schoenen in de hand langs de weg. Wat zou jij hebben gedaan?"
          " De kinderen waren niet thuis, en daarom was het zo stil in huis. Een van jullie kan de deur dichtdoen, maar wij "
          "moeten hem samen dichthouden.",
    "sv": "Det fanns inget annat att göra än att vänta. Hon hade frågat dem alla, och var och en sade att de skulle tänka på "
          "saken. När regnet slutade gick vi längs vägen med skorna i handen. Vad skulle du ha gjort? Barnen var inte hemma, och "
          "därför var det så tyst i huset. Det räcker med en av er för att stänga dörren, men vi måste alla hjälpas åt för att "
          "hålla den stängd.",
    "pl": "Nie pozostało nic innego, jak tylko czekać. Zapytała wszystkich, a każdy z nich powiedział, że się nad tym zastanowi. "
          "Kiedy przestało padać, poszliśmy drogą z butami w rękach. Co byś zrobił na naszym miejscu? Dzieci nie było w domu i "
          "dlatego było tak cicho. Jeden z was wystarczy, żeby zamknąć drzwi, ale wszyscy musimy pilnować, żeby były zamknięte. "
          "Mówiłem mu o tym już wczoraj.",
}
# For other scripts the script decides; where several languages share it, this is the one with the most pages on the web
SCRIPTS = {"GREEK": "el", "CYRILLIC": "ru", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta",
           "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh"}


def _trigrams(text):
    """Runs of three characters of the words, in lower case: "Ab c" -> [" ab", "ab ", "b c", " c "]."""
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower())
    text = f" {' '.join(words)} "
    return [text[k:k + 3] for k in range(len(text) - 2)]


@functools.cache
def _profiles():
    """{language: {trigram: log-probability}}; under "" the log-probability of one that the sample doesn't have."""
    profiles = {}
    for language, sample in SAMPLES.items():
        counts = Counter(_trigrams(sample))
        total = counts.total() + 0.5 * 5000         # half a count for each of some 5,000 trigrams that a language uses
        profiles[language] = {gram: math.log((count + 0.5) / total) for gram, count in counts.items()}
        profiles[language][""] = math.log(0.5 / total)
    return profiles


@functools.lru_cache(4096)
def _language_of_script(letter):
    script = re.split("[ -]", unicodedata.name(letter, "?"))[0]
    return "latin" if script == "LATIN" else SCRIPTS.get(script, "und")


def identify_language(text, longest=1000):
    """(language, confidence): an ISO 639-1 code and a float from 0 to 1; ("und", 0.0), undetermined, for a text without letters.

    Another script than Latin decides by itself. Among nine languages in Latin letters, the letter trigrams vote (Cavnar and
    Trenkle 1994), as naive Bayes. The confidence is what the average trigram says, taken at most 20 times, so that a text in two
    languages gets a middling one.
    """
    votes = Counter()
    for letter, count in Counter(text[:longest]).items():
        if letter.isalpha():
            votes[_language_of_script(letter)] += count
    if not votes:
        return "und", 0.0
    if votes["ja"]:
        votes["ja"] += votes.pop("zh", 0)                           # Japanese writes with Chinese characters too
    language, count = votes.most_common(1)[0]
    if language != "latin":
        return (language, count / votes.total()) if language != "und" else ("und", 0.0)
    grams = Counter(_trigrams(text[:longest]))
    scores = {language: sum(count * logs.get(gram, logs[""]) for gram, count in grams.items()) / grams.total()
              for language, logs in _profiles().items()}
    best = max(scores, key=scores.get)
    evidence = min(20, grams.total())
    return best, 1 / sum(math.exp(evidence * (score - scores[best])) for score in scores.values())


STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
BULLETS = tuple("•‣⁃◦▪●○■□–—-*")


def gopher_quality(text):
    """The reasons to drop a text, one sentence each; an empty list means keep. The rules and bounds of Gopher (arXiv 2112.11446,
    A.1).

    Words are what white space separates, lines those with something on them. A bound itself is still allowed.
    """
    words = text.split()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not words:
        return ["0 words, expected 50 to 100,000"]
    share = {
        "length": sum(map(len, words)) / len(words),
        "#": text.count("#") / len(words),
        "ellipsis": len(re.findall(r"\.{3,}|…|\. \. \.", text)) / len(words),
        "bullets": sum(line.startswith(BULLETS) for line in lines) / len(lines),
        "ends": sum(line.endswith(("...", "…", ". . .")) for line in lines) / len(lines),
        "alphabetic": sum(any(c.isalpha() for c in word) for word in words) / len(words)}
    stop_words = STOP_WORDS & {word.strip(".,;:!?\"'()“”‘’").lower() for word in words}
    reasons = [
        (not 50 <= len(words) <= 100_000, f"{len(words):,} words, expected 50 to 100,000"),
        (not 3 <= share["length"] <= 10, f"mean word length {share['length']:.1f}, expected 3 to 10"),
        (share["#"] > 0.1, f"{share['#']:.2f} # per word, expected at most 0.1"),
        (share["ellipsis"] > 0.1, f"{share['ellipsis']:.2f} ellipses per word, expected at most 0.1"),
        (share["bullets"] > 0.9, f"{share['bullets']:.0%} of the lines start with a bullet, expected at most 90%"),
        (share["ends"] > 0.3, f"{share['ends']:.0%} of the lines end with an ellipsis, expected at most 30%"),
        (share["alphabetic"] < 0.8, f"{share['alphabetic']:.0%} of the words have a letter, expected at least 80%"),
        (len(stop_words) < 2, f"{len(stop_words)} of the words the, be, to, of, and, that, have, with, expected at least 2")]
    return [reason for broken, reason in reasons if broken]


_EMAIL = re.compile(r"""(?<!\w) \w[\w%+'&-]{0,63} (?:\.[\w%+'&-]{1,64}){0,9}        # name.surname+news
                        @ (?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,9} [^\W\d_]{2,24} (?!\w)       # mail.example.com""", re.X)


_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_IP = re.compile(rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\w|\.\d)")
_PHONE = re.compile(r"""(?<!\w) (?<!\d[.,/-]) (?:
      (?:\+|00[ ]?(?=[1-9])) [1-9] (?:[ ./-]{0,2}(?:\(\d{1,4}\)[ ./-]?)?\d){6,13}      # +44 20 7946 0123, 0049 30 23125 042
    | (?:1[ .-]?)? (?:\([2-9]\d\d\)|[2-9]\d\d) [ ./-]{0,3} \d{3} [ .-]{0,3} \d{4}   # (212) 555-0123, 2125550123
    | [2-9]\d\d [.-] \d{4}                                                          # 555-0123
    | (?:\(0[1-9]\d{1,3}\)|0[1-9]\d{1,3}) [ /.-]{1,2} \d{3,4} (?:[ .-]?\d{2,4}){1,2}              # 020 7946 0123, 030/23125 042
    | 0[1-9] (?:[ .-]\d\d){4} | 0[1-9]\d{8,9}                                              # 01 99 00 12 34, 07700900123
    ) (?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})? (?!\w|[.,/-]\d|[ ]\d{3})""", re.X)


def _mask(pattern, text, label):
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    return pattern.subn(f"|||{label}|||", text)


def mask_emails(text):
    """(text, count) with every e-mail address replaced by |||EMAIL_ADDRESS|||. Spelled-out ones, wren at example dot com, are not
    found.
    """
    return _mask(_EMAIL, text, "EMAIL_ADDRESS")


def mask_phone_numbers(text):
    """(text, count) with telephone numbers replaced by |||PHONE_NUMBER|||: North American ones, with or without area code or +1,
    international ones with + or 00, and national ones with a leading 0. A number of another kind in the same shape goes too."""
    return _mask(_PHONE, text, "PHONE_NUMBER")


def mask_ips(text):
    """(text, count) with every IPv4 address replaced by |||IP_ADDRESS|||. A version number in four parts up to 255 looks the
    same.
    """
    return _mask(_IP, text, "IP_ADDRESS")


def normal_words(text):
    """The words of a text for comparing: lower case, no accents, no marks. "Café, it's!" -> ["cafe", "it", "s"]."""
    text = text.lower()
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.findall(r"\w+", text)


def shingles(text, n=5):
    """The set of runs of n normal words, as tuples. A text of fewer words is one run; one without words has none."""
    words = normal_words(text)
    return set(zip(*(words[k:] for k in range(n)))) if len(words) >= n else {tuple(words)} - {()}


def jaccard(one, other):
    """|one ∩ other| / |one ∪ other| of two sets; 0.0 where both are empty."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if one or other else 0.0


_word_code = functools.lru_cache(1 << 18)(lambda word: zlib.crc32(word.encode()))


class MinHasher:
    """Signatures of texts: `num_hashes` numbers, of which two texts share about as large a part as their Jaccard similarity.

    A word is hashed to 32 bits, a run of n words to the upper half of c·words mod 2⁶⁴, and the k-th hash of a run x is the upper
    half of (a_k·x + b_k) mod 2⁶⁴, with a, b, c random (Dietzfelbinger 1996). Broder 1997. signature(text) -> uint32 array, None
    without words.
    """

    def __init__(self, num_hashes=128, ngrams=5, seed=0):
        for name, value in (("num_hashes", num_hashes), ("ngrams", ngrams)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a whole number from 1 on, got {value!r}")
        dice = np.random.Generator(np.random.PCG64(seed))
        self.ngrams, draw = ngrams, lambda *shape: dice.integers(0, 2**64, shape, dtype=np.uint64)
        # odd, since an even factor would push bits out at the top: mod 2⁶⁴, only an odd one can be undone
        self.a, self.b, self.c = draw(num_hashes, 1) | np.uint64(1), draw(num_hashes, 1), draw(ngrams) | np.uint64(1)

    def signature(self, text):
        codes = np.array([_word_code(word) for word in normal_words(text)], dtype=np.uint64)
        if not len(codes):
            return None
        n = min(self.ngrams, len(codes))
        runs = sum(codes[k:len(codes) - n + 1 + k] * self.c[k] for k in range(n)) >> np.uint64(32)          # (runs,)
        return ((self.a * np.unique(runs) + self.b) >> np.uint64(32)).min(axis=1).astype(np.uint32)          # (num_hashes,)


def lsh_probability(s, num_bands, rows):
    """How likely two texts of similarity s (a number or an array) agree in all rows of at least one band: 1 − (1 −
    s^rows)^num_bands.
    """
    return 1 - (1 - s**rows) ** num_bands


def rows_per_band(num_hashes, num_bands):
    """num_hashes / num_bands; raises ValueError where that leaves a rest."""
    if num_bands < 1 or num_hashes % num_bands:
        better = -(-num_hashes // max(num_bands, 1)) * max(num_bands, 1)
        raise ValueError(f"num_hashes must be a multiple of num_bands, and {num_hashes} hashes don't fill {num_bands} bands evenly; "
                         f"the next number that does is {better}")
    return num_hashes // num_bands


class _Clusters:
    """Which items belong together: join(a, b), and find(a), the first item of a's cluster."""

    def __init__(self, size):
        self.parent = list(range(size))

    def find(self, item):
        while self.parent[item] != item:
            self.parent[item] = item = self.parent[self.parent[item]]
        return item

    def join(self, a, b):
        a, b = self.find(a), self.find(b)
        self.parent[max(a, b)] = min(a, b)


def minhash_dedup(input_files, output_directory, *, num_hashes=128, num_bands=16, ngrams=5, jaccard_threshold=0.8, seed=0):
    """Of files that are near-copies of each other keep the first; copies it unchanged to `output_directory`; {name dropped: name
    kept}.

    Texts (UTF-8; bad bytes are replaced) whose MinHash signatures agree in a band are candidates; the exact Jaccard similarity of
    their sets of word runs (`shingles`) decides, from `jaccard_threshold` on. Copies of copies belong together. Empty files are
    kept. The output folder, new or empty, appears when all is done. Errors as in `dedup_lines`, and ValueError for settings that
    don't fit.
    """
    paths, rows = _checked_files(input_files), rows_per_band(num_hashes, num_bands)
    if not 0 < jaccard_threshold <= 1:
        raise ValueError(f"jaccard_threshold: expected more than 0 and at most 1, got {jaccard_threshold}")
    hasher, clusters, seen, buckets = MinHasher(num_hashes, ngrams, seed), _Clusters(len(paths)), {}, defaultdict(list)
    read = lambda at: paths[at].read_bytes().decode("utf-8", "replace")
    runs_of = functools.lru_cache(4096)(lambda at: shingles(read(at), ngrams))
    with _whole_folder(paths, output_directory) as draft:
        for at in range(len(paths)):
            text = read(at)
            signature = hasher.signature(text)
            if signature is None:
                continue
            same = seen.setdefault(hashlib.blake2b(" ".join(normal_words(text)).encode()).digest(), at)
            if same != at:
                clusters.join(same, at)                             # word for word the same: no need to compare
                continue
            for band in range(num_bands):
                buckets[band, signature[band * rows:(band + 1) * rows].tobytes()].append(at)
        for members in buckets.values():
            for a, b in itertools.combinations(members, 2):
                if clusters.find(a) != clusters.find(b) and jaccard(runs_of(a), runs_of(b)) >= jaccard_threshold:
                    clusters.join(a, b)
        kept_of = [clusters.find(at) for at in range(len(paths))]
        for path, kept in zip(paths, kept_of):
            if paths[kept] is path:
                shutil.copyfile(path, draft / path.name)
    return {path.name: paths[kept].name for path, kept in zip(paths, kept_of) if paths[kept] is not path}


def decontaminate(documents, questions, ngrams=13):
    """(clean, leaks): the documents that share no run of `ngrams` words with a question, and {number of another: [numbers of
    questions]}.

    documents, questions: texts. A question of fewer words counts as a single run of its own length. GPT-3 compared 13 words
    (arXiv 2005.14165, appendix C). Raises ValueError without questions or for one without words; TypeError for a single text.
    """
    for name, texts in (("documents", documents), ("questions", questions)):
        if isinstance(texts, str):
            raise TypeError(f"{name}: expected a list of texts, got a single str")
    documents, runs = list(documents), defaultdict(set)
    for number, question in enumerate(questions):
        found = shingles(question, ngrams)
        if not found:
            raise ValueError(f"questions: number {number}, {question!r}, has no words")
        for run in found:
            runs[run].add(number)
    if not runs:
        raise ValueError("questions: expected at least one; without questions every document would pass unchecked")
    leaks, lengths = {}, sorted({len(run) for run in runs})
    for number, document in enumerate(documents):
        words = normal_words(document)
        hits = [runs[run] for n in lengths for run in zip(*(words[k:] for k in range(n))) if run in runs]
        if hits:
            leaks[number] = sorted(set().union(*hits))
    return [document for number, document in enumerate(documents) if number not in leaks], leaks


# ---- 05_batches_and_streams ----

def inputs_and_targets(windows, device="cpu"):
    """Windows of T + 1 ids, each 1-D, in a list -> inputs, targets: int64 (batch, T) on `device`, the targets one token later."""
    rows = torch.stack(windows) if isinstance(windows[0], torch.Tensor) else torch.from_numpy(np.stack(windows))
    if rows.ndim != 2 or rows.is_floating_point() or rows.dtype == torch.bool:
        raise TypeError(f"tokens: expected integers in one row, got {rows.dtype} in {rows.ndim - 1} dimensions")
    rows = rows.to(torch.int64)                                 # (batch, T + 1)
    return rows[:, :-1].contiguous().to(device), rows[:, 1:].contiguous().to(device)


def at_least(least, **numbers):
    """at_least(1, batch_size=0) raises ValueError, and TypeError for what is no int; the message names the argument."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            raise TypeError(f"{name}: expected an int, got {number!r}")
        if operator.index(number) < least:
            raise ValueError(f"{name}: expected at least {least}, got {number}")


def get_batch(tokens, batch_size, context_length, device="cpu", *, generator=None):
    """Random windows of a text -> inputs, targets: int64 (batch, tokens) on `device`, the targets one token later.

    tokens: ids in one row, a list, NumPy array (memory-mapped, too) or tensor. Each place is as likely as any other, and may come twice.
    generator: a torch.Generator, for a draw that can be repeated. Raises ValueError for a text shorter than one window.
    """
    at_least(1, batch_size=batch_size, context_length=context_length)
    places = len(tokens) - context_length                       # a window is one token longer than the context, for the last target
    if places < 1:
        raise ValueError(f"context_length {context_length} needs at least {context_length + 1} tokens, and the text has {len(tokens)}")
    starts = torch.randint(places, (batch_size,), generator=generator, device=generator.device if generator else "cpu")
    return inputs_and_targets([tokens[start:start + context_length + 1] for start in starts.tolist()], device)


def scramble(numbers, key):
    """A hash: int64 array -> numbers from 0 to 2**48 − 1, far apart even for neighbours. SplitMix, Steele, Lea and Flood 2014."""
    x = numbers.astype(np.uint64) + key                         # arithmetic modulo 2**64: what is too large wraps around
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB
    return ((x ^ (x >> 31)) >> 16).astype(np.int64)


def shuffled(places, n, seed, epoch=0):
    """Which cards lie at `places` (int array) of a shuffled deck of the cards 0 to n − 1: each card at one place, and nothing stored.

    A deck for each seed and epoch, the same on every machine. Raises ValueError for a place that the deck doesn't have.
    Feistel's ciphers, for any n: Black and Rogaway 2002.
    """
    at_least(1, n=n)
    at = np.array(places, dtype=np.int64)
    if len(at) and not 0 <= at.min() <= at.max() < n:
        raise ValueError(f"places: expected 0 to {n - 1}, got {at.min()} to {at.max()}")
    keys = np.random.SeedSequence([seed, epoch]).generate_state(8, np.uint64).reshape(4, 2)
    wide = math.isqrt(n - 1) + 1
    tall = -(-n // wide)                                        # n / wide, rounded up: the last row may have holes
    out = np.ones(len(at), dtype=bool)
    while out.any():
        row, column = np.divmod(at[out], wide)
        for sideways, down in keys:
            column = (column + scramble(row, sideways)) % wide
            row = (row + scramble(column, down)) % tall
        at[out] = row * wide + column
        out = at >= n                                           # in a hole: slide on from there (see above)
    return at


def write_whole(path, data):
    """Put bytes into the file `path`, whole or not at all: whatever happens, the name shows the old content or all of the new."""
    path = pathlib.Path(path)
    draft = path.with_name(path.name + ".part")                 # beside it: a rename is atomic within one file system only
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())                             # else the name could reach the disk before the bytes do
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)                           # after an error, such as a full disk
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)                                    # the new name, too, must outlive a power cut
        finally:
            os.close(folder)


SHARD_FORMAT = {"format": "token shards, version 1", "ids": "uint16, little-endian"}


def shard_path(folder, number):
    """The file of shard `number`, from 0."""
    return pathlib.Path(folder) / f"shard-{number:05}.bin"


def shard_fault(path, shard):
    """What is wrong with the file of a shard, in a few words; "" if it is what its line in the manifest promises."""
    if not path.is_file():
        return "missing"
    if path.stat().st_size != 2 * shard["tokens"]:
        return f"expected {2 * shard['tokens']:,} bytes, found {path.stat().st_size:,}"
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == shard["sha256"] else f"damaged, or of another run: expected sha256 {shard['sha256'][:8]}…, found {found[:8]}…"


def manifest_digest(content):
    """The checksum that a manifest carries of the rest of itself."""
    return hashlib.sha256(json.dumps({key: content[key] for key in content if key != "sha256"}, sort_keys=True).encode()).hexdigest()


def read_manifest(folder):
    """The manifest.json of a folder of shards, a dict; FileNotFoundError where there is none, ValueError for one that is not ours."""
    path = pathlib.Path(folder) / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not there; expected a folder that write_shards has filled")
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path}: cut off, or no JSON at all") from None
    if not isinstance(content, dict) or content.get("format") != SHARD_FORMAT["format"]:
        raise ValueError(f"{path}: expected {SHARD_FORMAT['format']!r}, found something else")
    if content.get("sha256") != manifest_digest(content):
        raise ValueError(f"{path}: altered since it was written")
    return content


def documents(source):
    """Yield (number, text) of the items of `source`: each a str, or the pathlib.Path of a UTF-8 file that is one document."""
    if isinstance(source, str | bytes | os.PathLike):
        raise TypeError(f"source: expected an iterable of documents, got one {type(source).__name__}; write [it]")
    for number, item in enumerate(source):
        if not isinstance(item, str | os.PathLike):
            raise TypeError(f"source, item {number}: expected a str or a Path, got {type(item).__name__}")
        try:
            text = item if isinstance(item, str) else pathlib.Path(item).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{item}: not UTF-8 ({error})") from None
        if not text.strip():
            raise ValueError(f"source, item {number}: an empty document; leave it out" + f" ({item})" * (not isinstance(item, str)))
        yield number, text


def fingerprint(tokenizer):
    """A checksum of a tokenizer's tokens. Refuses a tokenizer that can't fill uint16 shards."""
    if lacking := [name for name in ("encode", "vocab_size", "special_tokens", "token_bytes") if not hasattr(tokenizer, name)]:
        raise TypeError(f"tokenizer: expected one of this course, got {type(tokenizer).__name__} without .{lacking[0]}")
    if tokenizer.vocab_size > 65_536:
        raise ValueError(f"tokenizer: ids of uint16 go up to 65,535, and this vocabulary has {tokenizer.vocab_size:,} tokens")
    if "<|endoftext|>" not in tokenizer.special_tokens:
        raise ValueError(f"tokenizer: expected the special token '<|endoftext|>', found {list(tokenizer.special_tokens)}")
    tokens = [tokenizer.token_bytes(id) for id in range(tokenizer.vocab_size)]
    return hashlib.sha256(repr((tokens, sorted(tokenizer.special_tokens.items()))).encode()).hexdigest()


def document_ids(number, text, tokenizer):
    """The ids of one document and <|endoftext|>, as uint16; ValueError for an id that the vocabulary doesn't have."""
    ids = np.array([*tokenizer.encode(text), tokenizer.special_tokens["<|endoftext|>"]])
    if ids.min() < 0 or ids.max() >= tokenizer.vocab_size:
        wrong = ids[(ids < 0) | (ids >= tokenizer.vocab_size)][0]
        raise ValueError(f"source, item {number}: expected ids from 0 to {tokenizer.vocab_size - 1}, the tokenizer gave {wrong}")
    return ids.astype("<u2")


def save_manifest(folder, manifest):
    """Write manifest.json whole, with its own checksum."""
    content = manifest | {"sha256": manifest_digest(manifest)}
    write_whole(pathlib.Path(folder) / "manifest.json", json.dumps(content, indent=1).encode())


def resumed(folder, plan):
    """The manifest to go on from: `plan`, or the one in `folder`, cut before the first shard that isn't right."""
    if not (folder / "manifest.json").exists():
        return plan
    found = read_manifest(folder)
    for key in sorted(plan.keys() - {"complete", "shards"}):
        if found[key] != plan[key]:
            raise ValueError(f"{folder}: holds shards of another run, whose {key} is {found[key]!r} and not {plan[key]!r}")
    good = 0
    while good < len(found["shards"]) and not shard_fault(shard_path(folder, good), found["shards"][good]):
        good += 1
    return plan | {"complete": found["complete"] and good == len(found["shards"]), "shards": found["shards"][:good]}


def read_again(texts, shards, read):
    """Take from `texts` the documents that the shards hold, into the checksum `read`; ValueError if they are not the same."""
    for _, text in itertools.islice(texts, shards[-1]["documents"] if shards else 0):
        read.update(f"{len(text)}:{text}".encode())
    if shards and read.hexdigest() != shards[-1]["source"]:
        raise ValueError(f"source: does not begin with the {shards[-1]['documents']} documents that the shards in the folder were made of")


def write_shards(source, folder, tokenizer, *, shard_tokens=1 << 22):
    """Encode documents into files of uint16 ids, <|endoftext|> after each document; returns the manifest, a dict.

    source: an iterable of documents, each a str or the pathlib.Path of a UTF-8 file. A shard ends with the document that fills it to
    `shard_tokens` ids. Started again after a kill, with the same arguments, it goes on where it stopped, makes missing and damaged
    shards anew, and leaves the same bytes as an unbroken run. One process at a time. Raises ValueError for an empty document, an id
    above 65,535, or a folder with shards of other documents, tokenizer or size; OSError, nothing half written, when the disk is full.
    """
    at_least(1, shard_tokens=shard_tokens)
    folder, texts, read = pathlib.Path(folder), documents(source), hashlib.sha256()
    plan = SHARD_FORMAT | {"tokenizer": fingerprint(tokenizer), "vocab_size": tokenizer.vocab_size, "shard_tokens": shard_tokens}
    manifest = resumed(folder, plan | {"complete": False, "shards": []})
    read_again(texts, manifest["shards"], read)
    folder.mkdir(parents=True, exist_ok=True)
    waiting, size = [], 0

    def close_shard():
        data = np.concatenate(waiting).tobytes()
        write_whole(shard_path(folder, len(manifest["shards"])), data)
        manifest["shards"].append({"tokens": size, "documents": number + 1, "sha256": hashlib.sha256(data).hexdigest(),
                                   "source": read.hexdigest()})
        save_manifest(folder, manifest)

    for number, text in texts:
        if manifest["complete"]:
            raise ValueError(f"{folder}: complete with {number} documents, and the source has more; choose another folder")
        read.update(f"{len(text)}:{text}".encode())
        waiting.append(document_ids(number, text, tokenizer))
        size += len(waiting[-1])
        if size >= shard_tokens:
            close_shard()
            waiting, size = [], 0
    if waiting:
        close_shard()
    if not manifest["shards"]:
        raise ValueError("source: expected at least one document, found none")
    save_manifest(folder, manifest | {"complete": True})
    return manifest | {"complete": True}


def checked_manifest(folder):
    """The manifest of a complete folder of shards, every shard compared with it; ValueError names the first that is not right."""
    manifest = read_manifest(folder)
    if not manifest["complete"]:
        raise ValueError(f"{folder}: not finished; call write_shards again with the same source")
    paths = [shard_path(folder, number) for number in range(len(manifest["shards"]))]
    for path, shard in zip(paths, manifest["shards"]):
        if fault := shard_fault(path, shard):
            raise ValueError(f"{path}: {fault}; write_shards makes it anew")
    if strangers := sorted(set(pathlib.Path(folder).glob("shard-*")) - set(paths)):
        raise ValueError(f"{strangers[0]}: a stranger, which the manifest does not know")
    return manifest


class TokenDataset:
    """Shuffled windows of the shards in a folder: `.batch(step)` depends on the shards, the sizes, the seed and the step alone.

    Windows of context_length + 1 ids lie side by side in each shard, the last id of one the first of the next. A run of `.n_windows`
    windows, an epoch, shows each once, in an order of its own; a batch may reach from one epoch into the next. Opening checks all
    shards: ValueError for one that is damaged, cut, missing or foreign, and for a context longer than every shard.
    """

    def __init__(self, folder, batch_size, context_length, seed=0):
        at_least(1, batch_size=batch_size, context_length=context_length)
        at_least(0, seed=seed)
        self.manifest = checked_manifest(folder)
        self.folder, self.batch_size, self.context_length, self.seed = pathlib.Path(folder).resolve(), batch_size, context_length, seed
        tokens = [shard["tokens"] for shard in self.manifest["shards"]]
        if context_length >= max(tokens):
            raise ValueError(f"context_length {context_length} needs a shard of {context_length + 1} tokens; the longest has {max(tokens)}")
        per_shard = [(n - 1) // context_length for n in tokens]
        self.n_windows, self.before = sum(per_shard), np.cumsum([0, *per_shard[:-1]])       # in all; in the shards before each
        self._map()

    def _map(self):
        self.shards = [np.memmap(shard_path(self.folder, n), dtype="<u2", mode="r") for n in range(len(self.before))]

    def windows(self, step):
        """Where the windows of a batch lie: the shard of each and its first id there, two int arrays of length batch_size."""
        at_least(0, step=step)
        epoch, place = np.divmod(np.arange(self.batch_size) + operator.index(step) * self.batch_size, self.n_windows)
        card = np.concatenate([shuffled(place[epoch == one], self.n_windows, self.seed, int(one)) for one in np.unique(epoch)])
        shard = np.searchsorted(self.before, card, side="right") - 1        # the last one that begins at this card or before it
        return shard, (card - self.before[shard]) * self.context_length

    def batch(self, step):
        """inputs, targets of a step, from 0 on: int64 (batch, tokens), the targets one token later."""
        return inputs_and_targets([self.shards[n][first:first + self.context_length + 1] for n, first in zip(*self.windows(step))])

    __getitem__ = batch                             # the name by which a DataLoader asks

    def stream(self, steps, workers=0):
        """The batches of `steps` (a range, for instance) in order, made ahead by so many worker processes, or by this one."""
        # An item is a whole batch already: batch_size=None gathers nothing, the sampler says which are asked for, and tuple keeps
        # inputs and targets as they are. Without a generator of its own, each stream would take a random number from torch's
        # global one, and whatever else the program draws from that would change.
        return DataLoader(self, batch_size=None, sampler=steps, collate_fn=tuple, num_workers=workers, generator=torch.Generator(),
                          multiprocessing_context="spawn" if workers else None)

    def __getstate__(self):
        return self.__dict__ | {"shards": None}     # what a worker is sent: pickling a memmap would copy its whole file

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._map()
