"""generate and sample_logits: against transformers' generation, row by row, cached and not; the filters against their definitions; bad input."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation import logits_process

from ch01_intro.utils import NGramModel
from ch04_gpt_model.utils import GPT, GPTConfig, generate, kept_weights, penalise_repetition, sample_logits
from tests.references import gpt2_pair, llama_pair, shaken

PROMPTS = [[5], [3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1], [30, 29, 28, 27, 26, 25]]


def model(positions="rope", seed=0, **changes):
    shape = {"vocab_size": 31, "context_length": 40, "d_model": 24, "n_layers": 2, "n_heads": 4} | changes
    return shaken(GPT(GPTConfig(**shape, positions=positions)), seed)


@pytest.mark.parametrize("positions", ("rope", "learned", "none"))
@pytest.mark.parametrize("seed", (0, 1))
def test_unequal_prompts_together_are_one_by_one_cached_or_not(positions, seed):
    gpt = model(positions, seed, n_kv_heads=2, window=6 if seed else None)
    alone = [generate(gpt, [prompt], 25, temperature=0)[0] for prompt in PROMPTS]
    assert generate(gpt, PROMPTS, 25, temperature=0) == alone
    assert generate(gpt, PROMPTS, 25, temperature=0, use_cache=False) == alone
    assert generate(gpt, PROMPTS, 25, temperature=0, repetition_penalty=1.5) == [
        generate(gpt, [prompt], 25, temperature=0, repetition_penalty=1.5, use_cache=False)[0] for prompt in PROMPTS]


@pytest.mark.parametrize("pair", (gpt2_pair, llama_pair))
@pytest.mark.parametrize("penalty", (1.0, 1.3, 0.8))
def test_greedy_with_a_penalty_and_a_stop_token_is_transformers(pair, penalty):
    theirs, ours = pair(seed=2)
    for prompt in PROMPTS[:3]:
        free = generate(ours, [prompt], 20, temperature=0, repetition_penalty=penalty)[0]
        stop = free[12]
        result = theirs.generate(torch.tensor([prompt]), max_new_tokens=20, do_sample=False, repetition_penalty=penalty, eos_token_id=stop,
                                 pad_token_id=stop)[0, len(prompt):].tolist()
        assert generate(ours, [prompt], 20, temperature=0, repetition_penalty=penalty, stop_tokens=(stop,))[0] == result[:-1]


rows = st.integers(0, 2**16).map(lambda seed: torch.randn(3, 20, generator=torch.Generator().manual_seed(seed)) * 3)


@settings(max_examples=50, deadline=None)
@given(rows, st.integers(1, 25), st.floats(0.01, 1), st.floats(0.001, 1))
def test_filters_are_transformers(logits, k, p, m):
    def theirs(processor):
        return processor(None, logits).softmax(-1)
    assert torch.allclose(kept_weights(logits, top_k=k), theirs(logits_process.TopKLogitsWarper(k)), atol=1e-6)
    assert torch.allclose(kept_weights(logits, top_p=p), theirs(logits_process.TopPLogitsWarper(p)), atol=1e-6)
    assert torch.allclose(kept_weights(logits, min_p=m), theirs(logits_process.MinPLogitsWarper(m)), atol=1e-6)
    seen = logits > 1
    ids = seen[:1].nonzero()[:, 1][None]
    if ids.numel():
        expected = logits_process.RepetitionPenaltyLogitsProcessor(1.7)(ids, logits[:1])
        assert torch.allclose(penalise_repetition(logits[:1], seen[:1], 1.7), expected)


@settings(max_examples=50, deadline=None)
@given(rows, st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_reach_p(logits, p):
    weights = logits.softmax(-1)
    for row, kept in zip(weights, kept_weights(logits, top_p=p) > 0):
        assert kept[row.argmax()] and row[kept].sum() >= p - 1e-5
        assert row[kept].sum() - row[kept].min() < p + 1e-5 and row[kept].min() >= torch.cat([row[~kept], torch.zeros(1)]).max() - 1e-9


def test_draws_follow_the_temperature():
    logits = torch.tensor([0.0, 1.0, 2.0]).expand(20_000, 3)
    for temperature in (0.5, 1.0, 2.0):
        drawn = sample_logits(logits, temperature=temperature, generator=torch.Generator().manual_seed(0))
        expected = (logits[0] / temperature).softmax(-1)
        assert ((drawn[:, None] == torch.arange(3)).float().mean(0) - expected).abs().max() < 0.015      # four standard errors
    assert sample_logits(logits, temperature=0).eq(2).all() and sample_logits(logits[0], top_k=1) == 2
    assert sample_logits(logits.view(100, 200, 3)).shape == (100, 200)


def test_a_seed_repeats_a_text():
    def text(seed): return generate(model(), PROMPTS, 10, generator=torch.Generator().manual_seed(seed))
    assert text(1) == text(1) != text(2)


def test_on_token_sees_every_id_and_may_end_its_row():
    gpt, heard = model(), [[] for _ in PROMPTS]
    free = generate(gpt, PROMPTS, 12, temperature=0)

    def listen(row, token):
        heard[row].append(token)
        return row == 1 and len(heard[1]) == 4

    ended = generate(gpt, PROMPTS, 12, temperature=0, on_token=listen)
    assert ended == heard == [free[0], free[1][:4], free[2], free[3]]


def test_stop_tokens_end_a_row_and_stay_out():
    gpt = model()
    free = generate(gpt, PROMPTS, 12, temperature=0)
    stop = free[2][5]
    heard = []
    ended = generate(gpt, PROMPTS, 12, temperature=0, stop_tokens=[stop], on_token=lambda row, token: heard.append(token))
    assert ended == [row[:row.index(stop)] if stop in row else row for row in free] and stop not in heard


def test_training_mode_is_kept_and_dropout_is_off():
    gpt = model(dropout=0.5).train()
    assert generate(gpt, PROMPTS, 8, temperature=0) == generate(gpt, PROMPTS, 8, temperature=0) and gpt.training
    with pytest.raises(ZeroDivisionError):
        generate(gpt, PROMPTS, 8, on_token=lambda row, token: 1 / 0)
    assert gpt.training and generate(gpt, [[1]], 0) == [[]]


def test_ngram_models_are_continued_too():
    counted = NGramModel(3, 6).fit([[1, 2, 3, 4, 5] * 4])
    heard = []
    texts = generate(counted, [[0, 1, 2], [0, 1]], 6, temperature=0, on_token=lambda row, token: heard.append((row, token)))
    assert texts == [[3, 4, 5, 1, 2, 3], [2, 3, 4, 5, 1, 2]] and heard == [(row, token) for row, text in enumerate(texts) for token in text]


@pytest.mark.parametrize("arguments, error, message", [
    (([[1, 2]], 39), ValueError, "prompt 0 has 2 tokens; with 39 new ones that makes 41, and the context holds 40"),
    (([[1], []], 3), ValueError, "prompt 1 is empty: expected at least one id"),
    (([], 3), ValueError, "expected at least one prompt, got none"),
    (([1, 2], 3), TypeError, "expected a list of lists of ids; prompt 0 is 1"),
    ((["Wren"], 3), TypeError, "expected a list of lists of ids; prompt 0 is 'Wren'"),
    (([[1, 2.5]], 3), TypeError, "expected a list of lists of ids; prompt 0 is [1, 2.5]"),
    (([[1, 31]], 3), ValueError, "token ids must be from 0 to 30, got 31"),
    (([[1]], -1), ValueError, "max_new_tokens: expected 0 or more, got -1"),
])
def test_bad_prompts_are_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        generate(model(), *arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("setting, message", [
    ({"top_p": 0.0}, "top_p: expected a probability in (0, 1], got 0.0"),
    ({"top_p": 1.1}, "top_p: expected a probability in (0, 1], got 1.1"),
    ({"top_k": 0}, "top_k: expected at least 1, got 0"),
    ({"min_p": -0.1}, "min_p: expected a share in [0, 1], got -0.1"),
    ({"temperature": -1}, "temperature: expected 0 (greedy) or more, got -1"),
    ({"repetition_penalty": 0}, "repetition_penalty: expected a number above 0"),
])
def test_bad_settings_are_refused(setting, message):
    with pytest.raises(ValueError) as caught:
        generate(model(), [[1]], 3, **setting)
    assert message in str(caught.value)
    if "repetition_penalty" not in setting:
        with pytest.raises(ValueError):
            sample_logits(torch.zeros(1, 4), **setting)


