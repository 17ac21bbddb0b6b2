"""Piano rolls as lists of MIDI pitches: what is small enough to be committed, and to be saved."""

import numpy as np

from ..data.music import KEYS, LOWEST_PITCH


def pitches_of(roll):
    """Return the MIDI pitches that sound at each time step of a roll [T, 88], a list of lists."""
    return [[int(key) + LOWEST_PITCH for key in np.flatnonzero(keys)] for keys in roll]


def roll_of(pitches):
    """Return the piano roll, uint8 [T, 88], of a list of the MIDI pitches at each time step."""
    roll = np.zeros([len(pitches), KEYS], np.uint8)
    for keys, sounding in zip(roll, pitches):
        keys[np.array(sounding, int) - LOWEST_PITCH] = 1
    return roll
