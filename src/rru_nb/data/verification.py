"""Rows of `rru-nb data verify`: the files at hand against the registry."""

from ..errors import UserError
from . import chorales
from .checks import check
from .fetch import downloads, find, mirror


def verify_file(file):
    """The row of one upstream file; see `rru_nb.data.verify`."""
    path = find(file, mirror()) or find(file, downloads())
    expected = f"{file.size:,} bytes, sha256 {file.sha256[:12]}..."
    if path is None:
        return {"file": file.name, "ok": False, "expected": expected, "found": "missing"}
    try:
        check(file, path)
    except UserError as error:
        return {"file": str(path), "ok": False, "expected": expected, "found": str(error)}
    return {"file": str(path), "ok": True, "expected": expected, "found": "the same"}


def verify_chorales(dataset):
    """The row of the package's own file: `load` compares the counts."""
    expected = ", ".join(f"{s} {n} pieces {t} steps" for s, (n, t) in dataset.counts.items())
    row = {"file": chorales.FILE.name, "expected": expected}
    try:
        chorales.load(dataset)
    except UserError as error:
        return {**row, "ok": False, "found": str(error)}
    return {**row, "ok": True, "found": "the same"}
