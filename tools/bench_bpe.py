"""Byte pair encoding (lesson 2.2) beside libraries written in Rust: HF tokenizers trains and encodes, tiktoken encodes.

The text is tiny Shakespeare where it is, else stories of the village of the same size. HF trains with GPT-2's pre-tokens, the
256 bytes to start with and no least frequency: the same task. By default it takes all cores; here one thread is often faster.
"""
import os

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from ch02_tokenization.utils import BPETokenizer, train_bpe
from data import downloads, village
from tools.bench import compare

ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def corpus():
    """(name, text) of what is learned and encoded."""
    try:
        return "tiny Shakespeare", downloads.read_text("tinyshakespeare")
    except downloads.NotAvailable:
        return "the village", "\n\n".join(village.corpus(1500))[:1_115_394]


def hf_train(text, vocab_size):
    """A tokenizer of HF tokenizers, trained on `text`."""
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=ALPHABET, min_frequency=0, show_progress=False)
    theirs.train_from_iterator([text], trainer)
    return theirs


def one_thread(function):
    """`function`, run by HF tokenizers in a single thread."""
    def run():
        before = os.environ.get("TOKENIZERS_PARALLELISM")
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        try:
            function()
        finally:
            del os.environ["TOKENIZERS_PARALLELISM"]
            if before is not None:
                os.environ["TOKENIZERS_PARALLELISM"] = before
    return run


def bench_train(repeats=11):
    """Seconds to learn 1,024 and 4,096 tokens; returns {vocab_size: {side: list of seconds}}."""
    name, text = corpus()
    seconds = {}
    for vocab_size in (1024, 4096):
        print(f"{vocab_size:,} tokens from {name}, {len(text.encode()) / 1e6:.2f} MB:")
        seconds[vocab_size] = compare({
            "HF tokenizers": lambda n=vocab_size: hf_train(text, n),
            "HF tokenizers, one thread": one_thread(lambda n=vocab_size: hf_train(text, n)),
            "train_bpe": lambda n=vocab_size: train_bpe(text, n)}, repeats)
    return seconds


def bench_encode(repeats=11):
    """Seconds to encode the text with 4,096 tokens of its own; returns {side: list of seconds}.

    A fresh tokenizer knows no pre-token yet; making it is part of its time. `encode_iterable` gets chunks of 64 kB.
    """
    name, text = corpus()
    ours, theirs = train_bpe(text, 4096), hf_train(text, 4096)
    rust = ours.to_tiktoken()
    megabytes = len(text.encode()) / 1e6
    print(f"encoding {name}, {megabytes:.2f} MB, with 4,096 tokens:")
    seconds = compare({
        "encode": lambda: ours.encode(text),
        "encode, a fresh tokenizer": lambda: BPETokenizer(ours.vocab, ours.merges).encode(text),
        "encode_iterable": lambda: list(ours.encode_iterable(text[at:at + 65_536] for at in range(0, len(text), 65_536))),
        "tiktoken, our merges": lambda: rust.encode_ordinary(text),
        "HF tokenizers": lambda: theirs.encode(text)}, repeats)
    for side, times in seconds.items():
        print(f"{side}: {megabytes / sorted(times)[len(times) // 2]:.1f} MB/s")
    return seconds


BENCHES = {"bpe_train": bench_train, "bpe_encode": bench_encode}
