"""What a worker of a Ray cluster does: make ready, then exactly `run(config)`."""

import os
import pickle
import tempfile
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from .. import __version__
from ..data import fetch_all
from ..errors import UserError
from ..layers.registry import register_cell
from ..training import provenance
from ..training.config import RunConfig
from .engines import run_afresh


def versions():
    """Return what the driver and its workers have to have in common."""
    return {"rru_nb": __version__, "source": provenance.source_tree()}


def prepare(datasets, wanted, cells):
    """Make a node ready, once for all of its runs: the files of datasets and registered cells.

    These are `{name: CellSpec}`, pickled. A `UserError` unless `versions()` are those wanted.
    """
    here = versions()
    if here != wanted:
        raise UserError(
            f"rru_nb {here['rru_nb']} (source {here['source']}) is there, and "
            f"{wanted['rru_nb']} (source {wanted['source']}) here. Install the same version."
        )
    _register(cells)
    for name in datasets:
        fetch_all(name)


def run_on_worker(settings, wanted, cells, folder, number):
    """Return the record of `run(config)`.

    Where the driver's folder of results is seen, a folder of that path and inode, the record is
    written there; else it goes the way of the answer alone.
    """
    prepare((), wanted, cells)
    with ExitStack() as stack:
        if not (Path(folder).is_dir() and Path(folder).stat().st_ino == number):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rru_nb-"))
        os.environ["RRU_NB_RESULTS"] = folder
        return run_afresh(RunConfig.from_dict(settings))


@lru_cache
def _register(cells):
    try:
        specs = pickle.loads(cells)  # noqa: S301 (of the driver, whose code Ray runs anyway)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"a registered cell cannot be read ({error}). Define it in the notebook itself, or "
            "install its module on every node."
        ) from error
    for spec in specs.values():
        register_cell(**vars(spec))
