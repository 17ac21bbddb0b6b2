"""Every setting of a run, once: its values, its default, what it means, and whose it is.

`RunConfig`, `--set`, the parameters of notebooks, `--help` and the book's page read this table;
what only one cell has stands with the cell, in `layers/registry.py`.
"""

import re

import yaml

from ..data import DATASETS
from ..errors import UserError, check_choice
from ..layers.registry import CELLS
from ..layers.setting import REQUIRED, Setting, one_of, positive, rate, whole

SCALES = ("paper", "laptop", "smoke")
IDENTITY = ("dataset", "cell", "scale", "seed")  # options of their own, and no change of a setting

SETTINGS = {
    "dataset": one_of(DATASETS, "what is learnt", default=REQUIRED),
    "cell": Setting(lambda v: v in CELLS, "a cell of the list", "what learns", default=REQUIRED),
    "scale": one_of(SCALES, "all sizes at once", default=REQUIRED),
    # Larger ones NumPy's first generator does not take.
    "seed": whole(0, "every random number comes from it", high=2**32 - 1, default=REQUIRED),
    "protocol": one_of(
        ("authors", "standard", "paper", "final"),
        "standard: as the field scores text; paper: P-MNIST as the text says, its default; "
        "final: IMDB as the authors' last script",
        default="authors",
    ),
    "n_params": whole(
        1, "budget of trainable parameters of the whole model; decides the state size n"
    ),
    "units": whole(1, "the state size n itself; the budget is not used then"),
    "layers": whole(1, "recurrent layers", default=1),
    "embedding_size": whole(1, "features of a word or character", whose="dataset"),
    "vocabulary_size": whole(2, "different words or characters", whose="dataset"),
    "dropout": rate("rate of the recurrent dropout (eq. 3)", default=0.0),
    "window": whole(2, "time steps of a training example", default=REQUIRED),
    "batch_size": whole(1, "examples of a step", default=REQUIRED),
    "silences": one_of(
        ("removed", "kept"),
        "empty time steps of music; the authors' code removes them",
        whose="dataset",
    ),
    "loss_average": one_of(
        ("window", "frame"),
        "training loss of music: window, as the authors' code, each window's mean and then the "
        "mean over windows; frame, the mean over all time steps of the batch",
        whose="dataset",
    ),
    "score_average": one_of(
        ("window", "batches"),
        "average of music's validation loss that ends a training and chooses its epoch: window, "
        "the mean of windows; batches, the mean of batches, as the authors' code",
        whose="dataset",
    ),
    "label_smoothing": rate("share of the label spread over all classes", whose="dataset"),
    "learning_rate": positive(100, "of RAdam", default=REQUIRED),
    "optimizer": one_of(
        ("authors", "liu"), "RAdam as the authors' code has it, or as its paper", default="authors"
    ),
    "clip_multiplier": positive(
        1e9,
        "κ of RAdam: gradients are clipped at about κ times their usual norm; null: they are not",
    ),
    "precision": one_of(
        ("float32", "tf32", "bfloat16"),
        "of matrix products: tf32, ten bits of mantissa on a GPU; bfloat16, seven, in the "
        "recurrent layers alone",
        default="float32",
    ),
    "patience": whole(1, "epochs without a better score that end a training", default=REQUIRED),
    "max_epochs": whole(1, "limit of the epochs; null as in the paper: early stopping alone"),
    "select_on": one_of(
        ("valid", "test"),
        "split that stops training and picks the weights; test only to compare protocols",
        default="valid",
    ),
    "train_limit": whole(1, "use only the first training examples"),
    "eval_limit": whole(1, "use only the first examples of the other splits"),
}


def owners_of(name):
    """Return the names of the cells that have a setting of their own of that name."""
    return [spec.name for spec in CELLS.values() if name in spec.settings]


def changeable():
    """Return `{name: Setting}` of what `--set` may change, of all runs and then of cells."""
    common = {name: setting for name, setting in SETTINGS.items() if name not in IDENTITY}
    return common | {name: s for spec in CELLS.values() for name, s in spec.settings.items()}


def refuse_changes(dataset, cell, changes, paper):
    """Raise a `UserError` for a change that there is not, or that does not apply to a run."""
    for name in changes:
        check_choice("setting", name, changeable())
        owners = owners_of(name)
        if owners and cell not in owners:
            raise UserError(
                f"setting {name!r} belongs to cell {owners[0]!r}; the run's cell is {cell!r}."
            )
        if not owners and SETTINGS[name].whose == "dataset" and paper[name] is None:
            raise UserError(f"setting {name!r} does not apply to dataset {dataset!r}.")


def checked(settings, paper):
    """Return the settings of a run, each one checked, real numbers as floats.

    What is None in those of the paper's run, and not of every run, does not apply and stays None.
    """
    known = SETTINGS | CELLS[settings["cell"]].settings
    none = {
        name
        for name, setting in known.items()
        if settings[name] is None and setting.default is None
        if setting.whose == "run" or paper[name] is None
    }
    return settings | {n: s.checked(n, settings[n]) for n, s in known.items() if n not in none}


def value_of(text):
    """Return the value that a text like `0.5`, `true` or `[1, 2]` stands for, as YAML has it."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{text!r} is not a value like 0.5, true or [1, 2]: {reason}.") from error
    return [_number_of(v) for v in value] if isinstance(value, list) else _number_of(value)


def _number_of(value):
    """Return the number that a text like 1e-2 is: YAML 1.1 wants a point and a sign in it.

    One like 1e6 is a whole number.
    """
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", value):
        value = float(value)
        return int(value) if value.is_integer() else value
    return value
