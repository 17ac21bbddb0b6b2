"""The look of all figures. Each cell keeps one colour, line and marker through the book."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

COLOURS = dict(zip(("rru", "gru", "lstm", "mogrifier"), sns.color_palette("colorblind")))
DASHES = {"rru": "-", "gru": "--", "lstm": "-.", "mogrifier": ":"}
MARKERS = {"rru": "o", "gru": "s", "lstm": "^", "mogrifier": "D"}
# Of seaborn's functions with `hue="cell", style="cell"`.
CELL_STYLE = {
    "palette": COLOURS,
    "markers": MARKERS,
    "dashes": {"rru": "", "gru": (4, 1.5), "lstm": (4, 1.5, 1, 1.5), "mogrifier": (1, 1)},
}


def use_style():
    """The look of all figures: a white grid, no frame, readable on a phone; tables uncut."""
    pd.set_option("display.max_colwidth", None)
    sns.set_theme(style="whitegrid", context="notebook")
    plt.rcParams |= {
        "figure.dpi": 110,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "rru_nb",  # the same figure gives the same file
    }


def panels(n):
    """A row of `n` panels that share their vertical axis: the figure and an array of axes."""
    figure, axes = plt.subplots(1, n, figsize=(1.9 * n, 2.6), sharey=True, layout="constrained")
    return figure, np.atleast_1d(axes)
