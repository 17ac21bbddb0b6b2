"""What the music sets look like: piano rolls, pitches, polyphony, lengths."""

import matplotlib.pyplot as plt
import numpy as np

from ..analysis.datasets import LOWEST_PITCH
from ..analysis.datasets.shown import WINDOW
from .style import COLOURS, panels


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
    _name_octaves([ax], low, high)
    ax.set(ylim=(low, high), xlabel="time step", ylabel="pitch", title=title)
    ax.grid(axis="x", visible=False)
    return ax


def continuations(rolls, n_prime):
    """Piano rolls one above the other, a line where the common opening ends.

    Args:
        rolls: `{title: array [T, 88]}`. n_prime: int, time steps of the opening.
    """
    figure, axes = plt.subplots(
        len(rolls), figsize=(10, 2.6 * len(rolls)), sharex=True, layout="constrained"
    )
    axes = np.atleast_1d(axes)
    for ax, (title, roll) in zip(axes, rolls.items()):
        piano_roll(roll, title, ax)
        ax.axvline(n_prime, color=COLOURS["gru"], linestyle="--")
    low, high = zip(*(ax.get_ylim() for ax in axes))
    for ax in axes:
        ax.set(ylim=(min(low), max(high)), xlim=(0, max(map(len, rolls.values()))))
        ax.label_outer()
    _name_octaves(axes, min(low), max(high))
    return figure


def _name_octaves(axes, low, high):
    octaves = [k for k in range(88) if (k + LOWEST_PITCH) % 12 == 0 and low <= k <= high]
    for ax in axes:
        ax.set_yticks(octaves, [f"C{(k + LOWEST_PITCH) // 12 - 1}" for k in octaves])


def pitch_histograms(frame):
    """How often each pitch sounds, one panel a set; a frame of `datasets.shown.pitches`."""
    figure, axes = panels(frame["set"].nunique())
    for ax, (name, numbers) in zip(axes, frame.groupby("set", sort=False)):
        ax.bar(numbers.pitch, numbers["% of the notes"], width=1, linewidth=0, color=COLOURS["rru"])
        ax.set(title=name, xlabel="MIDI pitch")
        ax.set_xticks([24, 48, 72, 96], ["C1", "C3", "C5", "C7"])
    axes[0].set_ylabel("% of the notes")
    return figure


def polyphony_histograms(frame):
    """How many keys sound at once, one panel a set; a frame of `datasets.shown.polyphony`."""
    figure, axes = panels(frame["set"].nunique())
    for ax, (name, numbers) in zip(axes, frame.groupby("set", sort=False)):
        ax.bar(numbers["keys"], numbers["% of the time steps"], color=COLOURS["gru"])
        ax.set(title=name, xlabel="keys at once", xlim=(-0.6, 10.6))
    axes[0].set_ylabel("% of the time steps")
    return figure


def length_boxes(frame):
    """The lengths of the pieces: range, quartiles, median; see `datasets.shown.lengths`."""
    figure, ax = plt.subplots(figsize=(9, 0.6 * len(frame) + 1.2))
    positions = np.arange(len(frame), 0, -1)  # the first set on top
    first, middle, third = (frame[c] for c in ("first quartile", "median", "third quartile"))
    ax.hlines(positions, frame.shortest, frame.longest, color="0.5", linewidth=1.5, zorder=1)
    ax.barh(positions, third - first, left=first, height=0.5, color=COLOURS["rru"], zorder=2)
    ax.vlines(middle, positions - 0.25, positions + 0.25, color="white", zorder=3)
    ax.axvline(WINDOW, color="0.4", linestyle="--", linewidth=1)
    ax.text(1.02 * WINDOW, len(frame) + 0.5, f"window: {WINDOW}", color="0.3", fontsize="small")
    ax.set_yticks(positions, frame["set"])
    ax.set(xscale="log", xlabel="time steps of a piece", ylim=(0.4, len(frame) + 0.8))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return figure
