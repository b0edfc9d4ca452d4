"""Lesson 2.4: extraction, repair, languages, rules, masks, deduplication on files, MinHash and LSH, decontamination; and the made-up web."""
import os
import random
import time
from collections import Counter

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from ch02_tokenization import utils
from ch02_tokenization.utils import (
    MinHasher,
    decontaminate,
    dedup_lines,
    extract_text,
    gopher_quality,
    identify_language,
    jaccard,
    lsh_probability,
    mask_emails,
    mask_ips,
    mask_phone_numbers,
    minhash_dedup,
    normal_words,
    repair_unicode,
    shingles,
)
from data import village, village_web


@pytest.fixture(scope="module")
def web():
    return village_web.pages(300)


def write(folder, texts):
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [folder / name for name in texts]


# ---- extraction

@pytest.mark.parametrize("html, text", [
    (b"<p>one</p><p>two</p>", "one\ntwo"),
    (b"<p>one<p>two<br>three", "one\ntwo\nthree"),
    (b"<div><div>a <b>b<i>c</i></b></div>d</div>", "a bc\nd"),
    (b"a\n   b\t c", "a b c"),
    (b"<p>&lt;b&gt; &amp; &quot;&#233;&#xe9;&eacute;&quot; &copy 2024", '<b> & "éé\u00e9" © 2024'),
    (b"<script>if (a < b) { x('<p>no</p>') }</script>yes<style>p {}</style>", "yes"),
    (b"<nav>menu <div>more</div></nav>text<footer>foot</footer>", "text"),
    (b"<div><nav>never closed<p>menu</div>text", "text"),
    (b"text</div></b></nav>more", "text\nmore"),
    (b"<ul><li>a<li>b</ul>c", "• a\n• b\nc"),
    (b"<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
    (b"<pre>a\n  b</pre>c", "a\n  b\nc"),
    (b"<div hidden>no</div><p style='color:red; display : none'>no</p>yes", "yes"),
    (b"<!-- <p>no</p> -->yes<!-- never closed <p>no", "yes"),
    (b"<head><title>no</title><meta charset=utf-8><body>yes", "yes"),
    (b"yes<a href='cut off", "yes"),
    (b"2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
    (b"<![if IE]>x<![endif]><![what[y]]>z", "xz"),
    (b"<P CLASS=x>Big</P><IMG SRC=a.png>", "Big"),
    (b"", ""), (b"<p>", ""), (b"   ", "")])
def test_extract_text(html, text):
    assert extract_text(html) == text


@pytest.mark.parametrize("encoding, declared, text", [
    ("utf-8", "", "naïve — café “yes”"), ("utf-8", "iso-8859-1", "naïve — café"), ("cp1252", "", "naïve — café “yes”"),
    ("cp1252", "iso-8859-1", "“café”"),
    ("cp1252", "nonsense-8", "café"), ("cp1252", "utf-8", "café"), ("iso-8859-7", "iso-8859-7", "Ο μυλωνάς βρήκε"),
    ("windows-1251", "windows-1251", "старый змей"),
    ("shift_jis", "Shift_JIS", "日本語の文章"), ("gb18030", "gb2312", "欢迎来到我们的网站"), ("iso-2022-jp", "iso-2022-jp", "日本語"),
    ("utf-16", "", "café Ж"),
    ("utf-8-sig", "iso-8859-1", "café"), ("euc-kr", "euc-kr", "한국어 문장")])
def test_encodings(encoding, declared, text):
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}">' if declared else ""
    assert extract_text(f"<html><head>{meta}</head><body><p>{text}</p>".encode(encoding)) == text


def test_a_broken_letter_does_not_change_the_encoding():
    raw = "<p>naïve café, déjà vu, Zoë".encode() + b"\xc3"
    assert extract_text(raw) == "naïve café, déjà vu, Zoë\ufffd"


def test_extract_text_refuses_other_types():
    for wrong in (None, 3, ["<p>"]):
        with pytest.raises(TypeError, match="html_bytes: expected the bytes"):
            extract_text(wrong)
    assert extract_text("<p>a str is fine") == extract_text(bytearray(b"<p>a str is fine"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from([
    b"<p>", b"</p>", b"<div", b">", b"<!--", b"-->", b"<![", b"]]>", b"<!", b"<?", b"&", b"&#", b"&#x110000;", b"<script>", b"</script>",
    b"<nav>", b"<pre>",
    b"</x", b"a", b"=", b"'", b'"', b"\xff", b"\xc3\xa9", b"<meta charset=utf-7>", b"<meta charset=hex>",
    b"<meta charset=undefined>"])).map(b"".join)))
def test_no_page_is_refused(raw):
    text = repair_unicode(extract_text(raw))
    identify_language(text), gopher_quality(text), mask_emails(text), mask_phone_numbers(text), mask_ips(text)


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "</", "<p>", "<div>", "<script>", "<!x", "a", "a.", "a@", "x@a.", "12-", "0", "1.",
                                   "+1", "Ã©", "â€", ". "])
def test_long_nonsense_takes_no_hours(piece):
    start, text = time.perf_counter(), piece * (100_000 // len(piece))
    extract_text(text.encode())
    for function in (repair_unicode, identify_language, gopher_quality, mask_emails, mask_phone_numbers, mask_ips):
        function(text)
    assert time.perf_counter() - start < 20


# ---- Unicode

@pytest.mark.parametrize("text", ["café", "naïve — “yes”", "½ £5 €3 ©", "“don’t”", "日本語の文章", "😀 fine", "λόγος", "привет", "zażółć",
                                  "à la carte", "ÀÉÎÕ ñ", "ŁÓDŹ"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_mojibake_is_undone(text, times):
    spoiled = text
    for _ in range(times):
        spoiled = "".join(bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte)) for byte in spoiled.encode())
    assert repair_unicode(spoiled) == text


@pytest.mark.parametrize("text", ["his ’café’”", "«CAFÉ»", "“AMANHÃ”", "naïve café", "SÃO", "À «la» carte", "l’été’”", "Ångström", "日本語",
                                  "привет", "", "plain"])
def test_honest_letters_stay(text):
    assert repair_unicode(text) == text


def test_invisible_characters_and_line_ends():
    assert repair_unicode("a\u00adb\u200b\ufeffc\x07\r\nd\re\u2028f\u00a0g\u3000h\ti") == "abc\nd\ne\nf g h\ti"
    assert repair_unicode("e\u0301") == "é"


# ---- language

def test_languages():
    for language, sentences in village_web.FOREIGN.items():
        found = Counter(identify_language(sentence)[0] for sentence in sentences)
        assert found[language] >= len(sentences) - 1 and identify_language(" ".join(sentences))[0] == language
    assert all(identify_language(story) == ("en", pytest.approx(1, abs=0.2)) for story in village.corpus(100))
    assert identify_language("欢迎来到我们的网站")[0] == "zh" and identify_language("私は学生です。東京に住んでいます")[0] == "ja"
    assert identify_language("") == identify_language("12 — 3") == ("und", 0.0)
    for text in ("hello", "欢迎", "Où est-il ?"):
        assert isinstance(identify_language(text)[1], float) and 0 < identify_language(text)[1] <= 1


# ---- quality

GOOD = "This should be a good text of some words that we have written with care. " * 10


@pytest.mark.parametrize("text, sign", [
    ("the of " + "word " * 47, "49 words"), ("the of " + "wordy " * 99_999, "100,001 words"), ("the be " * 100, "mean word length 2.5"),
    ("the and " + "extraordinarily " * 98, "mean word length"), (GOOD + "# " * 20, "# per word"),
    ("wait... " * 20 + GOOD, "ellipses per word"),
    ("wait… " * 20 + GOOD, "ellipses per word"), ("\n".join(["- " + GOOD] * 19 + [GOOD]), "95% of the lines start with a bullet"),
    ("\n".join([GOOD + "..."] * 4 + [GOOD] * 6), "40% of the lines end with an ellipsis"),
    (GOOD + "123 " * 60, "of the words have a letter"),
    ("wooden kites fly over green hills " * 20, "0 of the words the, be, to"), ("the kite " * 60, "1 of the words the, be"),
    ("", "0 words")])
def test_each_rule_of_gopher(text, sign):
    assert [reason for reason in gopher_quality(text) if sign in reason], gopher_quality(text)
    if text:
        assert len(gopher_quality(text)) == 1


@pytest.mark.parametrize("text", [
    GOOD, "the of " + "word " * 48, "the of " + "wordy " * 99_998, "the have " + "abc " * 98,
    "to the" + " abcdefghijk" * 60 + " of" * 11 + " abcd" * 5,
    "\n".join(["- " + GOOD] * 9 + [GOOD]), "\n".join([GOOD + "..."] * 3 + [GOOD] * 7), "The And " + "word " * 78 + "12 " * 20,
    "the of " + "word " * 88 + "# " * 10 * 1])
def test_the_bounds_themselves_are_allowed(text):
    assert gopher_quality(text) == []


# ---- personal data

@pytest.mark.parametrize("text, masked, count", [
    ("Write to wren@example.com if you like.", "Write to |||EMAIL_ADDRESS||| if you like.", 1),
    ("wren@example.com.", "|||EMAIL_ADDRESS|||.", 1), ("<o'brien@example.com>", "<|||EMAIL_ADDRESS|||>", 1),
    ("a.b+news@mail.example.co.uk, C_D@EXAMPLE.ORG!", "|||EMAIL_ADDRESS|||, |||EMAIL_ADDRESS|||!", 2),
    ("so...wren@example.com", "so...|||EMAIL_ADDRESS|||", 1),
    ("mailto:wren@example.com?subject=x", "mailto:|||EMAIL_ADDRESS|||?subject=x", 1), ("jürgen@müller.example", "|||EMAIL_ADDRESS|||", 1),
    ("masked: |||EMAIL_ADDRESS||| and owl@example.com", "masked: |||EMAIL_ADDRESS||| and |||EMAIL_ADDRESS|||", 1),
    ("@miller, a@b, six @ noon, wren@localhost, x@y..com", None, 0), ("", "", 0)])
def test_mask_emails(text, masked, count):
    assert mask_emails(text) == (text if masked is None else masked, count)


@pytest.mark.parametrize("number", [
    "2125550123", "(212)-555-0123", "(212) 555 0123", "212-555-0123", "212.555.0123", "(212)555-0123", "1-212-555-0123",
    "+1 (212) 555-0123", "+12125550123",
    "555-0123", "555.0123", "020 7946 0123", "(01632) 960123", "07700 900123", "07700900123", "+44 (0)20 7946 0123", "+442079460123",
    "0044 20 7946 0123",
    "+33 1 99 00 12 34", "01 99 00 12 34", "+49 30 23125 042", "030/23125 042", "212 - 555 - 0123", "212-555-0123 ext. 12"])
def test_mask_phone_numbers(number):
    for before, after in (("Ring ", " now"), ("Ring ", "."), ("(", ")"), ("tel:", ""), ("", ", or not"), ("Tel.", "\n")):
        assert mask_phone_numbers(before + number + after) == (f"{before}|||PHONE_NUMBER|||{after}", 1)


@pytest.mark.parametrize("text", ["192.0.2.146", "2021-03-04", "12.03.1994", "1700000000", "978-3-16-148410-0", "0-306-40615-2",
                                  "4111 1111 1111 1111", "1,250,000.00",
                                  "1914-1918", "10:30-11:45", "3.14159265358", "1234567890123456", "pages 112-119", "$1 000 000 000",
                                  "007"])
def test_other_numbers_stay(text):
    assert mask_phone_numbers(f"see {text} now") == (f"see {text} now", 0)


@pytest.mark.parametrize("text, masked, count", [
    ("The server is at 192.0.2.146.", "The server is at |||IP_ADDRESS|||.", 1),
    ("203.0.113.9, (198.51.100.1)", "|||IP_ADDRESS|||, (|||IP_ADDRESS|||)", 2),
    ("http://192.0.2.1:8080/x", "http://|||IP_ADDRESS|||:8080/x", 1), ("192.0.2.1-192.0.2.9/24", "|||IP_ADDRESS|||-|||IP_ADDRESS|||/24", 2),
    ("192.0.2.1...", "|||IP_ADDRESS|||...", 1), ("256.0.0.1, 1.2.3, 1.2.3.4.5, 12.03.1994", None, 0)])
def test_mask_ips(text, masked, count):
    assert mask_ips(text) == (text if masked is None else masked, count)


def test_masks_refuse_what_is_no_text():
    for mask in (mask_emails, mask_phone_numbers, mask_ips):
        with pytest.raises(TypeError, match="text: expected a str, got bytes"):
            mask(b"bytes")


# ---- files

def test_dedup_lines_keeps_lines_that_occur_once(tmp_path):
    paths = write(tmp_path / "in", {"a.txt": "menu\none\nfoot", "b.txt": "menu\r\ntwo\n\ntwo\nfoot\n", "c.txt": b"\xff\xfe\n", "d.txt": ""})
    assert dedup_lines(paths, tmp_path / "out") == (3, 7 - 1)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        "a.txt": b"one\n", "b.txt": b"\n", "c.txt": b"\xff\xfe\n", "d.txt": b""}
    assert dedup_lines(paths, tmp_path / "more", max_copies=2) == (9, 0)
    assert (tmp_path / "more" / "b.txt").read_bytes() == paths[1].read_bytes()


def test_the_output_folder_may_be_there_if_it_is_empty(tmp_path):
    paths = write(tmp_path / "in", {"a": "x"})
    (tmp_path / "out").mkdir()
    dedup_lines(paths, tmp_path / "out")
    minhash_dedup(paths, tmp_path / "deep" / "er" / "out")
    assert [path.name for path in (tmp_path / "deep" / "er" / "out").iterdir()] == ["a"]


@pytest.mark.parametrize("tool", [dedup_lines, minhash_dedup])
def test_files_and_folders_that_do_not_fit(tool, tmp_path):
    paths = write(tmp_path / "in", {"a": "x", "b": "y"})
    with pytest.raises(TypeError, match="expected a list of paths, got the single path"):
        tool(tmp_path / "in", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no such file: .*nowhere"):
        tool([tmp_path / "nowhere" / "a"], tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="is no file"):
        tool([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(ValueError, match="holds the input files"):
        tool(paths, tmp_path / "in" / ".." / "in")
    with pytest.raises(ValueError, match="at least one path"):
        tool([], tmp_path / "out")
    with pytest.raises(ValueError, match="the same name"):
        tool([*paths, *write(tmp_path / "in2", {"a": "z"})], tmp_path / "out")
    write(tmp_path / "full", {"precious": "x"})
    for folder in (tmp_path / "full", tmp_path / "full" / "precious"):
        with pytest.raises(FileExistsError, match="not an empty folder"):
            tool(paths, folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "in", "in2"]


@pytest.mark.parametrize("tool", [dedup_lines, minhash_dedup])
def test_a_failing_run_leaves_nothing(tool, tmp_path, monkeypatch):
    paths = write(tmp_path / "in", {f"{n}.txt": f"line {n}\n" * 3 for n in range(5)})
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(utils.Counter, "total", lambda self: 1 / 0)
    seen = []

    def full_disk(*_, **__):
        seen.append([path.name for path in (tmp_path / "out").iterdir()])
        raise OSError("no space left on device")

    monkeypatch.setattr(utils.shutil, "copyfile", full_disk)
    monkeypatch.setattr(utils.hashlib, "blake2b", full_disk if tool is dedup_lines else utils.hashlib.blake2b)
    with pytest.raises(OSError, match="no space"):
        tool(paths, tmp_path / "out")
    assert seen == [[]] and sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"] and not list((tmp_path / "out").iterdir())


def test_a_killed_run_leaves_no_output(tmp_path):
    paths = write(tmp_path / "in", {f"{n}.txt": f"line {n}\n" for n in range(3)})
    child = os.fork() if hasattr(os, "fork") else pytest.skip("needs fork")
    if child == 0:
        utils.shutil.copyfile = lambda *_: os._exit(9)          # as kill -9 in the midst of writing
        minhash_dedup(paths, tmp_path / "out")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not (tmp_path / "out").exists()
    minhash_dedup(paths, tmp_path / "out")                      # and the next run does its work
    assert len(list((tmp_path / "out").iterdir())) == 3


# ---- near-copies

def test_shingles_and_jaccard():
    assert normal_words("Café, it's  A\u0301!") == ["cafe", "it", "s", "a"]
    assert shingles("a b c d", 3) == {("a", "b", "c"), ("b", "c", "d")} and shingles("a b", 5) == {("a", "b")} and shingles("…", 5) == set()
    assert jaccard({1, 2, 3}, {2, 3, 4}) == 0.5 and jaccard(set(), set()) == jaccard({1}, set()) == 0
    for story in village.corpus(20):
        assert shingles(story) == village_web.shingles(story)


def test_minhash_estimates_jaccard_as_well_as_datasketch():
    pairs = village_web.pairs(120, seed=3)
    exact, hasher = np.array([pair[2] for pair in pairs]), MinHasher(128, seed=7)

    def theirs(text):
        sketch = MinHash(128, seed=7)
        sketch.update_batch([" ".join(run).encode() for run in shingles(text)])
        return sketch

    ours = np.array([np.mean(hasher.signature(a) == hasher.signature(b)) for a, b, _ in pairs]) - exact
    other = np.array([theirs(a).jaccard(theirs(b)) for a, b, _ in pairs]) - exact
    expected = np.sqrt(np.mean(exact * (1 - exact) / 128))
    for errors in (ours, other):
        rms = np.sqrt(np.mean(errors**2))
        assert abs(rms - expected) < 3.5 * expected / np.sqrt(2 * len(pairs)) and abs(errors.mean()) < 4 * expected / np.sqrt(len(pairs))


def test_signatures_are_the_same_on_every_machine():
    assert MinHasher(4).signature("the kite flew over the old mill").tolist() == SIGNATURE
    assert MinHasher(4).signature("…") is None and (MinHasher(4).signature("a b") == MinHasher(4).signature("A, B!")).all()
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="num_hashes: expected a whole number"):
            MinHasher(wrong)
        with pytest.raises(ValueError, match="ngrams: expected a whole number"):
            MinHasher(4, wrong)


SIGNATURE = [1050510912, 1783018612, 839649674, 1815747701]


def test_the_curve_counts_all_ways_that_bands_can_agree():
    """1 − (1 − s^r)^b against the sum over all 2⁶ patterns of agreement of 3 bands of 2."""
    for s in (0.0, 0.3, 0.8, 1.0):
        total = 0
        for pattern in range(64):
            agree = [pattern >> k & 1 for k in range(6)]
            total += any(agree[k] and agree[k + 1] for k in (0, 2, 4)) * s ** sum(agree) * (1 - s) ** (6 - sum(agree))
        assert lsh_probability(s, 3, 2) == pytest.approx(total)


def test_minhash_dedup_finds_what_exact_jaccard_finds(tmp_path):
    pairs = village_web.pairs(60, seed=4)
    paths = write(tmp_path / "in", {f"{n:03}{side}": text for n, pair in enumerate(pairs) for side, text in zip("ab", pair)})
    dropped = minhash_dedup(paths, tmp_path / "out", num_hashes=256, num_bands=64)          # wide bands: nothing above 0.8 is missed
    assert dropped == {f"{n:03}b": f"{n:03}a" for n, (_, _, similarity) in enumerate(pairs) if similarity >= 0.8}
    kept = {path.name for path in paths} - dropped.keys()
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == {path.name: path.read_bytes() for path in paths if path.name in kept}
    strict = minhash_dedup(paths, tmp_path / "out2", num_hashes=128, num_bands=4, jaccard_threshold=0.95)
    assert strict.items() <= {f"{n:03}b": f"{n:03}a" for n, (_, _, similarity) in enumerate(pairs) if similarity >= 0.95}.items()


def test_exact_copies_chains_and_empty_files(tmp_path):
    story = village.tell(1).text
    words = story.split(" ")
    chain = {"2": " ".join(words[:-8]), "1": story, "3": " ".join(words[:-16])}
    texts = {"e": "", "a": story, "b": story.upper() + "!", "empty": "", "marks": "— …", **chain}
    dropped = minhash_dedup(write(tmp_path / "in", texts), tmp_path / "out", num_bands=64, jaccard_threshold=0.9)
    assert dropped == dict.fromkeys(["b", "2", "1", "3"], "a")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "e", "empty", "marks"]


def test_many_exact_copies_are_no_burden(tmp_path):
    paths = write(tmp_path / "in", {f"{n:04}": "the same page again and again, a thousand times" for n in range(1500)})
    start = time.perf_counter()
    assert len(minhash_dedup(paths, tmp_path / "out")) == 1499 and time.perf_counter() - start < 20


@pytest.mark.parametrize("wrong, message", [
    (dict(num_hashes=100, num_bands=16), "must be a multiple of num_bands.*the next number that does is 112"),
    (dict(num_bands=0), "multiple"),
    (dict(jaccard_threshold=0), "jaccard_threshold: expected more than 0"), (dict(jaccard_threshold=80), "at most 1, got 80"),
    (dict(ngrams=0), "ngrams: expected")])
def test_settings_that_do_not_fit(wrong, message, tmp_path):
    paths = write(tmp_path / "in", {"a": "x"})
    with pytest.raises(ValueError, match=message):
        minhash_dedup(paths, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="max_copies: expected a whole number from 1 on, got 0"):
        dedup_lines(paths, tmp_path / "out", max_copies=0)


# ---- decontamination

def test_decontaminate():
    question = "Who has the red kite at the end of the day when the wind has gone to bed"
    documents = ["nothing", f"He asked: {question.upper()}? Owl.", "", " ".join(question.split()[:12]), " ".join(question.split()[3:16]),
                 "Where is Owl?"]
    assert decontaminate(documents, [question]) == ([documents[n] for n in (0, 2, 3, 5)], {1: [0], 4: [0]})
    assert decontaminate(documents, [question, "Where is Owl?"])[1] == {1: [0], 4: [0], 5: [1]}
    assert decontaminate([], [question]) == ([], {})
    for documents, questions, error, message in ((["a"], [], ValueError, "at least one"),
    (["a"], ["b", "…"], ValueError, "number 1, '…', has no words"),
                                                 ("a page", ["b"], TypeError, "documents: expected a list"),
                                                 (["a"], "b", TypeError, "questions: expected a list")):
        with pytest.raises(error, match=message):
            decontaminate(documents, questions)


def test_benchmark_questions_are_found_in_the_web(web):
    exam = [question for kind in village.BENCHMARKS for question in village.benchmark(kind, village_web.QUESTIONS)]
    questions = [f"{question.text} {question.question}" for question in exam]
    _, leaks = decontaminate([page.text for page in web], questions, ngrams=20)
    found = {web[n].name for n in leaks}
    assert all(page.name in found for page in web if page.leaks and page.leaks[0][2] == "verbatim")
    assert sum(not page.leaks for page in web if page.name in found) <= 5


# ---- the made-up web

def test_the_web_is_as_labelled(web):
    assert len({page.name for page in web}) == len(web) == 300 and web == village_web.pages(300)
    by_name = {page.name: page for page in web}
    for page in web:
        text = repair_unicode(extract_text(page.html))
        assert ("mojibake" in page.faults) or "\n".join(line for line in text.split("\n") if line not in page.boilerplate) == page.text
        assert set(page.boilerplate) <= set(text.split("\n")) and bool(page.boilerplate) == ("boilerplate" in page.faults)
        assert all(item in page.text for item in page.emails + page.phones + page.ips)
        if page.copy_of:
            assert page.similarity == pytest.approx(village_web.similarity(page.text, by_name[page.copy_of].text))
        assert ("foreign" in page.faults) == (page.language != "en")
        assert ("spam" in page.faults) == bool(page.spam) and ("leak" in page.faults) == bool(page.leaks)
    assert {fault for page in web for fault in page.faults} == {
        "boilerplate", "mojibake", "near-copy", "exact-copy", "spam", "foreign", "emails", "phones", "ips", "leak"}
    for wrong in (0, 99):
        with pytest.raises(ValueError, match="at least 100"):
            village_web.pages(wrong)


def test_near_copies_are_spread_evenly():
    for similarities in ([page.similarity for page in village_web.pages(1000) if "near-copy" in page.faults],
                         [pair[2] for pair in village_web.pairs(200)]):
        ordered, n = sorted(similarities), len(similarities)
        assert max(abs(s - (0.4 + 0.6 * (k + 0.5) / n)) for k, s in enumerate(ordered)) < 0.02
    with pytest.raises(ValueError, match="0.4 <= low <= high <= 1"):
        village_web.pairs(3, low=0.1)


def test_personal_data_is_made_up(web):
    for page in web:
        assert all("example" in email.lower() for email in page.emails)
        assert all(ip.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for ip in page.ips)
        digits = ["".join(c for c in phone if c.isdigit()) for phone in page.phones]
        assert all("55501" in d or "79460" in d or "1632960" in d or "7700900" in d or "19900" in d or "3023125" in d for d in digits), page.phones


def test_random_bytes_make_no_signature_trouble(tmp_path):
    dice = random.Random(0)
    paths = write(tmp_path / "in", {str(n): dice.randbytes(500) for n in range(20)})
    assert minhash_dedup(paths, tmp_path / "out") == {}
