"""The course's GPT against transformers' GPT-2, Llama, Qwen3 and Mixtral on equal random weights; published sizes; identities; bad input."""
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from ch03_attention.utils import KVCache
from ch04_gpt_model.utils import GPT, MLP, GPTConfig, LayerNorm, MoE, RMSNorm, SwiGLU, generate
from tests.references import gpt2_names, gpt2_pair, llama_names, llama_pair, shaken

PAIRS = {
    "gpt2": gpt2_pair,
    "gpt2, three layers": lambda seed: gpt2_pair(seed, d_model=48, n_layers=3, n_heads=6),
    "llama": llama_pair,
    "llama, GQA 6 to 1, tied": lambda seed: llama_pair(seed, d_model=48, n_layers=3, n_heads=6, n_kv_heads=1, tied=True),
    "llama, all heads, base 500,000, biases": lambda seed: llama_pair(seed, n_kv_heads=4, rope_base=500_000.0, bias=True),
    "llama, wide heads": lambda seed: llama_pair(seed, head_dim=16),
    "qwen3": lambda seed: llama_pair(seed, qwen3=True, tied=True),
    "qwen3, wide heads, base 1,000,000": lambda seed: llama_pair(seed, qwen3=True, d_model=48, n_heads=6, n_kv_heads=3, head_dim=16, rope_base=1e6),
}
every_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
every_seed = pytest.mark.parametrize("seed", (0, 1, 2))
IDS = torch.randint(61, (3, 20), generator=torch.Generator().manual_seed(9))


@every_pair
@every_seed
def test_logits_and_gradients_are_the_references(pair, seed):
    theirs, ours = pair(seed)
    expected, logits = theirs(IDS).logits, ours(IDS)
    assert (logits - expected).abs().max() < 1e-4 and expected.std() > 0.3
    for result in (expected, logits):
        F.cross_entropy(result[:, :-1].flatten(0, 1), IDS[:, 1:].flatten()).backward()
    rename = gpt2_names if isinstance(theirs, transformers.GPT2LMHeadModel) else llama_names
    gradients = rename({name: parameter.grad for name, parameter in theirs.named_parameters()})
    for name, parameter in ours.named_parameters():
        error = (parameter.grad - gradients[name]).norm()       # a bias of the keys shifts all scores of a query alike: its true gradient is 0
        assert error < 1e-3 * gradients[name].norm() + 1e-6, f"{name}: {error:.1e}"


@every_pair
@pytest.mark.parametrize("use_cache", (True, False))
def test_greedy_generation_is_the_references(pair, use_cache):
    theirs, ours = pair(seed=4)
    for prompt in ([7], [3, 1, 4, 1, 5, 9, 2, 6]):
        expected = theirs.generate(torch.tensor([prompt]), max_new_tokens=20, do_sample=False, use_cache=use_cache)[0, len(prompt):]
        assert generate(ours, [prompt], 20, temperature=0, use_cache=use_cache) == [expected.tolist()]


@pytest.mark.parametrize("experts, per_token, seed", [(4, 2, 0), (8, 2, 1), (3, 1, 2), (2, 2, 3)])
def test_moe_is_mixtrals_block(experts, per_token, seed):
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock
    config = transformers.MixtralConfig(hidden_size=24, intermediate_size=40, num_local_experts=experts, num_experts_per_tok=per_token,
                                        experts_implementation="eager")
    theirs, ours = shaken(MixtralSparseMoeBlock(config), seed), MoE(24, 40, experts, per_token)
    state = theirs.state_dict()
    with torch.no_grad():
        ours.router.weight.copy_(state["gate.weight"])
        for number, expert in enumerate(ours.experts):
            gate, up = state["experts.gate_up_proj"][number].chunk(2)
            for mine, weight in ((expert.gate_proj, gate), (expert.up_proj, up), (expert.down_proj, state["experts.down_proj"][number])):
                mine.weight.copy_(weight)
    x = torch.randn(2, 11, 24, generator=torch.Generator().manual_seed(seed))
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected, output = theirs(a), ours(b)
    assert (output - expected).abs().max() < 1e-5
    expected.square().sum().backward(), output.square().sum().backward()
    assert torch.allclose(a.grad, b.grad, atol=1e-3 * a.grad.abs().max().item())


def test_moe_balance_is_mixtrals():
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func
    moe = shaken(MoE(16, 24, 5, 2), 3)
    moe(torch.randn(4, 9, 16))
    expected = load_balancing_loss_func((moe.scores,), num_experts=5, top_k=2)
    assert torch.allclose(moe.aux_loss() * 2, expected)        # theirs counts shares per choice, and sums over the choices


def test_moe_of_one_expert_is_the_expert():
    moe, x = shaken(MoE(16, 24, 1, 1), 0), torch.randn(2, 5, 16)
    assert torch.allclose(moe(x), moe.experts[0](x), atol=1e-6) and abs(moe.aux_loss() - 1) < 1e-6


@pytest.mark.parametrize("parameters, config", [
    (124_439_808, {"d_model": 768, "n_layers": 12, "n_heads": 12}),
    (354_823_168, {"d_model": 1024, "n_layers": 24, "n_heads": 16}),
    (774_030_080, {"d_model": 1280, "n_layers": 36, "n_heads": 20}),
    (1_557_611_200, {"d_model": 1600, "n_layers": 48, "n_heads": 25}),
])
def test_gpt2s_published_sizes(parameters, config):
    with torch.device("meta"):
        model = GPT(GPTConfig(50257, 1024, **config, norm="layernorm", activation="gelu", positions="learned", bias=True))
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("parameters, config", [
    (6_738_415_616, {"vocab_size": 32_000, "context_length": 4096, "d_ff": 11_008}),
    (8_030_261_248, {"vocab_size": 128_256, "context_length": 8192, "d_ff": 14_336, "n_kv_heads": 8, "rope_base": 500_000.0}),
])
def test_llamas_published_sizes(parameters, config):
    with torch.device("meta"):
        model = GPT(GPTConfig(**config, d_model=4096, n_layers=32, n_heads=32, tied=False))
    assert sum(p.numel() for p in model.parameters()) == parameters


SHAPES = st.fixed_dictionaries({
    "n_heads": st.sampled_from([2, 4, 6]), "norm": st.sampled_from(["rmsnorm", "layernorm"]),
    "activation": st.sampled_from(["swiglu", "gelu", "relu2"]), "positions": st.sampled_from(["rope", "learned", "none"]),
    "qk_norm": st.booleans(), "bias": st.booleans(), "tied": st.booleans(),
    "window": st.sampled_from([None, 1, 3, 50]), "n_kv_heads": st.sampled_from([None, 1, 2]), "n_layers": st.integers(1, 3)})


@settings(max_examples=30, deadline=None)
@given(SHAPES, st.integers(1, 8), st.integers(0, 2**16))
def test_cached_is_uncached_and_padding_changes_nothing(shape, cut, seed):
    config = GPTConfig(vocab_size=31, context_length=24, d_model=24, **shape)
    model = shaken(GPT(config), seed)
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(31, (2, 12), generator=generator)
    with torch.no_grad():
        plain = model(ids)
        cache = KVCache(config.n_layers, 2, config.n_kv_heads, 12, config.head_dim)
        pieces = [model(part, cache=cache) for part in ids.split([cut, 1, 12 - cut - 1], dim=1)]
        assert cache.length == 12 and torch.allclose(torch.cat(pieces, 1), plain, atol=1e-4)
        cache.truncate(cut)
        assert torch.allclose(model(ids[:, cut:], cache=cache), plain[:, cut:], atol=1e-4)
        padded = torch.cat([torch.zeros(2, 3, dtype=torch.int64), ids], 1)
        real = torch.arange(15) >= 3
        positions = (torch.arange(15) - 3).clamp(min=0)
        assert torch.allclose(model(padded, mask=real, positions=positions)[:, 3:], plain, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(SHAPES, st.integers(0, 2**16))
def test_the_future_changes_nothing(shape, seed):
    model = shaken(GPT(GPTConfig(vocab_size=31, context_length=24, d_model=24, **shape)), seed)
    ids = torch.randint(31, (1, 9), generator=torch.Generator().manual_seed(seed))
    other = torch.cat([ids[:, :5], (ids[:, 5:] + 1) % 31], 1)
    with torch.no_grad():
        assert torch.allclose(model(ids)[:, :5], model(other)[:, :5], atol=1e-5)


def test_every_weight_of_a_mixture_of_experts_learns():
    model = GPT(GPTConfig(vocab_size=31, context_length=24, d_model=24, n_layers=2, n_heads=4, experts=3))
    logits = model(torch.randint(31, (4, 24)))
    (logits.logsumexp(-1).mean() + model.aux_loss()).backward()
    assert 1 <= model.aux_loss() <= 3 and all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_initialisation():
    model = GPT(GPTConfig(vocab_size=500, context_length=32, d_model=128, n_layers=8, n_heads=4))
    assert abs(model.blocks[0].mlp.up_proj.weight.std() - 0.02) < 1e-3 and abs(model.token_embedding.weight.std() - 0.02) < 1e-3
    assert abs(model.blocks[3].attention.o_proj.weight.std() - 0.02 / 4) < 1e-3 and model.head.weight is model.token_embedding.weight


def test_dropout_acts_in_training_alone():
    model = GPT(GPTConfig(vocab_size=31, context_length=24, d_model=24, n_layers=2, n_heads=4, dropout=0.5))
    ids = torch.randint(31, (2, 24))
    assert not torch.equal(model(ids), model(ids)) and torch.equal(model.eval()(ids), model(ids))


@pytest.mark.parametrize("seed", (0, 1))
def test_norms_are_torchs(seed):
    x = torch.randn(3, 7, 20, generator=torch.Generator().manual_seed(seed))
    for ours, theirs in ((LayerNorm(20), torch.nn.LayerNorm(20)), (LayerNorm(20, bias=False), torch.nn.LayerNorm(20, bias=False)),
                         (RMSNorm(20, eps=1e-6), torch.nn.RMSNorm(20, eps=1e-6))):
        theirs.load_state_dict(shaken(ours, seed).state_dict())
        assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_bf16_and_autocast():
    model = shaken(GPT(GPTConfig(vocab_size=31, context_length=24, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, qk_norm=True)), 0)
    ids = torch.randint(31, (2, 20))
    plain = model(ids)
    real = torch.ones(2, 1, 1, 20, dtype=torch.bool)
    with torch.autocast("cpu", torch.bfloat16):
        assert (model(ids) - plain).abs().max() < 0.1 * plain.abs().max() and (model(ids, mask=real) - plain).abs().max() < 0.1 * plain.abs().max()
    low = model.bfloat16()(ids)
    assert low.dtype == torch.bfloat16 and (low - plain).abs().max() < 0.1 * plain.abs().max()


def config(**changes):
    return GPTConfig(**{"vocab_size": 31, "context_length": 8, "d_model": 24, "n_layers": 1, "n_heads": 4} | changes)


@pytest.mark.parametrize("change, message", [
    ({"n_heads": 5}, "d_model must be divisible by n_heads where no head_dim is given; got d_model 24 and 5 heads"),
    ({"norm": "batchnorm"}, "GPTConfig.norm: expected one of rmsnorm, layernorm; got 'batchnorm'"),
    ({"activation": "tanh"}, "GPTConfig.activation: expected one of swiglu, gelu, relu2; got 'tanh'"),
    ({"positions": "alibi"}, "GPTConfig.positions: expected one of rope, learned, none; got 'alibi'"),
    ({"n_layers": 0}, "GPTConfig.n_layers: expected a whole number from 1, got 0"),
    ({"vocab_size": 31.0}, "GPTConfig.vocab_size: expected a whole number from 1, got 31.0"),
    ({"experts": 2, "activation": "gelu"}, "experts are SwiGLU, and the activation is 'gelu'"),
])
def test_bad_configs_are_refused(change, message):
    with pytest.raises(ValueError) as error:
        config(**change)
    assert message in str(error.value)


@pytest.mark.parametrize("change, message", [
    ({"n_kv_heads": 3}, "n_heads must be divisible by n_kv_heads; got 4 heads and 3 KV heads"),
    ({"window": 0}, "window must be at least 1"),
    ({"experts": 2, "experts_per_token": 3}, "experts_per_token must be from 1 to 2, the number of experts; got 3"),
    ({"head_dim": 5}, "head_dim must be even, got 5"),
])
def test_bad_parts_are_refused(change, message):
    with pytest.raises(ValueError) as error:
        GPT(config(**change))
    assert message in str(error.value)


@pytest.mark.parametrize("ids, message", [
    (torch.tensor([[1, 31]]), "token ids must be from 0 to 30, got 31"),
    (torch.tensor([[-1, 3]]), "token ids must be from 0 to 30, got -1"),
    (torch.zeros(1, 9, dtype=torch.int64), "the context holds 8 tokens, and 9 came, 0 of them cached"),
    (torch.tensor([1, 2]), "expected ids as whole numbers of shape (batch, tokens), got torch.int64 of shape (2,)"),
    (torch.ones(1, 2), "expected ids as whole numbers of shape (batch, tokens), got torch.float32 of shape (1, 2)"),
])
def test_bad_ids_are_refused(ids, message):
    with pytest.raises(ValueError) as error:
        GPT(config())(ids)
    assert message in str(error.value)


def test_a_cache_of_the_wrong_size_is_refused_and_left_as_it_was():
    model = GPT(config())
    for cache, message in ((KVCache(1, 3, 4, 8, 6), "(batch, kv_heads, tokens, head_dim) = (3, 4, 2, 6), but keys of shape (2, 4, 2, 6) came"),
                           (KVCache(1, 2, 4, 1, 6), "room for 1 tokens, 0 of them taken; 2 more do not fit")):
        with pytest.raises(ValueError) as error:
            model(torch.zeros(2, 2, dtype=torch.int64), cache=cache)
        assert message in str(error.value) and cache.length == 0


def test_mlps_are_their_formulas():
    x = torch.randn(2, 3, 8)
    mlp, relu2, gated = MLP(8, 12), MLP(8, 12, activation="relu2", bias=False), SwiGLU(8, 12)
    assert torch.allclose(mlp(x), mlp.down_proj(F.gelu(mlp.up_proj(x), approximate="tanh")))
    assert torch.allclose(relu2(x), F.relu(x @ relu2.up_proj.weight.T) ** 2 @ relu2.down_proj.weight.T)
    gate = x @ gated.gate_proj.weight.T
    assert torch.allclose(gated(x), (gate * gate.sigmoid() * (x @ gated.up_proj.weight.T)) @ gated.down_proj.weight.T, atol=1e-6)
    with pytest.raises(ValueError, match='activation must be "gelu" or "relu2", got \'sine\''):
        MLP(8, 12, activation="sine")
