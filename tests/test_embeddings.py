"""Lesson 2.6: what it claims about lookups, tying, empty rows, principal axes and PMI, on its own functions, read from the notebook."""
import ast
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from ch01_intro.utils import WordTokenizer, set_seed
from tools.notebooks import ROOT, read_notebook

WANTED = {"windows", "WindowModel", "principal_axes", "by_group", "nearest_guests", "agreement", "ppmi", "shortened", "counted_tables", "ring_loss"}


@pytest.fixture(scope="module")
def lesson():
    """The functions that the lesson defines and doesn't export, by name."""
    names = {"torch": torch, "nn": nn, "F": F, "math": math, "set_seed": set_seed, "END": 0, "WINDOW": 4}
    for cell in read_notebook(ROOT / "ch02_tokenization" / "06_embeddings.ipynb").cells:
        if cell.cell_type == "code" and not cell.source.startswith("#| export"):
            for node in ast.parse(cell.source).body:
                if getattr(node, "name", None) in WANTED:
                    exec(compile(ast.Module([node], []), "06_embeddings", "exec"), names)
    assert set(names) >= WANTED
    return names


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 6), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 10**6))
def test_lookup_is_a_one_hot_product_forward_and_backward(vocab_size, d, shape, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(vocab_size, shape, generator=generator)
    table = torch.randn(vocab_size, d, generator=generator, dtype=torch.float64)
    back = torch.randn(*shape, d, generator=generator, dtype=torch.float64)
    rows = {}
    for name in ("product", "lookup", "module"):
        weight = table.clone().requires_grad_()
        if name == "module":
            layer = nn.Embedding.from_pretrained(weight.detach().clone(), freeze=False)
            weight, x = layer.weight, layer(ids)
        else:
            x = F.one_hot(ids, vocab_size).double() @ weight if name == "product" else weight[ids]
        x.backward(back)
        rows[name] = x.detach(), weight.grad
    added = torch.zeros(vocab_size, d, dtype=torch.float64).index_add_(0, ids.flatten(), back.reshape(-1, d))
    for x, gradient in rows.values():
        assert torch.equal(x, table[ids])
        assert torch.allclose(gradient, added, atol=1e-12)


def test_windows_stay_in_their_story(lesson):
    tokenizer = WordTokenizer(["a b c a b c"] * 2)
    contexts, targets = lesson["windows"](["a b", "c"], tokenizer)
    a, b = tokenizer.encode("a b")
    c = tokenizer.encode("c")                                    # at the beginning of a text: no space, so it is spelled
    assert contexts[:3].tolist() == [[0, 0, 0, 0], [0, 0, 0, a], [0, 0, a, b]]
    assert targets.tolist() == [a, b, 0, *c, 0]
    assert contexts[3].tolist() == [0, 0, 0, 0]                  # nothing of the first story


@pytest.mark.parametrize("tied", [False, True])
def test_the_model_has_the_tables_it_should(lesson, tied):
    set_seed(0)
    model = lesson["WindowModel"](50, d=8, hidden=16, tied=tied)
    assert (model.answers is model.table) == tied
    tables = 50 * 8 * (1 if tied else 2)
    assert sum(p.numel() for p in model.parameters()) == tables + (32 * 16 + 16) + (16 * 8 + 8) + 50
    assert model(torch.zeros(7, 4, dtype=torch.int64)).shape == (7, 50)


def test_the_start_depends_on_the_seed_alone(lesson):
    """The two tables are drawn in a fixed order, wherever they lie in memory."""
    starts = []
    for _ in range(6):
        set_seed(3)
        starts.append(lesson["WindowModel"](20, d=4).table.weight.detach())
    assert all(torch.equal(starts[0], start) for start in starts)


def test_renumbering_changes_nothing(lesson):
    set_seed(1)
    model, other = (lesson["WindowModel"](30, d=8).double() for _ in range(2))
    other.load_state_dict(model.state_dict())
    ticket = torch.randperm(30)
    with torch.no_grad():
        model.bias.normal_()
        for mine, theirs in ((other.table.weight, model.table.weight), (other.answers.weight, model.answers.weight), (other.bias, model.bias)):
            mine[ticket] = theirs
    contexts = torch.randint(30, (40, 4))
    assert torch.allclose(other(ticket[contexts])[:, ticket], model(contexts), atol=1e-12)


def test_slope_of_a_tied_table_is_the_sum_of_its_two_readings(lesson):
    set_seed(2)
    tied, apart = lesson["WindowModel"](30, tied=True).double(), lesson["WindowModel"](30).double()
    apart.load_state_dict(tied.state_dict())
    contexts, targets = torch.randint(5, (40, 4)), torch.randint(5, (40,))
    for model in (tied, apart):
        F.cross_entropy(model(contexts), targets).backward()
    assert torch.allclose(tied.table.weight.grad, apart.table.weight.grad + apart.answers.weight.grad, atol=1e-15)
    assert not apart.table.weight.grad[5:].any()                 # never looked up: never moved
    assert apart.answers.weight.grad.any(1).all()                # every answer moves at every step
    with torch.no_grad():
        questions = apart.question(torch.tanh(apart.hidden(apart.table(contexts).flatten(1))))
        pushes = apart(contexts).softmax(-1).T @ questions / 40
    assert torch.allclose(apart.answers.weight.grad[5:], pushes[5:], atol=1e-15)


@pytest.mark.parametrize("d", [1, 3, 8])
def test_a_symmetric_table_cannot_learn_a_ring(d):
    """ln 3 is the least that E @ E.T can reach on a ring of three: from any start, at any width."""
    generator = torch.Generator().manual_seed(d)
    E = torch.randn(200, 3, d, generator=generator, dtype=torch.float64) * 3 * torch.rand(200, 1, 1, generator=generator, dtype=torch.float64)
    logits = E @ E.transpose(1, 2)
    losses = F.cross_entropy(logits.transpose(1, 2), torch.tensor([1, 2, 0]).expand(200, 3), reduction="none").mean(1)
    assert losses.min() > math.log(3)


def test_the_ring_needs_something_between(lesson):
    assert math.isclose(lesson["ring_loss"](lambda E, U, W: E @ E.T), math.log(3), abs_tol=1e-4)
    assert lesson["ring_loss"](lambda E, U, W: E @ U.T) < 1e-3 > lesson["ring_loss"](lambda E, U, W: E @ W @ E.T)


@settings(deadline=None, max_examples=30)
@given(st.integers(5, 60), st.integers(3, 12), st.integers(0, 10**6))
def test_principal_axes_are_the_widest(lesson, n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(n, d, generator=generator, dtype=torch.float64) * torch.rand(d, generator=generator, dtype=torch.float64) + 5
    centre, axes, share = lesson["principal_axes"](points, k=2)
    off = points - centre
    assert off.mean(0).abs().max() < 1e-9
    assert torch.allclose(axes @ axes.T, torch.eye(2, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(((off @ axes.T) ** 2).sum(0) / (off ** 2).sum(), share)
    tries = F.normalize(torch.randn(100, d, generator=generator, dtype=torch.float64), dim=1)
    assert ((off @ tries.T) ** 2).sum(0).max() / (off ** 2).sum() <= share[0] + 1e-9


def test_ppmi_by_hand_and_at_its_edges(lesson):
    counts = torch.tensor([[2.0, 8.0], [18.0, 972.0]])
    table = lesson["ppmi"](counts)
    assert math.isclose(table[0, 0], math.log(10), rel_tol=1e-5)
    assert table[0, 1] == table[1, 0] == 0 and 0 < table[1, 1] < 0.01
    table = lesson["ppmi"](torch.tensor([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert table.isfinite().all() and not table[2].any() and not table[:, 2].any()
    assert torch.allclose(lesson["ppmi"](torch.outer(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))), torch.zeros(2, 2), atol=1e-6)


def test_counted_tables_bring_like_words_together(lesson):
    """Words 1 and 2 have like followers, words 3 and 4 like predecessors; nothing else is alike."""
    pairs = [(1, 5), (2, 5), (1, 6), (2, 6), (7, 3), (7, 4), (8, 3), (8, 4), (3, 9), (4, 10), (11, 1), (12, 2)] * 5
    contexts = torch.tensor([[0, 0, 0, first] for first, _ in pairs])
    followers, predecessors = lesson["counted_tables"](contexts, torch.tensor([second for _, second in pairs]), 40)

    def alike(table, i, j):
        return F.cosine_similarity(table[i], table[j], dim=0).item()
    assert alike(followers, 1, 2) > 0.99 > 0.1 > abs(alike(predecessors, 1, 2))
    assert alike(predecessors, 3, 4) > 0.99 > 0.1 > abs(alike(followers, 3, 4))


def test_agreement_is_one_for_groups_and_luck_for_noise(lesson):
    generator = torch.Generator().manual_seed(0)
    groups = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    middles = torch.eye(3).repeat_interleave(10, 0)
    table = torch.cat([torch.zeros(4, 3), middles + 0.05 * torch.randn(30, 3, generator=generator)])
    guests = torch.arange(4, 34)
    assert lesson["agreement"](table, guests, groups) == 1
    lucky = lesson["agreement"](table, guests, groups, shuffles=500)
    assert abs(lucky.mean().item() - 9 / 29) < 0.03 and lucky.max() < 0.8
    assert (lesson["nearest_guests"](table, guests) != torch.arange(30)).all()


def test_words_on_two_lists_are_left_out(lesson):
    tokenizer = WordTokenizer([" red bell saw kite"] * 2)
    lists = {"things": ["bell", "saw", "kite", "unknownword"], "verbs": ["saw"], "again": ["kite", "red"]}
    ids, groups = lesson["by_group"](tokenizer, lists)
    assert [tokenizer.decode([i]) for i in ids.tolist()] == [" bell", " red"] and groups == ["things", "again"]
