"""The numbers behind the figures of the datasets, as frames that are drawn and saved."""

import numpy as np
import pandas as pd

from .labelled import LENGTH_BINS
from .music import LOWEST_PITCH
from .splits import SPLITS

WINDOW = 200  # time steps of a training example of the music tasks


def lengths(described):
    """Lengths of the pieces of each music set in time steps, all splits together.

    Args:
        described: `{name: statistics}` of music sets, as for the next two.

    Returns:
        A frame with `set`, `pieces`, `shortest`, `first quartile`, `median`, `third quartile`,
        `longest`, and `over a window, %`.
    """
    rows = []
    for name, numbers in described.items():
        found = np.concatenate([numbers[split]["lengths"] for split in SPLITS])
        columns = ("shortest", "first quartile", "median", "third quartile", "longest")
        spread = dict(zip(columns, np.percentile(found, [0, 25, 50, 75, 100])))
        over = 100 * float(np.mean(found > WINDOW))
        rows.append({"set": name, "pieces": len(found), **spread, "over a window, %": over})
    return pd.DataFrame(rows)


def pitches(described):
    """How often each key sounds: a frame with `set`, `pitch` (MIDI) and `% of the notes`."""
    return _shares(described, "pitches", "pitch", "% of the notes", LOWEST_PITCH)


def polyphony(described):
    """How many keys sound at once: a frame with `set`, `keys` and `% of the time steps`."""
    return _shares(described, "polyphony", "keys", "% of the time steps")


def _shares(described, key, column, title, first=0):
    frames = []
    for name, numbers in described.items():
        counts = _summed(numbers, key)
        values = {column: first + np.arange(len(counts)), title: 100 * counts / counts.sum()}
        frames.append(pd.DataFrame({"set": name, **values}))
    return pd.concat(frames, ignore_index=True)


def _summed(numbers, key):
    columns = [np.array(numbers[split][key]) for split in SPLITS]
    longest = max(len(c) for c in columns)
    return sum(np.pad(c, (0, longest - len(c))) for c in columns)


def coverage(texts, reviews):
    """Share of the running symbols that the k most frequent ones cover.

    Args:
        texts, reviews: `{name: statistics}`.

    Returns:
        A frame with `text` (name and protocol), `k` and `% of the training text`.
    """
    curves = {
        f"{name}, {protocol}": numbers["coverage"]
        for name, text in texts.items()
        for protocol, numbers in text["protocols"].items()
    }
    curves |= {name: numbers["coverage"] for name, numbers in reviews.items()}
    rows = [(label, k, 100 * share) for label, points in curves.items() for k, share in points]
    return pd.DataFrame(rows, columns=["text", "k", "% of the training text"])


def review_lengths(numbers):
    """A frame with `from`, `to` (words of a review, the last bin is open) and `% of the reviews`.

    Args:
        numbers: the statistics of a set of reviews.
    """
    reviews = np.sum([numbers[split]["lengths"] for split in SPLITS], axis=0)
    shares = 100 * reviews / reviews.sum()
    return pd.DataFrame(
        {"from": LENGTH_BINS[:-1], "to": LENGTH_BINS[1:], "% of the reviews": shares}
    )


def ink(numbers):
    """The mean training digit: a frame with `time step` and `pixel`, 0 to 1."""
    values = np.array(numbers["ink"]) / 255
    return pd.DataFrame({"time step": np.arange(len(values)), "pixel": values})


def digit(image, permutation):
    """One digit as both tasks read it: a frame with `time step`, `row by row`, `permuted`.

    Args:
        image: array [784], 0 to 255. permutation: int array [784].
    """
    columns = {"row by row": image / 255, "permuted": image[permutation] / 255}
    return pd.DataFrame({"time step": np.arange(len(image)), **columns})


def notes(rolls):
    """What sounds in piano rolls: a frame with `roll`, `time step` and `pitch` (MIDI), by note.

    Args:
        rolls: `{title: array [T, 88]}`, 0 or 1.
    """
    frames = []
    for title, roll in rolls.items():
        step, key = np.nonzero(roll)
        sounding = {"roll": title, "time step": step, "pitch": key + LOWEST_PITCH}
        frames.append(pd.DataFrame(sounding))
    return pd.concat(frames, ignore_index=True)
