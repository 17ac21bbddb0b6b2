"""What the notebooks draw. Each cell keeps one colour, line and marker through the book."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from .config import CELL_TITLES
from .statistics import LOWEST_PITCH
from .tables import METRIC_TITLES

_COLOURS = dict(zip(("rru", "gru", "lstm", "mogrifier"), sns.color_palette("colorblind")))
_DASHES = {"rru": "-", "gru": "--", "lstm": "-.", "mogrifier": ":"}
_MARKERS = {"rru": "o", "gru": "s", "lstm": "^", "mogrifier": "D"}


def use_style():
    """The look of all figures: a white grid, no frame, readable on a phone."""
    sns.set_theme(style="whitegrid", context="notebook")
    plt.rcParams |= {
        "figure.dpi": 110,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "rru_nb",  # the same figure gives the same file
    }


def piano_roll(roll, title, ax=None):
    """Draws a piano roll: time to the right, pitch upwards, named at each C.

    Args:
        roll: array [T, 88], 0 or 1. title: str. ax: matplotlib axes, or None for new ones.
    """
    ax = ax or plt.subplots(figsize=(10, 4))[1]
    used = np.flatnonzero(roll.any(axis=0))
    low, high = used.min() - 2, used.max() + 3
    ax.pcolormesh(
        np.arange(len(roll) + 1), np.arange(89) - 0.5, roll.T, cmap="Blues", vmin=0, vmax=1.3
    )
    octaves = [k for k in range(88) if (k + LOWEST_PITCH) % 12 == 0 and low <= k <= high]
    ax.set_yticks(octaves, [f"C{(k + LOWEST_PITCH) // 12 - 1}" for k in octaves])
    ax.set(ylim=(low, high), xlabel="time step", ylabel="pitch", title=title)
    ax.grid(axis="x", visible=False)
    return ax


def pitch_histograms(described):
    """How often each pitch sounds, one panel a set. `described`: {name: statistics}."""
    figure, axes = _panels(len(described))
    for ax, (name, numbers) in zip(axes, described.items()):
        share = _summed(numbers, "pitches")
        pitches = LOWEST_PITCH + np.arange(88)
        ax.bar(pitches, 100 * share / share.sum(), width=1, linewidth=0, color=_COLOURS["rru"])
        ax.set(title=name, xlabel="MIDI pitch")
        ax.set_xticks([24, 48, 72, 96], ["C1", "C3", "C5", "C7"])
    axes[0].set_ylabel("% of the notes")
    return figure


def polyphony_histograms(described):
    """How many keys sound at once, one panel a set. `described`: {name: statistics}."""
    figure, axes = _panels(len(described))
    for ax, (name, numbers) in zip(axes, described.items()):
        frames = _summed(numbers, "polyphony")[:11]
        ax.bar(np.arange(len(frames)), 100 * frames / frames.sum(), color=_COLOURS["gru"])
        ax.set(title=name, xlabel="keys at once", xlim=(-0.6, 10.6))
    axes[0].set_ylabel("% of the time steps")
    return figure


def length_boxes(described):
    """The lengths of the pieces in time steps, all splits together: range, quartiles, median."""
    figure, ax = plt.subplots(figsize=(9, 0.6 * len(described) + 1.2))
    lengths = [
        sum((numbers[split]["lengths"] for split in ("train", "valid", "test")), [])
        for numbers in described.values()
    ]
    positions = range(len(lengths), 0, -1)  # the first set on top
    for position, values in zip(positions, lengths):
        low, first, middle, third, high = np.percentile(values, [0, 25, 50, 75, 100])
        ax.plot([low, high], [position] * 2, color="0.5", linewidth=1.5, zorder=1)
        ax.barh(position, third - first, left=first, height=0.5, color=_COLOURS["rru"], zorder=2)
        ax.plot([middle] * 2, [position - 0.25, position + 0.25], color="white", zorder=3)
    ax.axvline(200, color="0.4", linestyle="--", linewidth=1)
    ax.text(205, len(lengths) + 0.5, "window: 200", color="0.3", fontsize="small")
    ax.set_yticks(list(positions), list(described))
    ax.set(xscale="log", xlabel="time steps of a piece", ylim=(0.4, len(lengths) + 0.8))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return figure


def validation_curves(records, metric, title):
    """Validation score by epoch, a line a run, the best epoch marked; the first drop is cut off.

    Args:
        records: rows of `load_records`, of one dataset and one scale.
        metric: e.g. `"nll_window"`. title: str; say the dataset and the scale.
    """
    if len({(r.dataset, r.scale) for r in records.itertuples()}) > 1:
        raise ValueError("validation_curves draws one dataset at one scale at a time")
    figure, ax = plt.subplots(figsize=(9, 4.5))
    for row in records.itertuples():
        epochs = [e["epoch"] for e in row.epochs]
        scores = [e[f"valid_{metric}"] for e in row.epochs]
        label = CELL_TITLES[row.cell] + (f", seed {row.seed}" if records.seed.nunique() > 1 else "")
        colour = _COLOURS[row.cell]
        ax.plot(epochs, scores, linestyle=_DASHES[row.cell], color=colour, label=label)
        best = row.best_epoch - 1
        ax.plot(epochs[best], scores[best], _MARKERS[row.cell], color=colour)
    ax.set(xlabel="epoch", ylabel=f"validation {METRIC_TITLES[metric]}", title=title)
    ax.set_ylim(top=_after_the_first_drop(records, metric))
    ax.legend()
    return figure


def _after_the_first_drop(records, metric):
    """The worst score at a tenth of each run: the epochs before would flatten all others."""
    runs = [[epoch[f"valid_{metric}"] for epoch in row.epochs] for row in records.itertuples()]
    return max(scores[len(scores) // 10] for scores in runs)


def _panels(n):
    figure, axes = plt.subplots(1, n, figsize=(1.9 * n, 2.6), sharey=True, layout="constrained")
    return figure, np.atleast_1d(axes)


def _summed(numbers, key):
    columns = [np.array(numbers[split][key]) for split in ("train", "valid", "test")]
    longest = max(len(c) for c in columns)
    return sum(np.pad(c, (0, longest - len(c))) for c in columns)
