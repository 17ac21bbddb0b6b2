"""Piano rolls."""

import matplotlib.pyplot as plt
import numpy as np

from ..data.music import LOWEST_PITCH
from .style import COLOURS


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
