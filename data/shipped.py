"""The models that were trained here, and the one door to them: `load_model()`.

A checkpoint is a folder of data/checkpoints in transformers' own format (config.json, model.safetensors, tokenizer.json), with its papers
beside it: training.json, written by the command that trained it, and MODEL_CARD.md, the same for people.
"""
import hashlib
import json
import pathlib

from data import village

CHECKPOINTS = pathlib.Path(__file__).with_name("checkpoints")


def load_model(name="base"):
    """(model, tokenizer) of the checkpoint `name`: a GPT in fp32, ready to be asked, and its BPETokenizer.

    Raises ValueError, naming the file, for a name that isn't there, weights that have changed since they were written, or a checkpoint of
    another village.
    """
    folder = CHECKPOINTS / name
    if not (folder / "training.json").is_file():
        there = ", ".join(sorted(path.parent.name for path in CHECKPOINTS.glob("*/training.json"))) or "none yet"
        raise ValueError(f"no checkpoint named {name!r} in {CHECKPOINTS}; there are: {there}")
    papers = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    if papers["village"] != village.FINGERPRINT:
        raise ValueError(f"{folder}: trained in another village ({papers['village'][:16]}…; this one is {village.FINGERPRINT[:16]}…)")
    for file, expected in papers["sha256"].items():
        found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(f"{folder / file}: its bytes have changed since it was written: expected sha256 {expected}, found {found}")
    from ch05_pretraining.utils import load_pretrained, load_tokenizer  # only now: data stands below the chapters, and shows what they will build

    return load_pretrained(folder), load_tokenizer(folder)
