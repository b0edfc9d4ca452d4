"""The reference models of transformers beside the course's, with the same random weights: for the parity tests."""
import torch
import transformers

from ch04_gpt_model.utils import GPT, GPTConfig

BLOCK_NAMES = {"self_attn": "attention", "input_layernorm": "attention_norm", "post_attention_layernorm": "mlp_norm"}


def shaken(model, seed):
    """`model` with every parameter drawn anew, norms and biases too, so that no weight is left where its default would hide a fault."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.3 * noise if is_norm else noise * (0.3 if parameter.dim() == 1 else 0.8 / parameter.shape[-1] ** 0.5))
    return model.eval()


def llama_names(state):
    """A state dict of Llama's or Qwen3's form under the course's names."""
    renamed = {}
    for name, tensor in state.items():
        name = name.removeprefix("model.").replace("embed_tokens", "token_embedding").replace("layers.", "blocks.").replace("lm_head", "head")
        for theirs, ours in BLOCK_NAMES.items():
            name = name.replace(f".{theirs}.", f".{ours}.")
        renamed[name] = tensor
    return renamed


def gpt2_names(state):
    """A state dict of GPT-2's form under the course's names: matrices turned (theirs are inputs x outputs), query, key and value cut apart."""
    renamed = {}
    for name, tensor in state.items():
        name = name.removeprefix("transformer.").replace("h.", "blocks.", 1) if ".h." in name else name.removeprefix("transformer.")
        if name.endswith("weight") and tensor.dim() == 2 and ("attn" in name or "mlp" in name):
            tensor = tensor.T
        for theirs, ours in (("wte", "token_embedding"), ("wpe", "position_embedding"), ("ln_f", "norm"), ("ln_1", "attention_norm"),
                             ("ln_2", "mlp_norm"), ("attn.c_proj", "attention.o_proj"), ("mlp.c_fc", "mlp.up_proj"),
                             ("mlp.c_proj", "mlp.down_proj"), ("lm_head", "head")):
            name = name.replace(theirs, ours)
        if "attn.c_attn" in name:
            for part, third in zip("qkv", tensor.chunk(3)):
                renamed[name.replace("attn.c_attn", f"attention.{part}_proj")] = third
        else:
            renamed[name] = tensor
    return renamed


def gpt2_pair(seed=0, vocab_size=61, context_length=32, d_model=32, n_layers=2, n_heads=4):
    """(transformers' GPT-2, ours) with equal weights."""
    theirs = shaken(transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=vocab_size, n_positions=context_length, n_embd=d_model, n_layer=n_layers, n_head=n_heads, attn_implementation="eager",
        bos_token_id=None, eos_token_id=None)), seed)
    ours = GPT(GPTConfig(vocab_size, context_length, d_model, n_layers, n_heads, norm="layernorm", activation="gelu", positions="learned",
                         bias=True)).eval()
    ours.load_state_dict(gpt2_names(theirs.state_dict()))
    return theirs, ours


def llama_pair(seed=0, *, qwen3=False, tied=False, bias=False, vocab_size=61, context_length=32, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2,
               head_dim=None, d_ff=72, rope_base=10_000.0, norm_eps=1e-6):
    """(transformers' Llama or Qwen3, ours) with equal weights."""
    family = (transformers.Qwen3Config, transformers.Qwen3ForCausalLM) if qwen3 else (transformers.LlamaConfig, transformers.LlamaForCausalLM)
    extra = {} if qwen3 else {"mlp_bias": bias}
    theirs = shaken(family[1](family[0](
        vocab_size=vocab_size, max_position_embeddings=context_length, hidden_size=d_model, num_hidden_layers=n_layers,
        num_attention_heads=n_heads, num_key_value_heads=n_kv_heads, head_dim=head_dim or d_model // n_heads, intermediate_size=d_ff,
        rope_parameters={"rope_type": "default", "rope_theta": rope_base}, rms_norm_eps=norm_eps, tie_word_embeddings=tied, attention_bias=bias,
        attn_implementation="eager", bos_token_id=None, eos_token_id=None, pad_token_id=None, **extra)), seed)
    ours = GPT(GPTConfig(vocab_size, context_length, d_model, n_layers, n_heads, n_kv_heads, head_dim, d_ff, norm_eps=norm_eps,
                         rope_base=rope_base, qk_norm=qwen3, bias=bias, tied=tied)).eval()
    ours.load_state_dict(llama_names(theirs.state_dict()))
    return theirs, ours
