"""The filters of lesson 2.4 in documents per second, and MinHash beside datasketch's on the same documents.

The documents are the pages of the made-up web; for MinHash, texts of the village of about 300 words.
"""
import pathlib
import shutil
import tempfile

from datasketch import MinHash

from ch02_tokenization.utils import (
    MinHasher,
    decontaminate,
    dedup_lines,
    extract_text,
    gopher_quality,
    identify_language,
    mask_emails,
    mask_ips,
    mask_phone_numbers,
    minhash_dedup,
    normal_words,
    repair_unicode,
)
from data import village, village_web
from tools.bench import compare


def per_second(seconds, count):
    """Print documents per second of each side, from its median time for `count` documents."""
    for side, times in seconds.items():
        print(f"{side}: {count / sorted(times)[len(times) // 2]:,.0f} documents/s")
    return seconds


def fresh(tool, paths):
    """A function that runs a tool of files on `paths`, each time into a new folder, which it removes."""
    def run():
        folder = pathlib.Path(tempfile.mkdtemp())
        try:
            tool(paths, folder / "out")
        finally:
            shutil.rmtree(folder)
    return run


def bench_filters(repeats=5, count=500):
    """Seconds of each filter for `count` pages; returns {side: list of seconds}."""
    pages = village_web.pages(count)
    raw = [page.html for page in pages]
    texts = [repair_unicode(extract_text(page)) for page in raw]
    questions = [question.text for kind in village.BENCHMARKS for question in village.benchmark(kind, village_web.QUESTIONS)]
    print(f"{count} pages, {sum(map(len, raw)) / count:,.0f} bytes of HTML and {sum(map(len, texts)) / count:,.0f} letters of text each:")
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, page.name) for page in pages]
        for path, text in zip(paths, texts):
            path.write_text(text, encoding="utf-8")
        sides = {"extract_text": lambda: [extract_text(page) for page in raw]}
        for function in (repair_unicode, identify_language, gopher_quality, mask_emails, mask_phone_numbers, mask_ips):
            sides[function.__name__] = lambda function=function: [function(text) for text in texts]
        sides |= {"dedup_lines": fresh(dedup_lines, paths), "minhash_dedup": fresh(minhash_dedup, paths),
                  "decontaminate": lambda: decontaminate(texts, questions)}
        return per_second(compare(sides, repeats), count)


def datasketch_signature(text, num_hashes, ngrams=5):
    """datasketch's MinHash of a text's word runs, given to it in one batch, its fastest way."""
    words = normal_words(text)
    sketch = MinHash(num_hashes)
    sketch.update_batch([" ".join(words[k:k + ngrams]).encode() for k in range(len(words) - ngrams + 1)])
    return sketch


def bench_minhash(repeats=7, count=300):
    """Seconds for the signatures of `count` texts with 128 and 256 hashes; returns {num_hashes: {side: list of seconds}}."""
    stories, seconds = village.corpus(2 * count), {}
    texts = [f"{stories[2 * n]}\n{stories[2 * n + 1]}" for n in range(count)]
    for num_hashes in (128, 256):
        hasher = MinHasher(num_hashes)
        print(f"{num_hashes} hashes, runs of 5 words, {count} texts of {sum(len(text.split()) for text in texts) // count} words:")
        seconds[num_hashes] = per_second(compare({
            "datasketch": lambda n=num_hashes: [datasketch_signature(text, n) for text in texts],
            "MinHasher": lambda h=hasher: [h.signature(text) for text in texts]}, repeats), count)
    return seconds


BENCHES = {"cleaning": bench_filters, "minhash": bench_minhash}
