"""Bach chorales inside the package, so that everything runs without a network.

342 four-part chorale settings by J. S. Bach as piano rolls on the quarter-note grid. They are
derived by `scripts/make_chorales.py` from the MusicXML scores in music21's corpus.

**This is not JSB Chorales**, the set of Boulanger-Lewandowski et al. (2012) that the paper uses:
the scores, their keys and the split are others, so its numbers stand beside nobody's. Much of the
music is the same, so nothing trained on one of the two may be tested on the other.

- Grid: row t tells which keys sound at the t-th quarter note of the score, counted from the
  first note or rest on. What begins and ends between two quarter notes is not seen. Repeats are
  not played.
- Split by piece: 228 / 57 / 57. Pieces that share a quarter of their passages with an earlier
  one, in whatever key, were left out; other settings of the same tune were not.

Origin and terms: Bach's music is in the public domain. The scores ship with music21, whose
software is under the BSD licence; that licence does not cover the corpus ("distributed with the
permission of the encoders", says its `license.txt`, "there may be restrictions on commercial
use"). Most of the scores name Margaret Greentree's edition (jsbchorales.net, "used by
permission"). Of them, the file here holds which pitches Bach's four parts have at each quarter
note, and the BWV numbers: no text, no layout, nothing that the encoders added.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from .checks import check_counts
from .music import KEYS, LOWEST_PITCH, SPLITS, UNITS, count
from .splits import Splits, read_only

FILE = Path(__file__).with_name("chorales.npz")


def load(dataset):
    """The `Splits` of the chorales: uint8 [T, 88], 0 and 1, as of the four music sets."""
    parts = {split: tuple(map(to_roll, voices(split))) for split in SPLITS}
    check_counts(FILE.name, count(parts), dataset.counts, UNITS)
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    return Splits(dataset.name, **parts, digest=digest, source="rru_nb package")


def voices(split):
    """The four parts of each chorale.

    Args:
        split: "train", "valid" or "test".

    Returns:
        A tuple of arrays uint8 [T, 4]: the MIDI pitches of soprano, alto, tenor and bass, 0 for
        a rest. In the order of `load_dataset("chorales")` and of `names`.
    """
    columns = _columns()
    ends = np.cumsum(columns["length"], dtype=int)
    pieces = np.split(columns["pitches"], ends[:-1])
    return tuple(pieces[i] for i in np.flatnonzero(columns["split"] == split.encode()))


def names(split):
    """The BWV number of each chorale of a split, e.g. `"bwv66.6"`."""
    columns = _columns()
    return tuple(name.decode() for name in columns["name"][columns["split"] == split.encode()])


def to_roll(pitches):
    """Which keys sound: from pitches [T, 4] (0: rest) to uint8 [T, 88]."""
    step, voice = np.nonzero(pitches)
    roll = np.zeros([len(pitches), KEYS], np.uint8)
    roll[step, pitches[step, voice].astype(int) - LOWEST_PITCH] = 1
    return read_only(roll)


@lru_cache(maxsize=1)
def _columns():
    with np.load(FILE, allow_pickle=False) as file:
        return {name: read_only(file[name]) for name in file.files}
