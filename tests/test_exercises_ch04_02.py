"""The checks of ch04/02: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math

import pytest
import torch
from torch.nn import functional as F

from ch04_gpt_model import exercises
from ch04_gpt_model.utils import GPT, GPTConfig
from tests.verdicts import verdict


def width(d_model, multiple):
    return -(-8 * d_model // (3 * multiple)) * multiple


def width_by_llama(d_model, multiple):
    return multiple * ((int(2 * 4 * d_model / 3) + multiple - 1) // multiple)


def product(gate, up, down):
    def set_weights(mlp):
        with torch.no_grad():
            for linear, rows in ((mlp.gate_proj, gate), (mlp.up_proj, up), (mlp.down_proj, down)):
                linear.weight.copy_(torch.tensor(rows, dtype=torch.float))
    return set_weights


def rms(x, weight, eps=1e-5, *, mean=lambda square: square.mean(-1, keepdim=True), root=lambda m, eps: (m + eps).sqrt()):
    return x / root(mean(x.square()), eps) * weight


def form_of(card, **changes):
    heads = card["num_attention_heads"]
    options = {"n_kv_heads": card.get("num_key_value_heads", heads), "head_dim": card.get("head_dim"), "d_ff": card["intermediate_size"],
               "norm_eps": card["rms_norm_eps"], "rope_base": float(card.get("rope_theta", 10_000)), "qk_norm": card["model_type"] == "qwen3",
               "tied": card.get("tie_word_embeddings", False)} | {key: change(card) for key, change in changes.items()}
    return GPTConfig(card["vocab_size"], card["max_position_embeddings"], card["hidden_size"], card["num_hidden_layers"], heads, **options)


def popping(card):
    card.pop("head_dim", None)
    return form_of(card)


def active(config, *, layers=None, matrices=3, router=True, idle=None):
    with torch.device("meta"):
        model = GPT(config)
    total = sum(p.numel() for p in model.parameters())
    idle = max(0, config.experts - config.experts_per_token) if idle is None else idle
    total -= (layers or config.n_layers) * idle * matrices * config.d_model * config.d_ff
    return total if router else total - config.n_layers * config.experts * config.d_model


def active_by_walking(config):
    with torch.device("meta"):
        model = GPT(config)
    idle = [f".experts.{number}." for number in range(config.experts_per_token, config.experts)]
    return sum(p.numel() for name, p in model.named_parameters() if not any(part in name for part in idle))


BOTH, DOWN = [[0, 1], [0, -1]], [[1, 1], [0, 0]]
RIGHT = [
    (exercises.check_rms_by_hand, (0.2, -1, 1.4, 1)), (exercises.check_rms_by_hand, torch.tensor([0.2, -1, 1.4, 1])),
    (exercises.check_swiglu_width, width), (exercises.check_swiglu_width, width_by_llama),
    (exercises.check_swiglu_width, lambda d, m: math.ceil(8 * d / 3 / m) * m),
    (exercises.check_product, product([[1, 0], [-1, 0]], BOTH, DOWN)),
    (exercises.check_product, product([[0, 1], [0, -1]], [[3, 0], [3, 0]], [[1 / 3, -1 / 3], [0, 0]])),
    (exercises.check_rms_norm, rms),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: x * torch.rsqrt(x.pow(2).mean(dim=2).unsqueeze(2) + eps) * w),
    (exercises.check_form, form_of),
    (exercises.check_form,
     lambda card: form_of(card, head_dim=lambda c: c.get("head_dim", c["hidden_size"] // c["num_attention_heads"]))),
    (exercises.check_active, active), (exercises.check_active, active_by_walking),
]
WRONG = [
    (exercises.check_rms_by_hand, (0.04, -0.2, 0.28, 0.2), "take its root"),
    (exercises.check_rms_by_hand, (0.1, -0.5, 0.7, 0.5), "root of the *sum*"),
    (exercises.check_rms_by_hand, (-0.218, -1.528, 1.091, 0.655), "that is LayerNorm"),
    (exercises.check_rms_by_hand, (-0.2, -1.4, 1, 0.6), "mean is taken away"),
    (exercises.check_rms_by_hand, (0.2, 1, 1.4, 1), "stays negative"),
    (exercises.check_rms_by_hand, (1, 2, 3, 4), "the same root"),
    (exercises.check_rms_by_hand, (5,), "four numbers"),
    (exercises.check_swiglu_width, lambda d, m: 8 * d // 3, "not a multiple"),
    (exercises.check_swiglu_width, lambda d, m: 8 * d // 3 // m * m, "rounded down"),
    (exercises.check_swiglu_width, lambda d, m: -(-4 * d // m) * m, "that is 4 d_model"),
    (exercises.check_swiglu_width, lambda d, m: (8 * d // 3 // m + 1) * m, "one multiple less"),
    (exercises.check_swiglu_width, lambda d, m: 10 * m, "expected 256, got 320|got"),
    (exercises.check_product, product([[1, 0], [0, 0]], BOTH, DOWN), "crushes negative knobs"),
    (exercises.check_product, product([[1, 0], [-1, 0]], [[0, -1], [0, 1]], DOWN), "you get −6"),
    (exercises.check_product, product([[1, 0], [-1, 0]], [[0, 2], [0, -2]], DOWN), "factor of two"),
    (exercises.check_product, product([[1, 0], [-1, 0]], BOTH, [[1, 1], [1, 1]]), "second number should be 0"),
    (exercises.check_product, product([[1, 0], [-1, 0]], [[0, 1], [0, 1]], DOWN), "not 6"),
    (exercises.check_product, product([[0, 0], [0, 0]], BOTH, DOWN), "0.000, not 6"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, w, mean=lambda s: s.mean()), "the future leaks"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, w, mean=lambda s: s.mean((0, -1), keepdim=True)), "over the batch"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: F.layer_norm(x, (8,), w), "that is LayerNorm"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, 1), "the weight is missing"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, w, eps=0), "0 / 0"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, w, root=lambda m, eps: m.sqrt() + eps), "under the root"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: rms(x, w, mean=lambda s: s.sum(-1, keepdim=True)), "should be"),
    (exercises.check_rms_norm, lambda x, w, eps=1e-5: x.mean(), "of the shape of x"),
    (exercises.check_form, lambda card: dict(card), "expected a GPTConfig"),
    (exercises.check_form, popping, "the card was changed"),
    (exercises.check_form, lambda card: form_of(card, qk_norm=lambda c: False), "qk_norm should be True"),
    (exercises.check_form, lambda card: form_of(card, head_dim=lambda c: None), "head_dim should be 128"),
    (exercises.check_form, lambda card: form_of(card, tied=lambda c: c.get("tie_word_embeddings", True)), "a matrix of its own"),
    (exercises.check_form, lambda card: form_of(card, rope_base=lambda c: 10_000.0), "rope_base should be 500000"),
    (exercises.check_form, lambda card: form_of(card, norm_eps=lambda c: 1e-5), "norm_eps should be 1e-06"),
    (exercises.check_active, lambda config: active(config, idle=0), "all of them"),
    (exercises.check_active, lambda config: active(config, layers=1), "of one block"),
    (exercises.check_active, lambda config: active(config, matrices=2), "three matrices"),
    (exercises.check_active, lambda config: active(config, router=False), "whole router"),
    (exercises.check_active, lambda config: active(config) - 1, "expected"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_hears_why(check, answer, cause, capsys):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and any(part in said for part in cause.split("|")), said


def test_each_check_has_messages_of_its_own(capsys):
    for check in {check for check, _, _ in WRONG}:
        said = [verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check]
        assert len(set(said)) == len(said) >= 3
