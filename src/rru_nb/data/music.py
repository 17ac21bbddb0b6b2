"""The four sets of piano rolls of Boulanger-Lewandowski et al. (2012), from their MATLAB files.

Each file holds `traindata`, `validdata` and `testdata`, cell arrays of matrices [T, 88] of 0 and
1: row t is a time step, column k says whether the key of MIDI pitch 21 + k sounds. Version 5 MAT
files hold plain arrays: reading one cannot run code, unlike the pickles that the sets are also
handed around in.
"""

import numpy as np

from ..errors import UserError
from . import registry
from .checks import check_counts
from .fetch import locate
from .splits import SPLITS, Splits, read_only

KEYS = 88
LOWEST_PITCH = 21  # MIDI pitch of a piano's lowest key, A0
UNITS = ("pieces", "time steps")


def load(dataset):
    """Return the `Splits` of one of the four sets.

    Args:
        dataset: a `registry.Dataset` of kind "music" with one file.

    Raises:
        UserError: if the file cannot be had, or is not what it should be.
    """
    file = registry.FILES[dataset.files[0]]
    splits = read_mat(locate(file.name))
    check_counts(file.name, count(splits), dataset.counts, UNITS)
    return Splits(dataset.name, **splits, digest=file.sha256, source=file.name)


def read_mat(path):
    """Return the piano rolls of a MAT file: `{split: pieces}`, each a tuple of uint8 [T, 88].

    Args:
        path: of a version 5 MAT file with the fields `traindata`, `validdata`, `testdata`.

    Raises:
        UserError: if it is no MAT file, a field is missing, or a matrix is not a piano roll.
    """
    from scipy.io import loadmat

    fields = [f"{split}data" for split in SPLITS]
    try:
        content = loadmat(path)
    except Exception as error:  # damaged files make scipy raise errors of a dozen kinds
        raise UserError(f"{path} cannot be read as a MAT file (version 5): {error}") from error
    missing = [field for field in fields if field not in content]
    if missing:
        others = ", ".join(name for name in content if not name.startswith("__")) or "none"
        raise UserError(
            f"{path} has no field {missing[0]!r}; a file of piano rolls has {', '.join(fields)}, "
            f"found: {others}."
        )
    return {split: _pieces(path, f"{split}data", content[f"{split}data"]) for split in SPLITS}


def _pieces(path, field, cells):
    if cells.dtype != object:
        raise UserError(f"{path}: {field} is a matrix {cells.shape}, expected a cell array.")
    return tuple(
        _roll(f"{path}: piece {i} of {field}", piece) for i, piece in enumerate(cells.flat)
    )


def _roll(where, piece):
    piece = np.asarray(piece)
    if piece.ndim != 2 or piece.shape[1] != KEYS or len(piece) == 0:
        raise UserError(f"{where} has the shape {piece.shape}, expected [T, {KEYS}] with T >= 1.")
    if piece.dtype.kind not in "buif" or not np.isin(piece, (0, 1)).all():
        raise UserError(f"{where} holds other values than 0 and 1.")
    return read_only(piece.astype(np.uint8))


def count(splits):
    """Count pieces and time steps: from `{split: pieces}` to `{split: (n, steps)}`."""
    return {split: (len(pieces), sum(map(len, pieces))) for split, pieces in splits.items()}
