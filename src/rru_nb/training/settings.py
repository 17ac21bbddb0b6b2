"""Which values each setting of a run may take, and which cell it belongs to."""

import re

import yaml

from ..errors import UserError

OWN = {  # settings that only one cell has
    "rru": [
        "output_size",
        "relu_layers",
        "hidden_multiplier",
        "normalize",
        "rezero",
        "relu_outputs",
        "residual",
        "residual_speed",
    ],
    "gru": [],
    "lstm": ["forget_bias"],
    "mogrifier": ["rounds", "rank"],
}

OF_TASKS = ["embedding_size", "vocabulary_size", "silences", "loss_average", "label_smoothing"]

# A run's name hashes its settings: 0 and 0.0 have to be the same run.
_FLOATS = [
    "dropout",
    "hidden_multiplier",
    "residual_speed",
    "forget_bias",
    "label_smoothing",
    "learning_rate",
    "clip_multiplier",
]


def _whole(low):
    return (lambda v: type(v) is int and v >= low), f"a whole number of at least {low}"


def _seed(value):  # larger ones NumPy's first generator does not take
    return type(value) is int and 0 <= value < 2**32


def _number(low, high):
    def valid(v):
        return isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high

    return valid, f"a number in [{low}, {high}]"


def _one_of(*values):
    return (lambda v: v in values), "one of " + ", ".join(repr(v) for v in values)


def _residual(value):
    if isinstance(value, str):
        return value in ("uniform", "identity")
    return isinstance(value, float) and 0 < value < 1


_VALID = {
    "seed": (_seed, "a whole number from 0 to 4294967295"),
    "protocol": _one_of("authors", "standard", "paper", "final"),
    "n_params": _whole(1),
    "units": _whole(1),
    "layers": _whole(1),
    "embedding_size": _whole(1),
    "vocabulary_size": _whole(2),
    "dropout": ((lambda v: _number(0, 1)[0](v) and v < 1), "a number in [0, 1)"),
    "output_size": _whole(1),
    "relu_layers": _whole(1),
    "hidden_multiplier": ((lambda v: _number(0, 1000)[0](v) and v > 0), "a number above 0"),
    "normalize": _one_of(True, False),
    "rezero": _one_of("per_feature", "scalar"),
    "relu_outputs": _one_of(True, False),
    "residual": (_residual, "'uniform', 'identity' or a number in (0, 1)"),
    "residual_speed": ((lambda v: _number(0, 1e6)[0](v) and v > 0), "a number above 0"),
    "forget_bias": _number(-1000, 1000),
    "rounds": _whole(0),
    "rank": _whole(1),
    "window": _whole(2),
    "batch_size": _whole(1),
    "silences": _one_of("removed", "kept"),
    "loss_average": _one_of("window", "frame"),
    "label_smoothing": ((lambda v: _number(0, 1)[0](v) and v < 1), "a number in [0, 1)"),
    "learning_rate": ((lambda v: _number(0, 100)[0](v) and v > 0), "a number above 0"),
    "optimizer": _one_of("authors", "liu"),
    "clip_multiplier": ((lambda v: _number(0, 1e9)[0](v) and v > 0), "a number above 0"),
    "precision": _one_of("float32", "tf32"),
    "patience": _whole(1),
    "max_epochs": _whole(1),
    "select_on": _one_of("valid", "test"),
    "train_limit": _whole(1),
    "eval_limit": _whole(1),
}


def check_value(name, value):
    """Raises a `UserError` that names what is wanted if `value` is not valid for `name`."""
    if name not in _VALID:
        return
    valid, wanted = _VALID[name]
    if not valid(value):
        raise UserError(f"setting {name} = {value!r} is not valid; it must be {wanted}.")


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
    """The settings with whole numbers turned into floats where a setting is a real number."""
    return {
        name: float(value) if name in _FLOATS and value is not None else value
        for name, value in settings.items()
    }
