"""The village's papers: how varied its stories are beside real ones, and whether "who has it at the end" is hard for the right reasons.

usage: python -m tools.check_village [diversity] [words] [model] [--steps N]

diversity: distinct n-grams, compression and vocabulary beside the TinyStories sample (needs COURSE_DATA or a download).
words:     a bag of words with logistic regression on who has the thing at the end, the fixed cast only: it should stay under 70%.
model:     a small transformer (transformers' Llama, trained here from nothing) on the same question: it should reach 95%. Takes half an hour.
"""

import argparse
import re
import time
import zlib

import numpy as np
import torch

from data import downloads, village
from data.village_voice import CAST

WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|[^\sA-Za-z]")


def labelled(count, split, start=0):
    """(text up to the last words, thing, holder) of `count` stories whose holder is one of the fixed cast."""
    found, number = [], start
    while len(found) < count:
        story = village.tell(number, split)
        if story.holder in CAST:
            found.append((story.before_closing, story.thing, story.holder))
        number += 1
    return found


def measures(texts):
    """Vocabulary and variety of a list of texts, of which the first 200,000 words and marks count."""
    tokens = [token for text in texts for token in WORD.findall(text)][:200_000]
    row = {"distinct words": len({token.lower() for token in tokens if token[0].isalpha()})}
    for n in (1, 2, 3, 4):
        grams = list(zip(*(tokens[i:] for i in range(n))))
        row[f"distinct-{n}"] = round(len(set(grams)) / len(grams), 3)
    raw = "\n".join(texts).encode()[:800_000]
    row["compressed to"] = f"{len(zlib.compress(raw, 9)) / len(raw):.1%}"
    return row


def diversity():
    stories = [village.tell(number) for number in range(10_000)]
    texts = [story.text for story in stories]
    strangers = {name.lower() for story in stories for name in story.people.values() if name not in CAST}
    words = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]+", text)} - strangers
    lengths = sorted(len(WORD.findall(text)) for text in texts)
    nats, letters = sum(story.nats for story in stories), sum(map(len, texts))
    print(
        f"10,000 stories: {len(words):,} distinct words without open names; {lengths[0]}–{lengths[-1]} words and marks, median {lengths[5000]}; "
        f"{nats / letters / np.log(2):.3f} bits a character; {len(texts) - len(set(texts))} stories told twice"
    )
    columns = {"village": measures(texts)}
    try:
        columns["TinyStories"] = measures(downloads.read_stories())
    except downloads.NotAvailable as missing:
        print(missing)
    print(f"{'':16}" + "".join(f"{name:>14}" for name in columns))
    for key in columns["village"]:
        print(f"{key:16}" + "".join(f"{column[key]:>14}" for column in columns.values()))


def words():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    train, val = labelled(20_000, "train"), labelled(4_000, "val")
    counter = CountVectorizer(token_pattern=WORD.pattern, lowercase=False, min_df=2)
    inputs = counter.fit_transform([text for text, _, _ in train])
    model = LogisticRegression(max_iter=3000, C=0.1, solver="saga", tol=1e-2).fit(inputs, [holder for _, _, holder in train])
    right = model.predict(counter.transform([text for text, _, _ in val])) == np.array([holder for _, _, holder in val])
    last = np.mean([max(village.NAMES, key=text.rfind) == holder for text, _, holder in val])
    print(
        f"bag of words + logistic regression, 20,000 stories: {right.mean():.1%} of 4,000 right; naming whoever was mentioned last: {last:.1%}"
    )


class Words:
    """Words and marks as tokens, strangers' names letter by letter; enough for this check."""

    def __init__(self, texts):
        kinds = sorted({token for text in texts for token in WORD.findall(text)} - {"·"})
        self.ids = {
            token: i
            for i, token in enumerate(["<pad>", "<end>", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *kinds])
        }
        self.ids |= {token: i for i, token in enumerate(self.ids)}

    def __call__(self, text):
        return [
            i
            for token in WORD.findall(text)
            for i in ([self.ids[token]] if token in self.ids else [self.ids.get(c, 1) for c in token])
        ]


def example(encode, row):
    text, thing, holder = row
    return encode(text + f" So the {thing} stayed with"), encode(holder)[0]


def model(steps, batch=24, width=128, layers=4):
    """Train on the stories themselves, with one fixed last sentence, on fresh stories at each step; then let it name the holder."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    common = [text for text in village.corpus(4_000)]
    strangers = {name for n in range(4_000) for name in village.tell(n).people.values() if name not in CAST}
    encode = Words([re.sub("|".join(strangers), "", text) for text in common])
    net = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(encode.ids),
            hidden_size=width,
            intermediate_size=512,
            num_hidden_layers=layers,
            num_attention_heads=width // 32,
            max_position_embeddings=512,
            tie_word_embeddings=True,
        )
    )
    matrices = [p for p in net.parameters() if p.ndim == 2]
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters, {len(encode.ids):,} kinds of token")
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": [p for p in net.parameters() if p.ndim < 2], "weight_decay": 0.0}],
        lr=3e-3,
        betas=(0.9, 0.98),
    )
    val = [example(encode, row) for row in labelled(1_000, "val")]
    names = torch.tensor([encode.ids[name] for name in village.NAMES])
    number, start = 0, time.time()
    for step in range(steps):
        rows = labelled(batch, "train", number)
        number += 2 * batch
        examples = [example(encode, row) for row in rows]
        longest = max(len(ids) for ids, _ in examples) + 1
        ids = torch.tensor([[*inputs, answer] + [0] * (longest - len(inputs) - 1) for inputs, answer in examples])
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 200) * max(0.02, 1 - step / steps)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(ids[:, :-1]).logits
        losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), ids[:, 1:], ignore_index=0, reduction="none")
        last = torch.tensor([len(inputs) - 1 for inputs, _ in examples])
        (losses.sum() / (ids[:, 1:] != 0).sum() + 0.3 * losses[torch.arange(batch), last].mean()).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % 500 == 0 or step + 1 == steps:
            print(
                f"step {step + 1:6}   loss {losses.sum().item() / (ids[:, 1:] != 0).sum().item():.3f}   {time.time() - start:6.0f} s   "
                f"right {accuracy(net, val, names):.1%} of {len(val)}",
                flush=True,
            )


@torch.no_grad()
def accuracy(net, examples, names):
    right = 0
    for at in range(0, len(examples), 50):
        part = examples[at : at + 50]
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(inputs) for inputs, _ in part], batch_first=True)
        last = torch.tensor([len(inputs) - 1 for inputs, _ in part])
        logits = net(ids).logits[torch.arange(len(part)), last][:, names]
        right += (names[logits.argmax(-1)] == torch.tensor([answer for _, answer in part])).sum().item()
    return right / len(examples)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["diversity", "words", "model", []], default=["diversity", "words", "model"])
    parser.add_argument("--steps", type=int, default=3000)
    chosen = parser.parse_args()
    for name in chosen.what:
        model(chosen.steps) if name == "model" else {"diversity": diversity, "words": words}[name]()
