"""The paper's Tables 3 to 6, made from `params/paper` and `params/search.yml`, as runs use them.

Values are printed as the paper prints them.
"""

import functools

import yaml

from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.storage import paths
from rru_nb.training.config import CELL_TITLES, CELLS, KINDS, paper_config
from rru_nb.training.settings import changeable, owners_of

from .render import render

_TUNED = ("jsb", "nottingham", "musedata", "piano-midi", "ptb-word")
_NOT_TUNED = ("ptb-char", "enwik8", "text8", "imdb", "mnist", "pmnist")
_TITLES = {
    "learning_rate": "Learning rate",
    "dropout": "Dropout rate",
    "n_params": "Number of parameters",
    "hidden_multiplier": "Middle layer size multiplier q",
    "relu_layers": "ReLU layers",
    "output_size": "Output size p",
    "forget_bias": "Forget bias",
    "rounds": "Feature mask rounds",
    "rank": "Feature mask rank",
    "window": "Context size",
    "batch_size": "Batch size",
    "layers": "Number of layers",
    "embedding_size": "Embedding size",
    "patience": "Epochs without a gain before a break",
}
_COMMON = ("n_params", "window", "batch_size", "layers", "embedding_size", "patience")
_OWN = {
    "rru": ("relu_layers", "hidden_multiplier", "output_size"),
    "lstm": ("forget_bias",),
    "mogrifier": ("rounds", "rank"),
}


def tuned(name, value):
    """Return a value of Table 4 as the paper prints it: `"0.00030"`, `"6.9M"`, `"58"`."""
    if name == "n_params":
        return f"{value / 1e6:.1f}M"
    return f"{value:.5f}" if isinstance(value, float) else str(value)


def chosen(name, value):
    """Return a value of Tables 3, 5 and 6 as the paper prints it: `"1e-3"`, `"0.7"`, `"48M"`."""
    if value is None:
        return "–"
    if name == "n_params":
        return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}K"
    if name == "learning_rate":
        mantissa, exponent = f"{value:e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return str(value)


def table_3():
    """Return what was searched: groups of rows by data and cell, and their columns."""
    declared = yaml.safe_load((paths.params_dir() / "search.yml").read_text(encoding="utf-8"))
    groups = {}
    for kind in dict.fromkeys(KINDS[name] for name in _TUNED):
        titles = (DATASETS_BY_NAME[name].title for name in _TUNED if KINDS[name] == kind)
        groups[", ".join(titles)] = declared[kind]
    groups |= {CELL_TITLES[cell]: own for cell, own in declared["cells"].items() if own}
    return ["from", "to", "scale"], {
        title: {
            _TITLES[name]: [*(chosen(name, end) for end in of["range"]), of["scale"]]
            for name, of in settings.items()
        }
        for title, settings in groups.items()
    }


def table_4():
    """Return what the authors' search found."""
    own = _OWN | {"rru": ("hidden_multiplier",)}
    names = {cell: ("learning_rate", "dropout", "n_params", *own.get(cell, ())) for cell in CELLS}
    return _by_dataset(_TUNED, {CELL_TITLES[c]: (c, of) for c, of in names.items()}, tuned)


def fixed_in_table_4():
    """Return what the search left as it was, of the rows that were tuned (appendix A.1)."""
    fixed = {"All cells": ("rru", _COMMON[1:]), "RRU": ("rru", ("relu_layers", "output_size"))}
    return _by_dataset(_TUNED, fixed, chosen)


def table_5():
    """Return the settings of the rows that were not tuned, or by dropout rate alone."""
    cells = {CELL_TITLES[cell]: (cell, names) for cell, names in _OWN.items()}
    return _by_dataset(_NOT_TUNED, {"All cells": ("rru", _COMMON)} | cells, chosen)


def table_6():
    """Return the learning rates and dropout rates of those rows, which differ between cells."""
    names = ("learning_rate", "dropout")
    return _by_dataset(_NOT_TUNED, {CELL_TITLES[c]: (c, names) for c in CELLS}, chosen)


def _by_dataset(datasets, groups, printed):
    return [DATASETS_BY_NAME[name].title for name in datasets], {
        title: {
            _TITLES[name]: [printed(name, getattr(paper_config(d, cell), name)) for d in datasets]
            for name in names
        }
        for title, (cell, names) in groups.items()
    }


def fragment(context, table, number):
    """Return one of the tables as HTML."""
    columns, groups = table()
    return render(
        "settings.html", columns=columns, groups=groups, label=f"Table {number}".replace("_", ", ")
    )


def every_setting(context):
    """Return a table of all settings of a run, as `--set` takes them."""
    rows = [
        {
            "name": name,
            "meaning": setting.meaning,
            "valid": setting.wanted,
            "whose": ", ".join(CELL_TITLES[cell] for cell in owners_of(name))
            or {"run": "every run", "dataset": "some datasets"}[setting.whose],
        }
        for name, setting in changeable().items()
    ]
    return render("every_setting.md", rows=rows)


FRAGMENTS = {
    "every_setting.md": every_setting,
} | {
    f"paper_table_{number}.md": functools.partial(fragment, table=table, number=number)
    for number, table in {
        3: table_3,
        4: table_4,
        "4_fixed": fixed_in_table_4,
        5: table_5,
        6: table_6,
    }.items()
}
