"""Where things are: the checkout, the paper's values, the records, the cache, a data mirror.

Each place can be set by an environment variable. Without one, a checkout of the repository is
looked for around the package and around the working folder; without a checkout (on Colab, say)
the copies packaged in the wheel are read and new records go to the user's cache.
"""

import os
from pathlib import Path

import platformdirs

from ..errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]


def checkout():
    """Find the repository's root, or None: `RRU_NB_ROOT`, else above package or shell."""
    if root := _given("RRU_NB_ROOT"):
        if root.is_dir():
            return root
        raise UserError(
            f"RRU_NB_ROOT = {os.environ['RRU_NB_ROOT']!r} is no folder. "
            "Set it to a checkout, or unset it."
        )
    folders = (f for start in (PACKAGE, Path.cwd()) for f in (start, *start.parents))
    parts = ("params/paper", "src/rru_nb")
    return next((f for f in folders if all((f / part).is_dir() for part in parts)), None)


def params_dir():
    """Return the folder of the paper's values and scales: `params/`, or the wheel's copy."""
    packaged = PACKAGE / "params"
    if packaged.is_dir():
        return packaged
    root = checkout()
    if root is None or not (root / "params").is_dir():
        raise UserError(
            "no folder 'params': neither packaged with rru_nb nor in a checkout around "
            f"{root or Path.cwd()}. Reinstall the package, or set RRU_NB_ROOT to a checkout."
        )
    return root / "params"


def results_dir():
    """Return the folder for new records: `RRU_NB_RESULTS`, the checkout's, or the cache's."""
    return _given("RRU_NB_RESULTS") or (checkout() or cache_dir()) / "results"


def packaged_results_dir():
    """Return the wheel's folder of committed records, read only; None in a checkout."""
    packaged = PACKAGE / "results"
    return packaged if packaged.is_dir() else None


def result_folders():
    """Return the folders that hold results: that of new ones, then that of the committed ones."""
    return [folder for folder in (results_dir(), packaged_results_dir()) if folder]


def find_result(*names, others=()):
    """Return the file of results below its folder, own before packaged, then in others; or None.

    `names` are the parts of its path, e.g. `"listen", "jsb.json"`.
    """
    places = (folder.joinpath(*names) for folder in [*result_folders(), *others])
    return next((path for path in places if path.is_file()), None)


def cache_dir():
    """Return the folder for downloads and encoded data: `RRU_NB_CACHE`, or the user's cache."""
    return _given("RRU_NB_CACHE") or Path(platformdirs.user_cache_dir("rru_nb"))


def state_dir():
    """Return the folder of trainings under way: `RRU_NB_STATE` (a drive, say), or the cache's."""
    return _given("RRU_NB_STATE") or cache_dir() / "state"


def data_mirror():
    """Return the folder of upstream files named by `RRU_NB_DATA`, or None."""
    return _given("RRU_NB_DATA")


def _given(variable):
    """Return the folder that a variable of the environment names, or None."""
    folder = os.environ.get(variable)
    try:
        return Path(folder).expanduser().resolve() if folder else None
    except RuntimeError as error:  # ~ and a name
        raise UserError(f"{variable} = {folder!r} names no known user. Give a path.") from error
