"""What lesson 3.2 claims about heads, beyond its own page; and its one exported piece, plot_attention."""
import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ch03_attention.utils import MultiHeadAttention, attention, causal_mask, plot_attention

matplotlib.use("Agg")


@given(w=st.floats(0, 1), values=st.lists(st.floats(-3, 3), min_size=8, max_size=8))
@settings(max_examples=60, deadline=None)
def test_one_softmax_explains_at_most_half_of_two_questions(w, values):
    """Whatever a head of width 4 takes home from the two places, the best linear notes leave at least half of the variance."""
    songs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
    value = torch.tensor(values, dtype=torch.float64).view(2, 4)                        # of Wren, of Otter
    taken = sum(share * torch.where(songs[:, place, None] > 0, value[0], value[1]) for place, share in ((0, w), (1, 1 - w)))
    facts = torch.cat([taken, torch.ones(4, 1, dtype=torch.float64)], dim=1)            # a constant may be added
    notes = facts @ (torch.linalg.pinv(facts, rtol=1e-9) @ songs)
    assert ((songs - notes) ** 2).mean(0).sum() > 1 - 1e-6


@pytest.mark.parametrize("batch, tokens, heads", [(1, 6, 2), (2, 8, 4), (1, 9, 3)])
def test_a_split_by_reshape_lets_the_future_in(batch, tokens, heads):
    torch.manual_seed(0)
    module = MultiHeadAttention(4 * heads, heads).double()
    x = torch.randn(batch, tokens, 4 * heads, dtype=torch.float64)

    def by_reshape(x):
        query, key, value = (projection(x).reshape(batch, heads, tokens, 4) for projection in (module.q_proj, module.k_proj, module.v_proj))
        return module.o_proj(attention(query, key, value, causal_mask(tokens))[0].transpose(1, 2).flatten(2))

    for forward, leaks in ((module, False), (by_reshape, True)):
        changed = x.clone()
        changed[:, -1] += 1
        felt = (forward(changed) - forward(x))[:, :-1].abs().max() > 1e-9
        assert felt == leaks


def test_the_output_is_the_sum_of_what_the_heads_write():
    torch.manual_seed(1)
    module, x = MultiHeadAttention(12, 3), torch.randn(2, 5, 12)
    whole, alone = module(x), []
    weight = module.o_proj.weight.detach().clone()
    for head in range(3):
        kept = torch.zeros_like(weight)
        kept[:, 4 * head:4 * head + 4] = weight[:, 4 * head:4 * head + 4]
        module.o_proj.weight.data = kept
        alone.append(module(x))
    assert torch.allclose(sum(alone), whole, atol=1e-6)


def test_plot_attention_names_both_axes():
    ax = plot_attention(torch.eye(4)[1:], ["a", "b", "c", "d"], "three queries")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c", "d"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "c", "d"]
    assert ax.get_title(loc="left") == "three queries" or ax.get_title() == "three queries"
    mine = plt.subplots()[1]
    assert plot_attention(torch.eye(2, requires_grad=True), ax=mine) is mine
    plt.close("all")


def test_plot_attention_wants_a_text_for_each_key():
    with pytest.raises(ValueError, match="each of the 4 keys, got 3"):
        plot_attention(torch.eye(4), ["a", "b", "c"])
    plt.close("all")
