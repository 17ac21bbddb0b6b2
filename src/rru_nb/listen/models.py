"""The weights of the small models of the page Listen.

The weights are committed, so that the page plays without training and without data:
`results/weights/<dataset>/<cell>-<scale>-s<seed>-<id>.npz` holds float32 arrays, one for each
weight of the Keras model, and no pickle; the `.json` of the same name the run's settings, the
SHA-256 of the weights, and the beginning of a test piece.
"""

import hashlib
import json
from typing import NamedTuple

import keras
import numpy as np

from ..data import load_dataset
from ..data.music import pitches_of, roll_of
from ..errors import UserError
from ..storage import files, paths
from ..tasks.budget import units_within
from ..tasks.music import MusicTask, without_silences
from ..training.config import RunConfig
from ..training.files import RunFiles
from ..training.records import find_record, make_room, write_record
from ..training.trainer import train
from .settings import command

SCHEMA = 1
OPENING = 120  # time steps, at most, of a test piece that lie beside the weights
PIECE = 0  # which test piece
_WHAT = "the file of weights"
_SAME = 1e-4  # nats within which two trainings of one run agree


def pieces(config, split):
    """Return the pieces of a split as the model of a run reads them, arrays [T, 88]."""
    rolls = getattr(load_dataset(config.dataset), split)
    return [without_silences(roll) if config.silences == "removed" else roll for roll in rolls]


def network(config):
    """Return the untrained network of a run; it needs no data."""
    task = _WithoutData(config)
    return task.network(config.units or units_within(task.parameters, config.n_params))


class _WithoutData(MusicTask):
    def __init__(self, config):
        self.config = config


def make(config, progress=True):
    """Return the `Path` of the weights of a run; train it and write them where there are none.

    Raises:
        UserError: if the data cannot be had, a file cannot be written, the training fails, or a
            second training of the run does not score as its record says.
    """
    trained = []
    with RunFiles(config).alone():
        if path := find(config):  # of before, or of a process for which this one waited
            return path
        make_room(config)
        files.check_room(_path(config), _WHAT)
        stored = find_record(config)
        record = train(config, progress, keep=True, finished=trained.append)
        _check_scores(config, record, stored)
        if stored is None:  # first: weights without a record would not be looked into again
            write_record(record)
        path = save(config, *trained)
    RunFiles(config).forget()
    return path


def _check_scores(config, record, stored):
    if record["status"] == "failed":
        raise UserError(f"{RunFiles(config).name}: the training failed, {record['failure']}.")
    for name, value in (stored or record)["test"].items():
        if abs(record["test"][name] - value) > _SAME:
            raise UserError(
                f"this training has {name} {record['test'][name]:.5f} on test, its record "
                f"{value:.5f}. Move {RunFiles(config).record} away to have both anew."
            )


def save(config, model):
    """Write the weights of a model and what describes them; return the `Path` of the `.npz`."""
    path = _path(config)
    arrays = {name: np.asarray(weight, np.float32) for name, weight in _named(model).items()}
    files.write_bytes(path, lambda file: np.savez_compressed(file, **arrays), _WHAT)
    pitches = pitches_of(pieces(config, "test")[PIECE][:OPENING])
    description = {"schema": SCHEMA, "id": config.id, "config": config.as_dict()}
    description |= {"dtype": "float32", "sha256": _digest(path)}
    description |= {"opening": {"split": "test", "piece": PIECE, "pitches": pitches}}
    files.write_json(path.with_suffix(".json"), description, _WHAT, indent=None)
    return path


class Trained(NamedTuple):
    """A trained music model."""

    config: RunConfig
    model: keras.Model  # from [B, T, 88] to logits [B, T, 88]
    opening: np.ndarray  # uint8 [T, 88], the first time steps of test piece `PIECE`


def find(config):
    """Return the `Path` of a run's stored weights, the user's before packaged ones, or None."""
    path = paths.find_result("weights", config.dataset, _path(config).name)
    return path if path and path.with_suffix(".json").is_file() else None


def load(config):
    """Return the `Trained` model of a run; a `UserError` without whole weights of it."""
    path = find(config)
    if path is None:
        raise UserError(f"no weights of {RunFiles(config).name}; `{command(config)}` makes them.")
    mend = f"Get the file again, or delete it and `{command(config)}` makes it anew."
    with files.reading(path, mend):
        description = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if description["schema"] != SCHEMA or description["id"] != config.id:
            raise ValueError(f"it is described as of run {description['id']!r}, not {config.id!r}")
        if _digest(path) != description["sha256"]:
            raise ValueError("its SHA-256 is not the one written down beside it")
        model = network(config)
        with np.load(path, allow_pickle=False) as file:
            model.set_weights([file[name] for name in _named(model)])
        return Trained(config, model, roll_of(description["opening"]["pitches"]))


def _named(model):
    """Return the weights by names that do not depend on how many models the process has built."""
    return {f"{i:02d}-{weight.name}": weight for i, weight in enumerate(model.weights)}


def _path(config):
    return paths.results_dir() / "weights" / config.dataset / f"{RunFiles(config).name}.npz"


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
