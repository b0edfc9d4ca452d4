"""data/downloads.py against a server on this machine that has every fault, and, where COURSE_DATA is set, the real files."""
import hashlib
import http.server
import io
import os
import random
import re
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from data import downloads
from data.downloads import DamagedFile, DataSet, File, NotAvailable, available, path_of

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
HALF = 150_000
ROOT = Path(downloads.__file__).parent.parent
needs_data = pytest.mark.skipif(not os.environ.get("COURSE_DATA"), reason="COURSE_DATA is not set: no real files to verify")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Faults(http.server.BaseHTTPRequestHandler):
    """The path says how a request goes wrong; other paths serve `server.bodies`. `server.asked` lists (path, range start)."""

    def do_GET(self):
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = int(match[1]), int(match[2]) + 1
        self.server.asked.append((self.path, start))
        self.server.agents.add(self.headers["User-Agent"])
        first = sum(path == self.path for path, _ in self.server.asked) == 1
        body = self.server.bodies.get(self.path, CONTENT)
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/silent":
            self.server.closing.wait(20)
        elif self.path == "/endless":               # ignores the range, and what follows never ends
            self.answer(200, CONTENT, length=10**12)
            while self.send(bytes(1 << 16)):
                pass
        elif self.path == "/breaks":                # half of it, then a piece of what is left at each request
            self.answer(206, body[start:end], start, part=(end - start) // 2)
        elif self.path == "/breaks-once":
            self.answer(206, body[start:end], start, part=HALF if first else None)
        elif self.path == "/breaks-without-ranges":
            self.answer(200, body, part=HALF if first else None)
        elif self.path == "/changes":               # the first half is another file's
            self.answer(206, (OTHER if first else body)[start:end], start, part=HALF if first else None)
        elif self.path == "/page":                  # what a hotel's sign-in page does: it answers, shortly, to any request
            self.answer(200, b"<html>sign in</html>")
        elif self.path == "/together":              # nobody is served before both have asked
            self.server.both.wait(20)
            self.answer(206, body[start:end], start)
        else:
            self.answer(206, body[start:end], start)

    def answer(self, status, content, start=0, part=None, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(content)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(content) - 1}/*")
        self.end_headers()
        self.send(content[:part])
        self.close_connection = True

    def send(self, content):
        try:
            self.wfile.write(content)
            return True
        except OSError:                             # the client has gone
            return False

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Faults) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.asked, server.agents, server.bodies, server.closing = [], set(), {}, threading.Event()
        server.both = threading.Barrier(2)
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, no COURSE_DATA, no memory of other tests."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "_unreachable", {})
    downloads._hash.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def offer(server, cache, monkeypatch):
    """offer("/path") makes a data set "letters" of one file that the server has at that path."""
    def offer(path="/good", content=CONTENT, url=None):
        file = File("letters.bin", len(content), sha256(content), (url or server.url) + path)
        monkeypatch.setattr(downloads, "DATA_SETS", {"letters": DataSet("letters", "test data", "none", (file,))})
    return offer


def leftovers(cache):
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# ---- Transfers ----

def test_fetches_once_and_keeps(server, cache, offer):
    offer()
    assert not available("letters") and server.asked == []
    path = path_of("letters")
    assert path == cache / "letters" / "letters.bin" and path.read_bytes() == CONTENT
    assert path_of("letters") == path_of("letters", "letters.bin") == path and available("letters")
    assert len(server.asked) == 1 and leftovers(cache) == ["letters"] and server.agents == {"llm-course"}


@pytest.mark.parametrize("path", ["/good", "/endless"])
def test_takes_the_first_bytes_alone(path, server, offer):
    offer(path, CONTENT[:100_000])
    assert path_of("letters").read_bytes() == CONTENT[:100_000]


@pytest.mark.parametrize("path", ["/breaks-once", "/breaks-without-ranges"])
def test_broken_transfer_goes_on(path, server, cache, offer):
    offer(path)
    assert path_of("letters").read_bytes() == CONTENT
    starts = [start for _, start in server.asked]
    assert len(starts) == 2 and starts[0] == 0 and 100_000 < starts[1] <= HALF and leftovers(cache) == ["letters"]


def test_pieces_of_two_files_are_fetched_anew(server, offer):
    offer("/changes")
    assert path_of("letters").read_bytes() == CONTENT
    assert [start > 0 for _, start in server.asked] == [False, True, False]


@pytest.mark.parametrize("path, reason, requests", [
    ("/missing", "404 Not Found", 1), ("/other", "expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}", 1),
    ("/page", "expected 300,000 bytes, found 20", 5), ("/breaks", "expected 300,000 bytes, found 2", 5)])
def test_a_fault_that_stays(path, reason, requests, server, cache, offer):
    server.bodies["/other"] = OTHER
    offer(path)
    with pytest.raises(NotAvailable, match=reason) as caught:
        path_of("letters")
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in ("letters (0.30 MB)", server.url + path, "COURSE_DATA"))
    assert len(server.asked) == requests and leftovers(cache) == []


def test_refused_connection(cache, offer):
    offer(url=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(NotAvailable, match="no connection to 127.0.0.1"):
        path_of("letters")
    assert leftovers(cache) == []


def test_silent_host_is_given_up_and_remembered(server, offer, monkeypatch):
    assert downloads.PATIENCE <= 15
    monkeypatch.setattr(downloads, "PATIENCE", 0.4)
    offer("/silent")
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(NotAvailable, match="no connection"):
            path_of("letters")
    assert 0.4 <= time.monotonic() - began < 3 and len(server.asked) == 1
    monkeypatch.setattr(downloads, "MEMORY", 0)         # later it is asked again
    offer("/good")
    assert path_of("letters").read_bytes() == CONTENT


def test_interrupt_leaves_nothing(cache, offer, monkeypatch):
    def interrupted(file, out, bar):
        out.write(CONTENT[:1000])
        raise KeyboardInterrupt
    monkeypatch.setattr(downloads, "_receive", interrupted)
    offer()
    with pytest.raises(KeyboardInterrupt):
        path_of("letters")
    assert leftovers(cache) == []


def test_cache_that_cannot_be_written(tmp_path, offer, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    offer()
    with pytest.raises(NotAvailable, match="file"):
        path_of("letters")


def test_two_processes_at_once(server, cache):
    script = f"""if True:
        from data import downloads
        file = downloads.File("letters.bin", {len(CONTENT)}, "{sha256(CONTENT)}", "{server.url}/together")
        downloads.DATA_SETS = {{"letters": downloads.DataSet("letters", "", "", (file,))}}
        print(downloads._mismatch(downloads.path_of("letters"), file))"""
    both = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)]
    results = [(*process.communicate(timeout=60), process.returncode) for process in both]
    assert [(out, code) for out, _, code in results] == [("\n", 0)] * 2, results
    assert (cache / "letters" / "letters.bin").read_bytes() == CONTENT and leftovers(cache) == ["letters"]


# ---- Damage ----

@pytest.mark.parametrize("damaged, found", [(CONTENT[:-1], "expected 300,000 bytes, found 299,999"),
                                            (b"?" + CONTENT[1:], f"expected sha256 {sha256(CONTENT)}, found")])
@pytest.mark.parametrize("also_cache", [False, True])
def test_damage_in_course_data_is_refused(damaged, found, also_cache, server, cache, offer, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cache if also_cache else tmp_path / "given"))
    path = (cache if also_cache else tmp_path / "given") / "letters" / "letters.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged)
    offer()
    with pytest.raises(DamagedFile, match=re.escape(f"{path}: {found}")):
        path_of("letters")
    assert not available("letters") and path.read_bytes() == damaged and server.asked == []


def test_course_data_comes_first_and_may_lack_a_file(server, cache, offer, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "given"))
    offer()
    assert path_of("letters").parent.parent == cache
    (tmp_path / "given" / "letters").mkdir(parents=True)
    assert path_of("letters").parent.parent == cache
    (tmp_path / "given" / "letters" / "letters.bin").write_bytes(CONTENT)
    assert path_of("letters").parent.parent == tmp_path / "given" and len(server.asked) == 1


@pytest.mark.parametrize("damaged", [CONTENT[:-1], b"?" + CONTENT[1:], None])
def test_damage_in_the_cache_is_repaired(damaged, server, cache, offer):
    offer()
    path = path_of("letters")
    path.unlink()
    if damaged:
        path.write_bytes(damaged)
        os.utime(path, (1, 1))
    assert not available("letters")
    with pytest.warns(UserWarning, match=f"{path.parent} was damaged: set aside"):
        assert path_of("letters").read_bytes() == CONTENT
    kept = [entry.read_bytes() for entry in cache.glob("letters.damaged-*/letters/*")]
    assert kept == ([damaged] if damaged else []) and len(server.asked) == 2


def test_damage_in_the_cache_without_network(cache, offer):
    offer(url=f"http://127.0.0.1:{closed_port()}")
    (cache / "letters").mkdir(parents=True)
    (cache / "letters" / "letters.bin").write_bytes(b"half")
    with pytest.raises(NotAvailable, match="damaged in the cache"):
        path_of("letters")


# ---- Archives ----

def offer_archive(server, monkeypatch, archive, archive_sha256=None, **fields):
    server.bodies["/archive"] = archive
    file = File("letters.archive", len(archive), archive_sha256 or sha256(archive), server.url + "/archive")
    monkeypatch.setattr(downloads, "DATA_SETS", {"letters": DataSet("letters", "test data", "none", archive=file, **fields)})


def zip_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return buffer.getvalue()


TWO = (File("a.txt", 1, sha256(b"a")), File("b.txt", 2, sha256(b"bb")))


def test_zip_members(server, cache, monkeypatch):
    archive = zip_of(**{"__MACOSX/a folder/._a.txt": "?", "a folder/a.txt": "a", "../../b.txt": "bb", "../evil.txt": "evil"})
    offer_archive(server, monkeypatch, archive, files=TWO)
    assert path_of("letters") == cache / "letters"
    assert [path_of("letters", name).read_text() for name in ("a.txt", "b.txt")] == ["a", "bb"]
    assert leftovers(cache) == ["letters"] and leftovers(cache / "letters") == ["a.txt", "b.txt"]
    assert not list(cache.parent.rglob("evil*"))


@pytest.mark.parametrize("second, archive_sha256, reason", [
    ({"b.txt": "B" * 10_000_000}, None, "expected 2 bytes, found 3"), ({"b.txt": "BB"}, None, "expected sha256"),
    ({}, None, "lacks a file"), ({"b.txt": "bb"}, "0" * 64, "expected sha256 0000")])
def test_zip_with_a_fault(second, archive_sha256, reason, server, cache, monkeypatch):
    offer_archive(server, monkeypatch, zip_of(**{"a.txt": "a"}, **second), archive_sha256, files=TWO)
    with pytest.raises(NotAvailable, match=reason):
        path_of("letters")
    assert leftovers(cache) == []


def tar_of(plain, links=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        for name, content in plain.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
        for name, goal in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, goal
            opened.addfile(member)
    return buffer.getvalue()


def test_tar_members(server, cache, monkeypatch, tmp_path):
    wanted = {"data/dev/a_dev.csv": b"a", "data/test/a_test.csv": b"aa"}
    evil = ["../evil.csv", "data/dev/../../../evil.csv", str(tmp_path / "evil.csv"), "data/val/evil.csv", "data/dev/._evil.csv"]
    archive = tar_of({**wanted, **dict.fromkeys(evil, b"evil")}, [("data/dev/evil_link.csv", "/etc/hostname")])
    offer_archive(server, monkeypatch, archive, members=downloads.DATA_SETS["mmlu"].members, digest="0" * 64)
    folder = path_of("letters")
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.csv")} == wanted
    assert not list(tmp_path.rglob("evil*")) and leftovers(cache) == ["letters"]
    assert path_of("letters", "data/test/a_test.csv").read_bytes() == b"aa" and len(server.asked) == 1
    (folder / "data/dev/a_dev.csv").write_bytes(b"damaged")
    assert not available("letters")
    monkeypatch.setenv("COURSE_DATA", str(cache))
    with pytest.raises(DamagedFile, match="expected files of digest [0-9a-f]{64}, found 2 of digest [0-9a-f]{64}"):
        path_of("letters")


# ---- Names, and the command ----

def test_unknown_names(offer):
    with pytest.raises(ValueError, match="no data set is named 'tiny': expected one of tinyshakespeare, the-verdict"):
        path_of("tiny")
    with pytest.raises(ValueError, match="no data set is named 'tiny'"):
        available("tiny")
    offer()
    with pytest.raises(ValueError, match="letters has no member '../letters.bin': expected one of letters.bin"):
        path_of("letters", "../letters.bin")


def test_records():
    assert sum(downloads.DATA_SETS[name].size for name in downloads.SMALL) < 6_000_000 and "mmlu" not in downloads.SMALL
    for data_set in downloads.DATA_SETS.values():
        assert data_set.downloads and data_set.about and data_set.licence
        for file in (*data_set.files, *data_set.downloads):
            assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size > 0
        assert all(file.url.startswith("https://") for file in data_set.downloads)


def test_command(server, cache, monkeypatch, capsys):
    def one(name, url):
        return DataSet(name, "test data", "none", (File("letters.bin", len(CONTENT), sha256(CONTENT), url),))
    closed = f"http://127.0.0.1:{closed_port()}/x"
    sets = {"good": one("good", server.url + "/good"), "bad": one("bad", closed), "worse": one("worse", closed)}
    monkeypatch.setattr(downloads, "DATA_SETS", sets)
    monkeypatch.setattr(downloads, "SMALL", tuple(sets))
    assert downloads.main([]) == 1
    good, bad, worse, advice = capsys.readouterr().out.splitlines()
    assert good.split() == ["good", "fetched", str(cache / "good" / "letters.bin")]
    assert bad.split(maxsplit=1)[1] == worse.split(maxsplit=1)[1] and "could not: no connection to 127.0.0.1" in bad
    assert advice.startswith("2 missing") and leftovers(cache) == ["good"]
    assert downloads.main(["good"]) == 0 and capsys.readouterr().out.split()[1] == "have"
    assert downloads.main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert str(cache / "good") in listed and listed.count("not here") == 2 and closed in listed
    with pytest.raises(SystemExit):
        downloads.main(["unknown"])


def test_tiktoken_without_data(cache, monkeypatch):
    def no_network(url, headers):
        raise ConnectionError("no network in this test")
    monkeypatch.setattr(downloads, "_open", no_network)
    with pytest.raises(NotAvailable, match="gpt2-bpe .*no network in this test"):
        downloads.tiktoken_gpt2.__wrapped__()


# ---- The real files ----

@needs_data
@pytest.mark.parametrize("name", downloads.DATA_SETS)
def test_real_files(name, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assert path_of(name).is_relative_to(os.environ["COURSE_DATA"]) and available(name)


@needs_data
def test_tiktoken_through_the_door(monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/as/it/was")
    encoding = downloads.tiktoken_gpt2()
    assert encoding.encode("Hello world") == [15496, 995] and downloads.tiktoken_gpt2() is encoding
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "/as/it/was"
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    assert downloads.tiktoken_gpt2.__wrapped__().n_vocab == 50257 and "TIKTOKEN_CACHE_DIR" not in os.environ


@needs_data
def test_readers():
    assert downloads.read_text("the-verdict").startswith("I HAD always thought Jack Gisburn")
    stories = downloads.read_stories()
    assert len(stories) == 1727 and stories[0].startswith("Once upon a time there was a little boy named Ben.")
    messages, sentences = downloads.read_sms(), downloads.read_sentiment()
    assert len(messages) == 5574 and {label for label, _ in messages} == {"ham", "spam"}
    assert len(sentences) == 3000 and sum(label for label, _ in sentences) == 1500
    assert len([*path_of("mmlu").glob("data/dev/*.csv")]) == 57
    with pytest.raises(ValueError, match="gpt2-bpe is a folder"):
        downloads.read_text("gpt2-bpe")
