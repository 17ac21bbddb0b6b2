"""The one list of cells: what a cell's name means to settings, budgets, networks and figures.

Nothing here imports Keras: the package's own classes are named by their place, such as
`"layers.rru:RRU"`, and imported when a network is built. A cell of your own joins the list with
`register_cell`, from a notebook as well as from here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name

from ..errors import UserError
from . import sizes
from .setting import Setting, number, one_of, positive, whole


@dataclass(frozen=True, kw_only=True)
class CellSpec:
    """A cell as the rest of the package knows it.

    Attributes:
        name: in settings, on the command line, and in the names of records: `"mogrifier"`.
        title: for people: `"Mogrifier LSTM"`.
        cell: a Keras cell on the base `rru_nb.cells.GatedCell`, called as
            `cell(units, dropout=..., **settings)`; the class, or its place in the package.
        layer: its layer, called alike and with the arguments of `keras.layers.RNN`; None for
            `CellLayer`, which runs the cell step by step.
        settings: `{name: Setting}`, the arguments that only this cell has.
        parameters: a function of `(config, n, m)`, the number of trainable parameters of a layer
            with n features of the state and m of the input.
        features: a function of `(config, n)`, the number of features of its output.
        search: `{setting: {"range": [low, high], "scale": "log" or "uniform"}}`, what a search
            for hyperparameters tries, where `params/search.yml` does not say.
        colour, marker, dashes: its look in figures, as Matplotlib names them.
    """

    name: str
    title: str
    cell: type | str
    layer: type | str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)
    parameters: Callable
    features: Callable = sizes.state_features
    search: dict = field(default_factory=dict)
    colour: object
    marker: object
    dashes: object

    def classes(self):
        """Return the classes of cell and layer, without the layer where it has none."""
        package = __package__.partition(".")[0]
        places = [place for place in (self.cell, self.layer) if place is not None]
        return [resolve_name(f"{package}.{p}") if isinstance(p, str) else p for p in places]


# In the order of the paper's tables. All are changed together, by the two functions below.
CELLS, CELL_TITLES, COLOURS, MARKERS, DASHES = {}, {}, {}, {}, {}
_OF_ATTRIBUTES = {"title": CELL_TITLES, "colour": COLOURS, "marker": MARKERS, "dashes": DASHES}

# Looks that are left: the rest of seaborn's palette "colorblind", of which the paper's cells have
# the first four colours.
_LOOKS = (
    ("#cc78bc", "v", (0, (5, 1))),
    ("#ca9161", "P", (0, (3, 1, 1, 1, 1, 1))),
    ("#949494", "X", (0, (1, 3))),
    ("#56b4e9", "*", (0, (8, 2))),
)


def register_cell(name, cell, parameters, **more):
    """Add a cell of your own to the list, in this process; a second one of a name replaces it.

    Where `params/` has no values for it, it trains with those of the GRU, the cell without
    settings of its own, and with the defaults of its `settings`.

    Args:
        name: small letters, digits and underscores, for commands and files, e.g. `"leaky"`.
        cell: the class of a Keras cell, see `CellSpec`.
        parameters: a function of `(config, n, m)`, see `CellSpec`.
        **more: further attributes of `CellSpec`, e.g. `title="Leaky RNN"`.

    Returns:
        Its `CellSpec`.

    Raises:
        UserError: if the name cannot be used, or cell, parameters or settings are of another kind.
    """
    if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise UserError(
            f"cell name {name!r} is not valid. Give small letters, digits and underscores, a "
            "letter first, e.g. 'leaky'."
        )
    if name in _OF_THE_PAPER:
        raise UserError(f"cell {name!r} is one of the paper's. Give yours another name.")
    own = more.get("settings", {})
    trains = isinstance(cell, str) or (isinstance(cell, type) and hasattr(cell, "dropped_features"))
    are_settings = isinstance(own, dict) and all(isinstance(one, Setting) for one in own.values())
    for what, given, fits, wanted in (
        ("cell", cell, trains, "a class on the base `rru_nb.cells.GatedCell`"),
        ("parameters", parameters, callable(parameters), "a function of (config, n, m)"),
        ("settings", own, are_settings, "a dict of `rru_nb.layers.setting.Setting`s"),
    ):
        if not fits:
            raise UserError(f"{what} {given!r} of cell {name!r} must be {wanted}.")
    CELLS.pop(name, None)
    look = _look(*_LOOKS[(len(CELLS) - len(_OF_THE_PAPER)) % len(_LOOKS)])
    return _add(name=name, cell=cell, parameters=parameters, **{"title": name} | look | more)


def registered_cells():
    """Return the cells that `register_cell` added in this process, `{name: CellSpec}`."""
    return {name: spec for name, spec in CELLS.items() if name not in _OF_THE_PAPER}


def unregister_cell(name):
    """Take a cell of your own out of the list again."""
    for table in (CELLS, *_OF_ATTRIBUTES.values()):
        table.pop(name, None)


def _look(colour, marker, dashes):
    return {"colour": colour, "marker": marker, "dashes": dashes}


def _add(**attributes):
    spec = CELLS[attributes["name"]] = CellSpec(**attributes)
    for attribute, table in _OF_ATTRIBUTES.items():
        table[spec.name] = getattr(spec, attribute)
    return spec


_add(
    name="rru",
    title="RRU",
    cell="cells.rru:RRUCell",
    layer="layers.rru:RRU",
    settings={
        "output_size": whole(1, "p, features of the output", default=64),
        "relu_layers": whole(1, "r, times that eq. 1 and 2 apply", default=1),
        "hidden_multiplier": positive(1000, "q, with g = round(q (m + n))", default=2.0),
        "normalize": one_of((True, False), "normalization, Table 2", default=True),
        "rezero": one_of(
            ("per_feature", "scalar"), "whose factor is Z, Table 2", default="per_feature"
        ),
        "relu_outputs": one_of((True, False), "ReLU on the outputs, Table 2", default=False),
        "residual": Setting(
            lambda v: v in ("uniform", "identity") or (isinstance(v, float) and 0 < v < 1),
            "'uniform', 'identity' or a number in (0, 1)",
            "start of σ(S), Table 2",
            default="uniform",
        ),
        "residual_speed": positive(1e6, "k of σ(k·S'), 10 in the authors' code", default=10.0),
    },
    parameters=sizes.rru,
    features=sizes.rru_features,
    **_look("#0173b2", "o", "-"),
)
_add(
    name="gru",
    title="GRU",
    cell="cells.gru:GRUCell",
    layer="layers.gru:GRU",
    parameters=sizes.gru,
    **_look("#de8f05", "s", "--"),
)
_add(
    name="lstm",
    title="LSTM",
    cell="cells.lstm:LSTMCell",
    layer="layers.lstm:LSTM",
    settings={"forget_bias": number(-1000, 1000, "of the forget gate, at the start", default=1.0)},
    parameters=sizes.lstm,
    **_look("#029e73", "^", "-."),
)
_add(
    name="mogrifier",
    title="Mogrifier LSTM",
    cell="cells.mogrifier:MogrifierLSTMCell",
    layer="layers.mogrifier:MogrifierLSTM",
    settings={
        "rounds": whole(0, "of x and h masking each other", default=5),
        "rank": whole(1, "of the masks' matrices", default=40),
    },
    parameters=sizes.mogrifier,
    **_look("#d55e00", "D", ":"),
)
_OF_THE_PAPER = tuple(CELLS)
SETTINGS_OF_PAPER = tuple(name for spec in CELLS.values() for name in spec.settings)
