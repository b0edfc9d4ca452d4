"""generate, beam_search, speculative_generate: against transformers, brute force and χ²; the filters against their definitions; bad input."""
import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation import logits_process

from ch01_intro.utils import NGramModel
from ch04_gpt_model.utils import GPT, GPTConfig, beam_search, generate, kept_weights, penalise_repetition, sample_logits, speculative_generate
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


# ---- beam search


def log_prob(gpt, prompt, ids):
    with torch.no_grad():
        steps = gpt(torch.tensor([prompt + ids])).double().log_softmax(-1)[0, len(prompt) - 1:-1]
    return steps.gather(1, torch.tensor(ids)[:, None]).sum().item()


def every_text(vocab, length, stop):
    """All texts that end with the stop token or after `length` ids."""
    for ids in itertools.product(range(vocab), repeat=length):
        at = ids.index(stop) if stop in ids else None
        if at is None or all(token == 0 for token in ids[at + 1:]):     # one of the many that only differ behind the stop
            yield list(ids if at is None else ids[:at + 1])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16), st.integers(2, 4), st.sampled_from([0.0, 0.7, 1.0, 2.0]))
def test_beams_enough_for_all_are_brute_force(seed, length, penalty):
    gpt, stop = model(seed=seed, vocab_size=4, n_kv_heads=2), 2
    scores = [(ids[:-1] if ids[-1] == stop else ids, log_prob(gpt, [1, 3], ids) / len(ids)**penalty) for ids in every_text(4, length, stop)]
    scores.sort(key=lambda item: -item[1])
    found = beam_search(gpt, [1, 3], length, 4**length, stop_tokens=[stop], length_penalty=penalty)
    assert len(found) == len(scores) and found[0][0] == scores[0][0]
    assert [score for _, score in found] == pytest.approx([score for _, score in scores], abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_is_greedy_and_scores_are_true(seed):
    gpt = model(seed=seed)
    for prompt in PROMPTS:
        free = generate(gpt, [prompt], 15, temperature=0)[0]
        stop = [free[9]]
        greedy = generate(gpt, [prompt], 15, temperature=0, stop_tokens=stop)[0]
        (ids, score), = beam_search(gpt, prompt, 15, 1, stop_tokens=stop)
        assert ids == greedy and score == pytest.approx(log_prob(gpt, prompt, greedy + (stop if len(greedy) < 15 else [])), abs=1e-3)
        best = beam_search(gpt, prompt, 15, 6)
        assert len(best) == 6 and [s for _, s in best] == sorted((s for _, s in best), reverse=True)
        assert all(score == pytest.approx(log_prob(gpt, prompt, ids), abs=1e-3) for ids, score in best)


def test_beams_of_transformers():
    theirs, ours = llama_pair(seed=3)
    for prompt in PROMPTS[:3]:
        result = theirs.generate(torch.tensor([prompt]), max_new_tokens=12, num_beams=4, do_sample=False, length_penalty=0.0, pad_token_id=0)
        assert beam_search(ours, prompt, 12, 4)[0][0] == result[0, len(prompt):].tolist()


def test_beams_on_tables_and_bad_input():
    counted = NGramModel(3, 6).fit([[1, 2, 3, 4, 5] * 4])
    assert beam_search(counted, [0, 1], 4, 3)[0][0] == [2, 3, 4, 5]
    assert beam_search(model(), [1], 0, 3) == [([], 0.0)]
    dropped = model(dropout=0.5).train()
    assert beam_search(dropped, [1], 6, 3) == beam_search(dropped, [1], 6, 3) and dropped.training
    for changes, message in (({"beams": 0}, "beams from 1"), ({"length_penalty": -1}, "length_penalty from 0"), ({"prompt": []}, "prompt 0 is empty"),
                             ({"max_new_tokens": 40}, "the context holds 40")):
        with pytest.raises(ValueError, match=message):
            beam_search(**{"model": model(), "prompt": [1], "max_new_tokens": 4, "beams": 2} | changes)


# ---- speculative decoding


def chi_square(counts, expected):
    """How often draws from the expected counts are at least as far off, by χ²; cells that expect fewer than 5 put together."""
    few = expected < 5
    counts, expected = (torch.cat([x[~few], x[few].sum()[None]]) if few.any() else x for x in (counts, expected))
    kept = expected > 0
    far = ((counts - expected)[kept].square() / expected[kept]).sum()
    return torch.special.gammaincc((kept.sum().double() - 1) / 2, far / 2).item()


@pytest.mark.parametrize("draft_tokens", (1, 3))
@pytest.mark.parametrize("temperature", (1.0, 0.6))
def test_speculative_draws_follow_the_target(draft_tokens, temperature):
    n, vocab = 3000, 4
    target, draft = model(seed=1, vocab_size=vocab).double(), model(seed=2, vocab_size=vocab, n_layers=1).double()
    generator, counts = torch.Generator().manual_seed(0), torch.zeros(vocab, vocab, vocab)
    for _ in range(n):
        counts[tuple(speculative_generate(target, draft, [1, 2], 3, draft_tokens=draft_tokens, temperature=temperature, generator=generator)[0])] += 1
    texts = torch.tensor(list(itertools.product(range(vocab), repeat=3)))
    with torch.no_grad():
        steps = (target(torch.cat([torch.tensor([[1, 2]]).expand(len(texts), 2), texts], 1)) / temperature).log_softmax(-1)[:, 1:4]
    expected = n * steps.gather(2, texts[:, :, None]).sum((1, 2)).exp().view(vocab, vocab, vocab)
    assert chi_square(counts.flatten().double(), expected.flatten()) > 0.001


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draft_tokens", (0, 1, 2, 5))
def test_speculative_at_temperature_zero_is_greedy(seed, draft_tokens):
    target, draft = model(seed=seed).double(), model("learned", seed=seed + 10, n_layers=1).double()
    counted = NGramModel(2, 31).fit([[1, 2, 3, 4, 5] * 4])
    for prompt in PROMPTS:
        greedy = generate(target, [prompt], 14, temperature=0)[0]
        for guess in (draft, counted, target):
            ids, accepted = speculative_generate(target, guess, prompt, 14, draft_tokens=draft_tokens, temperature=0)
            assert ids == greedy and 0 <= accepted <= 14
        assert accepted == sum(min(draft_tokens, 13 - at) for at in range(0, 14, draft_tokens + 1))          # its own draft is never refused


def test_own_draft_is_always_accepted():
    target = model(seed=5).double()
    ids, accepted = speculative_generate(target, target, [1, 2], 20, draft_tokens=4, generator=torch.Generator().manual_seed(0))
    assert len(ids) == 20 and accepted == 16
    assert speculative_generate(target, target, [1, 2], 0) == ([], 0)


def test_target_reads_each_token_in_one_pass_per_round():
    target, passes = model(seed=5).double(), []
    target.blocks[0].attention.k_proj.register_forward_hook(lambda module, inputs, output: passes.append(output.shape[1]))
    draft = copy.deepcopy(target)
    draft.blocks[0].attention.k_proj._forward_hooks.clear()
    speculative_generate(target, draft, [1, 2, 3], 20, draft_tokens=4)
    assert passes == [7, 5, 5, 5]


def test_bad_drafts_are_refused():
    target = model().train()
    with pytest.raises(ValueError, match="draft_tokens: expected 0 or more, got -1"):
        speculative_generate(target, target, [1], 3, draft_tokens=-1)
    with pytest.raises(ValueError, match="the model's vocabulary of 31, got one of 7"):
        speculative_generate(target, model(vocab_size=7), [1], 9)
    with pytest.raises(ValueError, match="the context holds 5"):
        speculative_generate(target, model(context_length=5), [1], 9)
    with pytest.raises(ValueError, match="temperature: expected 0"):
        speculative_generate(target, target, [1], 9, temperature=-1)
    assert target.training
