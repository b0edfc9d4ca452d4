"""The checks of ch03/01: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math

import pytest
import torch
from torch.nn import functional as F

from ch03_attention import exercises
from ch03_attention.utils import causal_mask, softmax
from tests.verdicts import verdict


def packed(story):
    return (story[:, :, None] == story[:, None, :]) & causal_mask(story.shape[1])


def packed_by_loops(story):
    batch, tokens = story.shape
    mask = torch.zeros(batch, tokens, tokens, dtype=torch.bool)
    for b in range(batch):
        for i in range(tokens):
            for j in range(i + 1):
                mask[b, i, j] = story[b, i] == story[b, j]
    return mask


def same_story(story):
    return story[:, :, None] == story[:, None, :]


def mended(query, key, value):
    scores = query @ key.mT / math.sqrt(key.shape[-1])
    return softmax(scores.masked_fill(~causal_mask(query.shape[-2], key.shape[-2]), -torch.inf)) @ value


def faulty(root=-1, times=False, dim=-1):
    def causal_attention(query, key, value):
        scores, mask = query @ key.mT / math.sqrt(key.shape[root]), causal_mask(query.shape[-2])
        return softmax(scores * mask if times else scores.masked_fill(~mask, -torch.inf), dim=dim) @ value
    return causal_attention


def drop(weights, p, training):
    if not training or p == 0:
        return weights
    kept = torch.rand_like(weights) >= p
    return weights * kept / (1 - p) if p < 1 else torch.zeros_like(weights)


def drop_with(toss=None, scale=lambda p: 1 / (1 - p)):
    def dropout(weights, p, training):
        if not training or p in (0, 1):
            return drop(weights, p, training)
        kept = (toss or (lambda w, p: torch.rand_like(w) >= p))(weights, p)
        return weights * kept * scale(p)
    return dropout


def head(sharp=None, query=2, key=0, value=1, identity=torch.eye):
    """The solution, with faults to choose from: which third of the vector each matrix picks."""
    def build_head(n):
        def pick(part):
            blocks = [torch.zeros(n, n)] * 3
            blocks[part] = identity(n)
            return torch.cat(blocks)
        sharpness = 20 * math.sqrt(n) if sharp is None else sharp(n)
        return sharpness * pick(query), pick(key), pick(value)
    return build_head


def head_of_lists(n):
    return [W.tolist() for W in head()(n)]


def needed(keys, share):
    return math.log(share / (1 - share)) + math.log(keys - 1)


RIGHT = [
    (exercises.check_two_outputs, ((3, 5), (2, 6))), (exercises.check_two_outputs, [[3.0, 5.0], [2.0, 6.0]]),
    (exercises.check_packed_mask, packed), (exercises.check_packed_mask, packed_by_loops),
    (exercises.check_packed_mask, lambda story: same_story(story).tril()),
    (exercises.check_causal_attention, mended),
    (exercises.check_causal_attention, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
    (exercises.check_score_needed, needed),
    (exercises.check_score_needed, lambda keys, share: torch.tensor(needed(keys, share), dtype=torch.float64)),
    (exercises.check_dropout, drop), (exercises.check_dropout, lambda weights, p, training: F.dropout(weights, p, training)),
    (exercises.check_build_head, head()), (exercises.check_build_head, head_of_lists),
    (exercises.check_build_head, head(sharp=lambda n: math.sqrt(n) * math.log(100 * 2 * n))),
]
WRONG = [
    (exercises.check_two_outputs, ((4, 4), (4, 4)), "plain average"),
    (exercises.check_two_outputs, ((72 / 26, 136 / 26), (2, 6)), "without the division"),
    (exercises.check_two_outputs, ((24, 40), (8, 24)), "divided by their sum"), (exercises.check_two_outputs, ((3, 5), (1, 3)), "after the softmax"),
    (exercises.check_two_outputs, ((3, 5), (3, 5)), "may not be looked at"), (exercises.check_two_outputs, ((3, 5), (4, 4)), "two powers left"),
    (exercises.check_two_outputs, (3, 5), "two outputs of two"), (exercises.check_two_outputs, ((5, 3), (2, 6)), "2 ln 3"),
    (exercises.check_packed_mask, same_story, "comes after it"),
    (exercises.check_packed_mask, lambda story: causal_mask(story.shape[1]).expand(len(story), -1, -1), "another story"),
    (exercises.check_packed_mask, lambda story: packed(story).tril(-1), "which is itself"),
    (exercises.check_packed_mask, lambda story: ~packed(story), "wrong way round"),
    (exercises.check_packed_mask, lambda story: packed(story).float(), "a mask of bool"),
    (exercises.check_packed_mask, lambda story: packed(story)[0], "of shape"),
    (exercises.check_packed_mask, lambda story: packed(story).triu(-1), "before it in the same story"),
    (exercises.check_causal_attention, faulty(root=-2), "still there: the scores are divided by √tokens"),
    (exercises.check_causal_attention, faulty(times=True), "still there: the future has the score 0"),
    (exercises.check_causal_attention, faulty(dim=-2), "still there: the softmax runs over the queries"),
    (exercises.check_causal_attention, faulty(-2, True, -2), "√tokens, not by √head_dim; the future"),
    (exercises.check_causal_attention, lambda q, k, v: F.scaled_dot_product_attention(q, k, v), "not hidden at all"),
    (exercises.check_causal_attention, lambda q, k, v: (mended(q, k, v), 0), "the output alone"),
    (exercises.check_causal_attention, lambda q, k, v: mended(q, k, v)[..., :1, :], "expected an output of shape"),
    (exercises.check_causal_attention, lambda q, k, v: mended(2 * q, k, v), "differs by up to"),
    (exercises.check_causal_attention, lambda q, k, v: math.nan * mended(q, k, v), "holds nan"),
    (exercises.check_score_needed, lambda keys, share: math.log(share / (1 - share) * keys), "one fewer"),
    (exercises.check_score_needed, lambda keys, share: math.log(share / (1 - share)), "one other key"),
    (exercises.check_score_needed, lambda keys, share: share / (1 - share) * (keys - 1), "its logarithm"),
    (exercises.check_score_needed, lambda keys, share: math.log(share * (keys - 1)), "raises the sum"),
    (exercises.check_score_needed, lambda keys, share: 7.0, "expected the score"),
    (exercises.check_dropout, lambda weights, p, training: drop(weights, p, True), "outside training"),
    (exercises.check_dropout, lambda weights, p, training: weights, "nothing was dropped"),
    (exercises.check_dropout, drop_with(scale=lambda p: 1), "was not scaled"),
    (exercises.check_dropout, drop_with(scale=lambda p: 1 / p), "keeps the mean"),
    (exercises.check_dropout, drop_with(toss=lambda w, p: torch.rand_like(w) < p), "share that goes"),
    (exercises.check_dropout, drop_with(toss=lambda w, p: torch.rand_like(w) >= p / 2), "of the weights were dropped"),
    (exercises.check_dropout, drop_with(toss=lambda w, p: torch.rand(w.shape[-1]) >= p), "on its own"),
    (exercises.check_dropout, drop_with(toss=lambda w, p: torch.rand(w.shape, generator=torch.Generator().manual_seed(0)) >= p), "toss anew"),
    (exercises.check_dropout,
     lambda weights, p, training: weights * (torch.rand_like(weights) >= p) / (1 - p) if training else weights, "0 divided by 0"),
    (exercises.check_build_head, head(sharp=lambda n: 1.0), "How sharp must the query be"),
    (exercises.check_build_head, head(query=0), "same weight"),
    (exercises.check_build_head, head(value=0), "which thing was asked for"), (exercises.check_build_head, lambda n: head()(n)[:2], "three matrices"),
    (exercises.check_build_head, lambda n: [W.T for W in head()(n)], "must have the shape"),
    (exercises.check_build_head, head(sharp=lambda n: -20 * math.sqrt(n)), "wrong slip"),
    (exercises.check_build_head, head(sharp=lambda n: 1e30 * n, identity=lambda n: 1e30 * torch.eye(n)), "nan or infinity"),
    (exercises.check_build_head, lambda n: (*head()(n)[:2], 2 * head()(n)[2]), "isn't a 1"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    said = verdict(capsys, check, answer)
    assert ": right. " in said, said


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_hears_why(check, answer, cause, capsys):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and any(part in said for part in cause.split("|")), said


def test_each_check_has_messages_of_its_own(capsys):
    for check in {check for check, _, _ in WRONG}:
        said = [verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check]
        assert len(set(said)) == len(said) >= 3


def test_the_readers_dice_are_left_alone(capsys):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    verdict(capsys, exercises.check_dropout, lambda weights, p, training: weights)
    assert torch.equal(torch.rand(3), expected)
