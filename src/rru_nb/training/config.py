"""What a run is: every setting of one training, resolved from `params/` and frozen.

`params/paper/<dataset>/<cell>.yml` holds the paper's values (Tables 4 to 6, appendix A.1) and
the number published for them (Table 1); `params/scales/<scale>.yml` holds what the scales
`laptop` and `smoke` change of them. A config knows in what it differs from the paper's.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

import yaml

from ..data import canonical_name, registry
from ..errors import UserError, check_choice
from ..layers.registry import CELL_TITLES, CELLS
from ..storage import paths
from .settings import OF_TASKS, as_float, check_value

SCALES = ("paper", "laptop", "smoke")

KINDS = {  # what kind of task a dataset is, see `tasks`
    "jsb": "music",
    "nottingham": "music",
    "musedata": "music",
    "piano-midi": "music",
    "chorales": "music",
    "ptb-word": "word",
    "ptb-char": "char",
    "enwik8": "char",
    "text8": "char",
    "imdb": "sentiment",
    "mnist": "digits",
    "pmnist": "digits",
}

METRICS = {  # that of Table 1, which also stops training early
    "music": "nll_window",
    "word": "perplexity",
    "char": "bpc",
    "sentiment": "accuracy",
    "digits": "accuracy",
}

STANDARD_METRICS = {"word": "perplexity_words", "char": "bpc_contiguous"}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Every setting of one training. Made by `paper_config`; None means "does not apply".

    Attributes:
        dataset, cell, scale, seed: what is trained, at which size, with which random numbers.
        protocol: "authors", or another of the dataset's: "standard", as the field scores text;
            "paper", P-MNIST as the text says; "final", IMDB as the authors' last script.
        n_params: budget of trainable parameters of the whole model; decides the state size n.
        units: the state size n itself; where given, the budget is not used.
        layers: number of recurrent layers.
        embedding_size, vocabulary_size: of tasks over words or characters.
        dropout: rate of the recurrent dropout (eq. 3).
        output_size: p of the RRU. relu_layers: r, the number of times that eq. 1 and 2 apply.
        hidden_multiplier: q, with g = round(q (m + n)).
        normalize, rezero, relu_outputs, residual: the ablations of Table 2, see `RRUCell`.
        residual_speed: k of σ(k·S'), 10 in the authors' code.
        forget_bias: of the LSTM. rounds, rank: of the Mogrifier LSTM.
        window: time steps of a training example. batch_size: examples of a step.
        silences: "removed" (the authors' code) or "kept": empty time steps of the music sets.
        loss_average: of the music tasks' training loss: "window" (the authors' code), each
            window's mean over its steps and then the mean over windows, or "frame", the mean
            over all steps of the batch.
        label_smoothing: of the classification tasks.
        learning_rate, optimizer, clip_multiplier: of `RAdam`; optimizer "authors" or "liu".
        precision: of matrix products on a GPU: "float32", or "tf32", with ten bits of mantissa.
        patience: epochs without a better score after which training stops.
        max_epochs: upper limit of the epochs; None as in the paper: early stopping alone.
        select_on: the split whose score stops training and picks the weights, "valid";
            "test" is the protocol of tuning on test data, for comparison only.
        train_limit, eval_limit: use only the first examples of a split (scale "smoke").
        cell_settings: of a cell that you registered: pairs of name and value. Each is an attribute
            too, as the settings of the paper's cells are.
    """

    dataset: str
    cell: str
    scale: str
    seed: int
    protocol: str = "authors"
    n_params: int | None = None
    units: int | None = None
    layers: int = 1
    embedding_size: int | None = None
    vocabulary_size: int | None = None
    dropout: float = 0.0
    output_size: int | None = None
    relu_layers: int | None = None
    hidden_multiplier: float | None = None
    normalize: bool | None = None
    rezero: str | None = None
    relu_outputs: bool | None = None
    residual: float | str | None = None
    residual_speed: float | None = None
    forget_bias: float | None = None
    rounds: int | None = None
    rank: int | None = None
    window: int
    batch_size: int
    silences: str | None = None
    loss_average: str | None = None
    label_smoothing: float | None = None
    learning_rate: float
    optimizer: str = "authors"
    clip_multiplier: float | None = None
    precision: str = "float32"
    patience: int
    max_epochs: int | None = None
    select_on: str = "valid"
    train_limit: int | None = None
    eval_limit: int | None = None
    cell_settings: tuple = ()

    def __getattr__(self, name):  # called for what is no field
        for setting, value in self.__dict__.get("cell_settings", ()):
            if setting == name:
                return value
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def kind(self):
        """The kind of task: `music`, `word`, `char`, `sentiment` or `digits`."""
        return KINDS[self.dataset]

    @property
    def metric(self):
        """The metric that stops training: Table 1's, or the protocol "standard"'s own."""
        if self.protocol == "standard":
            return STANDARD_METRICS[self.kind]
        return METRICS[self.kind]

    @property
    def id(self):
        """Twelve hex digits that name the run: a hash of every setting that applies.

        Settings at their default do not count, nor settings added later at the value that runs
        before them had, so that the names of earlier runs stay as they are.
        """
        applies = {
            name: value
            for name, value in self.as_dict().items()
            if value not in (_DEFAULTS.get(name, _NO_DEFAULT), _ADDED_LATER.get(name, _NO_DEFAULT))
        }
        return hashlib.sha256(json.dumps(applies, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def published(self):
        """The paper's number for this dataset and cell: a dict, or None where it has none."""
        return _paper_file(self.dataset, self.cell).get("published")

    @property
    def differences(self):
        """`{setting: {"paper": value, "here": value}}`, empty at the paper's setting."""
        paper = _paper_settings(self.dataset, self.cell)
        return {
            name: {"paper": paper[name], "here": value}
            for name, value in self.as_dict().items()
            if name not in ("dataset", "cell", "scale", "seed") and value != paper[name]
        }

    def as_dict(self):
        """The settings as a plain dict, in the order of the fields."""
        settings = dataclasses.asdict(self)
        return settings | dict(settings.pop("cell_settings"))

    @classmethod
    def from_dict(cls, settings):
        """The config of a record; settings unknown to this version are an error.

        A record from before a setting was added has the value that it had then.
        """
        cell = check_choice("cell", settings["cell"], CELLS)
        _refuse_unknown(settings, [*_FIELDS, *CELLS[cell].settings])
        paper = _paper_settings(settings["dataset"], cell)
        added = {name: paper[name] for name in _ADDED_LATER}
        return cls._of(added | settings)

    @classmethod
    def _of(cls, settings):
        fields = {name: value for name, value in settings.items() if name in _FIELDS}
        others = sorted((name, value) for name, value in settings.items() if name not in _FIELDS)
        return cls(**fields, cell_settings=tuple(others))


_FIELDS = [f.name for f in dataclasses.fields(RunConfig) if f.name != "cell_settings"]
_NO_DEFAULT = object()
_DEFAULTS = {
    f.name: f.default for f in dataclasses.fields(RunConfig) if f.default is not dataclasses.MISSING
}
_ADDED_LATER = {"residual_speed": 10.0, "loss_average": "window"}


def canonical_cell(name):
    """The short name of a cell, e.g. `"mogrifier"` for `"Mogrifier LSTM"`."""
    titles = {title.casefold(): cell for cell, title in CELL_TITLES.items()}
    spellings = {title.replace(" ", ""): cell for title, cell in titles.items()} | titles
    folded = str(name).casefold()
    return check_choice("cell", folded if folded in CELLS else spellings.get(folded, folded), CELLS)


def paper_config(dataset, cell, scale="paper", seed=0, **changes):
    """The settings of one run: the paper's, what the scale changes, and your changes.

    Args:
        dataset: one of `DATASETS`, or the paper's spelling of it.
        cell: `"rru"`, `"gru"`, `"lstm"`, `"mogrifier"` or one that you registered.
        scale: `"paper"` (the paper's exact setting), `"laptop"` or `"smoke"`.
        seed: int, from which every random number of the run comes.
        **changes: settings of `RunConfig` to change.

    Returns:
        A frozen `RunConfig`.

    Raises:
        UserError: for a name, a setting or a value that is not valid; it names the nearest.

    Example:
        >>> config = paper_config("jsb", "rru", dropout=0.5)
        >>> config.differences
        {'dropout': {'paper': 0.79362, 'here': 0.5}}
    """
    dataset, cell = canonical_name(dataset), canonical_cell(cell)
    check_choice("scale", scale, SCALES)
    if scale == "paper" and "like" in _paper_file(dataset, cell):
        raise UserError(
            f"dataset {dataset!r} is not in the paper, so it has no scale 'paper'. "
            "Use scale 'laptop' or 'smoke'."
        )
    paper = _paper_settings(dataset, cell)
    _refuse_changes(dataset, cell, changes, paper)
    protocol = _protocol_changes(dataset, cell, changes.get("protocol", "authors"))
    settings = paper | protocol | _scale_changes(dataset, cell, scale) | changes
    if changes.get("units") is not None:
        settings["n_params"] = None
    settings |= {"scale": scale, "seed": seed}
    _check_values(settings)
    return RunConfig._of(as_float(settings))


def command(config):
    """The command that measures a run."""
    parts = [f"rru-nb run --dataset {config.dataset} --cell {config.cell}"]
    parts += [f"--scale {config.scale}"] if config.scale != "paper" else []
    parts += [f"--seed {config.seed}"] if config.seed else []
    base = paper_config(config.dataset, config.cell, config.scale, config.seed).as_dict()
    changed = {k: v for k, v in config.as_dict().items() if v != base[k]}
    return " ".join(parts + [f"--set {name}={_scalar(value)}" for name, value in changed.items()])


def _scalar(value):
    """A value as YAML reads it back: it takes `5e-05` for a word, `5.0e-05` for a number."""
    return yaml.safe_dump(value).splitlines()[0]


def _paper_settings(dataset, cell):
    defaults = {name: setting.default for name, setting in CELLS[cell].settings.items()}
    identity = {"dataset": dataset, "cell": cell, "scale": "paper", "seed": 0}
    return RunConfig._of(identity | defaults | _paper_file(dataset, cell)["config"]).as_dict()


@lru_cache
def _paper_file(dataset, cell):
    in_paper = paths.params_dir() / "paper" / dataset / f"{cell}.yml"
    if in_paper.is_file():
        return _yaml(in_paper)
    not_in_paper = paths.params_dir() / dataset / f"{cell}.yml"
    if not_in_paper.is_file():
        declared = _yaml(not_in_paper)
        return declared | {"config": _paper_file(declared["like"], cell)["config"]}
    # The GRU has no settings of its own, so what its files say can serve any cell.
    return {k: v for k, v in _paper_file(dataset, "gru").items() if k != "published"}


def _protocol_changes(dataset, cell, protocol):
    valid = registry.DATASETS_BY_NAME[dataset].protocols
    check_choice(f"protocol of {dataset!r}", protocol, valid)
    own = _paper_file(dataset, cell).get("protocols", {})
    return own.get(protocol, {})


def _scale_changes(dataset, cell, scale):
    if scale == "paper":
        return {}
    scales = _scale_file(scale)
    changes = scales.get(dataset, scales.get(KINDS[dataset]))
    if changes is None:
        raise UserError(f"scale {scale!r} has no sizes for dataset {dataset!r} yet.")
    return changes["all"] | changes.get(cell, {})


@lru_cache
def _scale_file(scale):
    return _yaml(paths.params_dir() / "scales" / f"{scale}.yml")


def _yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _refuse_changes(dataset, cell, changes, paper):
    fixed = ("dataset", "cell", "scale", "seed")
    of_cells = [name for spec in CELLS.values() for name in spec.settings]
    known = [name for name in dict.fromkeys([*_FIELDS, *of_cells]) if name not in fixed]
    _refuse_unknown(changes, known)
    for name in changes:
        owners = [spec.name for spec in CELLS.values() if name in spec.settings]
        if owners and cell not in owners:
            raise UserError(
                f"setting {name!r} belongs to cell {owners[0]!r}; the run's cell is {cell!r}."
            )
        if name in OF_TASKS and paper[name] is None:
            raise UserError(f"setting {name!r} does not apply to dataset {dataset!r}.")
        if owners or name in OF_TASKS:
            check_value(name, changes[name], cell)  # None, for "does not apply", is none of them


def _refuse_unknown(settings, known):
    for name in settings:
        check_choice("setting", name, known)


def _check_values(settings):
    for name, value in settings.items():
        if value is not None or _DEFAULTS.get(name, _NO_DEFAULT) is not None:
            check_value(name, value, settings["cell"])
    window = settings["window"]
    if KINDS[settings["dataset"]] in ("word", "char") and window and window % 2:
        raise UserError(
            f"window = {window} is odd; windows of text overlap by half. Give {window + 1}."
        )
    if settings["n_params"] is None and settings["units"] is None:
        raise UserError("settings n_params and units are both None; give one of them.")
