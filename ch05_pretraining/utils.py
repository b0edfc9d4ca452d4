# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.
import contextlib
import dataclasses
import hashlib
import json
import math
import pathlib
import re

import safetensors
import safetensors.torch
import torch
from torch.nn import functional as F

from ch02_tokenization.utils import BPETokenizer, write_whole
from ch04_gpt_model.utils import GPT, GPTConfig
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


@torch.no_grad()
def story_nats(model, stories, *, batch_size=32):
    """Surprise of each whole story, summed over its tokens, in nats: float64 (stories,), in the order given.

    stories: lists of ids, each from the end token that opens the story to the one that closes it; the first id is given, all others are
    predicted. Rows are padded on the right, where a causal model never looks back from.
    """
    device, nats = next(model.parameters()).device, torch.zeros(len(stories), dtype=torch.float64)
    by_length = sorted(range(len(stories)), key=lambda number: len(stories[number]))
    for start in range(0, len(stories), batch_size):
        rows = by_length[start:start + batch_size]
        width = max(len(stories[row]) for row in rows)
        ids = torch.tensor([[*stories[row], *[-100] * (width - len(stories[row]))] for row in rows], device=device)
        logits = model(ids[:, :-1].clamp(min=0))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        losses = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], ignore_index=-100, reduction="none")
        nats[rows] = losses.cpu().double().sum(1)
    return nats


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


# ---- 04_pretrained_weights ----

LLAMA_NAMES = {                 # our names -> those of Llama's and Qwen3's files; GPT-2's are below
    "token_embedding.weight": "model.embed_tokens.weight", "norm.weight": "model.norm.weight", "head.weight": "lm_head.weight",
    "blocks.{}.attention_norm.weight": "model.layers.{}.input_layernorm.weight",
    "blocks.{}.mlp_norm.weight": "model.layers.{}.post_attention_layernorm.weight",
    **{f"blocks.{{}}.attention.{part}.{kind}": f"model.layers.{{}}.self_attn.{part}.{kind}"
       for part in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm") for kind in ("weight", "bias")},
    **{f"blocks.{{}}.mlp.{part}.{kind}": f"model.layers.{{}}.mlp.{part}.{kind}"
       for part in ("gate_proj", "up_proj", "down_proj") for kind in ("weight", "bias")},
}
GPT2_NAMES = {
    "token_embedding.weight": "wte.weight", "position_embedding.weight": "wpe.weight", "head.weight": "lm_head.weight",
    **{f"{ours}.{kind}": f"{theirs}.{kind}" for kind in ("weight", "bias") for ours, theirs in (
        ("norm", "ln_f"), ("blocks.{}.attention_norm", "h.{}.ln_1"), ("blocks.{}.mlp_norm", "h.{}.ln_2"),
        ("blocks.{}.attention.o_proj", "h.{}.attn.c_proj"), ("blocks.{}.mlp.up_proj", "h.{}.mlp.c_fc"),
        ("blocks.{}.mlp.down_proj", "h.{}.mlp.c_proj"))},
}
BUFFERS = re.compile(r".*(\.attn\.(masked_)?bias|rotary_emb\.inv_freq)")                # tables that old files carry along; they can be computed


def translated(name, names):
    """`name`, one of ours, in the other family's words, by a table such as LLAMA_NAMES; None where it has no word."""
    number = re.search(r"\d+", name)
    known = names.get(re.sub(r"\d+", "{}", name))
    return known.format(number.group()) if known and number else known


def read_json(path):
    """The JSON object in a file; ValueError, naming the file, where there is none."""
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: expected this file, and it isn't there") from None
    except ValueError as error:
        raise ValueError(f"{path}: cut short, or no JSON at all ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a JSON object, got {type(content).__name__}")
    return content


def read_weights(folder):
    """All tensors of a checkpoint's folder, {name: tensor}: of model.safetensors, or of the files that its index lists."""
    folder, index = pathlib.Path(folder), pathlib.Path(folder) / "model.safetensors.index.json"
    listed = read_json(index)["weight_map"] if index.exists() else {}
    names = sorted(set(listed.values())) or ["model.safetensors"]
    tensors = {}
    for name in names:
        if pathlib.PurePath(name).name != name or not (folder / name).is_file():
            raise ValueError(f"{folder / name}: expected this file of weights, and it isn't there (pickles, .bin and .pt, are never opened)")
        try:
            tensors |= safetensors.torch.load_file(folder / name)
        except safetensors.SafetensorError as error:
            raise ValueError(f"{folder / name}: damaged, or no safetensors file ({error})") from None
    absent = [name for name in listed if name not in tensors]
    if absent:
        raise ValueError(f"{index}: it promises {absent[0]}, which {listed[absent[0]]} doesn't hold")
    return tensors


def config_from_hf(config, where="config.json"):
    """GPTConfig of a config.json of type gpt2, llama or qwen3 (a dict). ValueError, with `where`, for what this model can't be."""
    kind = config.get("model_type")
    if kind == "gpt2":
        expect(config, where, activation_function="gelu_new", scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False,
               add_cross_attention=False)
        return GPTConfig(
            config["vocab_size"], config["n_positions"], config["n_embd"], config["n_layer"], config["n_head"], d_ff=config.get("n_inner"),
            norm="layernorm", norm_eps=config.get("layer_norm_epsilon", 1e-5), activation="gelu", positions="learned", bias=True,
            tied=config.get("tie_word_embeddings", True))
    if kind not in ("llama", "qwen3"):
        raise ValueError(f"{where}: expected model_type gpt2, llama or qwen3, got {kind!r}")
    expect(config, where, hidden_act="silu", use_sliding_window=False, rope_interleaved=False)
    scaling, rope = config.get("rope_scaling") or {}, config.get("rope_parameters") or {}   # the first is the older name
    for settings in (scaling, rope):
        expect(settings, f"{where}, rope", rope_type="default", type="default", partial_rotary_factor=1.0)
    rope = {"rope_theta": config.get("rope_theta", 10_000.0)} | scaling | rope
    return GPTConfig(
        config["vocab_size"], config["max_position_embeddings"], config["hidden_size"], config["num_hidden_layers"],
        config["num_attention_heads"], config.get("num_key_value_heads"), config.get("head_dim"), config["intermediate_size"],
        norm_eps=config.get("rms_norm_eps", 1e-6), rope_base=float(rope["rope_theta"]), qk_norm=kind == "qwen3",
        bias=bool(config.get("attention_bias") or config.get("mlp_bias")), tied=config.get("tie_word_embeddings", False))


def expect(config, where, **values):
    """ValueError, naming the setting, where `config` asks for something that this model doesn't do."""
    for name, value in values.items():
        if config.get(name, value) != value:
            raise ValueError(f"{where}: {name} is {config[name]!r}; this model knows {value!r} alone")


def byte_letters():
    """GPT-2's letter for each byte, {0 … 255: str}: a printable byte stands for itself, the others for the letters from 256 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def load_tokenizer(folder):
    """The BPETokenizer of a folder's tokenizer.json, if it is byte-level BPE with GPT-2's pattern; ValueError, naming the file, for any other."""
    path = pathlib.Path(folder) / "tokenizer.json"
    content = read_json(path)
    model, cut = content.get("model", {}), content.get("pre_tokenizer") or {}
    if model.get("type") != "BPE" or (cut.get("type"), cut.get("use_regex", True), cut.get("add_prefix_space")) != ("ByteLevel", True, False):
        raise ValueError(f"{path}: expected byte-level BPE with GPT-2's pattern, found {model.get('type')} after {cut.get('type')}")
    byte_of = {letter: byte for byte, letter in byte_letters().items()}
    def unspelled(text): return bytes(byte_of[letter] for letter in text)
    special = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
    vocab = {id: unspelled(text) for text, id in model["vocab"].items() if text not in special}
    vocab |= {id: name.encode() for name, id in special.items()}
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    return BPETokenizer(vocab, [(unspelled(left), unspelled(right)) for left, right in pairs], sorted(special, key=special.get))


LLAMA_PARTS = {f"blocks.{{}}.attention.{part}_proj.{kind}": f"h.{{}}.attn.{part}_proj.{kind}" for part in "qkv" for kind in ("weight", "bias")}


def split_gpt2(tensors):
    """GPT-2's tensors with matrices as outputs x inputs (it stores them the other way round), and query, key and value cut apart."""
    result = {}
    for name, tensor in tensors.items():
        if tensor.dim() == 2 and re.match(r"h\.\d+\.(attn|mlp)\.c_\w+\.weight", name):
            tensor = tensor.T
        if ".attn.c_attn." in name and not tensor.shape[0] % 3:
            result |= {name.replace("c_attn", f"{part}_proj"): third for part, third in zip("qkv", tensor.chunk(3))}
        else:
            result[name] = tensor
    return result


def compare_names(folder, wanted, found, optional=frozenset()):
    """ValueError, naming up to five tensors of each kind, unless `found` holds just what is `wanted`, in the same shapes."""
    missing = [name for name in wanted if name not in found and name not in optional]
    strange = [name for name in found if name not in wanted]
    shapes = [f"{name} is {tuple(found[name].shape)}, expected {tuple(wanted[name].shape)}"
              for name in wanted if name in found and found[name].shape != wanted[name].shape]
    faults = [f"{len(names)} {what}: {', '.join(names[:5])}{', …' * (len(names) > 5)}"
              for what, names in (("missing", missing), ("unexpected", strange), ("of another shape", shapes)) if names]
    if faults:
        raise ValueError(f"{folder}: its tensors are not those of its config.json; " + "; ".join(faults))


def load_pretrained(folder, *, dtype=torch.float32):
    """A GPT with the weights of a folder in GPT-2's, Llama's or Qwen3's format: config.json and one or several safetensors files.

    Raises ValueError, naming folder and tensors, for missing, unexpected or mis-shaped tensors, a damaged file or a config that this model can't be.
    Biases that the family leaves out of some layers count as zeros.
    """
    folder = pathlib.Path(folder)
    config = read_json(folder / "config.json")
    with torch.device("meta"):
        model = GPT(config_from_hf(config, folder / "config.json"))                     # shapes alone, no memory yet
    found = {name.removeprefix("transformer."): tensor for name, tensor in read_weights(folder).items() if not BUFFERS.fullmatch(name)}
    if config["model_type"] == "gpt2":
        names, found = GPT2_NAMES | LLAMA_PARTS, split_gpt2(found)
    else:
        names = LLAMA_NAMES
    wanted = {theirs: parameter for ours, parameter in model.named_parameters() if (theirs := translated(ours, names))}
    if model.config.tied:
        found.pop("lm_head.weight", None)                                               # the embedding, written a second time
    optional = {name for name in wanted if name.endswith(".bias")} if config["model_type"] != "gpt2" else set()
    compare_names(folder, wanted, found, optional)
    model = GPT(model.config).to(dtype)
    with torch.no_grad():
        for ours, parameter in model.named_parameters():
            tensor = found.get(translated(ours, names))
            parameter.zero_() if tensor is None else parameter.copy_(tensor)
    return model.eval()


def export_hf(model, folder, tokenizer=None):
    """Write a GPT, and its BPETokenizer if given, as a folder that transformers opens: config.json, model.safetensors, tokenizer.json.

    GPT-2's form becomes a gpt2, the modern one a qwen3 (with QK-norm) or a llama (without). Weights keep their dtype. Raises ValueError for a
    config that none of the three can hold. config.json is written last: without it a folder is no checkpoint.
    """
    folder, config = pathlib.Path(folder), config_to_hf(model.config)
    folder.mkdir(parents=True, exist_ok=True)
    config |= {"dtype": str(model.head.weight.dtype).removeprefix("torch."), "bos_token_id": None, "eos_token_id": None}
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    if config["model_type"] == "gpt2":
        tensors = joined_gpt2(weights)
    else:
        tensors = {translated(name, LLAMA_NAMES): tensor for name, tensor in weights.items()}
    if tokenizer is not None:
        end = tokenizer.special_tokens.get("<|endoftext|>")
        config |= {"bos_token_id": end, "eos_token_id": end}
        write_whole(folder / "tokenizer.json", as_json(tokenizer_to_hf(tokenizer)))
        write_whole(folder / "tokenizer_config.json", as_json({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False,
                                                               "model_max_length": model.config.context_length}))
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(folder / "model.safetensors", safetensors.torch.save(tensors, {"format": "pt"}))
    write_whole(folder / "config.json", as_json(config))


def as_json(content):
    """The bytes of a JSON file for people to read."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def joined_gpt2(weights):
    """Our tensors under GPT-2's names: query, key and value side by side, matrices as inputs x outputs."""
    tensors = {}
    for name, tensor in weights.items():
        part = re.fullmatch(r"(blocks\.\d+\.attention\.)([qkv])_proj\.(weight|bias)", name)
        if part:
            prefix, letter, kind = part.groups()
            if letter == "q":
                joined = torch.cat([weights[f"{prefix}{letter}_proj.{kind}"] for letter in "qkv"])
                tensors[f"transformer.h.{name.split('.')[1]}.attn.c_attn.{kind}"] = joined.T if kind == "weight" else joined
            continue
        theirs = translated(name, GPT2_NAMES)
        turned = tensor.T if ".c_" in theirs and tensor.dim() == 2 else tensor
        tensors[theirs if theirs == "lm_head.weight" else f"transformer.{theirs}"] = turned
    return tensors


def config_to_hf(c):
    """The dict of a config.json for a GPTConfig; ValueError where none of the three families can hold it."""
    if c.experts or c.window or c.dropout:
        raise ValueError("export_hf: experts, window and dropout have no place in the gpt2, llama and qwen3 formats as this course writes them")
    if (c.norm, c.activation, c.positions, c.bias, c.qk_norm) == ("layernorm", "gelu", "learned", True, False):
        if c.n_kv_heads != c.n_heads or c.head_dim * c.n_heads != c.d_model:
            raise ValueError(f"export_hf: gpt2 has as many KV heads as heads, and heads of d_model / n_heads; got {c}")
        return {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": c.vocab_size, "n_positions": c.context_length,
                "n_embd": c.d_model, "n_layer": c.n_layers, "n_head": c.n_heads, "n_inner": c.d_ff, "layer_norm_epsilon": c.norm_eps,
                "activation_function": "gelu_new", "tie_word_embeddings": c.tied}
    if (c.norm, c.activation, c.positions) != ("rmsnorm", "swiglu", "rope") or c.qk_norm and c.bias:
        raise ValueError(f"export_hf: neither gpt2 nor llama nor qwen3 can hold {c}")
    kind, model_class = ("qwen3", "Qwen3ForCausalLM") if c.qk_norm else ("llama", "LlamaForCausalLM")
    return {"model_type": kind, "architectures": [model_class], "vocab_size": c.vocab_size, "max_position_embeddings": c.context_length,
            "hidden_size": c.d_model, "num_hidden_layers": c.n_layers, "num_attention_heads": c.n_heads, "num_key_value_heads": c.n_kv_heads,
            "head_dim": c.head_dim, "intermediate_size": c.d_ff, "rms_norm_eps": c.norm_eps, "hidden_act": "silu", "attention_bias": c.bias,
            **({} if c.qk_norm else {"mlp_bias": c.bias}), "tie_word_embeddings": c.tied,
            "rope_theta": c.rope_base, "rope_parameters": {"rope_type": "default", "rope_theta": c.rope_base}}


def tokenizer_to_hf(tokenizer):
    """The content of a tokenizer.json for a BPETokenizer."""
    letters = byte_letters()
    def spelled(token): return "".join(letters[byte] for byte in token)
    special = set(tokenizer.special_tokens.values())
    return {"version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
            "added_tokens": [{"id": id, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                             for name, id in tokenizer.special_tokens.items()],
            "pre_tokenizer": BYTE_LEVEL, "decoder": BYTE_LEVEL,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {spelled(token): id for id, token in tokenizer.vocab.items() if id not in special},
                      "merges": [[spelled(left), spelled(right)] for left, right in tokenizer.merges]}}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
