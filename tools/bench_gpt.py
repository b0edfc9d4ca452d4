"""Speed of the model: a training step and generation, beside transformers' GPT-2 and what torch's matrix products allow."""
import statistics

import torch
import transformers
from torch.nn import functional as F

from ch03_attention.utils import KVCache
from ch04_gpt_model.utils import GPT, GPTConfig, by_columns
from tools.bench import compare

TOKENS = (8, 256)                   # batch, context of a training step
GPT2_FORM = {"norm": "layernorm", "activation": "gelu", "positions": "learned", "bias": True}


def matmul_flops(config, batch, tokens):
    """FLOPs of the matrix products of one training step: forward once, backward twice; causal attention counted in full, as it is usually done."""
    weights = sum(p.numel() for name, p in GPT(config).named_parameters() if p.dim() > 1 and "embedding" not in name)
    head = config.d_model * config.vocab_size
    scores = 2 * config.n_layers * config.n_heads * config.head_dim * tokens
    return 6 * batch * tokens * (weights + head + scores)


def train_step():
    """6 layers, width 384, 8 x 256 characters, fp32: forward, backward, AdamW's step."""
    config = GPTConfig(vocab_size=65, context_length=256, d_model=384, n_layers=6, n_heads=6, **GPT2_FORM)
    modern = GPTConfig(vocab_size=65, context_length=256, d_model=384, n_layers=6, n_heads=6)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=65, n_positions=256, n_embd=384, n_layer=6, n_head=6, attn_pdrop=0, embd_pdrop=0, resid_pdrop=0,
        bos_token_id=None, eos_token_id=None))
    ids = torch.randint(65, (TOKENS[0], TOKENS[1] + 1))

    def step(model):
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

        def one():
            logits = model(ids[:, :-1])
            loss = F.cross_entropy(getattr(logits, "logits", logits).flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return one

    tall, wide = torch.randn(TOKENS[0] * TOKENS[1], 384), torch.randn(384, 1536)

    def products(repeats=100):
        for _ in range(repeats):
            tall @ wide

    seconds = compare({"ours, GPT-2's form": step(GPT(config)), "transformers GPT-2": step(theirs), "ours, modern form": step(GPT(modern)),
                       "100 matrix products 2,048 x 384 x 1,536": products}, repeats=11)
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    peak = 100 * 2 * TOKENS[0] * TOKENS[1] * 384 * 1536 / middle["100 matrix products 2,048 x 384 x 1,536"]
    for name, form in (("ours, GPT-2's form", config), ("ours, modern form", modern)):
        rate = matmul_flops(form, *TOKENS) / middle[name]
        print(f"{name}: {rate / 1e9:.0f} GFLOP/s, {rate / peak:.0%} of the {peak / 1e9:.0f} GFLOP/s of the matrix products")


def generation():
    """GPT-2 124M's shape, random weights, batch 1: seconds for 40 cached tokens after a prompt of 16; in fp32 with `by_columns` and without."""
    config = GPTConfig(vocab_size=50257, context_length=1024, d_model=768, n_layers=12, n_heads=12, **GPT2_FORM)
    ours, by_rows = by_columns(GPT(config).eval()), GPT(config).eval()
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(bos_token_id=None, eos_token_id=None)).eval()
    low = GPT(config).eval().bfloat16()
    prompt, new = list(range(16)), 40
    settings = {"max_new_tokens": new, "do_sample": False, "use_cache": True}

    def cached(model):
        @torch.no_grad()
        def run():
            cache = KVCache(12, 1, 12, 16 + new, 64, dtype=model.head.weight.dtype)
            token = torch.tensor([prompt])
            for _ in range(new):
                token = model.head(model.hidden(token, cache=cache)[:, -1]).argmax(-1, keepdim=True)
        return run

    sides = {"ours, fp32": cached(ours), "transformers, fp32": lambda: theirs.generate(torch.tensor([prompt]), **settings),
             "products alone, fp32": products(ours, len(prompt), new), "ours, fp32, by rows": cached(by_rows),
             "products alone, fp32, by rows": products(by_rows, len(prompt), new), "ours, bf16": cached(low),
             "products alone, bf16": products(low, len(prompt), new)}
    seconds = {name: statistics.median(times) for name, times in compare(sides, repeats=9).items()}
    for name, middle in seconds.items():
        print(f"{name}: {new / middle:.1f} tokens/s")
    print(f"ours fp32 is at {seconds['products alone, fp32, by rows'] / seconds['ours, fp32']:.0%} of what torch's products allow, by rows as its "
          f"linear layers keep them, and {seconds['products alone, fp32'] / seconds['ours, fp32']:.0%} of the same products by columns; "
          f"bf16 is {seconds['transformers, fp32'] / seconds['ours, bf16']:.2f} times transformers' fp32")


def products(model, prompt, new):
    """Every matrix of the model times the prompt's vectors, then times one vector for each further token: what no generation can beat."""
    matrices = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
    first, later = ([torch.randn(1 if matrix is model.head.weight else rows, matrix.shape[1], dtype=matrix.dtype) for matrix in matrices]
                    for rows in (prompt, 1))

    @torch.no_grad()
    def run():
        for vectors in [first] + [later] * (new - 1):
            for matrix, vector in zip(matrices, vectors):
                F.linear(vector, matrix)
    return run


BENCHES = {"train_step": train_step, "generation": generation}
