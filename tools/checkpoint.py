"""Train the village model that ships with the course, and write it with its papers to data/checkpoints/base/.

usage: python -m tools.checkpoint [--steps N]

The run keeps its state in build/checkpoint/ and resumes there after an interruption. What is printed at the end is what the model card says.
"""
import argparse
import hashlib
import json
import platform
import time

import torch

from ch02_tokenization.utils import BPETokenizer, train_bpe, write_whole
from ch04_gpt_model.utils import GPT, GPTConfig
from ch05_pretraining.utils import (
    AdamW,
    as_json,
    bootstrap_interval,
    export_hf,
    load_pretrained,
    param_groups,
    story_nats,
    train,
)
from data import shipped, village
from tools.notebooks import ROOT

SPECIALS = ("<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")
CONFIG = GPTConfig(vocab_size=2048, context_length=512, d_model=256, n_layers=5, n_heads=4, n_kv_heads=2, qk_norm=True, norm_eps=1e-6)
RECIPE = {"stories": 120_000, "batch": 8, "tokens": 320, "short": 0.08, "steps": 3_600, "lr": 0.006,
          "lr_vectors": 0.003, "warmup": 100, "cooldown": 0.5, "weight_decay": 0.1, "seed": 0}
BUILD = ROOT / "build" / "checkpoint"


class MuonAndAdamW(AdamW):
    """Muon for the groups marked `orthogonal`, AdamW for the others.

    Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) moves a matrix along its momentum with all singular values brought near 1.
    """

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for matrix in group["params"] if group.get("orthogonal") else ():
                state = self.state[matrix]
                if not state:
                    state["momentum"] = torch.zeros_like(matrix)
                state["momentum"].lerp_(matrix.grad, 1 - group["betas"][1])
                update = orthogonalised(matrix.grad.lerp(state["momentum"], group["betas"][1]))     # Nesterov's look ahead
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-group["lr"] * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5)
                matrix.grad = None                              # AdamW passes over what has no gradient
        super().step()


def orthogonalised(matrix):
    """The nearest matrix whose singular values are all 1, about: five steps of an odd polynomial in bf16 (Amsel et al. 2025, arXiv:2505.16932)."""
    x = matrix.bfloat16() if matrix.shape[0] <= matrix.shape[1] else matrix.bfloat16().T
    x = x / (1.02 * x.norm() + 1e-6)
    for a, b, c in ((4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037), (2.8769, -3.1427, 1.2046),
                    (2.8366, -3.0525, 1.2012)):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if matrix.shape[0] <= matrix.shape[1] else x.T).float()


def optimizer_of(model):
    """Muon for the matrices of the blocks, AdamW for embedding and norms."""
    matrices, others = param_groups(model, RECIPE["weight_decay"])
    return MuonAndAdamW([matrices | {"lr": RECIPE["lr"], "orthogonal": True}, others | {"lr": RECIPE["lr_vectors"]}])


def trapezoid(steps, warmup, cooldown):
    """A schedule that climbs, stays at 1, and falls to 0 in a line over the last share `cooldown` (Hägele et al. 2024, arXiv:2405.18392)."""
    return lambda step: min(1.0, (step + 1) / warmup, (steps - step) / (cooldown * steps))


def tokenizer_of_the_village():
    """The tokenizer, learned once and kept in build/."""
    path = BUILD / "tokenizer.json"
    if not path.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        train_bpe(village.corpus(20_000), CONFIG.vocab_size, SPECIALS).save(path)
    return BPETokenizer.load(path)


def as_ids(texts, tokenizer):
    """Each story as ids, from the end token that opens it to the one that closes it."""
    end = tokenizer.special_tokens["<|endoftext|>"]
    return [[end, *tokenizer.encode(text), end] for text in texts]


def training_rows(tokenizer):
    """(all stories in one row of ids, where each story's first end token stands); one end token between two stories."""
    ids, starts = [], []
    for story in as_ids(village.corpus(RECIPE["stories"]), tokenizer):
        starts.append(len(ids))
        ids += story[:-1]
    return torch.tensor(ids, dtype=torch.int16), torch.tensor(starts)


def batches(tokenizer):
    """batch_at(step): rows that begin where a story begins, and run on into the next.

    The first share `short` of the steps sees beginnings alone, in rows of a quarter of the length, and as many steps see half the length, with
    more rows: what has to be found in the story so far is nearer there, and the heads that find it form sooner.
    """
    ids, starts = training_rows(tokenizer)
    starts = starts[starts + RECIPE["tokens"] + 1 <= len(ids)]

    def batch_at(step):
        generator = torch.Generator().manual_seed(RECIPE["seed"] * 10**6 + step)
        phase = step / (RECIPE["short"] * RECIPE["steps"])
        pieces = 4 if phase < 1 else 2 if phase < 2 else 1
        first = starts[torch.randint(len(starts), (RECIPE["batch"] * pieces,), generator=generator)]
        rows = ids[first[:, None] + torch.arange(RECIPE["tokens"] // pieces + 1)].long()
        return rows[:, :-1], rows[:, 1:]

    return batch_at


def against_the_floor(model, tokenizer, count, start=0):
    """Loss and floor in nats per token on whole val stories, and their ratio less 1 with its bootstrap interval over stories."""
    told = [village.tell(number, "val") for number in range(start, start + count)]
    stories = as_ids([story.text for story in told], tokenizer)
    nats, floor = story_nats(model, stories), torch.tensor([story.nats for story in told], dtype=torch.float64)
    tokens = sum(len(story) - 1 for story in stories)
    table = torch.stack([nats, floor], 1)
    low, high = bootstrap_interval(table, lambda rows: (rows[:, 0].sum() / rows[:, 1].sum() - 1).item())
    bits = nats.sum().item() / sum(len(story.text.encode()) for story in told) / torch.log(torch.tensor(2.0)).item()
    return {"stories": count, "loss": nats.sum().item() / tokens, "floor": floor.sum().item() / tokens,
            "above_floor": (nats.sum() / floor.sum() - 1).item(), "interval": [low, high], "bits_per_byte": bits}


def papers(model, tokenizer, history, minutes):
    """Everything that the card says, as data."""
    return {"village": village.FINGERPRINT, "village_version": village.VERSION, "recipe": RECIPE,
            "parameters": sum(p.numel() for p in model.parameters()),
            "tokens_read": RECIPE["batch"] * RECIPE["tokens"] * len(history), "minutes": round(minutes, 1), "steps": len(history),
            "threads": torch.get_num_threads(), "torch": torch.__version__, "machine": platform.machine(),
            "curve": [{"step": record["step"], "above_floor": record["above_floor"]} for record in history if "above_floor" in record],
            "val": against_the_floor(model, tokenizer, 1000, start=10_000)}


CARD = """# The village model

The model that ships with the course: {parameters:,} parameters, a vocabulary of {vocab_size:,} tokens, a context of {context_length} tokens, in the
format of Qwen3. `make checkpoint` trained it from nothing and wrote this card.

| | |
| --- | --- |
| data | {recipe[stories]:,} training stories of the village (version {village_version}), told by `data/village.py`; nothing else |
| batches | {steps:,} steps of {recipe[batch]} rows of {recipe[tokens]} tokens (at first shorter and more), {tokens_read:,} tokens |
| optimizer | Muon for matrices (learning rate {recipe[lr]}, decay {recipe[weight_decay]}), AdamW for embedding and norms ({recipe[lr_vectors]}) |
| schedule | {recipe[warmup]} steps of warm-up, then level, then in a line to 0 over the last {recipe[cooldown]:.0%} |
| precision, seed | bf16 autocast where the CPU has it; seed {recipe[seed]} |
| time | {minutes:.0f} minutes, threads: {threads} (torch {torch}, {machine}) |
| loss | {val[loss]:.4f} nats per token on {val[stories]:,} whole val stories ({val[bits_per_byte]:.4f} bits per byte), as shipped in bf16 |
| floor | {val[floor]:.4f} nats per token: the entropy of these stories, known exactly |
| above the floor | {val[above_floor]:.2%}, 95% interval {val[interval][0]:.2%} to {val[interval][1]:.2%} (bootstrap over stories) |
| size | {megabytes:.1f} MB |

It continues stories of this village, and knows no other world. It was made for looking at and for fine-tuning in the later chapters; it has
read no instruction.
"""


def write(model, tokenizer, history, minutes):
    """Export in bf16, measure what was exported, and write the papers; training.json comes last, and without it the folder is no checkpoint."""
    folder = shipped.CHECKPOINTS / "base"
    export_hf(model.to(torch.bfloat16), folder, tokenizer)
    model = load_pretrained(folder)
    content = papers(model, tokenizer, history, minutes)
    files = ("config.json", "model.safetensors", "tokenizer.json")
    content["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    size = sum((folder / name).stat().st_size for name in files) / 1e6
    card = CARD.format(**content, megabytes=size, vocab_size=model.config.vocab_size, context_length=model.config.context_length)
    write_whole(folder / "MODEL_CARD.md", card.encode())
    write_whole(folder / "training.json", as_json(content))
    return card


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=RECIPE["steps"])
    RECIPE["steps"] = parser.parse_args().steps
    tokenizer = tokenizer_of_the_village()
    torch.manual_seed(RECIPE["seed"])
    model = GPT(CONFIG)
    clock = BUILD / "seconds.json"                              # of all the parts of an interrupted run
    before, start = (json.loads(clock.read_text()) if clock.exists() else 0.0), time.perf_counter()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)

    def note(record):
        if "above_floor" in record or record["step"] % 50 == 0:
            seconds = before + time.perf_counter() - start
            write_whole(clock, json.dumps(seconds).encode())
            print(f"step {record['step']:6,}  loss {record['loss']:.4f}  norm {record['norm']:.2f}  "
                  + (f"above the floor {record['above_floor']:.2%}  " if "above_floor" in record else "") + f"{seconds / 60:.1f} min", flush=True)

    bf16 = torch.backends.cpu.get_cpu_capability() in ("AVX512", "AMX") or torch.cuda.is_available()
    history = train(model, batches(tokenizer), RECIPE["steps"], optimizer=optimizer_of(model),
                    schedule=trapezoid(RECIPE["steps"], RECIPE["warmup"], RECIPE["cooldown"]), dtype=torch.bfloat16 if bf16 else None,
                    evaluate=lambda model: {"above_floor": against_the_floor(model, tokenizer, 100)["above_floor"]}, every=500, on_step=note,
                    checkpoint=BUILD / "run.safetensors")
    print(write(model, tokenizer, history, json.loads(clock.read_text()) / 60))


if __name__ == "__main__":
    main()
