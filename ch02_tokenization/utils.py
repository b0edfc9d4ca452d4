# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import hashlib
import heapq
import json
import operator
import os
import pathlib
import warnings
from collections import Counter, defaultdict

import regex
import tiktoken

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

    counts: {pre-token: copies}. Of several pairs with the highest count, the greatest (bytes, bytes) is merged. A word is kept as a
    string with one character per symbol: a byte's, or chr(256 + n) for merge n. Sennrich et al. 2016, arXiv 1508.07909.
    """
    words, copies = [as_symbols(piece) for piece in counts], list(counts.values())
    tokens = [bytes([byte]) for byte in range(256)]                 # what each symbol stands for
    mirrors = [_mirror(token) for token in tokens]
    totals, where, heap = defaultdict(int), defaultdict(set), []    # pair -> its count; numbers of the words it may be in

    def push(pairs):
        for pair in pairs:
            heapq.heappush(heap, (-totals[pair], mirrors[ord(pair[0])], mirrors[ord(pair[1])], pair))

    for n, word in enumerate(words):
        for pair in map(str.__add__, word, word[1:]):
            totals[pair] += copies[n]
            where[pair].add(n)
    push(totals)
    merges = []
    while heap and len(merges) < n_merges:
        count, _, _, best = heapq.heappop(heap)
        if -count != totals[best]:
            push([best])                                            # an old promise goes back at its present worth
            continue
        if not count:
            break                                                   # even the best pair is in no word any more
        left, right = (tokens[ord(symbol)] for symbol in best)
        merges.append((left, right))
        new, born = chr(len(tokens)), set()
        tokens.append(left + right)
        mirrors.append(_mirror(left + right))
        for n in where.pop(best):
            old, copy = words[n], copies[n]
            if best in old:
                words[n] = word = old.replace(best, new)
                for pair in map(str.__add__, old, old[1:]):
                    totals[pair] -= copy
                for pair in map(str.__add__, word, word[1:]):
                    totals[pair] += copy
                    if new in pair:
                        where[pair].add(n)
                        born.add(pair)
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
    if len(symbols) > 256:                                      # long words: all merges in order, in time proportional to the length
        for pair, new in joined.items():
            symbols = symbols.replace(pair, new)
        return symbols
    while len(symbols) > 1:
        best = min(map(str.__add__, symbols, symbols[1:]), key=lambda pair: joined.get(pair, "\U0010ffff"))
        if best not in joined:
            break
        symbols = symbols.replace(best, joined[best])           # a lower symbol is an earlier merge
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
        raise ValueError(f"vocab: id {id_of[token]}, {token!r}, is neither a byte, nor made by a merge, nor named in special_tokens")
    return {n: token for token, n in id_of.items()}, merges, special


class _Known(dict):
    """{pre-token: its ids}, each worked out when it is first met. A full store is emptied, a long pre-token not kept."""

    def __init__(self, joined, id_of):
        self.joined, self.id_of = joined, id_of

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

    vocab: {id: bytes}, the ids 0, 1, 2 … in any order: all 256 bytes, what each merge makes, and perhaps the special tokens, which are
    put at the end if they are missing. merges: (bytes, bytes) pairs, the first learned first. special_tokens: their names.
    Raises ValueError or TypeError for parts that don't fit together.
    """

    def __init__(self, vocab, merges, special_tokens=()):
        self.vocab, self.merges, self.special_tokens = _checked(vocab, merges, special_tokens)
        self.vocab_size = len(self.vocab)
        id_of = {token: n for n, token in self.vocab.items()}
        made = BYTES + [left + right for left, right in self.merges]
        self._known = _Known(number_merges(self.merges), {chr(n): id_of[token] for n, token in enumerate(made)})

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
        for pieces in settled(chunks):
            for piece in pieces:
                yield from self._known[piece]

    def decode(self, ids, errors="replace"):
        """The text of the ids. Bytes that are no UTF-8 (half a letter) become "\ufffd", or what `errors` says (see bytes.decode)."""
        return b"".join([self.token_bytes(id) for id in ids]).decode("utf-8", errors)

    def save(self, path):
        """Write a JSON file for people to read; what was at `path` stays until the new file is complete."""
        write_tokenizer(self, path)

    @classmethod
    def load(cls, path):
        """The tokenizer of a saved file. Raises ValueError, naming the file, if it is cut off, altered, or something else."""
        return cls(*read_tokenizer(path))

    def to_tiktoken(self, name="course"):
        """The same tokenizer as a tiktoken.Encoding, which runs in Rust. Raises ValueError where ids are not in the order of the merges."""
        ranks = {token: n for n, token in self.vocab.items() if n not in self.special_tokens.values()}
        made = [ranks[left + right] for left, right in self.merges]
        if made != sorted(made):
            raise ValueError("tiktoken takes a token's id for its rank, and here the ids are not in the order of the merges")
        return tiktoken.Encoding(name, pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens=self.special_tokens)


def train_bpe(text, vocab_size, special_tokens=()):
    """Learn a BPETokenizer of `vocab_size` tokens: the 256 bytes, then the merges, then the special tokens.

    text: a str, or an iterable of them, each a document of its own. Special tokens in it are cut out. Of several pairs with the highest
    count, the greatest (bytes, bytes) is merged. A text too small for `vocab_size` gives fewer tokens, and a warning.
    Raises ValueError for an empty text, or a vocab_size without room for bytes and special tokens; TypeError for what isn't text.
    """
    names, counts = _names(special_tokens), Counter()
    n_merges = operator.index(vocab_size) - len(BYTES) - len(names)
    if n_merges < 0:
        raise ValueError(f"vocab_size: expected at least {len(BYTES) + len(names)}, the 256 bytes and {len(names)} special tokens, "
                         f"got {vocab_size}")
    for n, document in enumerate([text] if isinstance(text, str) else text):
        if not isinstance(document, str):
            raise TypeError(f"text: expected a str or an iterable of them; item {n} is of type {type(document).__name__}")
        for part in split_special(document, names)[::2]:
            counts.update(pretokenize(part))
    if not counts:
        raise ValueError("text: expected something to learn from, found no character" + " besides special tokens" * bool(names))
    merges = learn_merges(counts, n_merges)
    if len(merges) < n_merges:
        warnings.warn(f"the text has no more pairs to merge: {vocab_size - n_merges + len(merges)} tokens instead of {vocab_size}", stacklevel=2)
    return BPETokenizer(dict(enumerate(BYTES + [left + right for left, right in merges])), merges, names)


def settled(chunks, block=65_536):
    """Yield lists of pre-tokens, in all those of "".join(chunks), in memory bounded by `block` and the longest pre-token or chunk."""
    rest, waiting, size = "", [], 0
    for n, chunk in enumerate(chunks):
        if not isinstance(chunk, str):
            raise TypeError(f"chunks: expected strings; item {n} is of type {type(chunk).__name__}")
        waiting.append(chunk)
        size += len(chunk)
        if size >= max(block, len(rest)):               # the text at hand has doubled, so that no character is cut often
            pieces = pretokenize(rest + "".join(waiting))
            rest, waiting, size = "".join(pieces[-2:]), [], 0
            yield pieces[:-2]                           # what follows may still change the last two
    yield pretokenize(rest + "".join(waiting))


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
    rows = [f"{json.dumps(key)}: " + ("[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value))
            for key, value in content.items()]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tokenizer(path):
    """(vocab, merges, special tokens) of a file that `write_tokenizer` wrote; raises ValueError, naming the file, for any other."""
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
