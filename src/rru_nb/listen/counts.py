"""What can be counted in music, as it is written and as models play it.

`rru-nb listen` writes the counts to `results/listen/<dataset>.json`, so that the page Listen needs
neither data nor time.
"""

import math

import numpy as np
import pandas as pd

from ..data import load_dataset
from ..storage import files, paths
from . import models
from .sampling import continue_pieces
from .settings import GRIDS, listen_config

SCHEMA = 1
TEMPERATURES = (1.0, 0.8, 0.6)
FRAMES = 48  # that a model plays at most; no more than the piece has
SHORTEST = 8  # time steps after the opening of a piece that is counted
MEASURES = {
    "notes": "notes per time step",
    "repeated": "time steps equal to the one before, %",
    "silent": "silent time steps, %",
    "outside": "notes outside the scale, %",
    "new": "chords that training never has, %",
}
_LOWEST = 9  # the pitch class of the lowest key, A
_MAJOR = (0, 2, 4, 5, 7, 9, 11)  # the pitch classes of C major
_SCALES = np.array([[(k - tonic) % 12 in _MAJOR for k in range(12)] for tonic in range(12)])


def counts_of(roll, known):
    """Return the `MEASURES` of a passage [T, 88] of 0 and 1, T of at least 2; see `chords`.

    The scale of `outside` is whichever major scale holds most of the notes. `new` is in percent of
    the sounding time steps, those whose chord is not in the set `known`. Both are NaN in silence.
    """
    roll = np.asarray(roll, bool)
    sounds = roll.any(axis=1)
    return {
        "notes": float(roll.sum(axis=1).mean()),
        "repeated": 100 * float((roll[1:] == roll[:-1]).all(axis=1).mean()),
        "silent": 100 * float((~sounds).mean()),
        "outside": outside_scale(roll),
        "new": 100 * pd.Series([c not in known for c in _chords(roll[sounds])], dtype=float).mean(),
    }


def outside_scale(roll):
    """Return the share of notes outside the best of the twelve major scales, in percent."""
    classes = (np.nonzero(roll)[1] + _LOWEST) % 12
    inside = _SCALES @ np.bincount(classes, minlength=12)
    return 100 * (1 - float(inside.max()) / len(classes)) if len(classes) else math.nan


def chords(pieces):
    """Return the set of all chords of some pieces: which keys sound together, in which octave."""
    return {chord for piece in pieces for chord in _chords(piece)}


def _chords(roll):
    return [keys.tobytes() for keys in np.packbits(np.asarray(roll, bool), axis=1)]


def count(dataset, cells, scale=None):
    """Count the test pieces after their openings, and what models play from these openings.

    Pieces with fewer than `SHORTEST` time steps after the opening are left out. A model plays as
    many of each piece as are counted of the piece.

    Returns:
        A dict of what JSON can hold: `rows`, each with `who` ("data" or a cell), `id` of the run,
        `temperature` and for each of `MEASURES` the mean over pieces and its standard error.
    """
    players = [models.load(listen_config(dataset, cell, scale)) for cell in cells]
    config, prime = players[0].config, GRIDS[dataset].prime_frames
    test = [p for p in models.pieces(config, "test") if len(p) >= prime + SHORTEST]
    known = chords(models.pieces(config, "train"))
    openings, written = [p[:prime] for p in test], [p[prime : prime + FRAMES] for p in test]
    rows = [{"who": "data", "id": None, "temperature": None} | _means(written, known)]
    for trained in players:
        run = {"who": trained.config.cell, "id": trained.config.id}
        for temperature in TEMPERATURES:
            played = continue_pieces(trained.model, openings, FRAMES, temperature)
            played = [roll[: len(piece)] for roll, piece in zip(played, written, strict=True)]
            rows.append(run | {"temperature": temperature} | _means(played, known))
    what = {"schema": SCHEMA, "dataset": dataset, "digest": load_dataset(dataset).digest}
    how = {"seed": 0, "pieces": len(test), "prime_frames": prime, "frames": FRAMES}
    return what | how | {"rows": rows}


def _means(rolls, known):
    """Return for each measure its mean over passages, silent ones left out, and the error."""
    frame = pd.DataFrame([counts_of(roll, known) for roll in rolls])
    numbers = pd.DataFrame({"mean": frame.mean(), "error": frame.sem()}).fillna(0.0).round(4)
    return numbers.to_dict("index")


def command(dataset):
    """Return the command that counts."""
    return f"rru-nb listen --dataset {dataset}"


def write(dataset, cells, scale=None):
    """Count, see `count`, into `results/listen/<dataset>.json`; return the `Path`."""
    path, what = paths.results_dir() / "listen" / f"{dataset}.json", "the counts"
    files.check_room(path, what)
    files.write_json(path, count(dataset, cells, scale), what)
    return path


def load(dataset):
    """Return the stored counts of a dataset as a frame, or None; a `UserError` if damaged.

    A row is that of the data, `who` = "data", or of a cell and a temperature: `who`, `id`,
    `temperature`, and `<measure>.mean` and `<measure>.error` for each of `MEASURES`. The frame's
    `attrs` hold `pieces`, `prime_frames` and `frames`.
    """
    path = paths.find_result("listen", f"{dataset}.json")
    if path is None:
        return None
    counted = files.read_json(path, _check, f"`{command(dataset)}` writes it anew.")
    frame = pd.json_normalize(counted["rows"])
    frame.attrs = {name: counted[name] for name in ("pieces", "prime_frames", "frames")}
    return frame


def _check(counted):
    if counted["schema"] != SCHEMA:
        raise ValueError(f"schema {counted['schema']!r}, expected {SCHEMA}")
    for row in counted["rows"]:
        [row[name]["mean"] + row[name]["error"] for name in MEASURES]
