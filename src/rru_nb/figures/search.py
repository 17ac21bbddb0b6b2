"""What a search for hyperparameters found."""

import matplotlib.pyplot as plt
import numpy as np

from ..training.config import CELL_TITLES
from ..training.metrics import metric_named
from .style import COLOURS, DASHES, MARKERS

_CLIP = 80  # percentile of the scores at which the axes end: the worst trials flatten all


def search_panels(frame, settings):
    """The best score so far by trial, and every trial's score over each tuned setting.

    Args:
        frame: of `trials_frame`, of one dataset and scale.
        settings: names of columns of it, e.g. `["learning_rate", "dropout", "n_params"]`.
    """
    done = frame[frame.status == "ok"].astype({"valid": float})
    metric = metric_named(frame.metric.iloc[0])
    n = len(settings) + 1
    figure, axes = plt.subplots(1, n, figsize=(3 * n, 3.6), sharey=True, layout="constrained")
    for cell, runs in done.groupby("cell", sort=False):
        losses = metric.loss(runs.valid)
        best = metric.score(losses.cummin())
        line = {"color": COLOURS[cell], "linestyle": DASHES[cell], "label": CELL_TITLES[cell]}
        axes[0].step(runs.trial, best, where="post", **line)
        top = losses.idxmin()
        for ax, setting in zip(axes[1:], settings):
            look = {"color": COLOURS[cell], "marker": MARKERS[cell], "linestyle": ""}
            ax.plot(runs[setting], runs.valid, markersize=4, alpha=0.6, **look)
            ring = {"markersize": 13, "markerfacecolor": "none", "markeredgewidth": 2}
            ax.plot(runs[setting][top], runs.valid[top], **(look | {"marker": "o"} | ring))
    axes[0].set(xlabel="trial", ylabel=f"validation {metric.title}")
    axes[0].set_title("best so far")
    for ax, setting in zip(axes[1:], settings):
        ax.set_xlabel(setting.replace("_", " "))
        ax.set_xscale("log" if setting == "learning_rate" else "linear")
    axes[-1].xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1000 else f"{x:g}")
    _limit(axes[0], metric, metric.loss(done.valid))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _limit(ax, metric, losses):
    if len(losses) < 5:
        return
    best, worst = losses.min(), np.percentile(losses, _CLIP)
    ends = (best - 0.05 * (worst - best), worst)
    ax.set_ylim(*sorted(map(metric.score, ends)))
