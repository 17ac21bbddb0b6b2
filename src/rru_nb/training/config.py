"""What a run is: every setting of one training, resolved from `params/` and frozen.

`params/paper/<dataset>/<cell>.yml` holds the paper's values (Tables 4 to 6, appendix A.1) and
the number published for them (Table 1); `params/scales/<scale>.yml` holds what the scales
`laptop` and `smoke` change of them. A config knows in what it differs from the paper's.
"""

import hashlib
import json
from functools import lru_cache

import attrs
import yaml

from ..data import canonical_name, registry
from ..errors import UserError, check_choice
from ..layers.registry import CELL_TITLES, CELLS, SETTINGS_OF_PAPER
from ..storage import files, paths
from .settings import IDENTITY, SCALES, SETTINGS, checked, refuse_changes

KINDS = {dataset.name: dataset.kind for dataset in registry.DATASETS_BY_NAME.values()}

METRICS = {  # that of Table 1, which also stops training early
    "music": "nll_window",
    "word": "perplexity",
    "char": "bpc",
    "sentiment": "accuracy",
    "digits": "accuracy",
}

STANDARD_METRICS = {"word": "perplexity_words", "char": "bpc_contiguous"}

# Of all runs; and of the paper's cells, whose settings do not apply to another cell.
_DEFAULTS = {name: setting.default for name, setting in SETTINGS.items()}
_DEFAULTS |= dict.fromkeys(SETTINGS_OF_PAPER)
_ADDED_LATER = {"residual_speed": 10.0, "loss_average": "window", "score_average": "window"}


@attrs.frozen(
    kw_only=True,
    slots=False,
    these={name: attrs.field(default=default) for name, default in _DEFAULTS.items()}
    | {"own_settings": attrs.field(default=())},
)
class RunConfig:
    """Every setting of one training. Made by `paper_config`; None means "does not apply".

    Its attributes are those of `settings.SETTINGS`, where each has its meaning, and the settings of
    its cell, `CELLS[cell].settings`.

    Attributes:
        own_settings: those of a registered cell alone: pairs of name and value. Each is an
            attribute too.
    """

    def __getattr__(self, name):  # called for what is no field
        own = dict(self.__dict__.get("own_settings", ()))
        if name not in own:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return own[name]

    @property
    def kind(self):
        """The kind of task: `music`, `word`, `char`, `sentiment` or `digits`."""
        return KINDS[self.dataset]

    @property
    def metric(self):
        """The metric that stops training: Table 1's, or the setting's own."""
        return metric_for(self.as_dict())

    @property
    def id(self):
        """Twelve hex digits that name the run: a hash of every setting that applies.

        Settings at their default do not count, nor settings added later at the value that runs
        before them had, so that the names of earlier runs stay as they are.
        """
        applies = {
            name: value
            for name, value in self.as_dict().items()
            if value not in [d.get(name, attrs.NOTHING) for d in (_DEFAULTS, _ADDED_LATER)]
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
            if name not in IDENTITY and value != paper[name]
        }

    def as_dict(self):
        """Return the settings as a plain dict, those of the paper's other cells as None."""
        return {name: getattr(self, name) for name in _DEFAULTS} | dict(self.own_settings)

    @classmethod
    def from_dict(cls, settings):
        """Return the config of a record; settings unknown to this version are an error.

        A record from before a setting was added has the value that it had then.
        """
        cell = check_choice("cell", settings["cell"], CELLS)
        paper = _paper_settings(settings["dataset"], cell)
        for name in settings:
            check_choice("setting", name, paper)
        return cls._of({name: paper[name] for name in _ADDED_LATER} | settings)

    @classmethod
    def _of(cls, settings):
        known = {name: value for name, value in settings.items() if name in _DEFAULTS}
        own = tuple(sorted((n, value) for n, value in settings.items() if n not in _DEFAULTS))
        return cls(**known, own_settings=own)


def metric_for(settings):
    """Return the name of the metric that stops a training, from its settings, a dict."""
    if settings.get("score_average") == "batches":
        return "nll_batches"
    metrics = STANDARD_METRICS if settings["protocol"] == "standard" else METRICS
    return metrics[KINDS[settings["dataset"]]]


def canonical_cell(name):
    """Return the short name of a cell, e.g. `"mogrifier"` for `"Mogrifier LSTM"`."""
    titles = {title.casefold(): cell for cell, title in CELL_TITLES.items()}
    spellings = {title.replace(" ", ""): cell for title, cell in titles.items()} | titles
    folded = str(name).casefold()
    return check_choice("cell", folded if folded in CELLS else spellings.get(folded, folded), CELLS)


def paper_config(dataset, cell, scale="paper", seed=0, **changes):
    """Return the settings of a run: the paper's, what the scale changes, and your changes.

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
    refuse_changes(dataset, cell, changes, paper)
    protocol = changes.get("protocol", paper["protocol"])
    protocols = registry.DATASETS_BY_NAME[dataset].protocols
    check_choice("protocol", protocol, protocols, f"is none of dataset {dataset!r}")
    of_protocol = _paper_file(dataset, cell).get("protocols", {}).get(protocol, {})
    no_budget = {"n_params": None} if changes.get("units") is not None else {}
    settings = paper | of_protocol | _scale_changes(dataset, cell, scale) | no_budget | changes
    settings = checked(settings | {"scale": scale, "seed": seed}, paper)
    _check_sizes(settings)
    return RunConfig._of(settings)


def command(config):
    """Return the command that measures a run."""
    parts = [f"rru-nb run --dataset {config.dataset} --cell {config.cell}"]
    parts += [f"--scale {config.scale}"] if config.scale != "paper" else []
    parts += [f"--seed {config.seed}"] if config.seed else []
    run = config.dataset, config.cell, config.scale, config.seed
    # What the protocol changes, it says by its name.
    base = paper_config(*run, protocol=config.protocol).as_dict()
    base["protocol"] = paper_config(*run).protocol
    changed = {k: v for k, v in config.as_dict().items() if v != base[k]}
    # As YAML reads it back, which takes `5e-05` for a word, `5.0e-05` for a number.
    parts += [f"--set {name}={yaml.safe_dump(v).splitlines()[0]}" for name, v in changed.items()]
    return " ".join(parts)


def _paper_settings(dataset, cell):
    defaults = {name: setting.default for name, setting in CELLS[cell].settings.items()}
    identity = {"dataset": dataset, "cell": cell, "scale": "paper", "seed": 0}
    return RunConfig._of(identity | defaults | _paper_file(dataset, cell)["config"]).as_dict()


@lru_cache
def _paper_file(dataset, cell):
    in_paper = paths.params_dir() / "paper" / dataset / f"{cell}.yml"
    if in_paper.is_file():
        return files.read_yaml(in_paper)
    not_in_paper = paths.params_dir() / f"{dataset}.yml"
    if not_in_paper.is_file():
        declared = files.read_yaml(not_in_paper)
        return declared | {"config": _paper_file(declared["like"], cell)["config"]}
    # The GRU has no settings of its own, so what its files say can serve any cell.
    return {k: v for k, v in _paper_file(dataset, "gru").items() if k != "published"}


def _scale_changes(dataset, cell, scale):
    if scale == "paper":
        return {}
    scales = files.read_yaml(paths.params_dir() / "scales" / f"{scale}.yml")
    changes = scales[dataset if dataset in scales else KINDS[dataset]]
    return changes["all"] | changes.get(cell, {})


def _check_sizes(settings):
    window = settings["window"]
    if KINDS[settings["dataset"]] in ("word", "char") and window % 2:
        raise UserError(
            f"window = {window} is odd; windows of text overlap by half. Give {window + 1}."
        )
    budget, units = settings["n_params"], settings["units"]
    if (budget is None) == (units is None):
        raise UserError(
            f"settings n_params = {budget} and units = {units}: give one of them, for either "
            "decides the state size n."
        )
