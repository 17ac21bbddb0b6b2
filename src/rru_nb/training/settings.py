"""Which values each setting of a run may take, and which cell it belongs to."""

import re

import yaml

from ..errors import UserError
from ..layers.registry import CELLS
from ..layers.setting import Setting, one_of, positive, rate, whole

OF_TASKS = ["embedding_size", "vocabulary_size", "silences", "loss_average", "label_smoothing"]


def _is_seed(value):  # larger ones NumPy's first generator does not take
    return type(value) is int and 0 <= value < 2**32


_OF_ALL_CELLS = {
    "seed": Setting(_is_seed, "a whole number from 0 to 4294967295"),
    "protocol": one_of("authors", "standard", "paper", "final"),
    "n_params": whole(1),
    "units": whole(1),
    "layers": whole(1),
    "embedding_size": whole(1),
    "vocabulary_size": whole(2),
    "dropout": rate(),
    "window": whole(2),
    "batch_size": whole(1),
    "silences": one_of("removed", "kept"),
    "loss_average": one_of("window", "frame"),
    "label_smoothing": rate(),
    "learning_rate": positive(100),
    "optimizer": one_of("authors", "liu"),
    "clip_multiplier": positive(1e9),
    "precision": one_of("float32", "tf32"),
    "patience": whole(1),
    "max_epochs": whole(1),
    "select_on": one_of("valid", "test"),
    "train_limit": whole(1),
    "eval_limit": whole(1),
}


def _setting(name, cell=None):
    """The setting of that name: of all cells, or of one; by default of the first that has it."""
    of_cells = [CELLS[cell]] if cell else CELLS.values()
    tables = [_OF_ALL_CELLS, *(spec.settings for spec in of_cells)]
    return next((table[name] for table in tables if name in table), None)


def check_value(name, value, cell=None):
    """Raises a `UserError` that names what is wanted if `value` is not valid for `name`.

    Args:
        name: a setting; of one that has no range nothing is asked. value: what it is to be.
        cell: the run's cell, where several have a setting of that name.
    """
    setting = _setting(name, cell)
    if setting and not setting.valid(value):
        raise UserError(f"setting {name} = {value!r} is not valid; it must be {setting.wanted}.")


def value_of(text):
    """The value that a text like `0.5`, `true` or `[1, 2]` stands for, as YAML has it.

    Raises:
        UserError: if it is no YAML of plain values.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{text!r} is not a value like 0.5, true or [1, 2]: {reason}.") from error
    return [_number_of(v) for v in value] if isinstance(value, list) else _number_of(value)


def _number_of(value):
    """The number that a text like 1e-2 is: YAML 1.1 reads it only with a point in it."""
    is_one = isinstance(value, str) and re.fullmatch(r"[+-]?\d+[eE][+-]?\d+", value)
    return float(value) if is_one else value


def as_float(settings):
    """The settings of a run with whole numbers turned into floats where one is a real number."""
    return {
        name: float(value) if value is not None and _is_real(name, settings["cell"]) else value
        for name, value in settings.items()
    }


def _is_real(name, cell):
    setting = _setting(name, cell)
    return setting is not None and setting.real
