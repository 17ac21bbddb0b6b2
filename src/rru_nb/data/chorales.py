"""Bach chorales inside the package, so that everything runs without a network.

342 four-part chorale settings by J. S. Bach as piano rolls on the quarter-note grid. What the
file holds, how the chorales were chosen, their origin and terms: `chorales.md`.

**This is not JSB Chorales**, the set of Boulanger-Lewandowski et al. (2012) that the paper uses:
the scores, their keys and the split are others, so its numbers stand beside nobody's. Much of the
music is the same, so nothing trained on one of the two may be tested on the other.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from .checks import sha256_of
from .music import roll_of
from .splits import SPLITS, Splits, read_only

FILE = Path(__file__).with_name("chorales.npz")


def load(dataset):
    """Return the `Splits` of the chorales: uint8 [T, 88], 0 and 1, as of the four music sets."""
    splits = {split: tuple(map(_roll, voices(split))) for split in SPLITS}
    digest = sha256_of(FILE)
    return Splits(dataset.name, **splits, digest=digest, source="rru_nb package")


def voices(split):
    """Return the four parts of each chorale of a split, in the order of `load_dataset`.

    These are arrays uint8 [T, 4]: MIDI pitches of soprano, alto, tenor and bass, 0 for a rest.
    """
    columns = _columns()
    ends = np.cumsum(columns["length"], dtype=int)
    pieces = np.split(columns["pitches"], ends[:-1])
    return tuple(pieces[i] for i in np.flatnonzero(columns["split"] == split.encode()))


def names(split):
    """Return the BWV number of each chorale of a split, e.g. `"bwv66.6"`."""
    columns = _columns()
    return tuple(name.decode() for name in columns["name"][columns["split"] == split.encode()])


def _roll(voices):
    return read_only(roll_of([chord[chord > 0] for chord in voices]))


@lru_cache(maxsize=1)
def _columns():
    with np.load(FILE, allow_pickle=False) as file:
        return {name: read_only(file[name]) for name in file.files}
