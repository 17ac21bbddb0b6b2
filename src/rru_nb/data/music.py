"""The four sets of piano rolls of Boulanger-Lewandowski et al. (2012), from their MATLAB files.

Each file holds `traindata`, `validdata` and `testdata`, cell arrays of matrices [T, 88] of 0 and
1: row t is a time step, column k says whether the key of MIDI pitch 21 + k sounds. Version 5 MAT
files hold plain arrays: reading one cannot run code, unlike the pickles that the sets are also
handed around in.
"""

import numpy as np

from . import registry
from .fetch import locate
from .splits import SPLITS, Splits, read_only

KEYS = 88
LOWEST_PITCH = 21  # MIDI pitch of a piano's lowest key, A0


def load(dataset):
    """Return the `Splits` of one of the four sets."""
    from scipy.io import loadmat

    file = registry.FILES[dataset.files[0]]
    content = loadmat(locate(file.name))
    splits = {
        split: tuple(read_only(roll.astype(np.uint8)) for roll in content[f"{split}data"].flat)
        for split in SPLITS
    }
    return Splits(dataset.name, **splits, digest=file.sha256, source=file.name)


def pitches_of(roll):
    """Return the MIDI pitches that sound at each time step of a roll [T, 88], a list of lists."""
    return [[int(key) + LOWEST_PITCH for key in np.flatnonzero(keys)] for keys in roll]


def roll_of(pitches):
    """Return the piano roll, uint8 [T, 88], of a list of the MIDI pitches at each time step."""
    roll = np.zeros([len(pitches), KEYS], np.uint8)
    for keys, sounding in zip(roll, pitches):
        keys[np.array(sounding, int) - LOWEST_PITCH] = 1
    return roll
