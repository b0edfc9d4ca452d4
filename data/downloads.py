"""Real data beside the embedded default: public data sets by name, with URL, size, sha256 and licence.

    path_of("tinyshakespeare")      the verified file: from $COURSE_DATA, else from the cache, else downloaded
    available("gsm8k")              is it here already? (asks no network)
    python -m data.downloads        fetches the small ones, 5 MB; names fetch those; --list shows all

Nothing is used before its size and sha256 are right. $COURSE_DATA is only read: nothing there is written, moved or deleted.
The cache is $COURSE_CACHE, or else the folder that the operating system has for caches.
"""
import argparse
import contextlib
import functools
import hashlib
import os
import queue
import re
import shutil
import sys
import tarfile
import tempfile
import threading
import time
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pooch
import requests
from tqdm import tqdm

PATIENCE = 10       # seconds until a silent host counts as unreachable: name lookup, its addresses and redirects together
MEMORY = 60         # seconds for which an unreachable host is not asked again
ATTEMPTS = 5        # pieces in which a transfer may arrive that breaks and is resumed


class NotAvailable(Exception):
    """The data set is neither here nor to be had now; the message says in one line why, and how to get it."""


class DamagedFile(Exception):
    """A file in $COURSE_DATA has the wrong size or sha256; the message names it, what was expected and what was found."""


@dataclass(frozen=True)
class File:
    """The first `size` bytes of what `url` serves; without a URL, a member of the data set's archive."""
    path: str                                   # below the data set's folder
    size: int
    sha256: str
    url: str = ""


@dataclass(frozen=True)
class DataSet:
    """Files that belong together: each with a URL, or those of a zip, or all files of a tar whose paths match `members`."""
    name: str
    about: str
    licence: str
    files: tuple[File, ...] = ()
    archive: File | None = None
    members: str = ""                           # a regular expression
    digest: str = ""                            # `_digest` of the sample that serves in place of the tar

    @property
    def downloads(self):
        """The files to transfer: the archive, or else each one."""
        return (self.archive,) if self.archive else self.files

    @property
    def size(self):
        """How much to transfer, in bytes."""
        return sum(file.size for file in self.downloads)


_RAW, _GPT2 = "https://raw.githubusercontent.com", "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main"
_UCI, _STORIES = "https://archive.ics.uci.edu/static/public", "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main"
_LLMS = f"{_RAW}/rasbt/LLMs-from-scratch/main"

DATA_SETS = {data_set.name: data_set for data_set in (
    DataSet("tinyshakespeare", "40,000 lines from Shakespeare's plays", "public domain", (
        File("input.txt", 1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
             f"{_RAW}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"),)),
    DataSet("the-verdict", "a short story by Edith Wharton, 1908", "public domain", (
        File("the-verdict.txt", 20_479, "b41e41a68f0398a3154ae69e2e4c0e2694e17fe0d66730536837f1b01935b31f",
             f"{_LLMS}/ch02/01_main-chapter-code/the-verdict.txt"),)),
    DataSet("gpt2-bpe", "GPT-2's vocabulary and merges", "OpenAI modified MIT", (
        File("vocab.bpe", 456_318, "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5", f"{_GPT2}/vocab.bpe"),
        File("encoder.json", 1_042_301, "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
             f"{_GPT2}/encoder.json"))),
    DataSet("sms-spam", "5,574 text messages, each ham or spam", "CC BY 4.0", (
        File("SMSSpamCollection", 477_907, "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"),),
        File("sms-spam.zip", 203_415, "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3",
             f"{_UCI}/228/sms+spam+collection.zip")),
    DataSet("sentiment-uci", "3,000 sentences from reviews, each liked or not", "CC BY 4.0", (
        File("imdb_labelled.txt", 85_285, "aef2e49e3da25714d61175e3a6e68eeef74a20a2f914318dc3be9947ea86512d"),
        File("amazon_cells_labelled.txt", 58_226, "47003fc0a0d4840b00e96e715b6189bad09e7443a3da41c4cbe12ffc79f86ae3"),
        File("yelp_labelled.txt", 61_320, "c76468b7b5c6e56a0804d728345c5f84aa2142ddb214420f61cc9cfd4c00d2ea")),
        File("sentiment-uci.zip", 84_188, "afc26626d710899948693e1a61405dce197f57ffa719fa1130d346b4cc095343",
             f"{_UCI}/331/sentiment+labelled+sentences.zip")),
    DataSet("instructions", "1,100 instructions with answers", "Apache-2.0", (
        File("instruction-data.json", 203_524, "7e09a9af353722ca15c18bc580f093f9c39d3178335a75177319cb1e1d163944",
             f"{_LLMS}/ch07/01_main-chapter-code/instruction-data.json"),)),
    DataSet("tinystories", "the first 1.4 MB of TinyStories V2 (GPT-4)", "CDLA-Sharing-1.0", (
        File("TinyStoriesV2-GPT4-train.first10000lines.txt", 1_424_708,
             "5a19b936d7b53bbdac1eea03230b00161dceca24ae272f5bd8e9dbbc2a883418", f"{_STORIES}/TinyStoriesV2-GPT4-train.txt"),)),
    DataSet("gsm8k", "1,319 word problems of school mathematics", "MIT", (
        File("test.jsonl", 749_738, "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
             f"{_RAW}/openai/grade-school-math/master/grade_school_math/data/test.jsonl"),)),
    DataSet("humaneval", "164 small programs to write, with their tests", "MIT", (
        File("HumanEval.jsonl.gz", 44_877, "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
             f"{_RAW}/openai/human-eval/master/data/HumanEval.jsonl.gz"),)),
    DataSet("mmlu", "multiple choice in 57 subjects", "MIT", (),
            File("mmlu.tar", 166_184_960, "bec563ba4bac1d6aaf04141cd7d1605d7a5ca833e38f994051e818489592989b",
                 "https://people.eecs.berkeley.edu/~hendrycks/data.tar"),
            members=r"data/(dev|test)/[a-z_]+\.csv", digest="509d9f8517cd7517f46ee0b3c17898325ee0e1d33a9ee96b0b67fb4596d8a2e4"),
)}
SMALL = tuple(name for name, data_set in DATA_SETS.items() if data_set.size < 10_000_000)      # what `make data` fetches


# ---- What is here ----

def path_of(name, member=None):
    """The verified file of data set `name`, or its folder if it has several files; with `member`, that file of the folder.

    mmlu's folder has data/dev/*.csv and data/test/*.csv: a sample with ten test rows a subject where $COURSE_DATA holds it,
    all rows where it is downloaded. Raises NotAvailable, DamagedFile, and ValueError for an unknown name or member.
    A damaged file in the cache is set aside, with a warning, and downloaded again.
    """
    folder, fault = _find(name)
    if fault and folder.parent == _folder("COURSE_DATA"):
        raise DamagedFile(f"damaged file in COURSE_DATA: {fault}")
    if fault or folder is None:
        folder = _fetch(DATA_SETS[name])
    members = _members(DATA_SETS[name], folder)
    if member is None:
        return folder / members[0] if len(members) == 1 else folder
    if member not in members:
        raise ValueError(f"{name} has no member {member!r}: expected one of {', '.join(members[:4])}{', …' * (len(members) > 4)}")
    return folder / member


def available(name):
    """Is data set `name` here, whole and undamaged? Asks no network, changes nothing. Raises ValueError for an unknown name."""
    folder, fault = _find(name)
    return folder is not None and not fault


def _folder(variable):
    """The folder that an environment variable names; None if it is unset or empty."""
    return Path(os.environ[variable]).expanduser().absolute() if os.environ.get(variable) else None


def _cache():
    return _folder("COURSE_CACHE") or Path(pooch.os_cache("llm-course"))


def _find(name):
    """(folder, what is wrong with it) for the first place that has all files of data set `name`; (None, "") if none has."""
    if name not in DATA_SETS:
        raise ValueError(f"no data set is named {name!r}: expected one of {', '.join(DATA_SETS)}")
    for place in filter(None, (_folder("COURSE_DATA"), _cache())):
        fault = _inspect(DATA_SETS[name], place / name)
        if fault is not None:
            return place / name, fault
    return None, ""


def _inspect(data_set, folder):
    """What is wrong with the data set in `folder`, in a few words: "" if nothing is, None if a file is not there at all."""
    try:
        for file in data_set.files:
            if fault := _mismatch(folder / file.path, file):
                return f"{folder / file.path}: {fault}"
        members = _members(data_set, folder)
        if data_set.members and members:
            recorded = folder / "DIGEST"        # written when the members were taken from the verified tar
            expected = recorded.read_text().strip() if recorded.is_file() else data_set.digest
            if (found := _digest(folder, members)) != expected:
                return f"{folder}: expected files of digest {expected}, found {len(members)} of digest {found}"
        return "" if members else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def _members(data_set, folder):
    """The paths of the data set's files below `folder`; those of a tar as they are there, sorted."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [file.path for file in data_set.files] or sorted(path for path in paths if re.fullmatch(data_set.members, path))


def _mismatch(path, file):
    """How the file at `path` differs from `file`; "" if it is the same."""
    size = path.stat().st_size
    if size != file.size:
        return f"expected {file.size:,} bytes, found {size:,}"
    found = _sha256(path)
    return "" if found == file.sha256 else f"expected sha256 {file.sha256}, found {found}"


def _digest(folder, members):
    """One sha256 for many files: that of the lines "sha256, two spaces, path", as the command sha256sum prints them."""
    return hashlib.sha256("".join(f"{_sha256(folder / path)}  {path}\n" for path in members).encode()).hexdigest()


def _sha256(path):
    status = path.stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _hash(path, size, changed):                 # size and time belong to the key: a file that has changed is read again
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# ---- What has to be fetched ----
# requests carries the bytes: it brings certificates, which urllib lacks on some Macs, and knows proxies. pooch knows where
# caches live, but its downloader neither resumes nor stops at a given byte, so the loop in `_download` is our own.

def _fetch(data_set):
    """Download, verify and unpack `data_set` into the cache; returns its folder. Raises NotAvailable."""
    target = _cache() / data_set.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whatever is half written lives in this draft folder, which goes away however the block ends, Ctrl-C included.
        with tempfile.TemporaryDirectory(prefix=f".{data_set.name}-", dir=target.parent, ignore_cleanup_errors=True) as draft:
            done = Path(draft, data_set.name)
            done.mkdir()
            for file in data_set.downloads:
                _download(file, Path(draft) if data_set.archive else done)
            if data_set.archive:
                unpack = _untar if data_set.members else _unzip
                unpack(Path(draft, data_set.archive.path), data_set, done)
            fault = _inspect(data_set, done)
            if fault != "":
                raise OSError(fault or "the archive lacks a file that was expected")
            _settle(data_set, done, target)
        return target
    except OSError as error:                    # ConnectionError and the errors of requests are OSErrors
        state = "damaged in the cache" if target.exists() else "not here"
        command = "make data" if data_set.name in SMALL else f"python -m data.downloads {data_set.name}"
        raise NotAvailable(
            f"{data_set.name} ({_megabytes(data_set.size)}) is {state}, and did not come from {data_set.downloads[0].url}: "
            f"{error}. `{command}` tries again; or set COURSE_DATA to a folder that holds {data_set.name}/") from error


def _settle(data_set, done, target):
    """Rename the whole folder `done` to `target`, so that the data set appears complete or not at all."""
    with contextlib.suppress(FileNotFoundError):            # another process may have just moved it
        if target.exists() and _inspect(data_set, target) != "":
            aside = tempfile.mkdtemp(prefix=f"{data_set.name}.damaged-", dir=target.parent)
            os.rename(target, Path(aside, data_set.name))
            warnings.warn(f"{target} was damaged: set aside in {aside}, and downloaded again", stacklevel=4)
    try:
        os.rename(done, target)
    except OSError:
        if _inspect(data_set, target) != "":                # else another process was faster, and its copy serves as well
            raise


def _download(file, folder):
    """Fetch `file` into `folder` and verify it, resuming a transfer that breaks. Raises OSError."""
    path = folder / file.path
    with open(path, "wb") as out, tqdm(total=file.size, unit="B", unit_scale=True, desc=path.name, delay=1, leave=False) as bar:
        for _ in range(ATTEMPTS):
            resumed = out.tell() > 0
            with contextlib.suppress(requests.RequestException):        # broken on the way: what is missing says enough
                _receive(file, out, bar)
            out.flush()
            fault = _mismatch(path, file)
            if not fault:
                return
            if out.tell() == file.size:         # complete, and yet wrong
                if not resumed:
                    break                       # in one piece: the server has another file
                out.truncate(out.seek(0))       # in pieces that don't belong together: start again
                _hash.cache_clear()             # the new bytes may come within the same tick of the file system's clock
    raise OSError(fault)


def _receive(file, out, bar):
    """Append what `out` still lacks of `file`, or start again where the server can't begin in the middle."""
    start = out.tell()
    with _open(file.url, {"Range": f"bytes={start}-{file.size - 1}"}) as response:
        if response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            out.truncate(out.seek(0))
        for chunk in response.iter_content(1 << 15):
            out.write(chunk[:file.size - out.tell()])
            bar.update(out.tell() - bar.n)
            if out.tell() == file.size:         # a server that ignores the range would go on, for gigabytes
                return


_unreachable = {}                               # host -> (when it was found so, why)


def _open(url, headers):
    """The response to a GET of `url`, its body not yet read.

    Raises ConnectionError within PATIENCE seconds, at once if the host has lately been unreachable; OSError for an HTTP error.
    The request has a thread of its own, as requests' timeout bounds neither the name lookup nor the sum over a host's addresses.
    """
    host = urlsplit(url).netloc
    when, reason = _unreachable.get(host, (float("-inf"), ""))
    if time.monotonic() - when < MEMORY:
        raise ConnectionError(reason)
    patience = PATIENCE / 3 if _unreachable else PATIENCE       # where one host is silent, the next is likely to be
    # identity: a compressed body has other bytes than those that range and size count
    headers = {"User-Agent": "llm-course", "Accept-Encoding": "identity", **headers}
    answers = queue.SimpleQueue()

    def ask():
        try:
            answers.put(requests.get(url, headers=headers, stream=True, timeout=PATIENCE))
        except Exception as error:              # whatever the cause (no route, a blocked socket): there is no connection
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        answer = TimeoutError("silence")
    if isinstance(answer, Exception):
        reason = f"no connection to {host} ({type(answer).__name__})"
        _unreachable[host] = (time.monotonic(), reason)
        raise ConnectionError(reason) from answer
    if answer.status_code >= 400:
        answer.close()
        raise OSError(f"the server answered {answer.status_code} {answer.reason}")
    return answer


def _unzip(archive, data_set, folder):
    with zipfile.ZipFile(archive) as opened:
        for file in data_set.files:             # by its last name alone, and written under ours: no path of the zip is followed
            member = next((name for name in opened.namelist() if PurePosixPath(name).name == file.path), None)
            if member is not None:
                with opened.open(member) as source:
                    (folder / file.path).write_bytes(source.read(file.size + 1))


def _untar(archive, data_set, folder):
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and re.fullmatch(data_set.members, member.name):      # no link, no "..", no absolute path
                (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
                with open(folder / member.name, "wb") as out:
                    shutil.copyfileobj(opened.extractfile(member), out)
    (folder / "DIGEST").write_text(_digest(folder, _members(data_set, folder)) + "\n")


# ---- What lessons read ----

@functools.cache
def tiktoken_gpt2():
    """tiktoken's GPT-2 `Encoding`, from the verified files of gpt2-bpe. Raises NotAvailable and DamagedFile.

    tiktoken looks for sha1(URL) in its cache folder, deletes a file there whose hash it doesn't like, and then asks the
    network without a time limit. So it gets a folder of its own with verified copies, for as long as it loads.
    """
    import tiktoken
    folder, before = path_of("gpt2-bpe"), os.environ.get("TIKTOKEN_CACHE_DIR")
    with tempfile.TemporaryDirectory() as copies:
        for file in DATA_SETS["gpt2-bpe"].files:
            shutil.copyfile(folder / file.path, Path(copies, hashlib.sha1(file.url.encode()).hexdigest()))
        os.environ["TIKTOKEN_CACHE_DIR"] = copies
        try:
            return tiktoken.get_encoding("gpt2")
        finally:
            del os.environ["TIKTOKEN_CACHE_DIR"]
            if before is not None:
                os.environ["TIKTOKEN_CACHE_DIR"] = before


def read_text(name):
    """The text of a data set that is one text file, line ends unchanged. Raises as path_of does; ValueError for other kinds."""
    path = path_of(name)
    if path.is_dir():
        raise ValueError(f"read_text expects a data set of one text file, and {name} is a folder")
    return path.read_bytes().decode("utf-8")


def read_stories():
    """The whole stories of tinystories, as a list of strings; the last one, cut off by the end of the sample, is left out."""
    return [story.strip() for story in read_text("tinystories").split("<|endoftext|>")[:-1]]


def read_sms():
    """The messages of sms-spam: a list of (label, text), the label "ham" or "spam"."""
    return [tuple(line.split("\t", 1)) for line in read_text("sms-spam").split("\n") if line]


def read_sentiment():
    """The sentences of sentiment-uci (films, products, restaurants): a list of (label, text), the label 1 (liked) or 0 (not)."""
    texts = (path_of("sentiment-uci", file.path).read_bytes().decode("utf-8") for file in DATA_SETS["sentiment-uci"].files)
    lines = [line.rpartition("\t") for text in texts for line in text.split("\n") if line]    # splitlines would cut at U+0085 too
    return [(int(label), sentence.strip()) for sentence, _, label in lines]


# ---- The command ----

def _megabytes(size):
    return f"{size / 1e6:.{0 if size > 1e7 else 2}f} MB"


def main(arguments=None):
    """Fetch the named data sets, or the small ones; returns 0 if all could be had, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m data.downloads", description="Fetch the course's real data.")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(DATA_SETS))
    parser.add_argument("--list", action="store_true", help="print name, size, licence, source, and where each one is")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in DATA_SETS]:
        parser.error(f"no data set is named {unknown[0]!r}: expected {', '.join(DATA_SETS)}")
    missing = 0
    for name in options.names or (DATA_SETS if options.list else SMALL):
        data_set, (folder, fault) = DATA_SETS[name], _find(name)
        if options.list:
            print(f"{name:16} {_megabytes(data_set.size):>8}  {data_set.licence:19} {data_set.about}\n{'':26} "
                  f"from {' '.join(file.url for file in data_set.downloads)}\n{'':26} {fault or folder or 'not here'}")
            continue
        try:
            print(f"{name:16} {'have' if folder and not fault else 'fetched':9} {path_of(name)}", flush=True)
        except (NotAvailable, DamagedFile) as error:
            print(f"{name:16} could not: {error.__cause__ or error}", flush=True)      # the cause alone, advice once at the end
            missing += 1
    if missing:
        print(f"{missing} missing: run this again with a network, or set COURSE_DATA to a folder that has them")
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; nothing half written is left")
