"""`rru-nb data`: the files of the datasets; `rru-nb doctor`: what is here and what is missing."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from typing import Annotated

import typer

from .. import __version__
from ..errors import UserError
from ..layers import backend as backends
from . import options, output

app = typer.Typer(help="List, fetch, verify or describe the data files.")
Names = Annotated[list[str], typer.Argument(metavar="DATASET...", autocompletion=options.datasets)]


@app.command("list")
def list_():
    """List the datasets, and where their files are."""
    from ..data import catalogue

    rows = catalogue()
    output.print_table(
        [{head: row[head] for head in ("name", "title", "megabytes", "found")} for row in rows],
        {"found": lambda row: "red" if row["found"] == "missing" else "green"},
    )
    if any(row["found"] == "missing" for row in rows):
        output.note(
            "What is missing comes with `rru-nb data fetch NAME`, or from the folder RRU_NB_DATA."
        )


@app.command()
def fetch(dataset: Names):
    """Download the files of datasets into the cache."""
    from ..data import fetch_all

    for name in _canonical(dataset):
        for path in fetch_all(name):
            print(f"{name}: {path}")


@app.command()
def verify(dataset: Names = ()):
    """Check files that are at hand against the registry: those of datasets, or all."""
    from ..data import catalogue, verify

    names = _canonical(dataset)
    names = names or [row["name"] for row in catalogue() if row["found"] != "missing"]
    rows = [row for name in names for row in verify(name)]
    output.print_table(rows)
    return 0 if all(row["ok"] for row in rows) else 1


@app.command()
def describe(dataset: Names):
    """Write the statistics of datasets."""
    from ..analysis.datasets import write_statistics

    for name in _canonical(dataset):
        print(write_statistics(name))


def _canonical(names):
    from ..data import canonical_name

    return [canonical_name(name) for name in names]


def doctor():
    """Check backend, devices, data and folders; say what mends them."""
    checks = [_python(), _code(), *map(_backend, backends.TRAINS), _device(), _onednn(), _data()]
    rows = [*checks, *_folders()]
    rows = [{"": name, "here": here, "mend it": mend} for name, here, mend in rows]
    output.print_table(rows, {"mend it": lambda row: "yellow"})
    return 0


def _python():
    return "Python", platform.python_version(), ""


def _code():
    from ..storage import paths
    from ..training.provenance import commit

    found = commit()
    here = f"{__version__}, {'checkout' if paths.checkout() else 'package'}"
    if found["sha"]:
        here += f" at {found['sha'][:7]}{' with changes' if found['dirty'] else ''}"
    return "rru_nb", here, ""


def _backend(name):
    if importlib.util.find_spec(name) is None:
        other = importlib.util.find_spec(next(n for n in backends.TRAINS if n != name))
        return name, "not installed", "" if other else backends.INSTALL[name]
    used = " (used)" if backends.backend_name() == name else ""
    return name, importlib.metadata.version(name) + used, ""


def _device():
    from ..training import provenance

    try:
        with backends.installed():
            return "device", provenance.device_name(provenance.device()), ""
    except UserError as error:
        return "device", "not known", str(error)


def _onednn():
    on = os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    return "oneDNN", "on" if on else "off", "" if on else "unset TF_ENABLE_ONEDNN_OPTS"


def _data():
    from ..data import catalogue

    rows = catalogue()
    missing = [row["name"] for row in rows if row["found"] == "missing"]
    size = sum(row["megabytes"] for row in rows if row["found"] == "missing")
    mend = f"rru-nb data fetch {' '.join(missing)}  # {size:.0f} MB" if missing else ""
    return "data", f"{len(rows) - len(missing)} of {len(rows)} datasets", mend


def _folders():
    from ..storage import paths

    named = {
        "records": (paths.results_dir(), "RRU_NB_RESULTS"),
        "downloads": (paths.cache_dir(), "RRU_NB_CACHE"),
        "checkpoints": (paths.state_dir(), "RRU_NB_STATE"),
    }
    for name, (folder, variable) in named.items():
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = f"{folder}, {shutil.disk_usage(there).free / 1e9:.0f} GB free"
        writable = os.access(there, os.W_OK) and there.is_dir()
        yield name, free, "" if writable else f"export {variable}=FOLDER  # one that can be written"
