"""Checks for the exercises of chapter 4."""
import dataclasses
import math
import time

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from ch01_intro.exercises import Wrong, check
from ch03_attention.utils import MultiHeadAttention
from ch04_gpt_model.utils import GPT, MLP, GPTConfig, LayerNorm, SwiGLU

# ---- 01 gpt-2


@check("4.1.1")
def check_through_the_glasses(numbers):
    if not hasattr(numbers, "__len__") or len(numbers) != 4:
        raise Wrong(f"expected four numbers, got {numbers!r}")
    got = [float(number) for number in numbers]

    def near(other):
        return all(abs(a - b) < 6e-3 for a, b in zip(got, other))

    if near((-1, -1 / 3, -1 / 3, 5 / 3)):
        return "Mean 0, typical size 1: that is all a writer of the next block gets to see."
    causes = [
        ((-3, -1, -1, 5), "those are the deviations from the mean, 4; they still have to be divided by their typical size"),
        ((-1 / 3, -1 / 9, -1 / 9, 5 / 9), "you divided by the variance, 9; the standard deviation is its square root"),
        ((-0.866, -0.289, -0.289, 1.443), "you divided the sum of the squares, 36, by n − 1 = 3; LayerNorm divides by n = 4"),
        ((0.2, 0.6, 0.6, 1.8), "that is the column divided by its root mean square, 5; take the mean away first"),
        ((-0.5, -1 / 6, -1 / 6, 5 / 6), "you made the length 1, dividing by 6; LayerNorm makes the mean of the squares 1, and so the length √4 = 2"),
    ]
    for values, cause in causes:
        if near(values):
            raise Wrong(cause)
    if abs(sum(got)) > 0.02:
        raise Wrong(f"your four numbers sum to {sum(got):.2f}; when the mean is taken away, they sum to 0")
    raise Wrong(f"their mean is 0, as it should be; the mean of their squares is {sum(x * x for x in got) / 4:.2f}, and should be 1")


@check("4.1.2")
def check_block_parameters(block_parameters):
    for d in (8, 64, 768):
        got, expected = block_parameters(d), 12 * d * d + 13 * d
        if got == expected:
            continue
        causes = {
            12 * d * d: "those are the six matrices; each has a bias, and two norms are there as well",
            12 * d * d + 9 * d: "matrices and biases are right; each of the two norms has a weight and a bias of d numbers",
            12 * d * d + 11 * d: "each of the two norms has two vectors, weight and bias",
            12 * d * d + 4 * d: "the norms are right; the matrices have biases too, d each in attention, 4d and d in the MLP",
            12 * d * d + 10 * d: "the bias of the matrix that widens has 4d numbers, not d",
            12 * d * d + 15 * d: "there are two norms in a block; the third stands behind the last block, once in the whole model",
            10 * d * d + 11 * d: "attention has four matrices of d × d: queries, keys, values, and the one that writes",
            11 * d * d + 12 * d: "attention has four matrices of d × d: queries, keys, values, and the one that writes",
            8 * d * d + 9 * d: "the MLP has two matrices, one that widens to 4d and one that narrows back: 8 d² together",
        }
        cause = causes.get(got, "count attention, MLP and the two norms apart")
        raise Wrong(f"for d = {d} you return {got:,}, and there are {expected:,}: {cause}")
    return "12 d² + 13 d: with it you can read the size of any GPT-2 off its width and depth."


def _block(d_model, n_heads, seed):
    """A GPT-2 block with every parameter drawn at random."""
    block = torch.nn.Module()
    block.attention_norm, block.mlp_norm = LayerNorm(d_model), LayerNorm(d_model)
    block.attention, block.mlp = MultiHeadAttention(d_model, n_heads, bias=True), MLP(d_model, 4 * d_model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(std=0.5, generator=generator)
    return block.double()


@check("4.1.3")
def check_block_forward(block_forward):
    for seed, (d_model, n_heads) in enumerate(((8, 2), (12, 3))):
        block = _block(d_model, n_heads, seed)
        x = 3 * torch.randn(2, 5, d_model, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        before = x.clone()

        def attend(x, block=block):
            return block.attention(block.attention_norm(x))

        def think(x, block=block):
            return block.mlp(block.mlp_norm(x))

        with torch.no_grad():
            got = block_forward(block, x)
            if not torch.equal(x, before):
                raise Wrong("your function changes the board it was given; write x = x + …, since x += … overwrites the caller's tensor")
            middle = x + attend(x)
            if not isinstance(got, torch.Tensor) or got.shape != x.shape:
                found = getattr(got, "shape", type(got).__name__)
                raise Wrong(f"for a board of shape {tuple(x.shape)} expected a tensor of the same shape, got {found}")
            if torch.allclose(got, middle + think(middle), rtol=1e-9):
                continue
            n, m = block.attention_norm(x), middle
            normed = n + block.attention(n)
            post = block.attention_norm(x + block.attention(x))
            first = think(x) + x
            causes = [
                (block.mlp_norm(normed) + think(normed),
                 "that is the colleague's: the board itself goes through the glasses, twice. Norm what a writer reads, and add to x"),
                (think(attend(x)), "nothing is added: each writer wipes the board"),
                (x + attend(x) + think(x), "the MLP has read the board from before the attention; the two are to write one after the other"),
                (m + block.mlp(m), "the MLP reads without glasses"),
                (x + block.attention(x) + think(x + block.attention(x)), "the attention reads without glasses"),
                (block.mlp_norm(post + block.mlp(post)), "that is post-norm, of the first transformer: the sum is normed. GPT-2 norms what is read"),
                (first + attend(first), "the MLP comes first here; in GPT-2 it is the attention"),
            ]
            for values, cause in causes:
                if torch.allclose(got, values, rtol=1e-9):
                    raise Wrong(cause)
            raise Wrong("not GPT-2's block: x plus attention of the normed x, and then that plus the MLP of that, normed")
    return "The board passes straight through: x is only ever added to."


@check("4.1.4")
def check_board_size(board_size):
    for start, note, n_layers, divided in ((1.0, 2.0, 12, False), (0.5, 2.0, 48, False), (1.0, 1.0, 12, True), (0.3, 1.5, 36, True),
                                           (2.0, 0.0, 7, False)):
        got = float(board_size(start, note, n_layers, divided))
        writers = 2 * n_layers
        expected = (start**2 + (1 if divided else writers) * note**2) ** 0.5
        if abs(got - expected) < 1e-6 * expected:
            continue
        asked = f"board_size({start}, {note}, {n_layers}, {divided})"
        causes = [
            (start + (note * writers**0.5 if divided else writers * note), "sizes don't add up; the variances, their squares, do"),
            ((start**2 + (0.5 if divided else n_layers) * note**2) ** 0.5, "a block has two writers, an attention and an MLP"),
            (start**2 + (1 if divided else writers) * note**2, "that is the variance; the size is its square root"),
            ((start**2 + note**2 / writers) ** 0.5, "divided, each note has the variance note²/2L, and there are 2L of them"),
            ((start**2 + note**2 * writers) ** 0.5, "the notes were to be divided by √(2L)"),
            (((1 if divided else writers) * note**2) ** 0.5, "the board isn't empty at the start: add its variance, too"),
        ]
        for value, cause in causes:
            if abs(got - value) < 1e-6 * max(expected, 1e-9):
                raise Wrong(f"{asked}: {cause}")
        raise Wrong(f"{asked} is {expected:.4f}, and you return {got:.4f}. Start from the variances: what does each of the writers add?")
    return "√(start² + note²): divided by √(2L), the notes of any number of blocks weigh together as much as one."


@check("4.1.5")
def check_learn_by_heart(learn_by_heart):
    torch.manual_seed(5)
    model = GPT(GPTConfig(40, 24, 32, 2, 2, norm="layernorm", activation="gelu", positions="learned", bias=True))
    ids = torch.randint(40, (2, 24), generator=torch.Generator().manual_seed(5))
    start, before = time.monotonic(), {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    learn_by_heart(model, ids)
    seconds = time.monotonic() - start
    with torch.no_grad():
        logits = model(ids)
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).item()
        echo = F.cross_entropy(logits.flatten(0, 1), ids.flatten()).item()
    if all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters()):
        raise Wrong("no parameter has moved: is there a backward(), and a step() of an optimizer that was given model.parameters()?")
    if not math.isfinite(loss):
        raise Wrong("the loss is not a number any more: a learning rate of about 0.003 is enough")
    if loss < 0.05 and seconds > 60:
        raise Wrong(f"it knows them, after {seconds:.0f} seconds; a hundred or two steps of Adam do it within two or three")
    if loss < 0.05:
        return f"It knows both rows, with {loss:.3f} nats a token. A new model that can't do this has a fault, and no amount of data will mend it."
    if echo < 0.2:
        raise Wrong(f"it has learned to repeat the token that it reads ({echo:.2f} nats), not to say the next one ({loss:.2f}): "
                    "the targets are ids[:, 1:]")
    if loss > math.log(40):
        raise Wrong(f"the loss is {loss:.2f} now, and an even bet pays ln 40 = {math.log(40):.2f}: did you step uphill, forget zero_grad, "
                    "or take too large a learning rate?")
    raise Wrong(f"the loss fell to {loss:.2f} nats a token; go on until it is below 0.05")


@check("4.1.6")
def check_fold(fold):
    generator = torch.Generator().manual_seed(6)
    for d, outputs, has_bias in ((6, 6, True), (6, 10, True), (8, 3, False)):
        norm, linear = LayerNorm(d).double(), torch.nn.Linear(d, outputs, bias=has_bias).double()
        with torch.no_grad():
            for parameter in (*norm.parameters(), *linear.parameters()):
                parameter.normal_(generator=generator)
        kept = [parameter.detach().clone() for parameter in (*norm.parameters(), *linear.parameters())]
        x = torch.randn(4, 5, d, generator=generator, dtype=torch.float64)
        bare = F.layer_norm(x, (d,), None, None, norm.eps)
        expected = linear(norm(x))
        folded = fold(norm, linear)
        if not isinstance(folded, torch.nn.Linear):
            raise Wrong(f"expected a new nn.Linear, got {type(folded).__name__}")
        if any(not torch.equal(old, new) for old, new in zip(kept, (*norm.parameters(), *linear.parameters()))):
            raise Wrong("the norm or the matrix that were given have changed; make a new nn.Linear")
        if tuple(folded.weight.shape) != (outputs, d):
            raise Wrong(f"for {d} inputs and {outputs} outputs the weight should have shape {(outputs, d)}, yours has {tuple(folded.weight.shape)}")
        got, own = folded(bare), linear.bias if has_bias else 0.0
        weight = linear.weight * norm.weight

        def near(bias, weight=weight, got=got, bare=bare):
            return got.shape[-1] == len(weight) and torch.allclose(got, bare @ weight.T + bias, atol=1e-6)

        if near(linear.weight @ norm.bias + own):
            continue
        if not has_bias and near(0.0):
            raise Wrong("this matrix had no bias, and the folded one needs one: the norm's bias, sent through the matrix, doesn't vanish")
        if near(own):
            raise Wrong("the weight is right. The norm's bias goes through the matrix as well: it adds W @ norm.bias")
        if near(linear.weight @ norm.bias):
            raise Wrong("the weight is right, and the norm's bias is in; the matrix had a bias of its own")
        if near(own + weight @ norm.bias):
            raise Wrong("the weight is right. The norm's bias comes after its weight: send it through the old matrix, not through the new one")
        if outputs == d and near(linear.weight @ norm.bias + own, linear.weight * norm.weight[:, None]):
            raise Wrong("you scaled the rows of the matrix. The norm's weight scales what comes in, and so the columns")
        apart = (got - expected).abs().max()
        raise Wrong(f"for {d} inputs and {outputs} outputs the results differ by up to {apart:.2f}: write out W (g · x + b) + c")
    return "The learned part of a norm can live in the matrix behind it. What can't be folded is the sphere."


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
        raise Wrong(f"the product is right; the second number should be 0, and is {second[0]:.3f} for a = 2, b = 3: look at the second row of down")
    return "Two hidden numbers, and an exact product: that is *and*, and a gate does it without detours."


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


# ---- 03 text generation


@check("4.3.1")
def check_four_counts(answer):
    got = tuple(answer)
    if len(got) != 4:
        raise Wrong(f"four numbers are asked for; you give {len(got)}")
    for place, (name, right, causes) in enumerate((
            ("top_k = 4", 4, {}),
            ("top_p = 0.75", 3, {2: "0.45 + 0.20 is 0.65, not yet 0.75", 4: "0.45 + 0.20 + 0.15 has passed 0.75 already"}),
            ("min_p = 0.2", 4, {2: "the bar is not at 0.2, but at 0.2 times the largest bet",
                                3: "the bar is at 0.2 · 0.45 = 0.09, and 0.10 is above it",
                                5: "the bar is at 0.2 · 0.45 = 0.09, and 0.06 is below it"}),
            ("top_k = 2 and top_p = 0.6", 1, {2: "after top_k the first has 0.45 / 0.65 = 0.69 of what is left, and that has reached 0.6 alone"}))):
        if got[place] != right:
            raise Wrong(f"{name}: {causes.get(got[place], f'{got[place]} is not right; add up the bets in order, or compare with the largest')}")
    return "You can read the settings of any generator."


@check("4.3.2")
def check_temperature_for(temperature_for):
    for p, share in ((0.8, 0.8), (0.8, 0.9), (0.9, 0.6), (0.55, 0.99), (0.999, 0.51)):
        def odds(x):
            return math.log(x / (1 - x))
        right, got = odds(p) / odds(share), temperature_for(p, share)
        if math.isclose(got, right, rel_tol=1e-6):
            continue
        case = f"p = {p}, share = {share}: expected {right:.4f}, got {got:.4f}"
        if math.isclose(got, 1 / right, rel_tol=1e-6):
            raise Wrong(f"{case}: upside down. Logits are divided by the temperature; a higher one brings the shares together")
        if math.isclose(got, math.log(p) / math.log(share), rel_tol=1e-6):
            raise Wrong(f"{case}: the powers p^(1/T) have to be divided by their sum again; look at the ratio of the two, where it cancels")
        raise Wrong(case)
    return "From a wish, how often, to the knob that grants it."


class _Letters:
    """A tokenizer for the check: id i is the i-th letter."""

    text = "abcdefghijklmnopqrstuvwxyz .T"

    def decode(self, ids):
        return "".join(self.text[i] for i in ids)


@check("4.3.3")
def check_stop_at(stop_at):
    letters = _Letters()

    def run(listen, rows):
        """Where each row ends, fed in turn as generate does; None where it doesn't."""
        ends = [None] * len(rows)
        for step in range(max(map(len, rows))):
            for row, text in enumerate(rows):
                if ends[row] is None and step < len(text) and listen(row, letters.text.index(text[step])) is True:
                    ends[row] = step + 1
        return ends

    for rows, phrase, right in ((["abc end", "end"], "end", [7, 3]), (["the e", "nd"], "end", [None, None]),
                                (["een", "x", "endend"], "end", [None, None, 3]), (["aab", "ab"], "aab", [3, None]), ([" xx. a"], ". ", [5])):
        got = run(stop_at(phrase, letters), rows)
        if got == right:
            continue
        case = f"rows {rows}, phrase {phrase!r}: they should end after {right} tokens, and end after {got}"
        if all(end is None for end in got):
            raise Wrong(f"{case}. Does your function look at the whole text of the row, or at the newest token? "
                        "And does it return True (and not only something true)?")
        raise Wrong(f"{case}. The rows take turns, and must not hear each other: keep a list for each row")
    first, second = stop_at("ab", letters), stop_at("ab", letters)
    first(0, 0)
    if second(0, 1) is True:
        raise Wrong("two functions made by stop_at share what they have heard: make the lists anew inside stop_at")
    if first(1, 5) not in (False, None):
        raise Wrong(f"a row that goes on should get False; it gets {first(1, 5)!r}")
    return "This is how a chat ends its turn where no single token says so."


@check("4.3.4")
def check_forbidden(forbidden):
    for ids, n, right in (([1, 2, 3, 1, 2], 3, {3}), ([1, 2, 3, 1, 2, 4, 1, 2], 3, {3, 4}), ([1, 2], 3, set()), ([], 2, set()), ([5, 5, 5], 2, {5}),
                          ([4, 7, 4], 1, {4, 7}), ([1, 2, 3, 4], 2, set()), ([7, 8, 9, 7, 8], 5, set()), ([1, 2, 1], 2, {2})):
        given = list(ids)
        got = forbidden(given, n)
        if given != ids:
            raise Wrong(f"your function changes the list it is given: {ids} became {given}")
        if set(got) == right:
            continue
        case = f"ids {ids}, n = {n}: expected {sorted(right) or 'none'}, got {sorted(got) or 'none'}"
        if n == 1:
            raise Wrong(f"{case}. A run of one token is the token: whatever has been said is forbidden. Mind that ids[-0:] is the whole list")
        if right and not got:
            raise Wrong(f"{case}. The last {n - 1} tokens, {ids[len(ids) - n + 1:]}, stood before; what followed them there?")
        if right < set(got):
            raise Wrong(f"{case}: too many. Only what followed the same {n - 1} tokens is forbidden, and only a run of n tokens")
        raise Wrong(case)
    return "Loops of n tokens are impossible now. So is any name of n tokens said twice: use it with a large n."


@check("4.3.5")
def check_wrong_result(wrong_result):
    generator = torch.Generator().manual_seed(0)
    p, q = torch.rand(2, 5, 7, generator=generator, dtype=torch.float64)**2
    p, q = p / p.sum(-1, keepdim=True), q / q.sum(-1, keepdim=True)
    both = torch.minimum(p, q)
    refused = 1 - both.sum(-1, keepdim=True)
    right, got = both + refused * p, wrong_result(p, q)
    if not isinstance(got, torch.Tensor) or got.shape != p.shape:
        raise Wrong(f"expected a tensor of shape {tuple(p.shape)}, got {tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__}")
    if not torch.allclose(got, right):
        three = wrong_result(torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), torch.tensor([0.2, 0.6, 0.2], dtype=torch.float64))
        case = f"for the three tokens of the table expected [0.35, 0.39, 0.26], got {[round(x, 3) for x in three.tolist()]}"
        if torch.allclose(got, p):
            raise Wrong(f"{case}: that is p, the result of the right rule, which draws from what is missing")
        if torch.allclose(got, both / both.sum(-1, keepdim=True)):
            raise Wrong(f"{case}: those are the accepted proposals alone. After a refusal a token is said too")
        if not torch.allclose(got.sum(-1), torch.ones(5, dtype=torch.float64)):
            raise Wrong(f"{case}, which sums to {three.sum():.3f}. A refusal has the probability 1 − Σ min(p, q), and after it p is drawn from")
        raise Wrong(case)
    return "The colleague's tokens lean towards Hare's: what Hare overrates comes too often, by (1 − α) p."


@check("4.3.6")
def check_best_draft_tokens(best_draft_tokens):
    for alpha, cost, most in ((0.5, 0.1, 20), (0.8, 0.05, 20), (0.0, 0.1, 20), (1.0, 0.1, 20), (0.3, 0.5, 20), (0.9, 0.02, 8), (0.95, 0.0, 5),
                              (0.6, 1.0, 20), (0.5, 0.5, 20)):
        speeds = [sum(alpha**i for i in range(k + 1)) / (1 + k * cost) for k in range(most + 1)]
        right = next(k for k, speed in enumerate(speeds) if speed >= max(speeds) - 1e-12)
        got = best_draft_tokens(alpha, cost, most)
        if got == right:
            continue
        case = f"alpha = {alpha}, cost = {cost}, most = {most}: expected {right}, got {got}"
        if isinstance(got, int) and 0 <= got <= most and speeds[got] >= max(speeds) - 1e-12:
            raise Wrong(f"{case}, which is as fast: of equals the smallest k is asked for")
        if got == most:
            raise Wrong(f"{case}. More tokens per round always come with more proposals; divide them by the time of the round, 1 + k · cost")
        if right == 0:
            raise Wrong(f"{case}. Not to speculate at all, k = 0, is allowed too")
        raise Wrong(f"{case}. It gives {speeds[right]:.3f} tokens per pass-time, and yours {speeds[got]:.3f}" if got in range(most + 1) else case)
    return "Guess long where guesses are good and cheap; where they are bad, not at all."


# ---- 04 memory and compute


@check("4.4.1")
def check_read_the_bits(answer):
    value, brain, half = (float(part) for part in answer)
    causes = {2.0: "that leaves out the 1 in front of the mantissa: 1 + 1/4, not 1/4",
              8.0: "that is the exponent alone, 2³; the mantissa 0100000 is 1/4",
              -10.0: "the sign bit is 0, so the number is positive", 20.0: "10000010 is 130, and 130 − 127 is 3, not 4",
              5.0: "10000010 is 130, and 130 − 127 is 3, not 2", 12.0: "the first bit of the mantissa is worth 1/2, the second 1/4"}
    if value != 10:
        raise Wrong(causes.get(value, f"bits of the exponent: 10000010 is 130, less the bias 127 makes 3; times 1 + 1/4; you have {value:g}"))
    for name, got, bits in (("bf16", brain, 7), ("fp16", half, 10)):
        right = 2**(bits + 1) + 1
        if got == right:
            continue
        if got == 2**bits + 1:
            raise Wrong(f"{name}: {got:g} still fits: the 1 in front counts as a bit, so there are {bits + 1}")
        if got == right - 1:
            raise Wrong(f"{name}: {got:g} is a power of two, which fits; the next one doesn't")
        if got < right:
            raise Wrong(f"{name} holds {got:g}: it has no more than {bits + 1} bits")
        raise Wrong(f"{name}: there is a gap before {got:g}. From 2^{bits + 1} on, the step is 2")
    return "You read floating point. A counter in bf16 stands still at 256, in fp16 at 2,048."


@check("4.4.2")
def check_billions(answer):
    right = {"AdamW in fp32": (0.5, {2.0: "that is the weights alone; gradients and two memories come along, 16 bytes in all",
                                     1.0: "that is 8 bytes a weight: the two memories of Adam are missing",
                                     2 / 3: "that is 12 bytes a weight: Adam has two memories"}),
             "SGD in bf16": (1.0, {2.0: "that is 2 + 2 bytes: the fp32 copy of the weights takes 4 more",
                                   0.5: "that is 16 bytes a weight, as for Adam; plain SGD has no memory",
                                   8 / 12: "that is 12 bytes a weight; plain SGD has no memory"}),
             "serving in bf16": (4.0, {2.0: "bf16 has 2 bytes, not 4", 8.0: "bf16 has 2 bytes, not 1"}),
             "serving in int4": (16.0, {8.0: "4 bits are half a byte", 2.0: "4 bits, not 4 bytes", 4.0: "that is bf16; 4 bits are half a byte"})}
    if len(answer) != 4:
        raise Wrong(f"four numbers are asked for, you give {len(answer)}")
    for got, (name, (expected, causes)) in zip(answer, right.items()):
        if abs(got - expected) > 1e-6 * expected:
            cause = next((cause for wrong, cause in causes.items() if abs(got - wrong) < 0.01 * wrong), f"{8 / got:.3g} bytes a weight are not right")
            raise Wrong(f"{name}, {got:g} billion: {cause}")
    return "A factor of 32 between training a model and serving it squeezed, on the same cart."


@check("4.4.3")
def check_largest_scale(largest_scale):
    for values, expected in (([1e-3, -2e-4], 2.0**25), ([3.0, -100.0], 512.0), ([65504.0, 1.0], 1.0), ([65519.0], 1.0), ([65520.0], 0.5),
                             ([-1.0, 0.0], 32768.0), ([1e6], 2.0**-4), ([3e-9, 0.0], 2.0**44)):
        got = float(largest_scale(torch.tensor(values)))
        if got == expected:
            continue
        case = f"gradients {values}: expected 2^{math.log2(expected):g}, got {f'2^{math.log2(got):g}' if got > 0 else got}"
        if got > 0 and not math.log2(got).is_integer():
            raise Wrong(f"gradients {values}: {got:g} is not a power of two; other factors would round the gradients")
        if (torch.tensor(values) * got).half().isinf().any():
            sign = " The largest in size is negative." if min(values) < -max(values) else ""
            raise Wrong(f"{case}, and there a gradient becomes infinite.{sign}")
        if values == [65519.0]:
            raise Wrong(f"{case}: 65,519 lies above the largest number, but is rounded down to it, not to infinity")
        if got == 1 and expected > 1:
            raise Wrong(f"{case}: scales above 1 are what it is for")
        raise Wrong(f"{case}: twice your scale would not overflow either")
    return "One step below infinity. Real loops stay a little lower, as the next batch's largest gradient is not known."


@check("4.4.4")
def check_largest_batch(largest_batch):
    from ch04_gpt_model.utils import memory_budget
    small = GPTConfig(500, 64, 32, 2, 4)
    gpt2 = GPTConfig(50257, 1024, 768, 12, 12, norm="layernorm", activation="gelu", positions="learned", bias=True)
    cases = [("GPT-2, 1,024 tokens, 8 GB", gpt2, 1024, 8 * 10**9, {}),
             ("the same, checkpointed, chunked", gpt2, 1024, 8 * 10**9, {"checkpointing": True, "chunk": 1024}),
             ("GPT-2 on 2 GB", gpt2, 1024, 2 * 10**9, {}), ("a small model, 10 MB", small, 64, 10**7, {"activations": "bf16"}),
             ("just enough for 3 texts", small, 64, sum(memory_budget(small, 3, 64).values()), {}),
             ("one byte less", small, 64, sum(memory_budget(small, 3, 64).values()) - 1, {})]
    for name, config, tokens, memory, options in cases:
        def total(batch_size, config=config, tokens=tokens, options=options):
            return sum(memory_budget(config, batch_size, tokens, **options).values())

        expected = 0
        while total(expected + 1) <= memory:
            expected += 1
        got = largest_batch(config, tokens, memory, **options)
        if got == expected:
            continue
        case = f"{name}: expected {expected}, got {got}"
        if expected == 0:
            raise Wrong(f"{case}: not even one text fits, {total(1) / 1e9:.2f} GB")
        if got > expected and total(got) > memory:
            fits = sum(size for part, size in memory_budget(config, got, tokens, **options).items() if part != "workspace") <= memory
            raise Wrong(f"{case}, which takes {total(got):,} bytes{'; the workspace counts too' if fits else ''}")
        if options and got == next((b for b in range(1, 10**6) if sum(memory_budget(config, b + 1, tokens).values()) > memory), 0):
            raise Wrong(f"{case}: the options {options} were not passed on")
        full = " (exactly full is allowed)" if total(got + 1) == memory else ""
        raise Wrong(f"{case}, and one more would fit: {total(got + 1):,} of {memory:,} bytes{full}")
    return "Before the first step, not after the crash: you know what fits."


@check("4.4.5")
def check_round_by_chance(round_by_chance):
    generator = torch.Generator().manual_seed(0)
    for start, step in ((1.3, 1.0), (-1.3, 1.0), (0.1, 0.25), (-7.9, 2.0), (0.003, 1 / 128)):
        got = round_by_chance(torch.full((20_000,), start, dtype=torch.float64), step, generator)
        low = math.floor(start / step) * step
        case = f"{start} on a grid of {step:g}"
        if got.shape != (20_000,):
            raise Wrong(f"{case}: expected 20000 numbers for 20000, got shape {tuple(got.shape)}")
        if (got / step - (got / step).round()).abs().max() > 1e-6:
            raise Wrong(f"{case}: {got[0].item():g} is not a multiple of the step")
        if got.min() < low - 1e-9 or got.max() > low + step + 1e-9:
            raise Wrong(f"{case}: the neighbours are {low:g} and {low + step:g}, and you give {got.min():g} to {got.max():g}")
        mean, spread = got.mean().item(), got.std().item()
        if spread == 0 and start < 0:
            raise Wrong(f"{case}: you always give {got[0].item():g}. The point below {start} is {low:g}: use floor, not trunc, and mind the sign")
        if spread == 0:
            raise Wrong(f"{case}: you always give {got[0].item():g}. Each number needs a coin of its own, or the mean is lost")
        if abs(mean - start) > 0.02 * step:
            mirrored = abs(mean - (2 * low + step - start)) < 0.02 * step
            cause = "The coin is the wrong way round" if mirrored else "The share of the step that it has gone is the chance"
            raise Wrong(f"{case}: the mean is {mean:.4g}, not {start}. {cause}")
    grid = torch.arange(-8.0, 9.0).double() * 0.5
    if not torch.equal(round_by_chance(grid, 0.5, generator), grid):
        raise Wrong("numbers that lie on the grid must stay: there nothing has been gone of the step")
    same = [round_by_chance(torch.full((50,), 0.5, dtype=torch.float64), 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 1)]
    if not torch.equal(*same):
        raise Wrong("two calls with generators of the same seed differ: throw the coins with the generator that is given")
    return "Wrong each time, and right on average: a thousand small updates arrive."


class LargestTensor(TorchDispatchMode):
    """Remembers the largest number of elements of any tensor that an operation returns."""

    largest, shape = 0, ()

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        result = operation(*arguments, **(named or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor) and value.numel() > self.largest:
                self.largest, self.shape = value.numel(), tuple(value.shape)
        return result


@check("4.4.6")
def check_nats_and_gradients(nats_and_gradients):
    for n, d, vocab, chunk in ((40, 8, 60, 6), (12, 5, 30, 4), (7, 4, 11, 7), (9, 3, 10, 100)):
        generator = torch.Generator().manual_seed(n)
        hidden, weight = (torch.randn(rows, d, generator=generator, dtype=torch.float64) for rows in (n, vocab))
        targets = torch.randint(vocab, (n,), generator=generator)
        a, b = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        expected = F.cross_entropy(a @ b.T, targets, reduction="sum")
        expected.backward()
        before = hidden.clone(), weight.clone(), targets.clone()
        with LargestTensor() as listener:
            nats, d_hidden, d_weight = nats_and_gradients(hidden, weight, targets, chunk)
        case = f"{n} tokens, vocabulary {vocab}, chunks of {chunk}"
        if any(not torch.equal(old, new) for old, new in zip(before, (hidden, weight, targets))):
            raise Wrong(f"{case}: hidden, weight or targets were changed; subtract in a tensor of your own")
        if abs(float(nats) - expected.item()) > 1e-8:
            mean = ": that is the mean" if abs(float(nats) * n / expected.item() - 1) < 1e-6 else ""
            raise Wrong(f"{case}: the nats should be {expected.item():.4f}, and are {float(nats):.4f}{mean}")
        for name, got, right in (("hidden", d_hidden, a.grad), ("weight", d_weight, b.grad)):
            if got.shape != right.shape:
                raise Wrong(f"{case}: the gradient of {name} has shape {tuple(got.shape)}, expected {tuple(right.shape)}")
            if not torch.allclose(got, right, atol=1e-8):
                if torch.allclose(-got, right, atol=1e-8):
                    raise Wrong(f"{case}: the gradient of {name} has the wrong sign: softmax − one-hot, not the other way round")
                if torch.allclose(got * n, right, atol=1e-8):
                    raise Wrong(f"{case}: the gradient of {name} is that of the mean; the nats are summed")
                only = " Only the last chunk arrived: add up over the chunks" if name == "weight" and n > chunk else ""
                raise Wrong(f"{case}: the gradient of {name} starts with {got.flatten()[0]:.4f}, expected {right.flatten()[0]:.4f}.{only}")
        if listener.largest > max(chunk * vocab, n * d, vocab * d):
            raise Wrong(f"{case}: all right, but a tensor of shape {listener.shape} came up, larger than chunk × vocab = {chunk * vocab}")
    return "The backward pass is over before it begins, and each logit was made once: this is how the fused kernels do it."
