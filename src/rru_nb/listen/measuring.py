"""Counts the test pieces after their openings, and what trained models play from there."""

import numpy as np

from ..data import load_dataset
from ..tasks.music import without_silences
from . import weights
from .counts import MEASURES, chords, counts_of
from .declared import listen_config
from .measured import SCHEMA
from .music import GRIDS
from .sampling import continue_pieces, opening

TEMPERATURES = (1.0, 0.8, 0.6)
FRAMES = 48  # that a model plays at most; no more than the piece has
SHORTEST = 8  # frames after the opening of a piece that is counted


def measure(dataset, cells, scale=None, seed=0):
    """Counts the test pieces after their openings, and what models play from these openings.

    Pieces with fewer than `SHORTEST` frames after the opening are left out. A model plays as many
    frames of each piece as are counted of the piece.

    Args:
        dataset: a music set of `GRIDS`. cells: list of names; their weights must be stored.
        scale, seed: as for `listen_config`; the seed also draws the samples.

    Returns:
        A dict of what JSON can hold: `rows`, each with `who` ("data" or a cell), `id` of the run,
        `temperature` and for each of `MEASURES` the mean over pieces and its standard error.

    Raises:
        UserError: if the data is not at hand or weights are missing.
    """
    models = [weights.load(listen_config(dataset, cell, scale, seed)) for cell in cells]
    splits, prime = load_dataset(dataset), GRIDS[dataset].prime_frames
    kept = models[0].config.silences == "kept"
    pieces, train = ([p if kept else without_silences(p) for p in s] for s in _two(splits))
    pieces = [p[: prime + FRAMES] for p in pieces if len(p) >= prime + SHORTEST]
    known, openings = chords(train), [opening(piece, prime) for piece in pieces]
    written = [piece[prime:] for piece in pieces]
    rows = [{"who": "data", "id": None, "temperature": None} | _means(written, known)]
    for trained in models:
        for temperature in TEMPERATURES:
            played = continue_pieces(trained.model, openings, FRAMES, temperature, seed)
            cut = [roll[: len(piece)] for roll, piece in zip(played, written)]
            row = {"who": trained.config.cell, "id": trained.config.id, "temperature": temperature}
            rows.append(row | _means(cut, known))
    origin = {"dataset": dataset, "digest": splits.digest, "seed": seed}
    sizes = {"pieces": len(pieces), "prime_frames": prime, "frames": FRAMES}
    return {"schema": SCHEMA} | origin | sizes | {"rows": rows}


def _two(splits):
    return splits.test, splits.train


def _means(rolls, known):
    counted = [counts_of(roll, known) for roll in rolls]
    found = {}
    for name in MEASURES:
        values = np.array([row[name] for row in counted])
        values = values[~np.isnan(values)]
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
        mean = float(values.mean()) if len(values) else 0.0
        found[name] = {"mean": round(mean, 4), "error": round(float(error), 4)}
    return found
