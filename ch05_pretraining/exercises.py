"""Checks for the exercises of chapter 5."""
import json
import math
import random

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from ch01_intro.exercises import Wrong, check
from ch03_attention.utils import apply_rope, rope_tables

# ---- 01 pretraining


@check("5.1.1")
def check_after_one_step(after_one_step):
    if not hasattr(after_one_step, "__len__") or len(after_one_step) != 2:
        raise Wrong(f"expected two numbers, got {after_one_step!r}")
    small, large = map(float, after_one_step)
    causes = ((2.01, "the decay is missing, or it went through the gradient, where Adam divides it away. "
                     "It takes lr × decay × weight from the weight itself"),
              (1.988, "downhill is against the gradient, which is negative: the step goes up"),
              (2.001, "that is the gradient itself times the rate, without Adam's division"),
              (1.81, "the decay takes lr × 0.1 of the weight, not 0.1 of it"), (1.998, "that is the decay alone; the stride is missing"),
              (1.998 + 0.01 * 0.1 / math.sqrt(0.05), "the memories are not yet divided by 1 − β: after one step they hold 0.1 of g and 0.05 of g²"))
    for value, cause in causes:
        if abs(small - value) < 2e-4:
            raise Wrong(f"{small:g} after the gradient −0.3: {cause}")
    if abs(small - 2.008) > 2e-4:
        raise Wrong(f"{small:g} after the gradient −0.3 is not right. What are m and v after one step, and after the divisions?")
    if abs(large - 2.008) > 2e-4:
        raise Wrong(f"{large:g} after the gradient −300: m becomes −300 and the root of v becomes 300. What is their ratio?")
    return "The first stride knows nothing of a gradient but its sign, which is why it wants a warm-up."


@check("5.1.2")
def check_above_the_floor(above_the_floor):
    dice = random.Random(0)
    cases = [([12.0, 33.0], [10.0, 20.0])] + [
        ([1.1 * nats + dice.random() for nats in floors], floors) for floors in ([dice.uniform(5, 60) for _ in range(8)] for _ in range(4))]
    for nats, floors in cases:
        got, expected = float(above_the_floor(list(nats), list(floors))), sum(nats) / sum(floors) - 1
        if math.isclose(got, expected, rel_tol=1e-6):
            continue
        case = "for nats 12 and 33 over floors of 10 and 20" if len(nats) == 2 else f"for {len(nats)} stories"
        if math.isclose(got, sum(a / b for a, b in zip(nats, floors)) / len(nats) - 1, rel_tol=1e-6):
            raise Wrong(f"{case} you give {got:.3f}, expected {expected:.3f}: "
                        "that is the mean of the stories' ratios, in which a short story weighs as much as a long one")
        if math.isclose(got, expected + 1, rel_tol=1e-6):
            raise Wrong(f"{case} you give {got:.3f}: that is the ratio. A model that pays the floor is 0 above it, not 1")
        if math.isclose(got, 100 * expected, rel_tol=1e-6):
            raise Wrong(f"{case} you give {got:.1f}: as a share, please, not in percent")
        if math.isclose(got, 1 - sum(floors) / sum(nats), rel_tol=1e-6):
            raise Wrong(f"{case} you give {got:.3f}: that is a share of the model's nats; divide by the floor's")
        if math.isclose(got, sum(nats) - sum(floors), rel_tol=1e-6):
            raise Wrong(f"{case} you give {got:.3f}: that is a number of nats; divide by the floor's")
        raise Wrong(f"{case} expected {expected:.3f}, got {got:.3f}")
    return "One number for a whole evening, in which each nat counts the same."


@check("5.1.3")
def check_mean_loss(mean_loss):
    for rows, tokens, seed in ((2, 4, 0), (5, 7, 1), (1, 3, 2), (6, 9, 3)):
        generator = torch.Generator().manual_seed(seed)
        logits = 2 * torch.randn(rows, tokens, 5, generator=generator, dtype=torch.float64)
        targets = torch.randint(5, (rows, tokens), generator=generator)
        lengths = torch.arange(rows) % tokens + 1                                       # row r holds r + 1 targets
        targets[torch.arange(tokens) >= lengths[:, None]] = -100
        given = targets.clone()
        got = mean_loss(logits.clone(), targets)
        if not torch.equal(given, targets):
            raise Wrong("the targets that you were given are changed; work on a clone")
        if not torch.is_tensor(got) or got.dim():
            raise Wrong(f"expected a scalar tensor, got {got!r}")
        losses = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-100, reduction="none")
        count = (targets != -100).sum(1)
        expected = losses.sum() / count.sum()
        if torch.isclose(got, expected):
            continue
        case = f"rows with {', '.join(map(str, lengths.tolist()))} targets of {tokens}: expected {expected:.3f}, got {got:.3f}"
        if torch.isclose(got, losses.mean()):
            raise Wrong(f"{case}. A place whose target is −100 has loss 0, and is still counted in your mean")
        if torch.isclose(got, (losses.sum(1) / count).mean()):
            raise Wrong(f"{case}. Each row's mean is right now, but a row with one target counts as much as a row with {lengths.max()}")
        if torch.isclose(got, losses.sum()):
            raise Wrong(f"{case}. That is the sum")
        raise Wrong(case)
    empty = mean_loss(torch.zeros(2, 3, 5), torch.full((2, 3), -100))
    if not torch.isfinite(empty) or float(empty):
        raise Wrong(f"a batch without any target: expected 0, got {float(empty)}; 0/0 has to be avoided")
    return "Now the loss does not depend on how the stories are sorted into batches."


@check("5.1.4")
def check_trapezoid(trapezoid):
    for steps, warmup, cooldown in ((10, 2, 4), (100, 10, 50), (20, 0, 5), (20, 5, 0), (6, 0, 0), (8, 4, 4)):
        schedule = trapezoid(steps, warmup, cooldown)
        given = f"trapezoid({steps}, {warmup}, {cooldown})"
        if not callable(schedule):
            raise Wrong(f"{given} must return a function of the step, as cosine_schedule does; got {schedule!r}")
        for step in range(steps):
            got = float(schedule(step))
            expected = min([1.0] + ([(step + 1) / warmup] if warmup else []) + ([(steps - step) / cooldown] if cooldown else []))
            if math.isclose(got, expected, rel_tol=1e-9):
                continue
            where = f"{given}, step {step}: expected {expected:g}, got {got:g}"
            if step == 0 and got == 0:
                raise Wrong(f"{where}. A step at rate 0 is wasted: step 0 gets 1/warmup")
            if got > 1:
                raise Wrong(f"{where}. Never more than 1: the smallest of the two lines and 1")
            if step == steps - 1 and got == 0:
                raise Wrong(f"{where}. The last step is number steps − 1, and it gets 1/cooldown, not 0")
            if step >= steps - cooldown:
                raise Wrong(f"{where}. The fall begins {cooldown} steps before the end, with 1")
            raise Wrong(where)
    return "While it is level you can stop whenever you like, and cool down then."


@check("5.1.5")
def check_interval_of_difference(interval_of_difference):
    for seed, heavy in ((0, False), (1, True)):
        generator = torch.Generator().manual_seed(seed)
        base = 80 + 15 * torch.randn(250, generator=generator, dtype=torch.float64)
        off = torch.rand(250, generator=generator, dtype=torch.float64)
        off = 0.3 + (3 * off**6 if heavy else 0.8 * (off - 0.5))
        one, other = base + off, base
        got = interval_of_difference(one.clone(), other.clone())
        if not hasattr(got, "__len__") or len(got) != 2:
            raise Wrong(f"expected (low, high), got {got!r}")
        low, high = map(float, got)
        width, middle = 3.92 * off.std().item() / math.sqrt(250), off.mean().item()
        seen = f"the mean difference is {middle:.3f}; you give {low:.3f} to {high:.3f}"
        if low > high:
            raise Wrong(f"{seen}: the lower end comes first")
        if abs((low + high) / 2 + middle) < 0.3 * width:
            raise Wrong(f"{seen}: the sign is wrong; one − other")
        unpaired = 3.92 * math.sqrt(2) * base.std().item() / math.sqrt(250)
        if 0.6 * unpaired < high - low < 1.6 * unpaired:
            raise Wrong(f"{seen}: much too wide. The two were resampled independently; draw stories, and take both numbers of each")
        if high - low > 5 * width:
            raise Wrong(f"{seen}: that is how single stories differ, not how their mean would; its interval is about {width:.3f} wide")
        if high - low < 0.3 * width:
            raise Wrong(f"{seen}: too narrow; about {width:.3f} wide is right. A resample has as many stories as the sample")
        if abs((low + high) / 2 - middle) > 0.3 * width or not 0.7 * width < high - low < 1.4 * width:
            raise Wrong(f"{seen}; about {middle - width / 2:.3f} to {middle + width / 2:.3f} is right")
    return "What both models share has cancelled, and a small difference can be seen."


def lion(weight, gradient, memory, lr, beta1, beta2, decay):
    update = (beta1 * memory + (1 - beta1) * gradient).sign()
    return weight - lr * (update + decay * weight), beta2 * memory + (1 - beta2) * gradient


@check("5.1.6")
def check_lion_step(lion_step):
    generator = torch.Generator().manual_seed(0)
    for settings in ((0.1, 0.9, 0.99, 0.5), (0.01, 0.5, 0.9, 0.0), (1.0, 0.95, 0.98, 0.1)):
        lr, beta1, beta2, decay = settings
        weight = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        memory = torch.zeros_like(weight)
        for step in range(6):
            gradient = torch.randn(4, 3, generator=generator, dtype=torch.float64)
            given = [tensor.clone() for tensor in (weight, gradient, memory)]
            got = lion_step(weight, gradient, memory, *settings)
            if not all(map(torch.equal, given, (weight, gradient, memory))):
                raise Wrong("a tensor that you were given is changed; return new ones")
            if not isinstance(got, (tuple, list)) or len(got) != 2:
                raise Wrong(f"expected (new weight, new memory), got {type(got).__name__}")
            expected = lion(weight, gradient, memory, *settings)
            where = f"lr {lr}, betas {beta1} and {beta2}, decay {decay}, step {step}"
            if not torch.allclose(got[1], expected[1]):
                if torch.allclose(got[1], beta1 * memory + (1 - beta1) * gradient):
                    raise Wrong(f"{where}: the memory is renewed with β₂; β₁ only mixes for the sign")
                raise Wrong(f"{where}: the new memory is not β₂ m + (1 − β₂) g")
            if not torch.allclose(got[0], expected[0]):
                likely = {"the sign is missing": weight - lr * (beta1 * memory + (1 - beta1) * gradient + decay * weight),
                          "the memory was renewed before it was read": lion(weight, gradient, expected[1], *settings)[0],
                          "the sign is that of the new memory": weight - lr * (expected[1].sign() + decay * weight),
                          "uphill: the step is subtracted": weight + lr * ((beta1 * memory + (1 - beta1) * gradient).sign() - decay * weight),
                          "the decay belongs into the bracket, with the rate before it": expected[0] + lr * decay * weight - decay * weight,
                          "the decay is missing": expected[0] + lr * decay * weight,
                          "the decay went through the gradient": lion(weight, gradient + decay * weight, memory, lr, beta1, beta2, 0.0)[0]}
                for cause, value in likely.items():
                    if torch.allclose(got[0], value):
                        raise Wrong(f"{where}: {cause}")
                raise Wrong(f"{where}: the new weight differs, by up to {(got[0] - expected[0]).abs().max():.3g}")
            weight, memory = expected
    return "A stepper with one memory and no division; half of Adam's bytes."


# ---- 02 when training goes wrong


@check("5.2.1")
def check_diagnosis(diagnosis):
    patients = dict(zip("ABCDEFGH", ("padding", "spike", "rate", "labels", "healthy", "shard", "mask", "nan")))
    signs = {
        "healthy": "a healthy run lies on the pale line all the way",
        "rate": "with too high a rate the loss falls fast at first, and then stays up without a break",
        "nan": "after a nan there is nothing left to draw",
        "spike": "a spike is one leap, at one place",
        "shard": "one file of eight shows every eight steps",
        "mask": "whoever may see the next letter must first learn to look there: the loss is healthy for a while, then falls far below",
        "labels": "to copy the input is the easiest of tasks: the loss goes straight to 0, and long before the others are halfway",
        "padding": "where a share of the targets is too easy, the loss is too low from early on, and settles well above 0",
    }
    if not isinstance(diagnosis, dict):
        raise Wrong(f'expected a dict such as {{"A": "mask", …}}, got {type(diagnosis).__name__}')
    if missing := [letter for letter in patients if letter not in diagnosis]:
        raise Wrong(f"nobody has looked at {', '.join(missing)} yet")
    for letter in patients:
        if diagnosis[letter] not in signs:
            raise Wrong(f"{letter}: {diagnosis[letter]!r} is none of the eight cases: {', '.join(signs)}")
    twice = [name for name in signs if list(diagnosis.values()).count(name) > 1]
    if twice:
        raise Wrong(f"each case came once, and you have {twice[0]!r} twice")
    wrong = [letter for letter, name in patients.items() if diagnosis[letter] != name]
    if wrong:
        raise Wrong(f"{8 - len(wrong)} of 8 fit. {wrong[0]} is not {diagnosis[wrong[0]]!r}: {signs[diagnosis[wrong[0]]]}")
    return "You can read a curve that nobody has labelled."


@check("5.2.2")
def check_wrong_lines(wrong_lines):
    if not hasattr(wrong_lines, "__len__") or len(wrong_lines) != 3:
        raise Wrong(f"expected three line numbers, got {wrong_lines!r}")
    first, second, third = map(int, wrong_lines)
    if first not in (2, 3):
        raise Wrong(f"first loop, line {first}: that line does what it should. Whose weights does the optimizer turn, and whose are trained?")
    if second == 18:
        raise Wrong("second loop, line 18: to validate is fine; look at the mode that the model is left in, and who put it there")
    if second != 17:
        raise Wrong(f"second loop, line {second}: that line does what it should. What is different from step 1 on, compared with step 0?")
    if third in (25, 26, 27):
        raise Wrong(f"third loop, line {third}: that line is right. Something was done to the scaled gradients too early, before it")
    if third != 24:
        raise Wrong(f"third loop, line {third}: that line is right. With scale = 65,536, what norm have the gradients when the step uses them?")
    return "Three faults that raise no error: another model's weights, a switch left off, and a clip that came too early."


class Peeking(nn.Module):
    """A model whose logits at a place are sums over the tokens up to `ahead(place)` places later; sparse: of that last one alone."""

    def __init__(self, ahead, sparse=False):
        super().__init__()
        self.ahead, self.sparse = ahead, sparse
        generator = torch.Generator().manual_seed(5)
        self.table = nn.Parameter(torch.randn(9, 9, generator=generator))

    def forward(self, ids):
        tokens = ids.shape[1]
        places = torch.arange(tokens)
        reach = (places + torch.tensor([self.ahead(place) for place in range(tokens)])).clamp(max=tokens - 1)
        seen = places == reach[:, None] if self.sparse else places <= reach[:, None]    # (tokens, tokens)
        return torch.einsum("tk,bkv->btv", seen.float(), self.table[ids])


@check("5.2.3")
def check_sight(sight):
    tokens = torch.randint(9, (3, 12), generator=torch.Generator().manual_seed(6))
    cases = [("an honest model", Peeking(lambda place: 0), 0), ("a model that sees one ahead", Peeking(lambda place: 1), 1),
             ("a model that sees two ahead", Peeking(lambda place: 2), 2), ("a model that sees five ahead", Peeking(lambda place: 5), 5),
             ("a model that sees three ahead, and nothing between", Peeking(lambda place: 3, sparse=True), 3),
             ("a model in which place 2 alone sees four ahead", Peeking(lambda place: 4 * (place == 2)), 4),
             ("a model that sees everything", Peeking(lambda place: 99), 11)]
    for name, model, expected in cases:
        before, given = model.table.detach().clone(), tokens.clone()
        got = sight(model, given)
        if not torch.equal(given, tokens):
            raise Wrong("the tokens that you were given are changed; work on a clone")
        if not torch.equal(before, model.table.detach()) or not model.training:
            raise Wrong("the model was changed; leave its weights and its mode as they are")
        if int(got) == expected:
            continue
        if int(got) == expected + 1:
            raise Wrong(f"{name}, on 12 tokens: {got}, expected {expected}. A place always sees its own token; that is 0 ahead")
        if name.endswith("four ahead"):
            raise Wrong(f"{name}, on 12 tokens: {got}, expected 4. Change the token at every place in turn, and keep the largest distance")
        if expected and not got:
            raise Wrong(f"{name}, on 12 tokens: 0, expected {expected}. Are the logits before the changed token compared at all?")
        raise Wrong(f"{name}, on 12 tokens: {got}, expected {expected}")
    return "You can measure a leak before a single step of training."


@check("5.2.4")
def check_best_interval(best_interval):
    for cost, failures in ((40.0, 86_400.0), (1.0, 3600.0), (300.0, 10_000.0)):
        given = f"a cost of {cost:g} s and a failure every {failures:g} s"
        interval, lost = best_interval(cost, failures)
        best = math.sqrt(2 * cost * failures)
        if math.isclose(interval, math.sqrt(cost * failures), rel_tol=1e-3):
            raise Wrong(f"for {given} you save every {interval:.0f} s: a failure costs half an interval on average, and that half is missing")
        if not math.isclose(interval, best, rel_tol=1e-3):
            total = cost / interval + interval / (2 * failures) if interval > 0 else math.inf
            raise Wrong(f"for {given} you save every {interval:.0f} s and lose {total:.2%}; at {best:.0f} s it is {cost / best * 2:.2%}")
        if math.isclose(lost, cost / best, rel_tol=1e-3):
            raise Wrong(f"for {given} you lose {lost:.2%}: that is the writing alone, or the repeated work alone; add both")
        if math.isclose(lost, 100 * math.sqrt(2 * cost / failures), rel_tol=1e-3):
            raise Wrong(f"for {given} you give {lost:.3g}: that is in per cent; a share lies between 0 and 1")
        if not math.isclose(lost, math.sqrt(2 * cost / failures), rel_tol=1e-3):
            raise Wrong(f"for {given} and your interval {2 * cost / best:.4f} of the time is lost, and you say {lost:.4f}")
    return "At Llama 3's 2.8 hours and a minute for a file, that is every 18 minutes, and a ninth of the time is lost."


def shard_curve(seed, order, *, offsets=None, early=None, leap=None):
    """Losses of a falling, noisy run. offsets: {shard: nats by which it differs in the end}; early: a shard that is hard at first; leap: a step."""
    dice, losses = random.Random(seed), []
    for step, shard in enumerate(order):
        learned = 1 - math.exp(-step / 60)
        loss = 4.2 - 2 * learned + (offsets or {}).get(shard, 0) * learned + dice.gauss(0, 0.08)
        losses.append(loss + 6 * (shard == early and step < 24) + 40 * (step == leap))
    return losses


@check("5.2.5")
def check_bad_shards(bad_shards):
    turns = [step % 8 for step in range(240)]
    dice = random.Random(11)
    shuffled = [shard for _ in range(60) for shard in dice.sample((10, 20, 30, 40, 50), 5)]
    pulled = "Bad shards pull a mean over all shards towards them; the median stays with the good ones"
    cases = [
        ("one bad shard, number 5", turns, {"offsets": {5: 1.2}}, {5}, ""),
        ("no bad shard", turns, {}, set(), "Somebody always has the largest loss; ask how far it is from the others"),
        ("two bad shards, 1 and 6", turns, {"offsets": {1: 0.9, 6: 1.4}}, {1, 6}, pulled),
        ("three bad shards of eight", turns, {"offsets": {0: 1.5, 1: 1.5, 6: 1.5}}, {0, 1, 6}, pulled),
        ("a shard of blanks, 3, which is too easy", turns, {"offsets": {3: -1.6}}, {3}, "Its loss is far too low, and that is a fault as well"),
        ("a shard that was hard in the first 24 steps alone", turns, {"early": 2}, set(), "The beginning tells little; look at the last third"),
        ("no bad shard, and one leap of the loss in step 200", turns, {"leap": 200}, set(), "One step isn't a shard; a median doesn't see it"),
        ("five shards named 10, 20, … 50, in changing order, of which 40 is bad", shuffled, {"offsets": {40: 0.8}}, {40}, ""),
    ]
    for seed in range(3):
        for name, order, trouble, expected, cause in cases:
            losses = shard_curve(seed, order, **trouble)
            got = set(bad_shards(list(losses), list(order)))
            if got != expected:
                raise Wrong(f"{name}: you accuse {sorted(got) or 'nobody'}, expected {sorted(expected) or 'nobody'}. {cause}".strip())
    return "You can find a bad file in a curve, and leave the good ones in peace."


@check("5.2.6")
def check_newest_sound(newest_sound):
    def loader(bad, asked=None):
        def load(name):
            if asked is not None:
                asked.append(name)
            if name in bad:
                raise ValueError(f"{name}: {bad[name]}")
            return [{"step": int(name.split("-")[1])}]
        return load

    names = ["step-900", "step-1000", "step-100", "step-800"]
    name, history = newest_sound(list(names), loader({}))
    if name == "step-900":
        raise Wrong(f"of {names} you took step-900: sorted as text, 1000 comes before 900; compare the numbers")
    if name == "step-100":
        raise Wrong(f"of {names} you took step-100, the oldest")
    if name != "step-1000" or history != [{"step": 1000}]:
        raise Wrong(f"of {names}, all sound, you return {name!r} with {history!r}, expected 'step-1000' and what load returned")
    asked = []
    name, history = newest_sound(list(names), loader({"step-1000": "cut short", "step-900": "a bit has flipped"}, asked))
    if (name, history) != ("step-800", [{"step": 800}]):
        raise Wrong(f"step-1000 and step-900 are damaged: you return {name!r} with {history!r}, expected step-800 and its history")
    if "step-100" in asked:
        raise Wrong("step-800 was sound, and you loaded step-100 as well: a load changes the model, so the oldest would have won")
    try:
        result = newest_sound(["step-1", "step-2"], loader({"step-1": "cut short", "step-2": "a pickle"}))
    except ValueError as error:
        if not all(words in str(error) for words in ("cut short", "a pickle")):
            raise Wrong(f"nothing was sound, and your error says {str(error)!r}: repeat what was wrong with each") from None
    else:
        raise Wrong(f"nothing was sound, and you return {result!r}; raise a ValueError")
    try:
        result = newest_sound([], loader({}))
    except ValueError:
        pass
    except Exception as error:
        raise Wrong(f"an empty list: {type(error).__name__}; nothing is sound there either, raise a ValueError") from None
    else:
        raise Wrong(f"an empty list: you return {result!r}; raise a ValueError")

    def full(name):
        raise MemoryError("no room")
    try:
        newest_sound(["step-1", "step-2"], full)
    except MemoryError:
        return "A night with two broken files costs you the steps since the third, and no more."
    except ValueError:
        pass
    raise Wrong("load stopped with a MemoryError, and you swallowed it: the file may be fine. Catch ValueError alone")


# ---- 04 pretrained weights


@check("5.4.1")
def check_by_hand(numbers):
    if not hasattr(numbers, "__len__") or len(numbers) != 3:
        raise Wrong(f"expected three numbers, got {numbers!r}")
    begin, size, end = (int(number) for number in numbers)
    causes = {24: "that is the offset; in the file, the length and the list come first", 144: "the 8 bytes of the length stand before the list",
              32: "the list itself has 120 bytes", 128: "that is where A begins"}
    if begin != 152:
        raise Wrong(f"B begins: {causes.get(begin, f'{begin} is not right: add up what stands before it, three things')}")
    causes = {44: "those are the numbers alone; the length and the list count too", 164: "the 8 bytes of the length count too",
              52: "the list counts too, 120 bytes"}
    if size != 172:
        raise Wrong(f"the file: {causes.get(size, f'{size} is not right: length, list and numbers')}")
    causes = {44: "BF16 has 2 bytes a number, not 4", 10: "that is its size; it begins at 24", 162: "offsets don't count the length and the list"}
    if end != 34:
        raise Wrong(f"B as BF16: {causes.get(end, f'{end} is not right: it begins at 24 and has 5 numbers of 2 bytes')}")
    return "You could open any such file with a calculator."


STOPPED = {
    "a": (True, "a tensor is missing, and the lists are compared"),
    "b": (False, "both have the shape (352, 128), and both names are there"),
    "c": (True, "it is 128 × 352, so turned over it has another shape"),
    "d": (False, "it is 128 × 128: a square has the same shape, turned or not"),
    "e": (True, "the tensors of a sixth block are unexpected"),
    "f": (False, "the base of RoPE is in no tensor's shape"),
    "g": (False, "8 heads of 16 make queries, keys and values as wide as 4 heads of 32, and Llama has no norm of a head's width"),
    "h": (True, "with 2 KV heads, the matrices of keys and values would have 64 rows, not 128"),
    "i": (False, "such tables can be computed, and are let pass"),
}


@check("5.4.2")
def check_who_is_stopped(refused):
    letters = set("".join(refused).lower()) - set(" ,.")
    if letters - set(STOPPED):
        raise Wrong(f"expected letters from a to i, got {''.join(sorted(letters - set(STOPPED)))!r}")
    for letter, (stopped, reason) in STOPPED.items():
        if (letter in letters) != stopped:
            raise Wrong(f"{letter} is {'refused' if stopped else 'not refused'}: {reason}")
    return "Four are stopped at the door; of the other five, one is harmless, and four only a comparison of logits would find."


@check("5.4.3")
def check_stack_up_projections(stack_up_projections):
    generator = torch.Generator().manual_seed(0)
    for blocks in (3, 12, 105):
        expected = torch.randn(blocks, 4, 2, generator=generator)
        tensors = {f"model.layers.{n}.mlp.{part}.weight": expected[n] * scale for part, scale in (("up_proj", 1), ("gate_proj", 2))
                   for n in torch.randperm(blocks, generator=generator).tolist()}
        got = stack_up_projections(tensors | {"model.embed_tokens.weight": torch.zeros(9, 2), "model.norm.weight": torch.zeros(2)})
        if not torch.is_tensor(got) or got.shape != expected.shape:
            shape = tuple(got.shape) if torch.is_tensor(got) else repr(got)
            raise Wrong(f"{blocks} blocks: expected a tensor of shape {tuple(expected.shape)}, got {shape}")
        if torch.equal(got, expected):
            continue
        place = next(n for n in range(blocks) if not torch.equal(got[n], expected[n]))
        source = next((n for n in range(blocks) if torch.equal(got[place], expected[n])), None)
        if source is None:
            raise Wrong(f"{blocks} blocks: place {place} holds no block's up_proj")
        by_text = sorted(range(blocks), key=str)
        if by_text[place] == source:
            raise Wrong(f"{blocks} blocks: place {place} holds block {source}, because names are sorted as text, where \"10\" stands before \"2\"")
        raise Wrong(f"{blocks} blocks: place {place} holds block {source}; the tensors may come in any order")
    return "It goes by the number in the name, whatever the order of the file."


@check("5.4.4")
def check_to_safetensors(to_safetensors):
    generator = torch.Generator().manual_seed(0)
    cases = [
        ("six fp32 numbers", {"wheel": torch.arange(6.0).view(2, 3)}),
        ("bf16 and int64", {"a": torch.randn(3, 5, generator=generator).bfloat16(), "b": torch.arange(7)}),
        ("a transpose", {"turned": torch.randn(3, 4, generator=generator).T, "after": torch.ones(2)}),
        ("a tensor with no dimension", {"one": torch.tensor(2.5), "two": torch.tensor(7)}),
        ("a tensor with no element", {"none": torch.zeros(0, 3), "some": torch.ones(1)}),
        ("names that are not ASCII", {"Rädchen": torch.ones(2), "🛞": torch.zeros(1)}),
    ]
    for name, tensors in cases:
        data = to_safetensors(dict(tensors))
        if not isinstance(data, (bytes, bytearray)):
            raise Wrong(f"expected bytes, got {type(data).__name__}")
        data = bytes(data)
        length = int.from_bytes(data[:8], "little")
        if length > len(data) - 8:
            swapped = int.from_bytes(data[:8], "big") <= len(data)
            raise Wrong(f"{name}: the first 8 bytes say {length:,}, more than the file has"
                        + ("; the smallest byte comes first" if swapped else ""))
        try:
            listing = json.loads(data[8:8 + length])
        except ValueError:
            raise Wrong(f"{name}: the {length} bytes after the length are no JSON; is the length counted in bytes, after encode()?") from None
        begins = [entry["data_offsets"][0] for key, entry in listing.items() if key != "__metadata__"]
        if begins and min(begins) > 0:
            raise Wrong(f"{name}: offsets count from the end of the list, so the first is 0, not {min(begins)}")
        try:
            again = safetensors.torch.load(data)
        except Exception as error:
            raise Wrong(f"{name}: the library refuses the file ({error})") from None
        for key, tensor in tensors.items():
            if key not in again:
                raise Wrong(f"{name}: {key} is not in the file")
            if again[key].dtype != tensor.dtype or again[key].shape != tensor.shape:
                raise Wrong(f"{name}: {key} comes back as {again[key].dtype} {tuple(again[key].shape)}, not {tensor.dtype} {tuple(tensor.shape)}")
            if not torch.equal(again[key], tensor):
                lies = torch.equal(again[key].flatten(), tensor.T.flatten()) if tensor.dim() == 2 else False
                raise Wrong(f"{name}: {key} comes back with other numbers"
                            + ("; a transpose has to be made contiguous before its bytes are taken" if lies else ""))
        if set(again) != set(tensors):
            raise Wrong(f"{name}: the file holds more than it was given: {', '.join(set(again) - set(tensors))}")
    return "Your crates can be opened anywhere, and no library was needed to pack them."


@check("5.4.5")
def check_to_halves(to_halves):
    generator = torch.Generator().manual_seed(0)

    def turned_neighbours(x, cos, sin):
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)

    for n_heads, head_dim, d_model in ((1, 4, 6), (1, 6, 5), (3, 8, 24), (2, 8, 10)):
        query, key = (torch.randn(n_heads * head_dim, d_model, generator=generator, dtype=torch.float64) for _ in range(2))
        before = query.clone()
        got = [to_halves(weight, n_heads) for weight in (query, key)]
        if not torch.equal(before, query):
            raise Wrong("the matrix that you were given was changed; return a new one")
        if any(not torch.is_tensor(weight) or weight.shape != query.shape for weight in got):
            raise Wrong(f"{n_heads} heads of {head_dim}, width {d_model}: expected shape {tuple(query.shape)}, got "
                        f"{tuple(got[0].shape) if torch.is_tensor(got[0]) else got[0]!r}")
        x = torch.randn(7, d_model, generator=generator, dtype=torch.float64)
        cos, sin = (table.double() for table in rope_tables(head_dim, 7))

        def scores(weights, turn, n_heads=n_heads, x=x, cos=cos, sin=sin):
            query, key = (turn((x @ weight.T).unflatten(-1, (n_heads, -1)).transpose(0, 1), cos, sin) for weight in weights)
            return query @ key.mT                                                       # (heads, tokens, tokens)

        expected = scores((query, key), turned_neighbours)
        if torch.allclose(scores(got, apply_rope), expected, atol=1e-8):
            continue

        def backwards(weight, n_heads=n_heads):
            return weight.unflatten(0, (n_heads, 2, -1)).transpose(1, 2).flatten(0, 2)

        where = f"{n_heads} head{'s' * (n_heads > 1)} of {head_dim}"
        if torch.equal(got[0], query):
            raise Wrong(f"{where}: the rows are as they were")
        if torch.equal(got[0], torch.cat([query[0::2], query[1::2]])):
            raise Wrong(f"{where}: the even rows of all heads come first; each head has to keep its own rows together")
        if torch.equal(got[0], backwards(query)):
            raise Wrong(f"{where}: that is the way back, from halves to neighbours; rows 0, 1, 2, 3 of a head become 0, 2, 1, 3 only for 4 rows")
        rows = sorted(map(tuple, got[0].tolist())) == sorted(map(tuple, query.tolist()))
        raise Wrong(f"{where}: the scores differ" + ("" if rows else "; and the rows are no longer those of the matrix, in another order"))
    return "Files of either layout will now compute the same."


@check("5.4.6")
def check_plan_shards(plan_shards):
    dice = random.Random(0)
    cases = [({"a": 3, "b": 4, "c": 5}, 7), ({"a": 9, "b": 1, "c": 2}, 5), ({"a": 1, "b": 9, "c": 1}, 5), ({"a": 5, "b": 5}, 5), ({}, 4)]
    cases += [({f"t{n}": dice.randint(1, 12) for n in range(dice.randint(1, 15))}, dice.randint(3, 20)) for _ in range(30)]
    for sizes, limit in cases:
        plan = [list(names) for names in plan_shards(dict(sizes), limit)]
        case = f"sizes {list(sizes.values())[:8]}, limit {limit}"
        if any(not names for names in plan):
            raise Wrong(f"{case}: one of your files is empty, {plan}; where nothing is in the current file, there is nothing to close")
        flat = [name for names in plan for name in names]
        if flat != list(sizes):
            lost = [name for name in sizes if name not in flat]
            raise Wrong(f"{case}: " + (f"{lost[0]} is in no file; was the last file added?" if lost else
                                       f"the order or the number of names changed: {flat}"))
        for names in plan:
            total = sum(sizes[name] for name in names)
            if total > limit and len(names) > 1:
                raise Wrong(f"{case}: a file of {len(names)} tensors has {total} bytes")
        for one, other in zip(plan, plan[1:]):
            if sum(sizes[name] for name in one) + sizes[other[0]] <= limit:
                raise Wrong(f"{case}: {other[0]} would still have fitted into the file before it, {one}; exactly full is allowed")
    return "With your plan and 5.4.4 you can send a model of any size."
