"""Batches and streams (lesson 2.5): windows, the shuffle by formula, shards under kills and full disks, one stream for all workers."""
import errno
import itertools
import json
import multiprocessing
import os
import pathlib
import pickle
import random
import signal
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ch02_tokenization.utils as utils
from ch02_tokenization.utils import BYTES, BPETokenizer, TokenDataset, get_batch, read_manifest, shuffled, write_shards, write_whole

END = "<|endoftext|>"
TOKENIZER = BPETokenizer(dict(enumerate(BYTES)), [], [END])            # ids are bytes, and the end is 256
thorough = settings(derandomize=True, deadline=None, max_examples=150)
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def some_documents(count, seed=0):
    dice = random.Random(seed)
    return ["".join(dice.choices("abcdé 字\n", k=dice.randint(1, 120))) + "." for _ in range(count)]


DOCUMENTS = some_documents(200)
ALL_IDS = [id for text in DOCUMENTS for id in [*text.encode(), 256]]


def shard(folder, texts=DOCUMENTS, shard_tokens=700):
    return write_shards(texts, folder, TOKENIZER, shard_tokens=shard_tokens)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """{name: bytes} of an unbroken run."""
    folder = tmp_path_factory.mktemp("reference")
    shard(folder)
    return contents(folder)


# ---- get_batch ----

@pytest.mark.parametrize("kind", [list, np.array, lambda ids: np.array(ids, dtype=np.uint16), torch.tensor,
                                  lambda ids: torch.tensor(ids, dtype=torch.int32), lambda ids: torch.tensor(ids).to(torch.uint16)])
def test_get_batch_cuts_windows_and_shifts_by_one(kind):
    inputs, targets = get_batch(kind(list(range(50))), 40, 7, generator=torch.Generator().manual_seed(0))
    assert inputs.dtype == targets.dtype == torch.int64 and inputs.shape == targets.shape == (40, 7)
    assert inputs.is_contiguous() and targets.is_contiguous() and inputs.device.type == "cpu"
    assert torch.equal(inputs, inputs[:, :1] + torch.arange(7)) and torch.equal(targets, inputs + 1)


def test_get_batch_reads_a_memory_map(tmp_path):
    np.arange(30, dtype="<u2").tofile(tmp_path / "ids.bin")
    inputs, targets = get_batch(np.memmap(tmp_path / "ids.bin", dtype="<u2", mode="r"), 5, 4)
    assert torch.equal(targets, inputs + 1)


def test_get_batch_starts_anywhere_and_nowhere_else():
    inputs, targets = get_batch(np.arange(10), 2000, 4, generator=torch.Generator().manual_seed(1))
    counts = np.bincount(inputs[:, 0], minlength=6)
    assert len(counts) == 6 and counts.min() > 250 and targets.max() == 9
    assert get_batch([7, 8], 3, 1)[1].tolist() == [[8]] * 3           # the shortest text there can be


def test_get_batch_depends_on_its_generator_alone():
    state = torch.get_rng_state()
    one, two = (get_batch(np.arange(999), 8, 16, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(torch.get_rng_state(), state)
    generator = torch.Generator().manual_seed(3)
    first, second = (get_batch(np.arange(999), 8, 16, generator=generator)[0] for _ in range(2))
    assert torch.equal(first, one[0]) and not torch.equal(first, second)


@pytest.mark.parametrize("arguments, kind, message", [
    (([1, 2, 3], 4, 3), ValueError, "context_length 3 needs at least 4 tokens, and the text has 3"),
    (([], 4, 3), ValueError, "the text has 0"),
    (([1, 2, 3], 0, 1), ValueError, "batch_size: expected at least 1, got 0"),
    (([1, 2, 3], 1, -2), ValueError, "context_length: expected at least 1, got -2"),
    (([1, 2, 3], 1.5, 1), TypeError, "batch_size: expected an int, got 1.5"),
    (([1, 2, 3], True, 1), TypeError, "batch_size"),
    (([0.1, 0.2, 0.3], 1, 1), TypeError, "expected integers in one row"),
    ((torch.rand(9), 1, 1), TypeError, "expected integers in one row"),
    ((torch.zeros(9, dtype=torch.bool), 1, 1), TypeError, "expected integers in one row"),
    ((np.zeros((9, 2), dtype=int), 1, 1), TypeError, "expected integers in one row")])
def test_get_batch_refuses(arguments, kind, message):
    with pytest.raises(kind, match=message):
        get_batch(*arguments)


# ---- the shuffle ----

@thorough
@given(st.integers(1, 3000), st.integers(0, 2**64), st.integers(0, 10**6))
def test_shuffled_is_a_permutation(n, seed, epoch):
    order = shuffled(np.arange(n), n, seed, epoch)
    assert np.array_equal(np.sort(order), np.arange(n))
    some = np.arange(n)[:: max(1, n // 7)]
    assert np.array_equal(shuffled(some, n, seed, epoch), order[some])         # each place for itself, whatever else is asked


def test_shuffled_is_the_same_everywhere():
    """Stored values: another machine, NumPy or Python must not deal another deck."""
    assert shuffled(np.arange(12), 12, seed=1, epoch=2).tolist() == [6, 8, 0, 4, 9, 2, 3, 7, 5, 11, 10, 1]
    assert shuffled(np.arange(4), 10**15, seed=0).tolist() == [234093379357882, 874338239323339, 2750244852287, 924390529107053]


def plainly_shuffled(place, n, keys):
    """`shuffled` for one place, in Python's own unbounded integers."""
    def scramble(number, key):
        x = (number + int(key)) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        return (x ^ x >> 31) >> 16
    wide = next(wide for wide in itertools.count(1) if wide * wide >= n)
    while True:
        row, column = divmod(place, wide)
        for sideways, down in keys:
            column = (column + scramble(row, sideways)) % wide
            row = (row + scramble(column, down)) % -(-n // wide)
        place = row * wide + column
        if place < n:
            return place


@pytest.mark.parametrize("n", [1, 2, 3, 12, 35, 36, 37, 1000])
def test_shuffled_is_what_plain_arithmetic_gives(n):
    keys = np.random.SeedSequence([9, 4]).generate_state(8, np.uint64).reshape(4, 2)
    assert shuffled(range(n), n, 9, 4).tolist() == [plainly_shuffled(place, n, keys) for place in range(n)]


@pytest.mark.parametrize("places, n, message", [([0], 0, "n: expected at least 1, got 0"), ([0, 5], 5, "expected 0 to 4, got 0 to 5"),
                                                ([-1, 2], 5, "expected 0 to 4, got -1 to 2")])
def test_shuffled_refuses_places_outside_the_deck(places, n, message):
    with pytest.raises(ValueError, match=message):
        shuffled(places, n, 0)


def test_shuffled_looks_like_chance():
    n = 20_011
    decks = [shuffled(np.arange(n), n, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    for deck in decks:
        assert abs(np.corrcoef(deck, np.arange(n))[0, 1]) < 0.03 and abs(np.corrcoef(deck[1:], deck[:-1])[0, 1]) < 0.03
        steps = np.histogram((deck[1:] - deck[:-1]) % n, bins=50, range=(0, n))[0]
        assert ((steps - n / 50) ** 2 / (n / 50)).sum() < 110                   # chi-squared, 49 degrees of freedom: 1e-6 lies at 108
        assert (deck == np.arange(n)).sum() < 10
    for one, two in itertools.combinations(decks, 2):
        assert (one == two).sum() < 10 and abs(np.corrcoef(one, two)[0, 1]) < 0.03
    firsts = np.bincount([shuffled(np.array([0]), 6, seed)[0] for seed in range(3000)], minlength=6)
    assert firsts.min() > 400 and firsts.max() < 600


# ---- shards ----

def test_shards_hold_every_document_and_its_end(tmp_path):
    manifest = shard(tmp_path)
    files = sorted(tmp_path.glob("shard-*.bin"))
    parts = [np.fromfile(path, dtype="<u2") for path in files]
    assert np.concatenate(parts).tolist() == ALL_IDS and len(files) == len(manifest["shards"]) > 10
    assert all(part[-1] == 256 for part in parts), "a document is torn between two shards"
    assert all(len(part) >= 700 and (part[:-1] == 256).nonzero()[0].max(initial=-1) < 700 for part in parts[:-1])
    assert [row["tokens"] for row in manifest["shards"]] == [len(part) for part in parts]
    assert manifest["shards"][-1]["documents"] == len(DOCUMENTS) and manifest["complete"] and manifest["vocab_size"] == 257
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files} | {"manifest.json"}


def test_a_file_is_a_document(tmp_path, reference):
    for number, text in enumerate(DOCUMENTS):
        (tmp_path / f"{number:03}.txt").write_bytes(text.encode())
    write_shards(sorted(tmp_path.glob("*.txt")), tmp_path / "shards", TOKENIZER, shard_tokens=700)
    assert contents(tmp_path / "shards") == reference
    (tmp_path / "lines.txt").write_bytes(b"one\r\ntwo\n")
    write_shards([tmp_path / "lines.txt"], tmp_path / "kept", TOKENIZER)
    assert (tmp_path / "kept" / "shard-00000.bin").read_bytes() == np.array([*b"one\r\ntwo\n", 256], dtype="<u2").tobytes()


def test_typed_ends_are_ordinary_text(tmp_path):
    shard(tmp_path, [f"a{END}b"])
    ids = np.fromfile(tmp_path / "shard-00000.bin", dtype="<u2").tolist()
    assert ids.count(256) == 1 and bytes(ids[:-1]).decode() == f"a{END}b"


def test_documents_are_not_collected_in_memory(tmp_path):
    """The source is asked for the next document only when all full shards are written."""
    def source():
        for number in range(50):
            if number > 20:
                assert len(list(tmp_path.glob("shard-*.bin"))) >= number // 2 - 1
            yield "x" * 99
    shard(tmp_path, source(), shard_tokens=200)
    assert len(list(tmp_path.glob("shard-*.bin"))) == 25


class Wide:
    """A tokenizer with a vocabulary of the size given, whose ids start at `first`."""
    special_tokens = {END: 0}

    def __init__(self, vocab_size, first=1):
        self.vocab_size, self.first = vocab_size, first

    def encode(self, text):
        return [self.first + number for number in range(len(text))]

    def token_bytes(self, id):
        return str(id).encode()


@pytest.mark.parametrize("source, tokenizer, kind, message", [
    ("one text", TOKENIZER, TypeError, "expected an iterable of documents, got one str"),
    (pathlib.Path("a.txt"), TOKENIZER, TypeError, "write \\[it\\]"),
    (["a", 7], TOKENIZER, TypeError, "item 1: expected a str or a Path, got int"),
    (["a", "b", ""], TOKENIZER, ValueError, "item 2: an empty document"),
    (["a", " \n"], TOKENIZER, ValueError, "item 1: an empty document"),
    ([], TOKENIZER, ValueError, "expected at least one document, found none"),
    (["a"], Wide(65_537), ValueError, "ids of uint16 go up to 65,535, and this vocabulary has 65,537"),
    (["abc"], Wide(100, first=98), ValueError, "item 0: expected ids from 0 to 99, the tokenizer gave 100"),
    (["ok", "a"], Wide(5, first=-1), ValueError, "item 0: expected ids from 0 to 4, the tokenizer gave -1"),
    (["a"], BPETokenizer(dict(enumerate(BYTES)), []), ValueError, "expected the special token '<|endoftext|>', found \\[\\]"),
    (["a"], str.encode, TypeError, "expected one of this course, got .* without .encode"),
    ([pathlib.Path("nowhere.txt")], TOKENIZER, FileNotFoundError, "nowhere.txt")])
def test_write_shards_refuses(source, tokenizer, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        write_shards(source, tmp_path / "shards", tokenizer)
    assert not list(tmp_path.rglob("*.bin")) and not list(tmp_path.rglob("*.part"))


def test_a_file_that_is_no_utf8_is_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match="latin.txt: not UTF-8"):
        shard(tmp_path / "shards", [tmp_path / "latin.txt"])


def test_the_largest_vocabulary_fits(tmp_path):
    write_shards(["abc"], tmp_path, Wide(65_536, first=65_533))
    assert np.fromfile(tmp_path / "shard-00000.bin", dtype="<u2").tolist() == [65_533, 65_534, 65_535, 0]
    with pytest.raises(ValueError, match="shard_tokens: expected at least 1, got 0"):
        write_shards(["abc"], tmp_path, TOKENIZER, shard_tokens=0)


# ---- resuming ----

def test_a_second_run_changes_nothing(tmp_path, reference):
    first = shard(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*")}
    assert shard(tmp_path) == first and contents(tmp_path) == reference
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*")} == before


def test_an_error_in_the_source_costs_no_finished_shard(tmp_path, reference):
    """An empty document stops the run; without it, the rerun goes on, and encodes nothing twice."""
    with pytest.raises(ValueError, match="item 100: an empty document"):
        shard(tmp_path, [*DOCUMENTS[:100], "", *DOCUMENTS[100:]])
    done = read_manifest(tmp_path)["shards"][-1]["documents"]
    assert 50 < done <= 100
    encoded = []

    class Noting(BPETokenizer):
        def encode(self, text, **options):
            encoded.append(text)
            return super().encode(text, **options)

    write_shards(DOCUMENTS, tmp_path, Noting(dict(enumerate(BYTES)), [], [END]), shard_tokens=700)
    assert encoded == DOCUMENTS[done:] and contents(tmp_path) == reference


def test_a_run_is_not_resumed_as_another(tmp_path):
    shard(tmp_path, DOCUMENTS[:100])
    kept = contents(tmp_path)
    other = BPETokenizer(dict(enumerate(BYTES + [b"ab"])), [(b"a", b"b")], [END])
    for run, message in ((lambda: write_shards(DOCUMENTS[:100], tmp_path, other, shard_tokens=700), "another run, whose tokenizer"),
                         (lambda: shard(tmp_path, DOCUMENTS[:100], 701), "whose shard_tokens is 700 and not 701"),
                         (lambda: shard(tmp_path, DOCUMENTS[1:101]), "does not begin with the 100 documents"),
                         (lambda: shard(tmp_path, [*DOCUMENTS[:50], "x", *DOCUMENTS[51:100]]), "does not begin with the 100 documents"),
                         (lambda: shard(tmp_path, DOCUMENTS[:99]), "does not begin with the 100 documents"),
                         (lambda: shard(tmp_path, DOCUMENTS), "complete with 100 documents, and the source has more")):
        with pytest.raises(ValueError, match=message):
            run()
        assert contents(tmp_path) == kept


@pytest.mark.parametrize("number", [0, 3, -1])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-2]),
                                    lambda path: path.write_bytes(bytes(path.stat().st_size))])
def test_a_damaged_shard_is_made_anew(number, damage, tmp_path, reference):
    shard(tmp_path)
    damage(sorted(tmp_path.glob("shard-*.bin"))[number])
    shard(tmp_path)
    assert contents(tmp_path) == reference


# ---- kills and full disks ----

def killed_at(point):
    """From here on, the `point`-th step on the disk is this process's last: a write is cut in half, a sync or rename not begun."""
    steps = itertools.count()

    def die_before(function):
        def call(*arguments):
            if next(steps) == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)
        return call

    class HalfWriter:
        def __init__(self, *arguments):
            self.file = open(*arguments)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            if next(steps) == point:
                self.file.write(data[:len(data) // 2])
                self.file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            return self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

    os.replace, os.fsync = die_before(os.replace), die_before(os.fsync)
    utils.open = lambda path, mode: HalfWriter(path, mode) if mode == "wb" else open(path, mode)


def in_a_child(function):
    """Run `function` in a forked process; returns its exit code, −9 for one that was killed."""
    child = multiprocessing.get_context("fork").Process(target=function)
    child.start()
    child.join()
    return child.exitcode


def is_beginning_of(folder, reference):
    """Nothing half written: each shard that bears its name is whole and right, and so is what the manifest says of them."""
    for name, data in contents(folder).items():
        if name.startswith("shard-") and not name.endswith(".part"):
            assert data == reference[name], f"{name} is not whole"
    if (folder / "manifest.json").exists():
        for number, row in enumerate(read_manifest(folder)["shards"]):
            assert len(reference[f"shard-{number:05}.bin"]) == 2 * row["tokens"]
    return True


@posix
def test_killed_at_every_step_on_the_disk(tmp_path):
    texts = DOCUMENTS[:30]
    shard(tmp_path / "whole", texts)
    reference = contents(tmp_path / "whole")
    killed = 0
    for point in itertools.count():
        folder = tmp_path / f"{point}"

        def run(folder=folder, point=point):
            killed_at(point)
            shard(folder, texts)

        if in_a_child(run) == 0:
            break
        killed += 1
        assert is_beginning_of(folder, reference)
        if not (folder / "manifest.json").exists() or not read_manifest(folder)["complete"]:
            with pytest.raises((ValueError, FileNotFoundError), match="not finished|not there"):
                TokenDataset(folder, 1, 8)
        shard(folder, texts)
        assert contents(folder) == reference
    assert killed >= 4 * (2 * len(reference) - 2)            # write, sync, rename, sync: for each shard, each manifest
    assert contents(folder) == reference


@posix
def test_killed_again_and_again(tmp_path, reference):
    """SIGKILL from outside at random times, each run resuming the one before."""
    dice = random.Random(7)
    kills = 0
    for _ in range(200):
        child = multiprocessing.get_context("fork").Process(target=shard, args=(tmp_path / "shards",))
        child.start()
        child.join(dice.uniform(0.0, 0.05))
        if child.exitcode == 0:
            break
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        assert not (tmp_path / "shards").exists() or is_beginning_of(tmp_path / "shards", reference)
    shard(tmp_path / "shards")
    assert contents(tmp_path / "shards") == reference and kills


@posix
def test_a_limit_on_file_sizes_leaves_no_half_file(tmp_path):
    import resource
    texts = [*DOCUMENTS[:40], "x" * 5000, *DOCUMENTS[40:60]]         # the long document needs a file of 10,000 bytes

    def run():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        try:
            shard(tmp_path / "shards", texts)
        except OSError as error:
            os._exit(3 if error.errno == errno.EFBIG else 4)

    shard(tmp_path / "whole", texts)
    assert in_a_child(run) == 3
    assert is_beginning_of(tmp_path / "shards", contents(tmp_path / "whole")) and read_manifest(tmp_path / "shards")["shards"]
    assert not list((tmp_path / "shards").glob("*.part"))
    shard(tmp_path / "shards", texts)
    assert contents(tmp_path / "shards") == contents(tmp_path / "whole")


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_content(function, tmp_path, monkeypatch):
    write_whole(tmp_path / "file", b"old")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, function, full)
        with pytest.raises(OSError, match="No space left"):
            write_whole(tmp_path / "file", b"new and longer")
    assert contents(tmp_path) == {"file": b"old"}
    write_whole(tmp_path / "file", b"new and longer")
    assert contents(tmp_path) == {"file": b"new and longer"}


def test_bytes_are_on_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    """A power cut can't be staged here; the order of the calls that guard against it can be watched."""
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *arguments, name=name, real=real: (calls.append(name), real(*arguments)))
    write_whole(tmp_path / "file", b"data")
    assert calls == ["fsync", "replace", "fsync"] if os.name == "posix" else calls == ["fsync", "replace"]


# ---- opening ----

def change(**fields):
    """Write other fields into a manifest, its checksum left as it was."""
    def apply(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return apply


def flip(folder):
    path = folder / "shard-00002.bin"
    data = bytearray(path.read_bytes())
    data[777] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("damage, message", [
    (flip, "shard-00002.bin: damaged, or of another run"),
    (lambda f: (f / "shard-00002.bin").write_bytes((f / "shard-00001.bin").read_bytes()), "shard-00002.bin: "),
    (lambda f: os.truncate(f / "shard-00001.bin", 100), "shard-00001.bin: expected 1,[0-9]+ bytes, found 100"),
    (lambda f: os.truncate(f / "shard-00001.bin", 0), "shard-00001.bin: expected 1,[0-9]+ bytes, found 0"),
    (lambda f: os.truncate(f / "shard-00001.bin", 9999), "shard-00001.bin: expected 1,[0-9]+ bytes, found 9,999"),
    (lambda f: (f / "shard-00004.bin").unlink(), "shard-00004.bin: missing"),
    (lambda f: (f / "shard-00999.bin").write_bytes(b"ab"), "shard-00999.bin: a stranger"),
    (lambda f: os.truncate(f / "manifest.json", 200), "manifest.json: cut off, or no JSON"),
    (lambda f: (f / "manifest.json").write_text("[]"), "manifest.json: expected 'token shards, version 1'"),
    (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe"), "manifest.json: cut off, or no JSON"),
    (change(vocab_size=7), "manifest.json: altered"),
    (change(shards=[]), "manifest.json: altered"),
    (lambda f: (f / "manifest.json").unlink(), "manifest.json: not there")])
def test_damage_is_refused_by_name(damage, message, tmp_path):
    shard(tmp_path)
    damage(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        TokenDataset(tmp_path, 4, 16)


def test_dataset_refuses_what_makes_no_sense(tmp_path):
    manifest = shard(tmp_path)
    longest = max(row["tokens"] for row in manifest["shards"])
    assert TokenDataset(tmp_path, 1, longest - 1).n_windows >= 1
    for arguments, message in (((1, longest), f"context_length {longest} needs a shard of {longest + 1} tokens; the longest has {longest}"),
                               ((0, 8), "batch_size: expected at least 1, got 0"), ((1, 0), "context_length: expected at least 1, got 0"),
                               ((1, 8, -1), "seed: expected at least 0, got -1")):
        with pytest.raises(ValueError, match=message):
            TokenDataset(tmp_path, *arguments)
    with pytest.raises(FileNotFoundError, match="nowhere.manifest.json: not there"):
        TokenDataset(tmp_path / "nowhere", 1, 8)
    with pytest.raises(ValueError, match="step: expected at least 0, got -1"):
        TokenDataset(tmp_path, 1, 8).batch(-1)
    with pytest.raises(TypeError, match="step: expected an int, got 1.0"):
        TokenDataset(tmp_path, 1, 8).batch(1.0)


# ---- the dataset ----

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    shard(folder)
    return folder


def rows(batches):
    """The windows of batches as tuples of T + 1 ids."""
    return [(*row, last) for inputs, targets in batches for row, last in zip(inputs.tolist(), targets[:, -1].tolist())]


@pytest.mark.parametrize("batch_size, context_length", [(7, 16), (1, 8), (64, 100), (2000, 40)])
def test_an_epoch_deals_each_window_once(folder, batch_size, context_length):
    dataset = TokenDataset(folder, batch_size, context_length, seed=5)
    cut = sorted(tuple(part[at:at + context_length + 1].tolist()) for part in dataset.shards
                 for at in range(0, len(part) - context_length, context_length))
    steps = -(-2 * dataset.n_windows // batch_size)
    dealt = rows(map(dataset.batch, range(steps)))
    one, two = dealt[:dataset.n_windows], dealt[dataset.n_windows:2 * dataset.n_windows]
    assert sorted(one) == sorted(two) == cut and (one != two or len(set(cut)) < 3)


def test_targets_are_one_later_and_int64(folder):
    inputs, targets = TokenDataset(folder, 5, 33).batch(2)
    assert inputs.dtype == targets.dtype == torch.int64 and inputs.shape == targets.shape == (5, 33)
    assert torch.equal(inputs[:, 1:], targets[:, :-1]) and inputs.is_contiguous() and targets.is_contiguous()


def test_each_token_is_a_target_once(folder):
    """But for the first of each shard, and what is left at its end."""
    dataset = TokenDataset(folder, 1, 16)
    seen = np.concatenate([dataset.batch(step)[1].flatten() for step in range(dataset.n_windows)])
    expected = np.concatenate([part[1:1 + (len(part) - 1) // 16 * 16] for part in dataset.shards])
    assert np.array_equal(np.sort(seen), np.sort(expected))


def test_batches_are_pure(folder):
    dataset = TokenDataset(folder, 6, 16, seed=2)
    walked = [dataset.batch(step) for step in range(60)]
    for step in random.Random(0).sample(range(60), 30):
        again = TokenDataset(folder, 6, 16, seed=2).batch(np.int64(step))
        assert all(map(torch.equal, again, walked[step]))
        assert all(map(torch.equal, dataset[step], walked[step]))
    other = TokenDataset(folder, 6, 16, seed=3)
    assert rows(walked) != rows(map(other.batch, range(60)))
    assert all(map(torch.equal, dataset.batch(10**15), dataset.batch(10**15)))


def test_short_shards_are_stepped_over(tmp_path):
    shard(tmp_path, ["abc", "x" * 50, "de", "y" * 40], shard_tokens=3)
    dataset = TokenDataset(tmp_path, 4, 10)
    assert len(dataset.shards) == 4 and dataset.n_windows == 9
    assert sorted(dataset.windows(0)[0].tolist() + dataset.windows(1)[0].tolist())[:4] == [1, 1, 1, 1]


def test_a_pickle_holds_names_and_no_tokens(tmp_path):
    shard(tmp_path, ["x" * 200_000])
    dataset = TokenDataset(tmp_path, 2, 8)
    sent = pickle.dumps(dataset)
    assert len(sent) < 5000
    assert all(map(torch.equal, pickle.loads(sent).batch(3), dataset.batch(3)))


def test_the_folder_may_be_named_relatively(tmp_path, monkeypatch):
    shard(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(TokenDataset("here", 2, 8))
    monkeypatch.chdir("/")
    assert pickle.loads(sent).batch(0)[0].shape == (2, 8)


# ---- the stream ----

@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_stream_is_the_same_for_any_number_of_workers(folder, workers):
    dataset = TokenDataset(folder, 8, 16, seed=4)
    expected = [dataset.batch(step) for step in range(150)]
    assert dataset.n_windows < 150 * 8                       # over the end of an epoch
    state = torch.get_rng_state()
    stream = dataset.stream(range(150), workers)
    got = list(stream)
    assert len(got) == 150 and all(type(batch) is tuple and all(map(torch.equal, batch, right)) for batch, right in zip(got, expected))
    assert torch.equal(torch.get_rng_state(), state), "the loader drew from the global generator"


@pytest.mark.parametrize("workers", [0, 2])
def test_the_stream_resumes_at_any_step(folder, workers):
    dataset = TokenDataset(folder, 8, 16, seed=4)
    for start in (1, 77, 141) if workers == 0 else (77,):
        got = list(TokenDataset(folder, 8, 16, seed=4).stream(range(start, 150), workers))
        assert len(got) == 150 - start
        assert all(all(map(torch.equal, batch, dataset.batch(step))) for step, batch in enumerate(got, start=start))


def test_a_killed_worker_is_an_error_and_not_a_shorter_stream(folder):
    stream = iter(TokenDataset(folder, 8, 16).stream(itertools.count(), workers=1))
    next(stream)
    worker = multiprocessing.active_children()[-1]
    os.kill(worker.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    started = time.monotonic()
    # DataLoader notices the dead worker (RuntimeError), or its broken pipe first (ConnectionError, EOFError): which one is a race
    with pytest.raises((RuntimeError, ConnectionError, EOFError)):
        while time.monotonic() - started < 60:
            next(stream)
