"""Trained weights of small music models, committed so that a page plays them without training.

`results/weights/<cell>-<scale>-s<seed>-<id>.npz` holds float32 arrays, one for each weight of the
Keras model, and no pickle; the `.json` of the same name says which run they come from, holds the
SHA-256 of the file, and the opening of one test piece, from which a model can play on where the
data is not at hand. The name is that of the run's record.
"""

import hashlib
import json
from dataclasses import dataclass

import keras
import numpy as np

from ..data.music import LOWEST_PITCH
from ..errors import UserError
from ..storage import files, paths
from ..tasks.budget import units_within
from ..tasks.music import KEYS, MusicTask, without_silences
from ..training.config import RunConfig
from ..training.files import RunFiles
from ..training.records import find_record, make_room, write_record
from ..training.trainer import train
from .declared import command

SCHEMA = 1
_WHAT = "the file of weights"
OPENING = 32  # frames of a test piece that lie beside the weights
PIECE = 0  # of the test split
_SAME = 1e-4  # nats within which two trainings of one run agree


@dataclass(frozen=True)
class Trained:
    """A trained music model.

    Attributes:
        config: its `RunConfig`. model: `keras.Model` from [B, T, 88] to logits [B, T, 88].
        opening: uint8 [T, 88], the first frames of test piece `PIECE`.
    """

    config: RunConfig
    model: keras.Model
    opening: np.ndarray

    @property
    def record(self):
        """The record of the training, or None where it is not at hand."""
        return find_record(self.config)


# Making


def make(config, progress=True):
    """Trains a run and stores its weights, and its record if there is none; or finds both.

    Args:
        config: a `RunConfig` of a music set. progress: bool, whether to show a progress bar.

    Returns:
        The `Path` of the weights.

    Raises:
        UserError: if the data is not at hand, a file cannot be written, the training fails, or a
            second training of the run does not score as its record says.
    """
    if find(config):
        return find(config)
    kept = []
    with RunFiles(config).alone():
        if find(config):  # another process made them while this one waited
            return find(config)
        make_room(config)
        files.check_room(_place(config, paths.results_dir()), _WHAT)
        stored = find_record(config)
        record = train(config, progress, keep=True, finished=kept.append)
        _check_scores(config, record, stored)
        if stored is None:  # first: weights without a record would not be looked into again
            write_record(record)
        path = save(config, kept[0])
    RunFiles(config).forget()
    return path


def _check_scores(config, record, stored):
    if record["status"] == "failed":
        raise UserError(f"{_what(config)}: the training failed, {record['failure']}.")
    for name, value in (stored or record)["test"].items():
        if abs(record["test"][name] - value) > _SAME:
            raise UserError(
                f"{_what(config)}: this training has {name} {record['test'][name]:.5f} on test, "
                f"its record {value:.5f}. Weights belong to a record: move "
                f"{RunFiles(config).record} away to have both anew."
            )


def save(config, model):
    """Writes the weights of a model and what describes them; returns the `Path` of the `.npz`."""
    path = _place(config, paths.results_dir())
    files.write_bytes(path, lambda file: np.savez_compressed(file, **_arrays(model)), _WHAT)
    meta = {
        "schema": SCHEMA,
        "id": config.id,
        "config": config.as_dict(),
        "dtype": "float32",
        "sha256": _digest(path),
        "opening": {"split": "test", "piece": PIECE, "pitches": _pitches(_test_piece(config))},
    }
    files.write_text(path.with_suffix(".json"), json.dumps(meta) + "\n", _WHAT)
    return path


def _arrays(model):
    return {
        name: np.asarray(weight, np.float32) for name, weight in zip(_names(model), model.weights)
    }


def _names(model):
    """Names of the weights that do not depend on how many models the process has built."""
    return [f"{i:02d}-{weight.name}" for i, weight in enumerate(model.weights)]


def _test_piece(config):
    piece = MusicTask(config).splits.test[PIECE]
    return (without_silences(piece) if config.silences == "removed" else piece)[:OPENING]


def _pitches(roll):
    """The MIDI pitches that sound at each frame: a list of lists."""
    return [[int(k) + LOWEST_PITCH for k in np.flatnonzero(frame)] for frame in roll]


def _roll(pitches):
    roll = np.zeros([len(pitches), KEYS], np.uint8)
    for frame, sounding in zip(roll, pitches):
        frame[np.array(sounding, int) - LOWEST_PITCH] = 1
    return roll


# Finding and loading


def find(config):
    """The `Path` of the stored weights of a run, or None. Own ones come before packaged ones."""
    for folder in paths.result_folders():
        path = _place(config, folder)
        if path.is_file() and path.with_suffix(".json").is_file():
            return path
    return None


def load(config):
    """The trained model of a run, from its stored weights.

    Args:
        config: a `RunConfig`, e.g. of `listen_config`.

    Returns:
        A `Trained`.

    Raises:
        UserError: if there are none, or the file is damaged or not of this run.
    """
    path = find(config)
    if path is None:
        raise UserError(
            f"no weights of {_what(config)} are stored; `{command(config)}` makes them."
        )
    with files.reading(
        path, f"Get the file again, or delete it and `{command(config)}` makes it anew."
    ):
        meta = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        model, opening = _build(config), _roll(meta["opening"]["pitches"])
        model.set_weights(_checked(path, meta, config, model))
    return Trained(config, model, opening)


def _build(config):
    task = _Shapes(config)
    return task.network(config.units or units_within(task.parameters, config.n_params))


class _Shapes(MusicTask):
    """A music task that needs no data: its network alone."""

    def __init__(self, config):
        self.config = config


def _checked(path, meta, config, model):
    """The arrays of the file in the model's order; raises within `files.reading`."""
    if meta["schema"] != SCHEMA or meta["id"] != config.id:
        raise ValueError(f"it is described as of run {meta['id']!r}, not {config.id!r}")
    if _digest(path) != meta["sha256"]:
        raise ValueError("its SHA-256 is not the one written down beside it")
    with np.load(path, allow_pickle=False) as file:
        arrays = [file[name] for name in _names(model)]
    for name, array, weight in zip(_names(model), arrays, model.weights):
        if array.shape != tuple(weight.shape) or array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {weight.shape}")
    return arrays


def _place(config, folder):
    return folder / "weights" / config.dataset / f"{RunFiles(config).name}.npz"


def _what(config):
    return f"{config.dataset} with {config.cell} (scale {config.scale}, seed {config.seed})"


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
