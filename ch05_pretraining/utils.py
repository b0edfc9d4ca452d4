# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import contextlib
import dataclasses
import hashlib
import json
import math
import pathlib

import safetensors
import safetensors.torch
import torch
from torch.nn import functional as F

from ch02_tokenization.utils import write_whole
from data import village

# ---- 01_pretraining ----

def next_token_loss(model, batch):
    """(summed surprise in nats, number of targets) of a batch: inputs and targets, both int64 (batch, tokens); -100 is no target."""
    inputs, targets = batch
    logits = model(inputs)                                                              # (batch, tokens, vocab)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))                # bf16 is too coarse for the logarithm of a sum
    nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
    return nats, (targets != -100).sum()


class AdamW(torch.optim.Optimizer):
    """Adam with decoupled weight decay (Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019, arXiv:1711.05101).

    params: parameters, or groups such as `param_groups` makes. lr: size of a step; betas: memories of the gradient and of its square;
    eps: keeps the division finite; weight_decay: share of each weight that a step takes away, in units of lr.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), lr = group["betas"], group["lr"]
            for parameter in (parameter for parameter in group["params"] if parameter.grad is not None):
                state = self.state[parameter]
                if not state:
                    state.update(step=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
                state["step"] += 1
                state["mean"].lerp_(parameter.grad, 1 - beta1)                          # running mean of the gradient
                state["square"].lerp_(parameter.grad.square(), 1 - beta2)               # running mean of its square
                size = (state["square"] / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
                parameter.mul_(1 - lr * group["weight_decay"])
                parameter.addcdiv_(state["mean"], size, value=-lr / (1 - beta1 ** state["step"]))


def param_groups(model, weight_decay=0.1):
    """Two groups for AdamW: matrices, which decay; and embeddings, norms and biases, which don't. A tied head counts as the embedding."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    decays = [parameter for parameter in model.parameters() if parameter.dim() > 1 and id(parameter) not in embeddings]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1 or id(parameter) in embeddings]
    return [{"params": decays, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def cosine_schedule(steps, warmup, *, final=0.1):
    """A schedule: step -> share of the learning rate. It climbs in a line over `warmup` steps to 1, then falls along half a cosine to `final`."""
    if not 0 <= warmup < steps:
        raise ValueError(f"cosine_schedule: expected 0 <= warmup < steps, got warmup {warmup} and steps {steps}")

    def schedule(step):
        if step < warmup:
            return (step + 1) / warmup
        way = min(1.0, (step - warmup) / (steps - warmup))
        return final + (1 - final) * (1 + math.cos(math.pi * way)) / 2

    return schedule


@torch.no_grad()
def clip_grad_norm(parameters, largest):
    """Shrink all gradients together, in place, so that their common norm is at most `largest`. Returns the norm that it was (a float)."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    for gradient in gradients:
        gradient.mul_((largest / (norm + 1e-6)).clamp(max=1))
    return norm.item()


def bootstrap_interval(values, statistic=None, *, repeats=1000, level=0.95, seed=0):
    """How far a statistic of a sample would move with another sample: (low, high) of the middle `level` share of its values on resamples.

    values: (n,) or (n, columns), one row for each independent unit (a story, a question); statistic: function of such a tensor to a float,
    default the mean. A resample draws n rows with replacement (Efron 1979, doi:10.1214/aos/1176344552).
    """
    values = torch.as_tensor(values, dtype=torch.float64)
    if not len(values):
        raise ValueError("bootstrap_interval: expected at least one value, got none")
    statistic = statistic or (lambda sample: sample.mean().item())
    generator = torch.Generator().manual_seed(seed)
    results = [statistic(values[torch.randint(len(values), (len(values),), generator=generator)]) for _ in range(repeats)]
    low, high = torch.tensor(results, dtype=torch.float64).quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)).tolist()
    return low, high


# ---- 02_when_training_goes_wrong ----

def train(model, batch_at, steps, *, loss_fn=next_token_loss, optimizer=None, schedule=None, accumulate=1, clip=1.0, dtype=None,
          evaluate=None, every=100, on_step=None, checkpoint=None):
    """Train `model` in place for `steps` steps. Returns a list of dicts, one a step: step, loss (nats per target), norm, lr, and what evaluate added.

    batch_at(step): the whole batch of a step, a tuple of tensors, and the same whenever it is asked. loss_fn(model, batch): (sum, count).
    schedule(step): multiplies each group's lr. accumulate: into how many pieces a batch is cut, so that less memory is needed. clip: the largest
    norm of the gradients. dtype: torch.bfloat16 for autocast. evaluate(model): a dict, every `every` steps and at the end. on_step(record) hears
    each step. checkpoint: a file, written every `every` steps and at the end; where it exists, training resumes from it.
    """
    optimizer = AdamW(param_groups(model)) if optimizer is None else optimizer
    peaks = [group["lr"] for group in optimizer.param_groups]
    history = load_checkpoint(checkpoint, model, optimizer) if checkpoint and pathlib.Path(checkpoint).exists() else []
    device = next(model.parameters()).device
    for step in range(len(history), steps):
        for group, peak in zip(optimizer.param_groups, peaks):
            group["lr"] = peak * (schedule(step) if schedule else 1.0)
        model.train()
        batch = [part.to(device) for part in batch_at(step)]
        loss = accumulate_gradients(model, batch, loss_fn, accumulate, dtype)
        record = {"step": step + 1, "loss": loss, "norm": clip_grad_norm(model.parameters(), clip), "lr": optimizer.param_groups[0]["lr"]}
        optimizer.step()
        optimizer.zero_grad()
        due = (step + 1) % every == 0 or step + 1 == steps
        if due and evaluate:
            record |= evaluate(model.eval())
        history.append(record)
        if on_step:
            on_step(record)
        if due and checkpoint:
            save_checkpoint(checkpoint, model, optimizer, history)
    model.eval()
    return history


def accumulate_gradients(model, batch, loss_fn, pieces=1, dtype=None):
    """Leave the gradient of the mean loss over a batch's targets in the parameters, computed piece by piece. Returns that mean, a float."""
    total, count = 0.0, 0
    for piece in zip(*(part.chunk(pieces) for part in batch)):
        with torch.autocast(batch[0].device.type, dtype) if dtype else contextlib.nullcontext():
            nats, targets = loss_fn(model, piece)
        nats.backward()                                     # sums first: pieces may hold different numbers of targets
        total, count = total + nats.item(), count + int(targets)
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad /= count
    return total / count


def save_checkpoint(path, model, optimizer, history):
    """Write everything that training needs to go on into one safetensors file, whole or not at all.

    Weights (a tied one once), the optimizer's state, torch's random state and `history`, whose length is the number of steps done; beside them, for
    load_checkpoint to compare: the model's config, the optimizer's class, the village's version, and a sha256 of all of it.
    """
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    numbers = {}
    for place, parameter in enumerate(parameter for group in optimizer.param_groups for parameter in group["params"]):
        for name, value in optimizer.state.get(parameter, {}).items():
            (tensors if torch.is_tensor(value) else numbers)[f"optimizer.{place}.{name}"] = value
    tensors["random_state"] = torch.get_rng_state()
    note = identity(model, optimizer) | {"numbers": numbers, "history": history}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    note["sha256"] = digest(tensors, note)
    write_whole(path, safetensors.torch.save(tensors, {"checkpoint": json.dumps(note)}))


def load_checkpoint(path, model, optimizer):
    """Read what `save_checkpoint` wrote into model, optimizer and torch's random state. Returns the history.

    Raises ValueError, naming the file and the reason, and changes nothing, for a file that is damaged, of another kind, or of another model,
    optimizer or village.
    """
    tensors, note = read_tensors(path, "checkpoint")
    if note.pop("sha256", None) != digest(tensors, note):
        raise ValueError(f"{path}: its bytes have changed since it was written (the sha256 does not fit)")
    for name, mine in identity(model, optimizer).items():
        if note.get(name) != mine:
            raise ValueError(f"{path}: a checkpoint of another {name}: it holds {note.get(name)}, and this is {mine}")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    for name, value in (tensors | note["numbers"]).items():
        if name.startswith("optimizer."):
            _, place, key = name.split(".", 2)
            optimizer.state[parameters[int(place)]][key] = value.to(parameters[int(place)].device) if torch.is_tensor(value) else value
    torch.set_rng_state(tensors["random_state"])
    return note["history"]


def read_tensors(path, kind):
    """(tensors, note) of a safetensors file whose metadata has the note `kind`, as JSON; ValueError, naming the file, for any other."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            note = json.loads((file.metadata() or {})[kind])
            return {name: file.get_tensor(name) for name in file.keys()}, note
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: no {kind} that this course wrote, or one cut short ({type(error).__name__}: {error}). "
                         "Pickles are never opened.") from None


def identity(model, optimizer):
    """What a checkpoint must share with the run that goes on from it."""
    config = getattr(model, "config", None)
    shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
    return {"config": dataclasses.asdict(config) if dataclasses.is_dataclass(config) else None, "shapes": shapes,
            "optimizer": type(optimizer).__name__, "village": f"{village.VERSION} {village.FINGERPRINT[:16]}"}


def digest(tensors, note):
    """sha256 of tensors, names and bytes, and of a JSON note."""
    sha = hashlib.sha256(json.dumps(note, sort_keys=True).encode())
    for name in sorted(tensors):
        sha.update(f"{name} {tensors[name].dtype} {list(tensors[name].shape)}".encode())
        sha.update(tensors[name].cpu().flatten().view(torch.uint8).numpy())
    return sha.hexdigest()
