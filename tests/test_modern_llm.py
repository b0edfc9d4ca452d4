"""What lesson 4.2 claims beyond parity: norms without means, idle key biases, bounded scores, sizes, and that its record is not stale."""
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from ch04_gpt_model.utils import GPT, MLP, GPTConfig, LayerNorm, RMSNorm, SwiGLU
from tests.references import shaken
from tools import bench_toggles
from tools.notebooks import ROOT

SMALL = {"vocab_size": 31, "context_length": 16, "d_model": 24, "n_layers": 2, "n_heads": 4}
IDS = torch.randint(31, (2, 12), generator=torch.Generator().manual_seed(0))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.floats(-5, 5), st.integers(0, 999))
def test_layernorm_is_rmsnorm_of_what_has_no_mean(d, shift, seed):
    x = torch.randn(3, d, generator=torch.Generator().manual_seed(seed)) + shift
    assert torch.allclose(LayerNorm(d)(x), RMSNorm(d)(x - x.mean(-1, keepdim=True)), atol=1e-3)


@pytest.mark.parametrize("positions, idle", [("learned", True), ("none", True), ("rope", False)])
def test_a_bias_of_the_keys_is_idle_without_rope_alone(positions, idle):
    model = shaken(GPT(GPTConfig(**SMALL, positions=positions, bias=True)), 0)
    with torch.no_grad():
        before = model(IDS)
        for block in model.blocks:
            block.attention.k_proj.bias += torch.randn(24, generator=torch.Generator().manual_seed(1))
        assert ((model(IDS) - before).abs().max() < 1e-4) == idle


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 100), st.integers(0, 999))
def test_qk_norm_bounds_the_scores(size, seed):
    model = shaken(GPT(GPTConfig(**SMALL, qk_norm=True)), seed)
    part = model.blocks[0].attention
    with torch.no_grad():
        part.q_norm.weight.fill_(1), part.k_norm.weight.fill_(1), part.q_proj.weight.mul_(size)
        query, key, _, _ = part.project(torch.randn(2, 9, 24), None, None, None)
        scores = query @ key.transpose(-2, -1) / math.sqrt(part.head_dim)
    assert scores.abs().max() <= math.sqrt(part.head_dim) * 1.001


@pytest.mark.parametrize("d", (24, 96, 384))
def test_eight_thirds(d):
    plain, gated = (sum(p.numel() for p in module.parameters()) for module in (MLP(d, 4 * d, bias=False), SwiGLU(d, 8 * d // 3)))
    assert plain == gated


def test_silu_of_both_signs_is_the_number():
    z = torch.linspace(-30, 30, 999, dtype=torch.float64)
    assert torch.allclose(F.silu(z) - F.silu(-z), z)


@pytest.mark.parametrize("total, active, config", [
    (596_049_920, 596_049_920, {"vocab_size": 151_936, "context_length": 40_960, "d_model": 1024, "n_layers": 28, "n_heads": 16, "n_kv_heads": 8,
                                "head_dim": 128, "d_ff": 3072, "qk_norm": True}),
    (46_702_792_704, 12_879_925_248, {"vocab_size": 32_000, "context_length": 32_768, "d_model": 4096, "n_layers": 32, "n_heads": 32,
                                      "n_kv_heads": 8, "d_ff": 14_336, "tied": False, "experts": 8}),
])
def test_published_sizes_of_qwen3_and_mixtral(total, active, config):
    config = GPTConfig(**config)
    with torch.device("meta"):
        model = GPT(config)
    parameters = {name: p.numel() for name, p in model.named_parameters()}
    idle = [f".experts.{number}." for number in range(config.experts_per_token, config.experts)]
    assert sum(parameters.values()) == total
    assert sum(n for name, n in parameters.items() if not any(part in name for part in idle)) == active


def test_the_record_of_the_toggles_is_that_of_the_bench():
    record = json.loads((ROOT / "ch04_gpt_model" / "toggles.json").read_text(encoding="utf-8"))
    assert (record["sizes"], record["training"], record["seeds"]) == (bench_toggles.SIZES, bench_toggles.TRAINING, bench_toggles.SEEDS)
    assert {name: row["options"] for name, row in record["village"].items()} == bench_toggles.variants()
    for row in record["village"].values():
        model = GPT(GPTConfig(record["vocab_size"], **record["sizes"], **row["options"]))
        assert sum(p.numel() for p in model.parameters()) == row["parameters"]
        assert len(row["losses"]) == 3 and all(record["floor"] < loss < math.log(record["vocab_size"]) for loss in row["losses"])
    assert [row["rate"] for row in record["rates"]] == [rate for rate in bench_toggles.HIGH_RATES["rates"] for _ in range(2)]


def test_the_bench_trains_and_repeats_itself():
    ids = torch.randint(31, (300,), generator=torch.Generator().manual_seed(0))
    config = GPTConfig(**SMALL, experts=2)
    training = {"steps": 3, "batch_size": 2, "rate": 0.01, "warmup": 2, "betas": [0.9, 0.99]}
    one, other = (bench_toggles.train(config, ids, seed=5, **training) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))
    assert bench_toggles.loss_on(one, ids) != bench_toggles.loss_on(bench_toggles.train(config, ids, seed=6, **training), ids)
