"""load_pretrained and export_hf: folders that transformers wrote or opens, whole and sharded, in every dtype; strangers refused by name."""
import json

import pytest
import safetensors.torch
import torch
import transformers

from ch02_tokenization.utils import train_bpe
from ch04_gpt_model.utils import GPT, GPTConfig, generate
from ch05_pretraining.utils import config_from_hf, export_hf, load_pretrained, load_tokenizer, read_weights
from data import downloads, village
from tests.references import gpt2_pair, llama_pair, shaken

IDS = torch.randint(61, (2, 20), generator=torch.Generator().manual_seed(1))
PAIRS = {
    "gpt2": gpt2_pair, "llama": llama_pair, "llama tied": lambda: llama_pair(tied=True), "llama biased": lambda: llama_pair(bias=True),
    "llama wide heads": lambda: llama_pair(head_dim=16, rope_base=5e5), "qwen3": lambda: llama_pair(qwen3=True),
    "qwen3 tied": lambda: llama_pair(qwen3=True, tied=True, head_dim=16),
}
every_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
TOLERANCES = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 0.2}


@every_pair
@pytest.mark.parametrize("shards", (False, True))
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_loads_what_transformers_saved(tmp_path, pair, shards, dtype):
    theirs = pair()[0].to(dtype)
    theirs.save_pretrained(tmp_path, max_shard_size="20KB" if shards else "1GB")
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == shards
    ours = load_pretrained(tmp_path)                                        # widened to fp32: nothing is lost
    expected = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(IDS).logits
    assert (ours(IDS) - expected).abs().max() < 1e-4
    assert load_pretrained(tmp_path, dtype=dtype)(IDS).dtype == dtype
    assert (load_pretrained(tmp_path, dtype=dtype)(IDS).float() - expected).abs().max() < TOLERANCES[dtype] * expected.abs().max()


@every_pair
@pytest.mark.parametrize("dtype", (torch.float32, torch.bfloat16), ids=str)
def test_transformers_opens_what_was_exported(tmp_path, pair, dtype):
    ours = pair()[1].to(dtype)
    export_hf(ours, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert (theirs(IDS).logits - ours.float()(IDS)).abs().max() < 1e-4
    assert theirs.dtype == torch.float32 and safetensors.torch.load_file(tmp_path / "model.safetensors").popitem()[1].dtype == dtype
    again = load_pretrained(tmp_path)
    assert again.config == ours.config and all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters()))


@pytest.mark.parametrize("biases", ({"attention_bias": True, "mlp_bias": False}, {"attention_bias": False, "mlp_bias": True}))
def test_biases_in_some_layers_alone(tmp_path, biases):
    theirs = shaken(transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=61, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, max_position_embeddings=32, **biases)), 0)
    theirs.save_pretrained(tmp_path)
    assert (load_pretrained(tmp_path)(IDS) - theirs(IDS).logits).abs().max() < 1e-4


def test_the_tokenizer_goes_along(tmp_path):
    texts = village.corpus(60)
    tokenizer = train_bpe(texts, 400, ("<|endoftext|>", "<|pad|>", "<|user|>"))
    export_hf(llama_pair(vocab_size=400)[1], tmp_path, tokenizer)
    theirs, again = transformers.AutoTokenizer.from_pretrained(tmp_path), load_tokenizer(tmp_path)
    for text in [*texts[:20], "naïve 鸦 😀\n\n  indented\ttabs", "it's 12,345 o'clock…", " ", ""]:
        ids = tokenizer.encode(text)
        assert theirs.encode(text) == ids == again.encode(text) and theirs.decode(ids) == text
    assert theirs.encode("<|user|>Wren<|pad|>") == tokenizer.encode("<|user|>Wren<|pad|>", allow_special=True)
    assert (again.vocab, again.merges, again.special_tokens) == (tokenizer.vocab, tokenizer.merges, tokenizer.special_tokens)
    assert theirs.eos_token_id is None or theirs.eos_token_id == tokenizer.special_tokens["<|endoftext|>"]


def test_exported_generation_is_ours(tmp_path):
    ours = llama_pair(qwen3=True, seed=3)[1]
    export_hf(ours, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    expected = theirs.generate(torch.tensor([[5, 6]]), max_new_tokens=15, do_sample=False)[0, 2:].tolist()
    assert generate(ours, [[5, 6]], 15, temperature=0) == [expected]


def llama_folder(tmp_path, change):
    """A saved Llama whose tensors went through `change`, a function of the dict."""
    llama_pair()[0].save_pretrained(tmp_path)
    tensors = safetensors.torch.load_file(tmp_path / "model.safetensors")
    change(tensors)
    safetensors.torch.save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize("change, words", [
    (lambda t: t.pop("model.norm.weight"), ("1 missing: model.norm.weight",)),
    (lambda t: t.update(extra=torch.zeros(1)), ("1 unexpected: extra",)),
    (lambda t: t.update({"model.norm.weight": torch.zeros(3)}), ("1 of another shape: model.norm.weight is (3,), expected (32,)",)),
    (lambda t: [t.pop(name) for name in list(t) if "layers.1" in name], ("9 missing: model.layers.1.", ", …")),
    (lambda t: t.pop("lm_head.weight"), ("1 missing: lm_head.weight",)),
    (lambda t: t.update({"model.layers.2.mlp.up_proj.weight": torch.zeros(72, 32)}), ("1 unexpected: model.layers.2.mlp.up_proj.weight",)),
])
def test_wrong_tensors_are_named(tmp_path, change, words):
    with pytest.raises(ValueError) as error:
        load_pretrained(llama_folder(tmp_path, change))
    assert str(tmp_path) in str(error.value) and all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("setting, words", [
    ({"model_type": "bert"}, "expected model_type gpt2, llama or qwen3, got 'bert'"),
    ({"hidden_act": "gelu"}, "hidden_act is 'gelu'; this model knows 'silu' alone"),
    ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "rope_type is 'llama3'"),
    ({"rope_parameters": None, "rope_scaling": {"rope_type": "yarn"}}, "rope_type is 'yarn'"),
    ({"rope_scaling": {"rope_type": "yarn"}}, "rope_type is 'yarn'"),                      # beside rope_parameters that say nothing of it
    ({"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2.0}}, "type is 'linear'"),     # the older word
    ({"rope_interleaved": True}, "rope_interleaved is True"),
    ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5"),
])
def test_configs_it_cannot_be_are_refused(tmp_path, setting, words):
    llama_pair()[0].save_pretrained(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text()) | setting
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        load_pretrained(tmp_path)
    assert words in str(error.value) and "config.json" in str(error.value)


def test_old_configs_keep_their_rope_base():
    base = {"model_type": "llama", "vocab_size": 9, "max_position_embeddings": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 8}
    assert config_from_hf(base | {"rope_theta": 500000}).rope_base == 500_000 and config_from_hf(base).rope_base == 10_000


def test_files_that_are_not_there_or_damaged(tmp_path):
    with pytest.raises(ValueError, match="config.json: expected this file, and it isn't there"):
        load_pretrained(tmp_path)
    llama_pair()[0].save_pretrained(tmp_path, max_shard_size="20KB")
    shard = sorted(tmp_path.glob("*.safetensors"))[1]
    data = shard.read_bytes()
    shard.write_bytes(data[:len(data) // 2])
    with pytest.raises(ValueError, match=f"{shard.name}: damaged, or no safetensors file"):
        load_pretrained(tmp_path)
    shard.unlink()
    with pytest.raises(ValueError, match=f"{shard.name}: expected this file of weights"):
        load_pretrained(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../outside.safetensors"}}))
    with pytest.raises(ValueError, match="outside.safetensors: expected this file of weights"):
        load_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "lla')
    with pytest.raises(ValueError, match="config.json: cut short, or no JSON"):
        load_pretrained(tmp_path)


def test_pickled_weights_are_never_opened(tmp_path):
    theirs = llama_pair()[0]
    theirs.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="pickles, .bin and .pt, are never opened"):
        load_pretrained(tmp_path)


@pytest.mark.parametrize("changes, words", [
    ({"experts": 2}, "experts, window and dropout have no place"), ({"positions": "none"}, "neither gpt2 nor llama nor qwen3 can hold"),
    ({"activation": "relu2"}, "neither gpt2 nor llama nor qwen3 can hold"), ({"window": 4}, "experts, window and dropout"),
    ({"norm": "layernorm", "activation": "gelu", "positions": "learned", "bias": True, "n_kv_heads": 1}, "gpt2 has as many KV heads as heads"),
])
def test_what_no_format_can_hold_is_not_exported(tmp_path, changes, words):
    model = GPT(GPTConfig(vocab_size=9, context_length=8, d_model=8, n_layers=1, n_heads=2, **changes))
    with pytest.raises(ValueError) as error:
        export_hf(model, tmp_path / "out")
    assert words in str(error.value) and not (tmp_path / "out").exists()


def test_another_kind_of_tokenizer_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram"}, "pre_tokenizer": {"type": "Metaspace"}}))
    with pytest.raises(ValueError, match="expected byte-level BPE with GPT-2's pattern, found Unigram after Metaspace"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("family", ("gpt2", "qwen3"))
def test_what_was_loaded_is_written_again_to_the_byte(tmp_path, family):
    export_hf(PAIRS[family]()[1].to(torch.bfloat16), tmp_path / "one")
    export_hf(load_pretrained(tmp_path / "one", dtype=torch.bfloat16), tmp_path / "two")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.skipif(not downloads.available("gpt2-bpe"), reason="needs gpt2-bpe")
def test_gpt2s_own_vocabulary_is_read(tmp_path):
    lines = downloads.path_of("gpt2-bpe", "vocab.bpe").read_text(encoding="utf-8").splitlines()[1:]
    vocab = json.loads(downloads.path_of("gpt2-bpe", "encoder.json").read_text(encoding="utf-8"))
    for merges in (lines, [line.split(" ") for line in lines]):                             # as it was written until 2024, and since
        (tmp_path / "tokenizer.json").write_text(json.dumps({
            "added_tokens": [{"id": 50256, "content": "<|endoftext|>"}], "model": {"type": "BPE", "vocab": vocab, "merges": merges},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}}))
        ours, theirs = load_tokenizer(tmp_path), downloads.tiktoken_gpt2()
        for text in [*village.corpus(5), "naïve 鸦 😀\n\n  it's 12,345 o'clock…"]:
            assert ours.encode(text) == theirs.encode(text)


@pytest.mark.parametrize("offsets, numbers", [((0, 4, 8, 12), 12), ((0, 8, 4, 12), 12), ((0, 4, 4, 8), 12), ((0, 4, 4, 8), 4)],
                         ids=("a gap", "an overlap", "bytes behind the last", "cut short"))
def test_files_whose_list_does_not_account_for_every_byte_are_refused(tmp_path, offsets, numbers):
    entries = {name: {"dtype": "U8", "shape": [offsets[n + 1] - offsets[n]], "data_offsets": offsets[n:n + 2]} for name, n in (("a", 0), ("b", 2))}
    header = json.dumps(entries).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(numbers))
    with pytest.raises(ValueError, match="damaged, or no safetensors file"):
        read_weights(tmp_path)
