"""Piano rolls."""

import matplotlib.pyplot as plt
import numpy as np

from ..data.music import LOWEST_PITCH


def piano_roll(roll, title, ax=None):
    """Draw a piano roll: time to the right, pitch upwards, named at each C.

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
