"""What can be counted in music, played or written: does it sound like the data?"""

import numpy as np

_SCALE = (0, 2, 4, 5, 7, 9, 11)  # of C major, and of A minor
_SCALES = np.array([[(k - tonic) % 12 in _SCALE for k in range(12)] for tonic in range(12)])
_FIRST = 9  # the pitch class of the lowest key, A

MEASURES = {
    "notes": "notes per frame",
    "repeated": "frames equal to the one before, %",
    "silent": "silent frames, %",
    "outside": "notes outside the scale, %",
    "new": "chords that training never has, %",
}


def counts_of(roll, known):
    """Counts of one piece or passage.

    Args:
        roll: array [T, 88] of 0 and 1, T of at least 2.
        known: set of chords, see `chords`.

    Returns:
        A dict with, by the names of `MEASURES`: `notes`, the mean number of keys that sound in a
        frame; and in percent `repeated`, frames like the one before; `silent`, frames without a
        note; `outside`, notes beyond the seven pitch classes of whichever major scale holds most
        of the passage's notes; `new`, sounding frames whose chord is not in `known`. The last two
        are NaN in silence.
    """
    roll = np.asarray(roll, bool)
    sounding = roll[roll.any(axis=1)]
    return {
        "notes": float(roll.sum(axis=1).mean()),
        "repeated": _percent((roll[1:] == roll[:-1]).all(axis=1)),
        "silent": _percent(~roll.any(axis=1)),
        "outside": outside_scale(roll),
        "new": _percent([chord not in known for chord in chord_list(sounding)]),
    }


def outside_scale(roll):
    """The share of notes outside the best of the twelve major scales, in percent."""
    classes = np.zeros(12)
    np.add.at(classes, (np.arange(88) + _FIRST) % 12, np.asarray(roll).sum(axis=0, dtype=int))
    total = classes.sum()
    return float(100 * (1 - (_SCALES @ classes).max() / total)) if total else float("nan")


def chord_list(roll):
    """Each frame's chord as bytes that can be compared."""
    return [row.tobytes() for row in np.packbits(np.asarray(roll, bool), axis=1)]


def chords(pieces):
    """The set of all chords of some pieces: which keys sound together, in which octave."""
    return {chord for piece in pieces for chord in chord_list(piece)}


def _percent(flags):
    return 100 * float(np.mean(flags)) if len(flags) else float("nan")
