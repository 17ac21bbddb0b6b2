"""What the music sets look like: piano rolls, pitches, polyphony, lengths."""

import matplotlib.pyplot as plt
import numpy as np

from ..statistics import LOWEST_PITCH
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


def pitch_histograms(described):
    """How often each pitch sounds, one panel a set. `described`: {name: statistics}."""
    figure, axes = panels(len(described))
    for ax, (name, numbers) in zip(axes, described.items()):
        share = _summed(numbers, "pitches")
        pitches = LOWEST_PITCH + np.arange(88)
        ax.bar(pitches, 100 * share / share.sum(), width=1, linewidth=0, color=COLOURS["rru"])
        ax.set(title=name, xlabel="MIDI pitch")
        ax.set_xticks([24, 48, 72, 96], ["C1", "C3", "C5", "C7"])
    axes[0].set_ylabel("% of the notes")
    return figure


def polyphony_histograms(described):
    """How many keys sound at once, one panel a set. `described`: {name: statistics}."""
    figure, axes = panels(len(described))
    for ax, (name, numbers) in zip(axes, described.items()):
        frames = _summed(numbers, "polyphony")[:11]
        ax.bar(np.arange(len(frames)), 100 * frames / frames.sum(), color=COLOURS["gru"])
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
        ax.barh(position, third - first, left=first, height=0.5, color=COLOURS["rru"], zorder=2)
        ax.plot([middle] * 2, [position - 0.25, position + 0.25], color="white", zorder=3)
    ax.axvline(200, color="0.4", linestyle="--", linewidth=1)
    ax.text(205, len(lengths) + 0.5, "window: 200", color="0.3", fontsize="small")
    ax.set_yticks(list(positions), list(described))
    ax.set(xscale="log", xlabel="time steps of a piece", ylim=(0.4, len(lengths) + 0.8))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return figure


def _summed(numbers, key):
    columns = [np.array(numbers[split][key]) for split in ("train", "valid", "test")]
    longest = max(len(c) for c in columns)
    return sum(np.pad(c, (0, longest - len(c))) for c in columns)
