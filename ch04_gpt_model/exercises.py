"""Checks for the exercises of chapter 4."""
import dataclasses

import torch
from torch.nn import functional as F

from ch01_intro.exercises import Wrong, check
from ch04_gpt_model.utils import GPT, GPTConfig, SwiGLU

# ---- 02 a modern llm


@check("4.2.1")
def check_rms_by_hand(answer):
    x, got = torch.tensor([1.0, -5.0, 7.0, 5.0]), torch.tensor([float(value) for value in answer])
    if len(got) != 4:
        raise Wrong(f"four numbers go in, and four come out; you give {len(got)}")
    causes = {"you divided by the mean of the squares, 25: take its root first": x / 25,
              "you divided by 10, the root of the *sum* of the squares; the mean of 1, 25, 49 and 25 is 25": x / 10,
              "that is LayerNorm: RMSNorm takes no mean away": (x - 2) / 21**0.5, "the mean is taken away, which RMSNorm doesn't do": (x - 2) / 5,
              "−5 stays negative: squares are only used to find the size": x.abs() / 5}
    for cause, wrong in causes.items():
        if torch.allclose(got, wrong, atol=0.006):
            raise Wrong(cause)
    if not torch.allclose(got, x / 5, atol=0.006):
        shown = [round(value, 3) for value in got.tolist()]
        raise Wrong(f"{shown}: each number is divided by the same root mean square. Its square is (1 + 25 + 49 + 25) / 4")
    return "The mean square of the answer is 1, as it is for every output of RMSNorm."


@check("4.2.2")
def check_swiglu_width(swiglu_width):
    cases = {(96, 32): 256, (4096, 256): 11_008, (5120, 256): 13_824, (64, 32): 192, (768, 64): 2048, (4098, 16): 10_928}
    for (d_model, multiple), expected in cases.items():
        got = swiglu_width(d_model, multiple)
        if got == expected:
            continue
        case = f"d_model {d_model}, multiple {multiple}: expected {expected:,}, got {got:,}"
        if got % multiple:
            raise Wrong(f"{case}, which is not a multiple of {multiple}")
        if got == expected - multiple:
            raise Wrong(f"{case}: rounded down (or to the nearest). The width shall not be below 8/3 d_model = {8 * d_model / 3:,.1f}")
        if got == expected + multiple:
            raise Wrong(f"{case}: 8/3 d_model is {8 * d_model / 3:,.1f}, so one multiple less is enough")
        if got == -(-4 * d_model // multiple) * multiple:
            raise Wrong(f"{case}: that is 4 d_model. Three matrices of that width are half as many parameters again as two")
        raise Wrong(case)
    return "You can size a kitchen for any house: 11,008 is Llama-2-7B's, 13,824 is Llama-2-13B's."


@check("4.2.3")
def check_product(set_weights):
    mlp = SwiGLU(2, 2)
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.fill_(0.7)
    set_weights(mlp)
    pairs = torch.tensor([[2.0, 3.0], [-2.0, 3.0], [2.0, -3.0], [-1.0, -4.0], [0.0, 5.0], [6.0, 0.5], [-0.3, -0.2]])
    a, b = pairs.T
    with torch.no_grad():
        got = mlp(pairs)
    product, second = got.T
    if torch.allclose(product, b * F.silu(a), atol=1e-4) or torch.allclose(product, a * F.silu(b), atol=1e-4):
        raise Wrong("for a = −2 and b = 3 you get a knob times a number, and SiLU crushes negative knobs. "
                    "The second hidden number takes the other sign")
    if torch.allclose(product, -a * b, atol=1e-4):
        raise Wrong("for a = 2 and b = 3 you get −6: turn the sign of both ups, or of the first row of down")
    if torch.allclose(product, a * b.abs(), atol=1e-4) or torch.allclose(product, a.abs() * b, atol=1e-4):
        raise Wrong(f"for a = −2, b = 3 you get {product[1]:.2f}: one sign is lost. silu(z) − silu(−z) = z needs the minus")
    if torch.allclose(product, a * b / 2, atol=1e-4) or torch.allclose(product, 2 * a * b, atol=1e-4):
        raise Wrong(f"for a = 2 and b = 3 you get {product[0]:.2f}, and 6 is right: a factor of two in some row")
    if not torch.allclose(product, a * b, atol=1e-4):
        raise Wrong(f"for a = 2 and b = 3 the first number is {product[0]:.3f}, not 6; for a = −2 it is {product[1]:.3f}, not −6")
    if second.abs().max() > 1e-4:
        raise Wrong(f"the product is right; the second number should be 0, and is {second[0]:.3f} for a = 2, b = 3: what is in the second row of down?")
    return "Two hidden numbers, and an exact product. No sum of curves of single numbers can do that."


@check("4.2.4")
def check_rms_norm(rms_norm):
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    weight = torch.linspace(0.5, 1.5, 8)
    got = rms_norm(x, weight)
    if not isinstance(got, torch.Tensor) or got.shape != x.shape:
        kind = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        raise Wrong(f"expected a tensor of the shape of x, {tuple(x.shape)}; got {kind}")
    later = x.clone()
    later[:, -1] *= 10
    if not torch.allclose(rms_norm(later, weight)[:, 0], got[:, 0], rtol=1e-4):
        raise Wrong("make the last token ten times as large, and the first one's output changes: the future leaks through the mean")
    other = x.clone()
    other[1] *= 10
    if not torch.allclose(rms_norm(other, weight)[0], got[0], rtol=1e-4):
        raise Wrong("make the second text ten times as large, and the first one's output changes: the mean runs over the batch")
    if torch.allclose(got, F.layer_norm(x, (8,), weight), atol=1e-4):
        raise Wrong("that is LayerNorm: no mean is taken away in RMSNorm")
    expected = F.rms_norm(x, (8,), weight, 1e-5)
    if torch.allclose(got, F.rms_norm(x, (8,), None, 1e-5), atol=1e-4):
        raise Wrong("the sizes are right, and the weight is missing: one factor for each coordinate")
    if not torch.allclose(got, expected, atol=1e-4):
        raise Wrong(f"the first number of the first token should be {expected[0, 0, 0]:.4f}, and is {got[0, 0, 0]:.4f}")
    if not torch.equal(rms_norm(torch.zeros(1, 1, 8), weight), torch.zeros(1, 1, 8)):
        raise Wrong("a vector of zeros should stay one: what keeps the division from 0 / 0?")
    if not torch.allclose(rms_norm(x / 1000, weight), F.rms_norm(x / 1000, (8,), weight, 1e-5), rtol=1e-2):
        raise Wrong("for vectors a thousand times smaller it differs: eps is added to the mean square, under the root")
    return "Each token by itself: nothing leaks, neither from the future nor from a neighbour in the batch."


CARDS = {
    "Llama-3-8B": ({"model_type": "llama", "vocab_size": 128_256, "max_position_embeddings": 8192, "hidden_size": 4096, "num_hidden_layers": 32,
                    "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14_336, "rms_norm_eps": 1e-5, "rope_theta": 500_000.0,
                    "tie_word_embeddings": False},
                   GPTConfig(128_256, 8192, 4096, 32, 32, 8, 128, 14_336, rope_base=500_000.0, tied=False)),
    "Qwen3-0.6B": ({"model_type": "qwen3", "vocab_size": 151_936, "max_position_embeddings": 40_960, "hidden_size": 1024, "num_hidden_layers": 28,
                    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072, "rms_norm_eps": 1e-6,
                    "rope_theta": 1_000_000, "tie_word_embeddings": True},
                   GPTConfig(151_936, 40_960, 1024, 28, 16, 8, 128, 3072, norm_eps=1e-6, rope_base=1_000_000.0, qk_norm=True)),
    "an old Llama": ({"model_type": "llama", "vocab_size": 32_000, "max_position_embeddings": 2048, "hidden_size": 512, "num_hidden_layers": 3,
                      "num_attention_heads": 8, "intermediate_size": 1376, "rms_norm_eps": 1e-6},
                     GPTConfig(32_000, 2048, 512, 3, 8, 8, 64, 1376, norm_eps=1e-6, tied=False)),
}
FIELDS = {"tied": "where the card is silent about tie_word_embeddings, the head is a matrix of its own",
          "n_kv_heads": "where num_key_value_heads is missing, there are as many as query heads",
          "qk_norm": 'the model_type "qwen3" has it, "llama" has not', "rope_base": "where rope_theta is missing, it is 10,000",
          "head_dim": "where the card gives one it counts, and need not be d_model / n_heads"}


@check("4.2.5")
def check_form(form_of):
    for name, (card, expected) in CARDS.items():
        given = dict(card)                                      # a copy: who pops from it shall not spoil the next try
        got = form_of(given)
        if not isinstance(got, GPTConfig):
            raise Wrong(f"{name}: expected a GPTConfig, got {type(got).__name__}")
        if given != card:
            raise Wrong(f"{name}: the card was changed; it belongs to somebody else. Use get, not pop")
        for field in dataclasses.fields(GPTConfig):
            mine, right = getattr(got, field.name), getattr(expected, field.name)
            if mine != right:
                hint = FIELDS.get(field.name, "look at the card")
                raise Wrong(f"{name}: {field.name} should be {right!r}, and is {mine!r}: {hint}")
    return "You can order any house of the Llama and Qwen3 families from its card. Lesson 5.4 will move the furniture in."


@check("4.2.6")
def check_active(active_parameters):
    small = {"vocab_size": 100, "context_length": 16, "d_model": 32, "n_layers": 3, "n_heads": 4}
    forms = {"a model without experts": GPTConfig(**small), "two of four experts": GPTConfig(**small, d_ff=40, experts=4),
             "one of five experts": GPTConfig(**small, d_ff=24, experts=5, experts_per_token=1),
             "Mixtral 8x7B": GPTConfig(32_000, 32_768, 4096, 32, 32, 8, d_ff=14_336, tied=False, experts=8)}
    for name, config in forms.items():
        with torch.device("meta"):
            total = sum(parameter.numel() for parameter in GPT(config).parameters())
        expert = 3 * config.d_model * config.d_ff
        idle = max(0, config.experts - config.experts_per_token)
        expected, got = total - config.n_layers * idle * expert, active_parameters(config)
        if got == expected:
            continue
        case = f"{name}: expected {expected:,}, got {got:,}"
        if got == total:
            raise Wrong(f"{case}, which is all of them: a token visits {config.experts_per_token} of {config.experts} experts")
        if got == total - idle * expert:
            raise Wrong(f"{case}: the idle experts of one block are left out, and there are {config.n_layers} blocks")
        if got == total - config.n_layers * idle * 2 * expert // 3:
            raise Wrong(f"{case}: an expert has three matrices: gate, up and down")
        if got == expected - config.n_layers * config.experts * config.d_model:
            raise Wrong(f"{case}: each token meets the whole router, which has to score all experts")
        raise Wrong(case)
    return "Memory is paid for the total, time for the active ones: 12,879,925,248 of 46,702,792,704 for Mixtral."
