"""Marks that several plots share."""

from ..training.config import CELL_TITLES
from .links import urls
from .style import COLOURS


def link_points(ax, x, y, runs, *axes):
    """Lay a link to its record on each point; a line of Matplotlib's has one link for all of them.

    Args:
        ax: the axes. x, y: the points. runs: rows of `experiments.results`, one for each point.
        *axes: as for `url`.
    """
    ax.scatter(x, y, s=120, alpha=0.01, linewidths=0, urls=urls(runs, *axes), zorder=3)


def mark_failed(ax, frame, x):
    """Mark each failed training by a × at the top of the axes, a row a cell, in its colour.

    Args:
        ax: the axes. frame: rows of `experiments.results`. x: name of the column on the x axis.
    """
    for row, (cell, runs) in enumerate(frame.groupby("cell", sort=False)):
        failed = runs[runs.status == "failed"]
        height, look = 0.97 - 0.04 * row, {"color": COLOURS[cell], "mew": 2.5, "zorder": 3}
        ax.plot(failed[x], [height] * len(failed), "x", transform=ax.get_xaxis_transform(), **look)


def cell_legend(ax):
    """Show the legend with the cells' names as people write them; say so if nothing is drawn."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(handles, [CELL_TITLES.get(label, label) for label in labels])
    if not any(len(line.get_xdata()) for line in ax.lines):
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color="0.3")
        ax.set_yticks([])
