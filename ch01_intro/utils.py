# Draft of the generated file: only what other lessons need while the first lesson is being written.
import matplotlib.pyplot as plt

COLORS = {"blue": "#0072B2", "orange": "#E69F00", "green": "#009E73", "red": "#D55E00", "purple": "#CC79A7",
          "sky": "#56B4E9", "grey": "#8A8A8A", "ink": "#222222"}


def use_style():
    """Set the course's one figure style: colour-blind safe (Okabe and Ito, 2008), open axes, readable at half size."""
    plt.rcParams.update({
        "figure.figsize": (7.0, 3.2), "figure.dpi": 110, "savefig.dpi": 110, "figure.constrained_layout.use": True,
        "font.size": 10.5, "axes.titlesize": 11.5, "axes.titlelocation": "left", "axes.titleweight": "bold",
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6,
        "axes.edgecolor": COLORS["ink"], "text.color": COLORS["ink"], "axes.labelcolor": COLORS["ink"],
        "lines.linewidth": 2.0, "lines.markersize": 5, "legend.frameon": False, "svg.hashsalt": "course",
        "axes.prop_cycle": plt.cycler(color=[COLORS[name] for name in ("blue", "orange", "green", "red", "purple", "sky")]),
    })
