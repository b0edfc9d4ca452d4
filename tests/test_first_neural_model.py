"""Lesson 1.3: the slope of the surprise, where a learned bigram goes, and the picture of losses."""
import math

import matplotlib
import pytest
import torch

from ch01_intro.utils import cross_entropy_nats, plot_losses

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def labels(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("shape", [(5,), (7, 3), (2, 3, 11)])
def test_slope_of_the_surprise_is_softmax_minus_one_hot(shape):
    generator = torch.Generator().manual_seed(sum(shape))
    logits = (5 * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
    targets = torch.randint(shape[-1], shape[:-1], generator=generator)
    cross_entropy_nats(logits.log_softmax(-1), targets).backward()
    one_hot = torch.nn.functional.one_hot(targets, shape[-1])
    expected = (logits.detach().softmax(-1) - one_hot) / max(1, targets.numel())
    assert torch.allclose(logits.grad, expected, atol=1e-14)
    assert torch.allclose(logits.grad.sum(-1), torch.zeros(shape[:-1], dtype=torch.float64), atol=1e-14)


def test_gradient_descent_on_a_table_goes_to_the_counts_from_above():
    ids = torch.tensor([0, 1, 0, 2, 0, 1, 1, 2, 0, 1, 0, 0, 2, 1])
    counts = torch.bincount(ids[:-1] * 4 + ids[1:], minlength=16).view(4, 4).double()       # token 3 never comes
    shares = counts / counts.sum(1, keepdim=True)
    seen = counts > 0
    floor = -(counts[seen] * shares[seen].log()).sum() / counts.sum()
    start = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    board, last = start.clone().requires_grad_(), math.inf
    for _ in range(2000):
        loss = torch.nn.functional.cross_entropy(board[ids[:-1]], ids[1:])
        assert floor < loss < last
        last = loss.item()
        slope, = torch.autograd.grad(loss, board)
        expected = counts.sum(1, keepdim=True) * board.detach().softmax(-1)
        assert torch.allclose(slope, (expected - counts) / counts.sum(), atol=1e-14)
        board = (board.detach() - slope).requires_grad_()
    assert last < floor + 0.01
    assert (board.softmax(-1)[:3] - shares[:3]).abs().max() < 0.01
    assert torch.equal(board[3], start[3])                      # a page that is never opened stays as it was


def test_plot_losses_labels_every_curve_and_the_floor():
    ax = plot_losses({"a": [3.0, 2.0, 1.0], "b": ([10, 20], torch.tensor([2.0, 1.5])), "c": range(1, 4)}, floor=0.5, ylabel="nats",
                     title="t")
    assert {*labels(ax)} == {"a", "b", "c", "floor 0.50"}
    assert [list(line.get_xdata()) for line in ax.lines[:3]] == [[0, 1, 2], [10, 20], [0, 1, 2]]
    assert ax.get_ylabel() == "nats" and ax.get_title(loc="left") + ax.get_title() == "t"
    ax.figure.canvas.draw()


def test_plot_losses_takes_a_tuple_of_two_losses_for_losses():
    assert list(plot_losses({"a": (2.0, 1.0)}).lines[0].get_ydata()) == [2.0, 1.0]


def test_plot_losses_draws_on_given_axes_and_scales():
    figure, ax = plt.subplots()
    assert plot_losses({"a": ([1, 10], [1.0, 0.1])}, ax=ax, log="xy") is ax
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log") and plt.get_fignums() == [figure.number]


def test_plot_losses_survives_losses_that_are_not_finite():
    ax = plot_losses({"burst": [1.0, math.nan, math.inf], "lost": [math.nan]})
    assert labels(ax) == ["burst"]
    ax.figure.canvas.draw()
    ax = plot_losses({"done": [1.0, 0.1, 0.0]}, log="y")
    assert labels(ax) == ["done"] and ax.texts[0].xy == (1, 0.1)
    ax.figure.canvas.draw()


def test_a_lone_label_stands_at_the_end_of_its_curve():
    ax = plot_losses({"high": [1.0, 40.0], "low": [1.0, 2.0]})
    ax.figure.canvas.draw()
    for text, height in zip(ax.texts, (2.0, 40.0)):
        box, place = text.get_window_extent(), ax.transData.transform((1, height))[1]
        assert box.y0 < place < box.y1


def test_plot_losses_keeps_labels_apart():
    ax = plot_losses({name: [2.0, 1.0] for name in "abcd"}, floor=1.0)
    ax.figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in zip(boxes, boxes[1:]))


@pytest.mark.parametrize("curve", [[], ([1, 2, 3], [1.0, 2.0]), ([], [])])
def test_plot_losses_names_the_curve_that_does_not_fit(curve):
    with pytest.raises(ValueError, match="curve 'mine': expected as many losses as steps"):
        plot_losses({"mine": curve})
