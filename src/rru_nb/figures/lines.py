"""Lines of the metric over one setting, as the paper's Figures 4 and 5."""

import matplotlib.pyplot as plt

from ..analysis.tables import METRIC_TITLES
from ..training.config import CELL_TITLES
from .style import COLOURS, DASHES, MARKERS


def dropout_lines(frame, title):
    """Test score over the dropout rate, a line a cell; each cell's best rate by validation ringed.

    With several seeds the line is their mean and a band spans them. Failed trainings are marked
    by a × at the top of the axes, in the colour of the cell.

    Args:
        frame: rows of `sections.results`, of one dataset and scale. title: str.
    """
    figure, ax = plt.subplots(figsize=(8, 4.5))
    higher = frame.metric.iloc[0] == "accuracy"
    for i, (cell, runs) in enumerate(frame.groupby("cell", sort=False)):
        _failures(ax, runs, COLOURS[cell], height=0.97 - 0.04 * i)
        done = runs[runs.status == "ok"]
        if done.empty:
            continue
        by_rate = done.astype({"test": float, "valid": float}).groupby("dropout")
        scores, valid = by_rate.test.agg(["mean", "min", "max"]), by_rate.valid.mean()
        look = {"color": COLOURS[cell], "linestyle": DASHES[cell], "marker": MARKERS[cell]}
        ax.plot(scores.index, scores["mean"], label=CELL_TITLES[cell], **look)
        ax.fill_between(scores.index, scores["min"], scores["max"], color=COLOURS[cell], alpha=0.15)
        best = valid.idxmax() if higher else valid.idxmin()
        ring = {"markersize": 15, "markerfacecolor": "none", "markeredgewidth": 1.5}
        ax.plot(best, scores["mean"][best], "o", color=COLOURS[cell], **ring)
    ax.set(xlabel="dropout rate", ylabel=f"test {METRIC_TITLES[frame.metric.iloc[0]]}", title=title)
    ax.set_xticks(sorted(set(frame.dropout)))
    if not frame.status.isin(["ok", "failed"]).any():  # no axis without a number
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color="0.3")
        ax.set_yticks([])
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    return figure


def _failures(ax, runs, colour, height):
    """A × for each failed training, a row for each cell, so that none hides another."""
    for rate in runs[runs.status == "failed"].dropout:
        place = ax.get_xaxis_transform()
        ax.plot(rate, height, "x", color=colour, mew=2.5, transform=place, zorder=3)
