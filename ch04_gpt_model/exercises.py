"""Checks for the exercises of chapter 4."""
import dataclasses
import math
import time

import torch
from torch.nn import functional as F

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
    for start, note, n_layers, divided in ((1.0, 1.0, 12, False), (0.5, 2.0, 48, False), (1.0, 1.0, 12, True), (0.3, 1.5, 36, True),
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
