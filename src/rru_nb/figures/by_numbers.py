"""How Z leaves zero, and how long the state's features remember."""

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.ticker import ScalarFormatter

from .style import COLOURS


def rezero_start(steps):
    """The sizes of Z and the loss over the first updates.

    Args:
        steps: of `by_numbers.watch_training`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    blue = COLOURS["rru"]
    left.fill_between(steps.step, steps.low, steps.high, color=blue, alpha=0.2, label="10–90 %")
    left.plot(steps.step, steps["median"], color=blue, label="median")
    left.plot(steps.step, steps.largest, color=blue, linestyle=":", label="largest")
    left.set(xlabel="update", ylabel="|Z| of the state's features", title="Z starts at zero")
    left.legend()
    right.plot(steps.step, steps.loss, color=blue)
    right.set(xlabel="update", ylabel="loss of the batch", title="Loss meanwhile")
    return figure


def half_life_shares(lives):
    """Share of the state's features whose half-life is at most so many time steps.

    Args:
        lives: `{label: array of half-lives}`, drawn in this order; the last in the RRU's colour.
    """
    figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
    for label, values in lives.items():
        last = label == list(lives)[-1]
        look = {"color": COLOURS["rru"] if last else "0.45", "linestyle": "-" if last else "--"}
        sns.ecdfplot(values, stat="percent", linewidth=2, label=label, ax=ax, **look)
    ax.set(xscale="log", xlabel="half-life in time steps", ylabel="% of the features, at most")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.legend()
    return figure
