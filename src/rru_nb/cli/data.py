"""`rru-nb data`: the files of the datasets; `rru-nb doctor`: what is here and what is missing."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path

import typer

from .. import __version__
from ..data import canonical_name, catalogue, fetch_all, verify
from ..errors import UserError
from ..layers import backend as backends
from ..storage import paths
from ..storage.streams import without_notes
from ..training import provenance
from . import options, output

app = typer.Typer(help="List, fetch, verify or describe the data files.")


@app.command("list")
def list_():
    """List the datasets, and where their files are."""
    rows = [{n: row[n] for n in ("name", "title", "megabytes", "found")} for row in catalogue()]
    for row in rows:
        row["found"] = output.Styled(row["found"], "red" if row["found"] == "missing" else "green")
    output.print_table(rows)
    if any(row["found"] == "missing" for row in rows):
        output.note("`rru-nb data fetch NAME` gets what is missing, or the folder RRU_NB_DATA.")


@app.command()
def fetch(dataset: options.Names):
    """Download the files of datasets into the cache."""
    for name in [canonical_name(name) for name in dataset]:
        for path in fetch_all(name):
            print(f"{name}: {path}")


@app.command("verify")
def verify_(dataset: options.Names = None):
    """Check files that are here against the registry; default: all."""
    names = [canonical_name(name) for name in dataset or ()]
    names = names or [row["name"] for row in catalogue() if row["found"] != "missing"]
    rows = [row for name in names for row in verify(name)]
    output.print_table(rows)
    return 0 if all(row["ok"] for row in rows) else 1


@app.command()
def describe(dataset: options.Names):
    """Write the statistics of datasets."""
    from ..analysis.datasets import write_statistics

    for name in [canonical_name(name) for name in dataset]:
        print(write_statistics(name))


def doctor():
    """Check backend, devices, data and folders; say what mends them."""
    checks = (*_software(), *_files())
    rows = [{"": what, "here": h, "mend it": output.Styled(m, "yellow")} for what, h, m in checks]
    output.print_table(rows)


def _software():
    yield "Python", platform.python_version(), ""
    commit = provenance.commit()
    here = f"{__version__}, {'checkout' if paths.checkout() else 'package'}"
    here += f" at {provenance.commit_name(commit)}" if commit["sha"] else ""
    yield "rru_nb", here, ""
    there = [name for name in backends.TRAINS if importlib.util.find_spec(name)]
    for name in backends.TRAINS:
        used = " (used)" if backends.backend_name() == name else ""
        here = provenance.version(name) + used if name in there else "not installed"
        yield name, here, "" if there else backends.INSTALL[name]
    try:
        with backends.installed(), without_notes():
            device = provenance.device_name(provenance.device())
        yield "device", device, ""
    except UserError as error:
        yield "device", "not known", str(error)
    on = os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    yield "oneDNN", "on" if on else "off", "" if on else "unset TF_ENABLE_ONEDNN_OPTS"
    if "amx_bf16" in _cpu_flags():
        yield "bfloat16", "in hardware (AMX)", "--set precision=bfloat16  # for large models"


def _cpu_flags():
    """Return what the processor can do, as Linux names it; nothing elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.is_file() else []


def _files():
    try:
        rows = catalogue()
    except UserError as error:  # of RRU_NB_DATA
        yield "data", "not known", str(error)
    else:
        missing = [row for row in rows if row["found"] == "missing"]
        names, size = " ".join(r["name"] for r in missing), sum(r["megabytes"] for r in missing)
        mend = f"rru-nb data fetch {names}  # {size:.0f} MB" if missing else ""
        yield "data", f"{len(rows) - len(missing)} of {len(rows)} datasets", mend
    folders = {"results": paths.results_dir(), "cache": paths.cache_dir()}
    for name, folder in (folders | {"state": paths.state_dir()}).items():
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = f"{folder}, {shutil.disk_usage(there).free / 1e9:.0f} GB free"
        mend = f"export RRU_NB_{name.upper()}=FOLDER  # one that can be written"
        yield name, free, "" if os.access(there, os.W_OK) and there.is_dir() else mend
