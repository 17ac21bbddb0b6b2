"""Derives `src/rru_nb/data/chorales.npz` from the Bach chorales of music21's corpus.

    pip install music21==10.5.1 numpy
    python scripts/make_chorales.py            # writes the file of the package
    python scripts/make_chorales.py elsewhere.npz

The same corpus gives the same bytes: no random numbers, no time stamps, no compression. What the
file holds, where it comes from and under which terms: `src/rru_nb/data/chorales.md`.
"""

import argparse
import hashlib
from fractions import Fraction
from math import ceil
from pathlib import Path

import music21
import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "src" / "rru_nb" / "data" / "chorales.npz"
VOICES = ["Soprano", "Alto", "Tenor", "Bass"]
REST = 0  # no key of a piano has MIDI pitch 0
REPEATED = 0.25  # a piece that has this share of its passages in common is a repetition


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", type=Path, default=TARGET, help="default: %(default)s")
    target = parser.parse_args().target

    pieces = without_repeated(four_part_chorales())
    split = split_by_name(pieces)
    write(target, pieces, split)
    frames = sum(len(pitches) for pitches in pieces.values())
    print(f"{target}: {len(pieces)} chorales, {frames} chords, {target.stat().st_size} bytes")


def four_part_chorales():
    """`{name: uint8 [T, 4]}` of all scores in the corpus for exactly S, A, T and B, by name."""
    folder = Path(music21.__file__).parent / "corpus" / "bach"
    pieces = {}
    for path in sorted(folder.glob("bwv*.mxl")):
        score = music21.converter.parse(path, forceSource=True, storePickle=False)
        if [part.partName for part in score.parts] == VOICES:
            pieces[path.stem] = quarter_note_grid(score)
    return pieces


def quarter_note_grid(score):
    """The pitch that each part sounds at every quarter note, from the first beat on: [T, 4].

    A note sounds from its onset up to, not including, its end; a tied note is one note held on.
    Repeats are not played, grace notes take no time.
    """
    length = ceil(score.highestTime)
    pitches = np.full([length, len(VOICES)], REST, np.uint8)
    for voice, part in enumerate(score.parts):
        for note in part.flatten().notes:
            onset = Fraction(note.offset)
            end = onset + Fraction(note.duration.quarterLength)
            pitches[ceil(onset) : ceil(end), voice] = note.pitch.midi
    return pitches


def without_repeated(pieces):
    """Drops pieces that the corpus holds before, perhaps in another key or slightly changed.

    Bach used some settings twice; left in, they would put training pieces into the test set.
    """
    kept = {}
    for name, pitches in pieces.items():
        passages = passages_of(pitches)
        if not any(shared(passages, others) >= REPEATED for others in kept.values()):
            kept[name] = passages
    return {name: pieces[name] for name in kept}


def passages_of(pitches, length=4):
    """The set of a piece's passages of `length` successive chords, whatever their key."""
    chords = pitches.astype(int)
    starts = range(len(chords) - length + 1)
    windows = [chords[t : t + length] for t in starts]
    return {tuple((w - w[0, 3]).ravel()) for w in windows if (w != REST).all()}


def shared(a, b):
    """The share of the smaller set's passages that the other has too."""
    return len(a & b) / max(1, min(len(a), len(b)))


def split_by_name(pieces):
    """`{name: "train" | "valid" | "test"}`: 4/6, 1/6 and 1/6 of the pieces, by a hash of names."""
    order = sorted(pieces, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    sixth = len(order) // 6
    parts = {"test": order[:sixth], "valid": order[sixth : 2 * sixth], "train": order[2 * sixth :]}
    return {name: part for part, names in parts.items() for name in names}


def write(target, pieces, split):
    """One uncompressed archive: the bytes do not depend on a version of zlib."""
    columns = {
        "name": np.array(list(pieces), "S"),
        "split": np.array([split[name] for name in pieces], "S"),
        "length": np.array([len(pitches) for pitches in pieces.values()], np.uint16),
        "pitches": np.concatenate(list(pieces.values())),
    }
    np.savez(target, **columns)


if __name__ == "__main__":
    main()
