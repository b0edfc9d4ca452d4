"""The toggles of lesson 4.2: small models from GPT-2 to the modern one, one change at a time, trained on the village's stories.

`make bench BENCH=toggles` trains every model with three seeds, about a quarter of an hour of one core, and writes
ch04_gpt_model/toggles.json, which the lesson draws. The lesson trains GPT-2 and the modern model again by the same few lines.
"""
import json

import torch
from torch.nn import functional as F

from ch01_intro.utils import WordTokenizer, set_seed
from ch02_tokenization.utils import get_batch
from ch04_gpt_model.utils import GPT, GPTConfig
from data import downloads, village
from tools.notebooks import ROOT, write_text

SIZES = {"context_length": 64, "d_model": 64, "n_layers": 2, "n_heads": 4}
TRAINING = {"steps": 600, "batch_size": 4, "rate": 4e-3, "warmup": 100, "betas": [0.9, 0.99]}
HIGH_RATES = {"steps": 200, "rates": [0.004, 0.01, 0.02, 0.04]}
LONGER = 1800                   # steps of a second look at the gate, which starts slowly
SEEDS = [0, 1, 2]
BALANCE = 0.01                  # weight of the experts' aux_loss
# the options that change; d_ff goes with the activation
OLD = {"norm": "layernorm", "activation": "gelu", "positions": "learned", "n_kv_heads": 4, "qk_norm": False, "bias": True, "d_ff": 256}
NEW = {"norm": "rmsnorm", "activation": "swiglu", "positions": "rope", "n_kv_heads": 2, "qk_norm": True, "bias": False, "d_ff": 170}


def variants():
    """{name: options of a GPTConfig}: GPT-2, GPT-2 with one change, the modern model, the modern model with one change undone."""
    found = {"GPT-2": OLD, "modern": NEW}
    for key in ("norm", "activation", "positions", "n_kv_heads", "qk_norm", "bias"):
        parts = (key, "d_ff") if key == "activation" else (key,)        # a third matrix needs narrower ones: 3 x 170 is about 2 x 256
        found[f"GPT-2, {key} new"] = OLD | {part: NEW[part] for part in parts}
        found[f"modern, {key} old"] = NEW | {part: OLD[part] for part in parts}
    relu2 = {"activation": "relu2", "d_ff": OLD["d_ff"]}
    found["GPT-2, relu2"], found["modern, relu2"] = OLD | relu2, NEW | relu2
    found["modern, untied"] = NEW | {"tied": False}
    found["modern, experts"] = NEW | {"experts": 8, "experts_per_token": 2, "d_ff": NEW["d_ff"] // 2}      # two experts are one MLP
    return found


def village_text():
    """(training ids, new ids, vocabulary, floor in nats a token): 3,000 stories, 100 new ones, words as tokens, 0 between stories."""
    texts, new = village.corpus(3000), village.corpus(100, "val")
    tokenizer = WordTokenizer(texts)
    ids, new_ids = (torch.tensor([i for text in part for i in (0, *tokenizer.encode(text))] + [0]) for part in (texts, new))
    return ids, new_ids, tokenizer.vocab_size, sum(village.parse(text).nats for text in new) / (len(new_ids) - 1)


def tinystories_text():
    """(training ids, new ids, vocabulary, None) of the same kind: the last 100 stories of TinyStories' beginning are the new ones."""
    texts = [text.strip() for text in downloads.read_text("tinystories").split("<|endoftext|>")[:-1]]
    tokenizer = WordTokenizer(texts[:-100], min_count=4)
    parts = texts[:-100], texts[-100:]
    ids, new_ids = (torch.tensor([i for text in part for i in (0, *tokenizer.encode(text))] + [0]) for part in parts)
    return ids, new_ids, tokenizer.vocab_size, None


def train(config, ids, seed, *, steps, batch_size, rate, warmup, betas):
    """A model of `config`, trained on random windows of `ids`; the rate rises over `warmup` steps, and falls to 0 at the end."""
    set_seed(seed)
    model, generator = GPT(config), torch.Generator().manual_seed(seed)
    adam = torch.optim.AdamW(model.parameters(), betas=tuple(betas), weight_decay=0)
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * min(1, (step + 1) / warmup) * (1 - step / steps)
        inputs, targets = get_batch(ids, batch_size, config.context_length, generator=generator)
        adam.zero_grad()
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        (loss + BALANCE * model.aux_loss() if config.experts else loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return model


@torch.no_grad()
def loss_on(model, ids):
    """Mean loss in nats a token on `ids`, cut into windows of the model's context."""
    length = model.config.context_length
    rows = (len(ids) - 1) // length
    inputs, targets = ids[:rows * length].view(rows, length), ids[1:rows * length + 1].view(rows, length)
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).item()


def measure(options, text, **training):
    """One model's line of the table: options, parameters, loss of each seed."""
    ids, new_ids, vocab_size, _ = text
    config = GPTConfig(vocab_size, **SIZES, **options)
    models = [train(config, ids, seed, **training) for seed in SEEDS]
    losses = [round(loss_on(model, new_ids), 4) for model in models]
    print(f"{options}\n    {losses}", flush=True)
    return {"options": options, "parameters": sum(p.numel() for p in models[0].parameters()), "losses": losses}


def bench_toggles(path=ROOT / "ch04_gpt_model" / "toggles.json"):
    """Train all variants, two on TinyStories, QK-norm at several rates, the gate for longer; write `path`, and return what is in it."""
    torch.set_num_threads(1)
    home = village_text()
    record = {"torch": torch.__version__, "seeds": SEEDS, "sizes": SIZES, "training": TRAINING, "floor": home[3], "vocab_size": home[2]}
    record["village"] = {name: measure(options, home, **TRAINING) for name, options in variants().items()}
    real = tinystories_text()
    record["tinystories"] = {name: measure(options, real, **TRAINING) for name, options in (("GPT-2", OLD), ("modern", NEW))}
    record["rates"] = [{"rate": rate} | measure(NEW | {"qk_norm": qk_norm}, home, **TRAINING | {"steps": HIGH_RATES["steps"], "rate": rate})
                       for rate in HIGH_RATES["rates"] for qk_norm in (False, True)]
    record["longer"] = {name: measure(options, home, **TRAINING | {"steps": LONGER}) for name, options in variants().items()
                        if name in ("modern", "modern, activation old")}
    write_text(path, json.dumps(record, indent=1) + "\n")
    return record


BENCHES = {"toggles": bench_toggles}
