"""Music sets in numbers: pieces, frames, lengths, pitches, polyphony."""

import numpy as np
import pandas as pd

from ..baselines import key_frequencies
from .splits import SPLITS, by_split

LOWEST_PITCH = 21  # MIDI number of the first of the 88 keys


def describe(name, load):
    """For each split `pieces`, `frames`, `silent_frames`, `notes_per_frame`, `lengths` (frames of
    each piece, sorted), `pitches` (notes on each of the 88 keys) and `polyphony` (frames with
    0, 1, 2, ... keys sounding); and the test scores of `baselines.key_frequencies` as `baseline`.
    """
    splits = load(name)
    return {"baseline": key_frequencies(splits)} | by_split(splits, _describe_split)


def _describe_split(pieces):
    frames = np.concatenate(pieces)  # [T of all pieces, 88]
    sounding = frames.sum(axis=1, dtype=int)
    return {
        "pieces": len(pieces),
        "frames": len(frames),
        "silent_frames": int((sounding == 0).sum()),
        "notes_per_frame": round(float(sounding.mean()), 4),
        "lengths": sorted(len(piece) for piece in pieces),
        "pitches": frames.sum(axis=0, dtype=int).tolist(),
        "polyphony": np.bincount(sounding).tolist(),
    }


def counts(described):
    """The statistics of each music set and split as a table."""
    columns = {
        "pieces": "pieces",
        "frames": "frames",
        "silent_frames": "silent frames",
        "notes_per_frame": "notes per frame",
    }
    rows = [
        {"set": name, "split": split}
        | {title: numbers[split][key] for key, title in columns.items()}
        | {"median length": int(np.median(numbers[split]["lengths"]))}
        | {"longest": numbers[split]["lengths"][-1]}
        for name, numbers in described.items()
        for split in SPLITS
    ]
    return pd.DataFrame(rows).set_index(["set", "split"])
