"""memory_budget, flops_per_token and chunked_cross_entropy against what autograd keeps, what PyTorch's counter counts, and the plain loss."""
import contextlib
import functools
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from ch01_intro.utils import count_parameters
from ch03_attention.utils import KVCache
from ch04_gpt_model.utils import (
    FORMATS,
    GPT,
    GPTConfig,
    by_columns,
    chunked_cross_entropy,
    flops_per_token,
    kept_activations,
    memory_budget,
    parameter_count,
)

GPT2_FORM = {"norm": "layernorm", "activation": "gelu", "positions": "learned", "bias": True}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
SHAPES = st.fixed_dictionaries({
    "d_model": st.sampled_from([24, 48]), "n_heads": st.sampled_from([1, 2, 4, 6]), "norm": st.sampled_from(["rmsnorm", "layernorm"]),
    "activation": st.sampled_from(["swiglu", "gelu", "relu2"]), "positions": st.sampled_from(["rope", "learned", "none"]),
    "qk_norm": st.booleans(), "bias": st.booleans(), "tied": st.booleans(), "head_dim": st.sampled_from([None, 16]),
    "window": st.sampled_from([None, 3, 50]), "n_kv_heads": st.sampled_from([None, 1]), "n_layers": st.integers(1, 3),
    "d_ff": st.sampled_from([None, 40]), "experts": st.sampled_from([0, 0, 3])})


def make(shape):
    experts = shape["experts"] if shape["activation"] == "swiglu" else 0
    return GPTConfig(vocab_size=53, context_length=40, **shape | {"experts": experts})


def saved_bytes(model, ids, targets):
    weights, kept = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}, {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.cross_entropy(model(ids).flatten(0, 1).float(), targets.flatten())
    return sum(storage.nbytes() for storage in kept.values())


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(1, 4), st.integers(2, 40), st.sampled_from(["fp32", "bf16"]))
def test_predicted_activations_are_what_autograd_keeps(shape, batch_size, tokens, form):
    config = make(shape)
    model = GPT(config).to(DTYPES[form])
    ids, targets = torch.randint(53, (2, batch_size, tokens))
    measured, predicted = saved_bytes(model, ids, targets), memory_budget(config, batch_size, tokens, activations=form)["activations"]
    assert abs(predicted / measured - 1) < 0.05, (predicted, measured)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(2, 40))
def test_flops_are_the_counters(shape, tokens):
    config = make(shape)
    model, ids = GPT(config), torch.randint(53, (2, tokens))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        logits = model(ids)
        assert counter.get_total_flops() == 2 * tokens * flops_per_token(config, tokens)
        logits.logsumexp(-1).sum().backward()
    assert counter.get_total_flops() == 2 * tokens * flops_per_token(config, tokens, training=True)


def test_flops_of_published_models():
    gpt2 = GPTConfig(50257, 1024, 768, 12, 12, **GPT2_FORM)
    assert flops_per_token(gpt2, 1) == 2 * (12 * 12 * 768**2 + 50257 * 768) + 12 * 4 * 768
    assert flops_per_token(gpt2, 1024) - flops_per_token(gpt2, 1023) == 12 * 4 * 768


def test_one_new_token_costs_what_the_formula_says():
    config = GPTConfig(53, 40, 24, 2, 4, 2)
    model, cache = GPT(config), KVCache(2, 1, 2, 40, 6)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(1, 19, dtype=torch.int64), cache=cache)
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 1, dtype=torch.int64), cache=cache)
    assert counter.get_total_flops() == flops_per_token(config, 20)


@settings(max_examples=15, deadline=None)
@given(SHAPES)
def test_parameters_are_counted(shape):
    config = make(shape)
    assert parameter_count(config) == sum(parameter.numel() for parameter in GPT(config).parameters())


def test_parameter_count_agrees_with_the_calculator_of_chapter_1():
    config = GPTConfig(50257, 1024, 768, 12, 12, **GPT2_FORM)
    expected = count_parameters(vocab_size=50257, context_length=1024, d_model=768, n_layers=12, n_heads=12, bias=True, tied=True)
    assert parameter_count(config) == expected == 124_439_808


@pytest.mark.parametrize("weights, gradients, optimizer, per_weight", [
    ("fp32", "fp32", "adamw", 16), ("bf16", "bf16", "adamw", 16), ("fp32", "fp32", "sgd", 8), ("bf16", "bf16", "sgd", 8), ("int4", None, None, 0.5),
    ("int8", None, None, 1), ("bf16", None, None, 2)])
def test_bytes_per_weight(weights, gradients, optimizer, per_weight):
    config = GPTConfig(53, 40, 24, 2, 4, 2)
    budget = memory_budget(config, 3, 20, weights=weights, gradients=gradients, optimizer=optimizer, activations=None)
    assert sum(budget.values()) == per_weight * parameter_count(config) and budget["activations"] == budget["workspace"] == budget["kv_cache"] == 0


def test_weights_gradients_and_moments_are_torchs():
    config = GPTConfig(53, 40, 24, 2, 4, 2)
    model, budget = GPT(config), memory_budget(config, 2, 20)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randint(53, (2, 20))).sum().backward()
    optimizer.step()
    assert sum(p.nbytes for p in model.parameters()) == budget["weights"] and sum(p.grad.nbytes for p in model.parameters()) == budget["gradients"]
    assert sum(s["exp_avg"].nbytes + s["exp_avg_sq"].nbytes for s in optimizer.state.values()) == budget["optimizer"]


@pytest.mark.parametrize("form", ["fp32", "bf16"])
def test_kv_cache_is_the_real_one(form):
    config = GPTConfig(53, 40, 24, 3, 4, 2)
    cache = KVCache(3, 5, 2, 17, 6, dtype=DTYPES[form])
    assert memory_budget(config, 5, 17, kv_cache=form)["kv_cache"] == cache.keys.nbytes + cache.values.nbytes


def test_the_budget_grows_with_the_batch_and_shrinks_by_both_remedies():
    config = GPTConfig(5000, 128, 64, 4, 4, **GPT2_FORM)
    totals = [sum(memory_budget(config, batch_size, 128).values()) for batch_size in range(1, 9)]
    assert totals == sorted(totals)
    plain, cleared, chunked, both = (sum(memory_budget(config, 8, 128, **options).values()) for options in (
        {}, {"checkpointing": True}, {"chunk": 64}, {"checkpointing": True, "chunk": 64}))
    assert plain > max(cleared, chunked) >= min(cleared, chunked) > both
    assert kept_activations(config, 8, 128, 4, checkpointing=True) < kept_activations(config, 8, 128, 4)


class Meter(TorchDispatchMode):
    """Bytes of tensors born inside: alive, and at the worst moment."""

    def __init__(self):
        super().__init__()
        self.alive, self.peak, self.known = 0, 0, weakref.WeakSet()

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        self.known.update(value.untyped_storage() for value in arguments if isinstance(value, torch.Tensor))
        result = operation(*arguments, **(named or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor) and value.untyped_storage() not in self.known:
                storage = value.untyped_storage()
                self.known.add(storage)
                self.alive += storage.nbytes()
                weakref.finalize(storage, self.gone, storage.nbytes())
        self.peak = max(self.peak, self.alive)
        return result

    def gone(self, size):
        self.alive -= size


@pytest.mark.parametrize("form", ["fp32", "bf16"])
@pytest.mark.parametrize("chunk", [None, 64])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("shape", [GPT2_FORM, {"n_kv_heads": 2}], ids=["gpt2", "modern"])
def test_the_worst_moment_of_a_step_is_predicted(shape, checkpointing, chunk, form):
    config = GPTConfig(3000, 64, 96, 5, 4, **shape)
    model = GPT(config).to(DTYPES[form])
    ids, targets = torch.randint(3000, (2, 6, 64))
    if checkpointing:
        for block in model.blocks:
            block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)

    def loss():
        if chunk:
            return chunked_cross_entropy(model.hidden(ids), model.head.weight, targets, chunk=chunk)[0]
        return F.cross_entropy(model(ids).flatten(0, 1).float(), targets.flatten())

    loss().backward()                                           # gradients are there, as when they are accumulated
    with Meter() as meter:
        loss().backward()
    budget = memory_budget(config, 6, 64, weights=form, gradients=form, activations=form, checkpointing=checkpointing, chunk=chunk)
    at_rest = budget["weights"] + budget["gradients"] + budget["optimizer"]
    assert abs((at_rest + budget["activations"] + budget["workspace"]) / (at_rest + meter.peak) - 1) < 0.05
    assert abs((budget["activations"] + budget["workspace"]) / meter.peak - 1) < 0.1


@pytest.mark.parametrize("options, message", [
    ({"weights": "fp8"}, "weights must be one of fp32, bf16, fp16, int8, int4; got 'fp8'"),
    ({"weights": None}, "weights must be one of fp32, bf16, fp16, int8, int4; got None"),
    ({"activations": "float32"}, "activations must be one of fp32, bf16, fp16, int8, int4 or None; got 'float32'"),
    ({"optimizer": "adam"}, 'optimizer must be "adamw", "sgd" or None, got \'adam\''),
    ({"batch_size": 0}, "expected a batch_size from 1 and a context_length from 1 to 40; got 0 and 20"),
    ({"context_length": 41}, "expected a batch_size from 1 and a context_length from 1 to 40; got 2 and 41"),
    ({"config": GPTConfig(53, 40, 24, 2, 4, dropout=0.1)}, "activations are counted without dropout"),
])
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError) as error:
        memory_budget(**{"config": GPTConfig(53, 40, 24, 2, 4), "batch_size": 2, "context_length": 20} | options)
    assert message in str(error.value)


def test_formats():
    assert FORMATS["fp32"] == torch.float32.itemsize and FORMATS["bf16"] == torch.bfloat16.itemsize and FORMATS["fp16"] == torch.float16.itemsize


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**16), st.sampled_from([torch.float64, torch.float32]))
def test_chunked_cross_entropy_is_the_plain_one(tokens, chunk, seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    hidden, weight = (torch.randn(*shape, 8, generator=generator, dtype=dtype, requires_grad=True) for shape in ((2, tokens), (20,)))
    targets = torch.randint(20, (2, tokens), generator=generator)
    targets[torch.rand(2, tokens, generator=generator) < 0.2] = -100
    plain = F.cross_entropy((hidden @ weight.T).flatten(0, 1), targets.flatten(), reduction="sum")
    nats, count = chunked_cross_entropy(hidden, weight, targets, chunk=chunk)
    assert count == (targets != -100).sum()
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    for a, b in zip((plain, *torch.autograd.grad(plain, (hidden, weight))), (nats, *torch.autograd.grad(nats, (hidden, weight)))):
        assert torch.allclose(a, b, atol=tolerance)


def test_chunked_cross_entropy_never_makes_all_logits():
    largest = 0

    class Listener(TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, arguments=(), named=None):
            nonlocal largest
            result = operation(*arguments, **(named or {}))
            for value in result if isinstance(result, (tuple, list)) else [result]:
                if isinstance(value, torch.Tensor):
                    largest = max(largest, value.numel())
            return result

    hidden, weight = torch.randn(200, 4, requires_grad=True), torch.randn(100, 4, requires_grad=True)
    with Listener():
        chunked_cross_entropy(hidden, weight, torch.randint(100, (200,)), chunk=10)[0].backward()
    assert largest == 10 * 100


@pytest.mark.parametrize("autocast", (False, True))
def test_chunked_cross_entropy_in_bf16_sums_in_fp32(autocast):
    hidden, weight, targets = torch.randn(50, 8), torch.randn(30, 8), torch.randint(30, (50,))
    exact = F.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    if not autocast:
        hidden, weight = hidden.bfloat16(), weight.bfloat16()
    hidden.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16) if autocast else contextlib.nullcontext():
        nats, _ = chunked_cross_entropy(hidden, weight, targets, chunk=16)
    nats.backward()
    assert nats.dtype == torch.float32 and abs(nats / exact - 1) < 0.02 and hidden.grad.isfinite().all()


def test_chunked_cross_entropy_takes_a_model_and_other_ignored_ids():
    model = GPT(GPTConfig(53, 40, 24, 2, 4))
    ids, targets = torch.randint(1, 53, (2, 3, 20))
    targets[0, 3:9] = 0
    nats, count = chunked_cross_entropy(model.hidden(ids), model.head.weight, targets, chunk=7, ignore_index=0)
    expected = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), ignore_index=0)
    assert count == 54 and torch.allclose(nats / count, expected, atol=1e-5)


@pytest.mark.parametrize("shape, chunk", [((5,), 3), ((2, 4), 3), ((2, 5), 0)])
def test_chunked_cross_entropy_refuses_what_does_not_fit(shape, chunk):
    with pytest.raises(ValueError, match="one target for each hidden vector"):
        chunked_cross_entropy(torch.randn(2, 5, 8), torch.randn(20, 8), torch.zeros(shape, dtype=torch.int64), chunk=chunk)


@pytest.mark.parametrize("tied", [True, False])
def test_by_columns_keeps_values_results_and_the_tied_head(tied):
    torch.manual_seed(0)
    model = GPT(GPTConfig(97, 32, 48, 2, 4, tied=tied)).eval()
    ids, before = torch.randint(97, (2, 20)), {name: parameter.clone() for name, parameter in model.named_parameters()}
    with torch.no_grad():
        expected = model(ids)
        assert by_columns(model) is model
        assert (model(ids) - expected).abs().max() < 1e-5
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) and (parameter.dim() < 2 or parameter.stride() == (1, parameter.shape[0]))
    assert (model.head.weight is model.token_embedding.weight) == tied
    model.load_state_dict(before | ({"head.weight": before["token_embedding.weight"]} if tied else {}))
    assert model.blocks[0].mlp.up_proj.weight.stride()[0] == 1
