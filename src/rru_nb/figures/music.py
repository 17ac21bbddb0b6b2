"""Piano rolls."""

import matplotlib.pyplot as plt
import numpy as np

from ..data.music import LOWEST_PITCH
from .style import COLOURS


def piano_roll(roll, title, ax=None):
    """Draw a piano roll: time to the right, pitch upwards, named at each C.

    Args:
        roll: array [T, 88], 0 or 1. title: str. ax: matplotlib axes, or None for new ones.
    """
    ax = ax or plt.subplots(figsize=(7, 3.2))[1]
    used = np.flatnonzero(roll.any(axis=0))
    low, high = used.min() - 2, used.max() + 3
    edges = np.diff(np.asarray(roll, int).T, prepend=0, append=0)  # +1 where a note begins
    (keys, begin), (_, end) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    ax.barh(keys, end - begin, height=1, left=begin, lw=0, color=COLOURS["rru"])
    octaves = [k for k in range(88) if (k + LOWEST_PITCH) % 12 == 0 and low <= k <= high]
    ax.set_yticks(octaves, [f"C{(k + LOWEST_PITCH) // 12 - 1}" for k in octaves])
    ax.set(xlim=(0, len(roll)), ylim=(low, high), xlabel="time step", ylabel="pitch", title=title)
    ax.grid(axis="x", visible=False)
    return ax
