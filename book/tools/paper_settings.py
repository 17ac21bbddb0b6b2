"""The paper's Tables 3 to 6, made from `params/paper` and `params/search.yml`, as runs use them."""

import yaml

from rru_nb.storage import paths
from rru_nb.training.config import CELL_TITLES, CELLS, KINDS, paper_config
from rru_nb.training.settings import changeable, owners_of

_TUNED = ("jsb", "nottingham", "musedata", "piano-midi", "ptb-word")
_NOT_TUNED = ("ptb-char", "enwik8", "text8", "imdb", "mnist", "pmnist")
_TITLES = {
    "learning_rate": "learning rate",
    "dropout": "dropout rate",
    "n_params": "parameters",
    "hidden_multiplier": "middle layer size multiplier $q$",
    "relu_layers": "ReLU layers",
    "output_size": "output size $p$",
    "forget_bias": "forget bias",
    "rounds": "feature mask rounds",
    "rank": "feature mask rank",
    "window": "context size",
    "batch_size": "batch size",
    "layers": "layers",
    "embedding_size": "embedding size",
    "patience": "epochs without a better score",
}
_COMMON = ("n_params", "window", "batch_size", "layers", "embedding_size", "patience")


def table_3(context):
    """Ranges of the search."""
    declared = yaml.safe_load((paths.params_dir() / "search.yml").read_text(encoding="utf-8"))
    kinds = dict.fromkeys(KINDS[name] for name in _TUNED)
    titles = {kind: ", ".join(d for d in _TUNED if KINDS[d] == kind) for kind in kinds}
    rows = [(titles[kind], name, of) for kind in kinds for name, of in declared[kind].items()]
    for cell, own in declared["cells"].items():
        rows += [(CELL_TITLES[cell], name, of) for name, of in own.items()]
    return _table(
        ["for", "setting", "from", "to", "scale"],
        [[who, _TITLES[name], *map(_shown, of["range"]), of["scale"]] for who, name, of in rows],
    )


def table_4(context):
    """Values that the authors' search found."""
    rows = []
    for cell in CELLS:
        own = [
            s
            for s in CELLS[cell].settings
            if s in ("hidden_multiplier", "forget_bias", "rounds", "rank")
        ]
        for name in ("learning_rate", "dropout", "n_params", *own):
            rows.append([CELL_TITLES[cell], _TITLES[name], *_values(_TUNED, cell, name)])
    return _table(["cell", "setting", *_TUNED], rows)


def table_5(context):
    """Values of the rows that were not tuned, or by dropout rate alone; a cell's own below."""
    rows = [["all", _TITLES[name], *_values(_NOT_TUNED, "rru", name)] for name in _COMMON]
    own = {"rru": ("relu_layers", "hidden_multiplier", "output_size")}
    own |= {cell: CELLS[cell].settings for cell in ("lstm", "mogrifier")}
    rows += [
        [CELL_TITLES[cell], _TITLES[name], *_values(_NOT_TUNED, cell, name)]
        for cell, names in own.items()
        for name in names
    ]
    return _table(["cell", "setting", *_NOT_TUNED], rows)


def table_6(context):
    """Learning rates and dropout rates of those rows, which differ between cells."""
    rows = [
        [CELL_TITLES[cell], _TITLES[name], *_values(_NOT_TUNED, cell, name)]
        for name in ("learning_rate", "dropout")
        for cell in CELLS
    ]
    return _table(["cell", "setting", *_NOT_TUNED], rows)


def every_setting(context):
    """All settings of a run, as `--set` takes them."""
    of_cells = {name: owners_of(name) for name in changeable()}
    rows = [
        [
            f"`{name}`",
            setting.meaning,
            setting.wanted,
            ", ".join(CELL_TITLES[cell] for cell in of_cells[name]) or _WHOSE[setting.whose],
        ]
        for name, setting in changeable().items()
    ]
    return _table(["setting", "meaning", "valid", "of"], rows)


_WHOSE = {"run": "every run", "dataset": "some datasets"}


def _values(datasets, cell, name):
    return [_shown(getattr(paper_config(dataset, cell), name)) for dataset in datasets]


def _shown(value):
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


FRAGMENTS = {
    "every_setting.md": every_setting,
    "paper_table_3.md": table_3,
    "paper_table_4.md": table_4,
    "paper_table_5.md": table_5,
    "paper_table_6.md": table_6,
}
