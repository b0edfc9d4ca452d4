"""The checks of ch05/04: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import json
import struct

import pytest
import safetensors.torch
import torch

from ch04_gpt_model.utils import GPT, GPTConfig
from ch05_pretraining import exercises
from ch05_pretraining.utils import export_hf, load_pretrained
from tests.verdicts import assert_hears, assert_not_tried, verdict

CODES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.int64: "I64"}


def stacked(tensors, *, key=None, part="up_proj"):
    names = [name for name in tensors if name.endswith(f"mlp.{part}.weight")]
    return torch.stack([tensors[name] for name in (names if key is None else sorted(names, key=key))])


def stacked_by_counting(tensors):
    found, number = [], 0
    while (name := f"model.layers.{number}.mlp.up_proj.weight") in tensors:
        found.append(tensors[name])
        number += 1
    return torch.stack(found)


def packed(tensors, *, order="<", shift=0, flat=lambda tensor: tensor.contiguous(), letters=False, gap=0, drop=False, dtype=None):
    listing, data = {}, b""
    for key, tensor in list(tensors.items())[drop:]:
        numbers = flat(tensor.to(dtype or tensor.dtype)).reshape(-1).view(torch.uint8).numpy().tobytes() + bytes(gap)
        begin = len(data) + shift
        listing[key] = {"dtype": CODES[dtype or tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, begin + len(numbers)]}
        data += numbers
    text = json.dumps(listing, ensure_ascii=False)
    return struct.pack(order + "Q", len(text if letters else text.encode())) + text.encode() + data


def in_memory_order(tensor):
    return torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage()) if tensor.dim() == 2 and not tensor.is_contiguous() else tensor


def halves(weight, n_heads):
    return weight.unflatten(0, (n_heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def halves_by_slices(weight, n_heads):
    size = len(weight) // n_heads
    heads = [weight[first:first + size] for first in range(0, len(weight), size)]
    return torch.cat([part for head in heads for part in (head[0::2], head[1::2])])


def plan(sizes, limit, *, strict=False, last=True, eager=False, ordered=lambda names: names, over=0):
    files, now, total = [], [], 0
    for name in ordered(list(sizes)):
        full = total + sizes[name] > limit + over - strict
        if full and (now or eager):
            files.append(now)
            now, total = [], 0
        now.append(name)
        total += sizes[name]
    return files + [now] * (last and bool(now))


RIGHT = [
    (exercises.check_by_hand, (152, 172, 34)),
    (exercises.check_by_hand, [8 + 120 + 24, 8 + 120 + 44, 24 + 5 * 2]),
    (exercises.check_who_is_stopped, "aceh"),
    (exercises.check_who_is_stopped, ["H", "e", "c", "a"]),
    (exercises.check_who_is_stopped, "a, c, e, h."),
    (exercises.check_stack_up_projections, lambda tensors: stacked(tensors, key=lambda name: int(name.split(".")[2]))),
    (exercises.check_stack_up_projections, stacked_by_counting),
    (exercises.check_to_safetensors, packed),
    (exercises.check_to_safetensors, lambda tensors: bytearray(packed(tensors))),
    (exercises.check_to_safetensors, lambda tensors: safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})),
    (exercises.check_to_halves, halves),
    (exercises.check_to_halves, halves_by_slices),
    (exercises.check_plan_shards, plan),
    (exercises.check_plan_shards, lambda sizes, limit: tuple(map(tuple, plan(sizes, limit)))),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(capsys, check, answer):
    assert ": right. " in verdict(capsys, check, answer)


WRONG = [
    (exercises.check_by_hand, (24, 172, 34), "in the file, the length and the list come first"),
    (exercises.check_by_hand, (144, 172, 34), "the 8 bytes of the length stand before the list"),
    (exercises.check_by_hand, (152, 44, 34), "those are the numbers alone"),
    (exercises.check_by_hand, (152, 172, 44), "BF16 has 2 bytes a number"),
    (exercises.check_by_hand, (152, 172, 10), "it begins at 24"),
    (exercises.check_by_hand, (152, 172), "expected three numbers"),
    (exercises.check_who_is_stopped, "acdeh", "d is not refused: it is 128 × 128"),
    (exercises.check_who_is_stopped, "aceghi", "g is not refused: 8 heads of 16"),
    (exercises.check_who_is_stopped, "acehi", "i is not refused"),
    (exercises.check_who_is_stopped, "ace", "h is refused: with 2 KV heads"),
    (exercises.check_who_is_stopped, "acez", "expected letters from a to i"),
    (exercises.check_stack_up_projections, lambda tensors: stacked(tensors, key=str), "names are sorted as text"),
    (exercises.check_stack_up_projections, stacked, "the tensors may come in any order"),
    (exercises.check_stack_up_projections, lambda tensors: stacked(tensors, part="gate_proj"), "holds no block's up_proj"),
    (exercises.check_stack_up_projections, lambda tensors: stacked(tensors)[1:], "expected a tensor of shape"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, order=">"), "the smallest byte comes first"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, shift=100), "offsets count from the end of the list"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, flat=in_memory_order), "has to be made contiguous"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, letters=True), "is the length counted in bytes"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, gap=2), "the library refuses the file"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, dtype=torch.float32), "comes back as torch.float32"),
    (exercises.check_to_safetensors, lambda tensors: packed(tensors, drop=True), "is not in the file"),
    (exercises.check_to_safetensors, lambda tensors: json.dumps([tensor.tolist() for tensor in tensors.values()]), "expected bytes, got str"),
    (exercises.check_to_halves, lambda weight, n_heads: weight, "the rows are as they were"),
    (exercises.check_to_halves, lambda weight, n_heads: torch.cat([weight[0::2], weight[1::2]]), "each head has to keep its own rows together"),
    (exercises.check_to_halves, lambda weight, n_heads: weight.unflatten(0, (n_heads, 2, -1)).transpose(1, 2).flatten(0, 2), "that is the way back"),
    (exercises.check_to_halves, lambda weight, n_heads: halves(weight, n_heads).T, "expected shape"),
    (exercises.check_to_halves, lambda weight, n_heads: 2 * weight, "no longer those of the matrix"),
    (exercises.check_to_halves, lambda weight, n_heads: weight.copy_(halves(weight, n_heads)), "was changed; return a new one"),
    (exercises.check_plan_shards, lambda sizes, limit: plan(sizes, limit, strict=True), "exactly full is allowed"),
    (exercises.check_plan_shards, lambda sizes, limit: plan(sizes, limit, last=False), "was the last file added?"),
    (exercises.check_plan_shards, lambda sizes, limit: plan(sizes, limit, eager=True), "one of your files is empty"),
    (exercises.check_plan_shards, lambda sizes, limit: plan(sizes, limit, over=3), "a file of"),
    (exercises.check_plan_shards, lambda sizes, limit: plan(sizes, limit, ordered=sorted) + [["a"]], "the order or the number of names changed"),
    (exercises.check_plan_shards, lambda sizes, limit: [[name] for name in sizes], "would still have fitted"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_wrong_answers_hear_their_cause(capsys, check, answer, message):
    assert_hears(capsys, check, answer, message)


@pytest.mark.parametrize("check", sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__))
def test_stubs_are_not_tried_yet(capsys, check):
    assert_not_tried(capsys, check)


UP, GATE, DOWN, OUT = (f"model.layers.2.{name}.weight" for name in ("mlp.up_proj", "mlp.gate_proj", "mlp.down_proj", "self_attn.o_proj"))
CHANGES = {
    "a": (lambda tensors: tensors.pop(UP), {}),
    "b": (lambda tensors: tensors.update({UP: tensors[GATE].clone(), GATE: tensors[UP].clone()}), {}),
    "c": (lambda tensors: tensors.update({DOWN: tensors[DOWN].T.contiguous()}), {}),
    "d": (lambda tensors: tensors.update({OUT: tensors[OUT].T.contiguous()}), {}),
    "e": (lambda tensors: None, {"num_hidden_layers": 5}),
    "f": (lambda tensors: None, {"rope_theta": 500_000.0}),
    "g": (lambda tensors: None, {"num_attention_heads": 8, "num_key_value_heads": 8}),
    "h": (lambda tensors: None, {"num_key_value_heads": 2}),
    "i": (lambda tensors: tensors.update({"model.layers.2.self_attn.rotary_emb.inv_freq": torch.zeros(16)}), {}),
}


@pytest.mark.parametrize("letter", CHANGES)
def test_the_loader_agrees_with_who_is_stopped(tmp_path, letter):
    export_hf(GPT(GPTConfig(50, 32, 128, 6, 4, d_ff=352)), tmp_path)
    config, tensors = json.loads((tmp_path / "config.json").read_text()), safetensors.torch.load_file(tmp_path / "model.safetensors")
    del config["head_dim"], config["rope_parameters"]
    change, settings = CHANGES[letter]
    change(tensors)
    safetensors.torch.save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config | settings))
    if exercises.STOPPED[letter][0]:
        with pytest.raises(ValueError):
            load_pretrained(tmp_path)
    else:
        load_pretrained(tmp_path)
