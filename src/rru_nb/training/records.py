"""Records: one JSON file per run, written once by the run that measured it.

`load_records` reads them all into a pandas frame.
"""

import os
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..data import DATASETS, canonical_name
from ..errors import UserError, check_choice
from ..storage import files, paths
from .config import CELLS, SCALES, RunConfig, canonical_cell
from .files import RunFiles

SCHEMA = 1
_WHAT = "the record"

_SETTINGS = ["dataset", "cell", "scale", "seed", "protocol"]
_ORIGIN = ["device", "versions", "commit", "source", "source_tree", "failure"]
_OUTCOME = ["status", "units", "n_params", "best_epoch", "seconds", "started", "differences"]


def find_record(config):
    """Return the stored record of a config, or None. Own records come before packaged ones."""
    _, record = _find(config)
    if record is not None:
        _note_use([record["id"]])
    return record


def finished_record(config):
    """Return the stored record of a config, or None, and forget the training that made it."""
    record = find_record(config)
    if record:  # a process may have been killed right after writing it
        RunFiles(config).forget(until=found_path(config).stat().st_mtime)
    return record


def found_path(config):
    """Return the file that `find_record` reads, or None."""
    return _find(config)[0]


def _find(config):
    for path in RunFiles(config).records:
        record = _read(path) if path.is_file() else None
        if record is not None:
            return path, record
    return None, None


def _note_use(ids):
    """Write the ids of records that were handed out to the file that RRU_NB_USED names, if any.

    The book's builder asks for it, to say which records a page shows.
    """
    if os.environ.get("RRU_NB_USED"):
        with Path(os.environ["RRU_NB_USED"]).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in ids)


def make_room(config):
    """Make sure, before a training, that its record can be written.

    A damaged file in its place is set aside, with a warning; one of a newer version, or that cannot
    be read, is a `UserError`, as is a folder that cannot be written. Call it with the lock of the
    run, lest another process has just replaced that file by a good one.
    """
    path = RunFiles(config).record
    files.check_room(path, _WHAT)
    try:
        if path.is_file():
            _parse(path)
    except _ForeignError as error:
        raise UserError(f"{error} Or move the file away.") from None
    except files.DamagedError as error:
        names = (path.with_name(f"{path.name}.corrupt{n}") for n in ("", *range(2, 1000)))
        aside = next(name for name in names if not name.exists())
        with files.writing(path, _WHAT):
            os.rename(path, aside)
        warnings.warn(f"{error} It is now {aside.name}, and the run is done again.", stacklevel=3)


def settings_of(config):
    """Return what a record says of its run before anything is measured."""
    return {
        "schema": SCHEMA,
        "id": config.id,
        "config": config.as_dict(),
        "differences": config.differences,
        "published": config.published,
    }


def write_record(record):
    """Write a record, whole or not at all, and return its path.

    Two processes that measured the same run write the same content; the last one stays.
    """
    path = RunFiles(RunConfig.from_dict(record["config"])).record
    files.write_json(path, record, _WHAT)
    return path


def read_records(**names):
    """Return records as they are stored, each with the `path` of its file.

    All, or those of a `dataset`, `cell` or `scale`, or of a list of these.
    """
    wanted = {setting: _wanted(setting, given) for setting, given in names.items()}
    records = {}
    for folder in paths.result_folders():
        for path in sorted(p for name in DATASETS for p in Path(folder, name).glob("*.json")):
            record = _read(path)
            if record and all(record["config"][name] in kept for name, kept in wanted.items()):
                records.setdefault(record["id"], record | {"path": str(path)})
    return list(records.values())


def failure_text(failure):
    """Return how a training failed, in a few words, from what its record says in `failure`."""
    if failure["epoch"] is None:  # what ran it was lost, and knows no epoch
        return f"failed: {failure['reason']}"
    return f"failed in epoch {failure['epoch']}"


def was_cut_off(record):
    """Return whether the limit of epochs ended a training before its patience did."""
    if record["status"] != "ok" or record.get("failure"):  # that ended it
        return False
    return len(record["epochs"]) - record["best_epoch"] < record["config"]["patience"]


def load_records(**filters):
    """Return all records as a frame, one row a run.

    Args:
        **filters: keep the rows whose column equals the value, or is among a list of values,
            e.g. `load_records(dataset="jsb", cell=["rru", "gru"], scale="paper")`. Datasets and
            cells may have the paper's spelling.

    Returns:
        A pandas frame with the columns `id`, `dataset`, `cell`, `scale`, `seed`, `protocol`,
        `status` ("ok" or "failed"), `units`, `n_params`, `best_epoch`, `seconds`, `started`,
        `differences` (a dict), `cut_off` (bool, see `was_cut_off`), `published` (the paper's
        number), `valid_<metric>` and
        `test_<metric>` for each metric, `source` and `source_tree` (digests of the code that
        ran, see `provenance`; None in the first records), `epochs` (a list of dicts) and `path`.

    Raises:
        UserError: for a filter that is no column, or a dataset, cell, scale or status that there
            is not.
    """
    frame = as_frame(read_records())
    for column, given in filters.items():
        check_choice("column", column, frame.columns)
        frame = frame[frame[column].isin(_wanted(column, given))]
    if "id" in filters:
        _note_use(frame.id)
    cells = list(CELLS).index  # in the order of the paper
    return frame.sort_values(
        ["dataset", "scale", "cell", "seed", "id"],
        ignore_index=True,
        key=lambda column: column.map(cells) if column.name == "cell" else column,
    )


_NAMES = {
    "dataset": canonical_name,
    "cell": canonical_cell,
    "scale": lambda name: check_choice("scale", name, SCALES),
    "status": lambda name: check_choice("status", name, ("ok", "failed")),
}


def _wanted(column, given):
    """List the values that a filter keeps, in their canonical form, after checks."""
    several = isinstance(given, Iterable) and not isinstance(given, str | dict)
    values = list(given) if several else [given]
    return [_NAMES[column](value) for value in values] if column in _NAMES else values


def as_frame(records):
    """Return records as a frame with the columns of `load_records`, in the order given."""
    import pandas as pd  # the command line reads records without it

    rows, rest = [_as_row(record) for record in records], ["epochs", "path"]
    columns = ["id", *_SETTINGS, *_OUTCOME, "cut_off", "published", *_ORIGIN, *rest]
    return pd.DataFrame(rows, columns=None if rows else columns)


def _read(path):
    """Read the record in a file; warn, naming the file, and return None if it holds none."""
    try:
        return _parse(path)
    except (_ForeignError, UserError) as error:
        _warn_once(f"{error} It is left out.")
    return None


@lru_cache
def _warn_once(message):
    """Name a file once in a process, however often it is read, whatever the filters are."""
    warnings.warn(message, stacklevel=1)


class _ForeignError(Exception):
    """Of a whole record that this process cannot read; the message says what would."""


def _parse(path):
    """Return the record in a file; raises `_ForeignError`, or as `files.read_json` does."""
    return files.read_json(path, lambda record: _check(path, record))


def _check(path, record):
    """Raise for a record of a newer version, of another run's file, or of no known form."""
    if record["schema"] > SCHEMA:
        newer = f"{path} is of a newer rru_nb (schema {record['schema']})."
        raise _ForeignError(f"{newer} Update the package to read it.")
    _as_row(record)
    if not path.stem.endswith(f"-{record['id']}"):
        raise ValueError(f"it is the record {record['id']}, of another file")
    for name, known in (("dataset", DATASETS), ("scale", SCALES)):
        check_choice(name, record["config"][name], known)
    if record["config"]["cell"] not in CELLS:
        others = f"{path}: cell {record['config']['cell']!r} is not one of {', '.join(CELLS)}."
        raise _ForeignError(f"{others} `rru_nb.register_cell` makes it one.")
    with suppress(UserError):  # settings of a version to come
        if RunConfig.from_dict(record["config"]).id != record["id"]:
            raise ValueError("its settings are not those of its id")
    scores = [score for split in ("valid", "test") for score in record[split].values()]
    numbers = all(isinstance(n, int | float) for n in [record["seconds"], *scores])
    epochs = record["epochs"]
    of_epochs = isinstance(epochs, list) and all(isinstance(epoch, dict) for epoch in epochs)
    if not numbers or not of_epochs or not isinstance(record["differences"], dict):
        raise ValueError("scores, seconds, epochs or differences are not of their kind")


def _as_row(record):
    row = {"id": record["id"]}
    row |= {name: record["config"][name] for name in _SETTINGS}
    row |= {name: record[name] for name in _OUTCOME}
    row["cut_off"] = was_cut_off(record)
    row["published"] = record["published"] and record["published"]["value"]
    for split in ("valid", "test"):
        row |= {f"{split}_{metric}": value for metric, value in record[split].items()}
    row |= {name: record.get(name) for name in _ORIGIN}
    return row | {"epochs": record["epochs"], "path": record.get("path")}
