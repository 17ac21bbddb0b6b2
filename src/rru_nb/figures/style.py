"""The look of all figures. Each cell keeps one colour, line and marker through the book."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from ..layers.registry import CELL_TITLES, COLOURS, DASHES, MARKERS


def use_style():
    """Set the look of all figures: a white grid, no frame, readable on a phone; tables uncut."""
    pd.set_option("display.max_colwidth", None)
    sns.set_theme(style="whitegrid", context="notebook")
    plt.rcParams |= {
        "figure.dpi": 110,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "rru_nb",  # the same figure gives the same file
    }


_SEABORN_DASHES = {"-": "", "--": (4, 1.5), "-.": (4, 1.5, 1, 1.5), ":": (1, 1)}


def cell_style():
    """Return the looks of the cells, for seaborn's functions with `hue="cell", style="cell"`."""
    dashes = {cell: _SEABORN_DASHES.get(d, d[-1]) for cell, d in DASHES.items()}
    return {"palette": COLOURS, "markers": MARKERS, "dashes": dashes}


def cell_legend(ax):
    """Show the legend with the cells' names as people write them; say so if nothing is drawn."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(handles, [CELL_TITLES.get(label, label) for label in labels])
    if not any(len(line.get_xdata()) for line in ax.lines):
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color="0.3")
        ax.set_yticks([])
