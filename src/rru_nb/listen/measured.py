"""Counts of samples beside counts of the data: each test piece as it goes on and as models do.

`rru-nb listen` writes them to `results/listen/<dataset>.json`, so that a page shows them where
neither data nor time is at hand.
"""

import json

from ..storage import files, paths
from ..training.config import CELL_TITLES
from .counts import MEASURES

SCHEMA = 1
_WHAT = "the counts"


def check_room(dataset):
    """Raises a `UserError` if the counts of a dataset could not be written; before counting."""
    files.check_room(_path(dataset), _WHAT)


def write(measured):
    """Writes counts to `results/listen/<dataset>.json` and returns the `Path`.

    Raises:
        UserError: if they cannot be written.
    """
    path = _path(measured["dataset"])
    files.write_text(path, json.dumps(measured, indent=1) + "\n", _WHAT)
    return path


def _path(dataset):
    return paths.results_dir() / "listen" / f"{dataset}.json"


def stored(dataset):
    """The stored counts of a dataset, or None."""
    path = paths.find_result("listen", f"{dataset}.json")
    return path and files.read_json(path, _check, f"`{command(dataset)}` writes it anew.")


def _check(measured):
    if measured["schema"] != SCHEMA:
        raise ValueError(f"schema {measured['schema']!r}, expected {SCHEMA}")
    for row in measured["rows"]:
        [row[name]["mean"] + row[name]["error"] for name in MEASURES]


def command(dataset):
    """The command that counts."""
    return f"rru-nb listen --dataset {dataset}"


def title_of(row):
    """What a row is about: `"the pieces"`, or the cell at which temperature."""
    if row["who"] == "data":
        return "the pieces"
    return f"{CELL_TITLES[row['who']]} at {row['temperature']:g}"
