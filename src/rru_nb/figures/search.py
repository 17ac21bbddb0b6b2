"""What a search for hyperparameters found."""

import matplotlib.pyplot as plt

from ..training.config import CELL_TITLES
from ..training.metrics import metric_named
from .links import urls
from .style import COLOURS, DASHES, MARKERS

_CLIP = 0.8  # share of the scores within the axes: the worst trials would flatten all others


def search_panels(frame, settings):
    """Draw the best score so far by trial, and every trial's score over each tuned setting.

    Args:
        frame: of `trials_frame`, of one dataset and scale.
        settings: names of columns of it, e.g. `["learning_rate", "dropout", "n_params"]`.
    """
    done = frame[frame.status == "ok"].astype({"valid": float})
    metric = metric_named(frame.metric.iloc[0])
    n = len(settings) + 1
    figure, axes = plt.subplots(1, n, figsize=(3 * n, 3.6), sharey=True, layout="constrained")
    for cell, runs in done.groupby("cell", sort=False):
        loss = metric.loss(runs.valid)
        line = {"color": COLOURS[cell], "linestyle": DASHES[cell], "label": CELL_TITLES[cell]}
        axes[0].step(runs.trial, metric.score(loss.cummin()), where="post", **line)
        best = runs.loc[loss.idxmin()]
        for ax, setting in zip(axes[1:], settings):
            look = {"color": COLOURS[cell], "marker": MARKERS[cell], "alpha": 0.6}
            ax.scatter(runs[setting], runs.valid, s=16, urls=urls(runs, setting), **look)
            ring = {"facecolors": "none", "edgecolors": COLOURS[cell], "linewidths": 2}
            ax.scatter(best[setting], best.valid, s=170, **ring)
    axes[0].set(xlabel="trial", ylabel=f"validation {metric.title}", title="best so far")
    for ax, setting in zip(axes[1:], settings):
        ax.set_xlabel(setting.replace("_", " "))
        ax.set_xscale("log" if setting == "learning_rate" else "linear")
    axes[-1].xaxis.set_major_formatter(lambda x, _: f"{x / 1e6:g}M" if x >= 1000 else f"{x:g}")
    if len(done) >= 5:
        best, worst = metric.loss(done.valid).quantile([0, _CLIP])
        axes[0].set_ylim(*sorted(map(metric.score, (best - 0.05 * (worst - best), worst))))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
