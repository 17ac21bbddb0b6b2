"""What a music set looks like in numbers: counts, lengths, pitches, polyphony.

The numbers of each set are committed under `results/statistics/`, written by
`rru-nb data describe`, so that the book can show a set whose file is not at hand.
"""

import json

import numpy as np
import pandas as pd

from . import paths
from .data import load_dataset
from .errors import UserError

LOWEST_PITCH = 21  # MIDI number of the first of the 88 keys
SPLITS = ("train", "valid", "test")
MUSIC = ("jsb", "nottingham", "musedata", "piano-midi", "chorales")


def describe(name):
    """Statistics of a music set, from its data.

    Args:
        name: a music set of `DATASETS`.

    Returns:
        A dict with `name`, `digest`, `source` and, for each split, `pieces`, `frames`,
        `silent_frames`, `notes_per_frame`, `lengths` (frames of each piece, sorted),
        `pitches` (notes on each of the 88 keys) and `polyphony` (frames with 0, 1, 2, ...
        keys sounding).
    """
    splits = load_dataset(name)
    described = {split: _describe_split(getattr(splits, split)) for split in SPLITS}
    origin = {"name": splits.name, "digest": splits.digest, "source": splits.source}
    return origin | described


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


def write_statistics(name):
    """Describes a set and writes the result to `results/statistics/<name>.json`."""
    described = describe(name)
    path = paths.results_dir() / "statistics" / f"{described['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described) + "\n", encoding="utf-8")
    return path


def committed_statistics(name):
    """The committed statistics of a set, or None."""
    for folder in (paths.results_dir(), paths.packaged_results_dir()):
        path = folder / "statistics" / f"{name}.json" if folder else None
        if path and path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))
    return None


def describe_all(names=MUSIC):
    """Statistics of several sets: from the data where it is at hand, else as committed.

    Returns:
        `(described, live, absent)`: `{name: statistics}`, the names that were computed just
        now, and the names that have neither data nor committed statistics.
    """
    described, live, absent = {}, [], []
    for name in names:
        try:
            described[name] = describe(name)
            live.append(name)
        except UserError:
            committed = committed_statistics(name)
            if committed:
                described[name] = committed
            else:
                absent.append(name)
    return described, live, absent


def counts(described):
    """The statistics of each set and split as a table."""
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


def origin_note(described, live, absent):
    """A sentence on which numbers were computed just now and which are the committed ones."""
    committed = [name for name in described if name not in live]
    notes = [f"Computed from the files just now: {_listed(live)}."] if live else []
    if committed:
        notes.append(
            f"From committed statistics, because the files are not at hand: {_listed(committed)}. "
            "`rru-nb data fetch` gets them."
        )
    if absent:
        notes.append(f"Neither file nor statistics: {_listed(absent)}.")
    return " ".join(notes)


def _listed(names):
    return ", ".join(f"`{name}`" for name in names)
