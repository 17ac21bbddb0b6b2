"""Check a notebook's parameters, so that a typo is one clear error and not a wrong figure.

papermill injects any name it is given (`-p datset jsb` as well), so the notebook has to look
for names that it does not know. What `-p` gives is a text, a number, a truth value or None; a
list comes as such by `-y "seeds: [0, 1]"` alone. So wherever a list is wanted, a text that reads
as one, `[0, 1]` or `0, 1`, is that list, and a number is the list of it.
"""

import math
import sys
from types import ModuleType, SimpleNamespace

from ..data import canonical_name
from ..errors import UserError, check_choice, is_number
from ..layers import setting as kinds
from .config import KINDS, SCALES, canonical_cell, paper_config
from .settings import SETTINGS, changeable, value_of

# What an IPython session defines by itself.
_SESSION = {"In", "Out", "exit", "quit", "open", "get_ipython"}


def check_parameters(session, /, takes=None, **more):
    """Check the parameters of a notebook; return them in their canonical form.

    Call it in the first cell after the parameters: `P = rru_nb.check_parameters(globals())`.

    Args:
        session: the notebook's `globals()`.
        takes: list of those among `dataset`, `cells`, `scale`, `live_scale`, `seeds` and `train`
            that the notebook has; None for all. Any other name that is injected is an error.
        **more: a check for each parameter of the notebook's own: a function of the value that
            returns it, in canonical form, or raises `UserError`.

    Returns:
        A namespace of the checked parameters.

    Raises:
        UserError: for a value that is not valid, or a name that is no parameter; the message
            names the nearest.

    Example:
        >>> P = check_parameters({"dataset": "JSB Chorales", "cells": ["RRU"]})
        >>> P.dataset, P.cells
        ('jsb', ['rru'])
    """
    checks = {n: check for n, check in _CHECKS.items() if takes is None or n in takes} | more
    given = {
        name: value
        for name, value in session.items()
        # papermill gives no function and no class: those are the reader's, as a cell of one's own.
        if not (name.startswith("_") or name in _SESSION or isinstance(value, ModuleType))
        and not callable(value)
    }
    for name in given:
        check_choice("parameter", name, checks)
    checked = SimpleNamespace()
    for name, value in given.items():
        try:
            setattr(checked, name, checks[name](value))
        except _NoListError as error:
            wanted, example = error.args
            raise UserError(
                f"parameter {name} = {value!r} must be {wanted}; "
                f'with papermill: -y "{name}: {example}".'
            ) from None
        except UserError as error:
            text = str(error)
            raise UserError(text if name in text else f"parameter {name}: {text}") from None
    return checked


class _NoListError(UserError):
    """Of a value that is no such list: what is wanted, and an example."""


def _as_list(value):
    """Return the list that a value stands for, see above, or None."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = value_of(text if text.startswith("[") else f"[{text}]") if text else None
        except UserError:  # not even YAML
            return None
    if isinstance(value, int | float):
        return [value]
    return list(value) if isinstance(value, list | tuple) else None


def _list_of(one, wanted, example, fits=lambda entry: True, or_none=False, least=1):
    """Return a check for a list of what `fits`, each of its entries once, as `one` returns it.

    What the list is, `wanted` and an `example`, stands in the message of an error.
    """
    wanted += ", or None" * or_none

    def check(value):
        if value is None and or_none:
            return None
        entries = _as_list(value)
        if entries is None or len(entries) < least or not all(map(fits, entries)):
            raise _NoListError(wanted, example)
        return list(dict.fromkeys(map(one, entries)))

    return check


def _names(canonical, wanted, example, **more):
    return _list_of(canonical, wanted, example, lambda name: isinstance(name, str), **more)


def values_of(setting):
    """Return a check for a parameter that lists values of a setting of `RunConfig`, or is None."""

    def one(value):
        changeable()[setting].checked(setting, value)
        return value  # a whole number stays one

    example = [getattr(paper_config("jsb", "rru"), setting)]
    return _list_of(one, f"a list of values of {setting}", example, or_none=True)


def choices(what, valid):
    """Return a check for a parameter that lists some of the names `valid`, or is None."""
    example = f"[{', '.join(list(valid)[:2])}]"
    return _names(one_of(what, valid), f"a list of names of {what}", example, or_none=True)


def one_of(what, valid):
    """Return a check for a parameter that is one of the names `valid`."""
    return lambda value: check_choice(what, value, valid)


def numbers(what, n):
    """Return a check for a parameter that is a list of `n` finite numbers."""
    wanted, example = f"a list of {n} numbers", [float(i) for i in range(n)]

    def check(value):
        values = _as_list(value) or []
        if len(values) != n or not all(is_number(v) and math.isfinite(v) for v in values):
            raise _NoListError(wanted, example)
        return [float(v) for v in values]

    return check


def music_dataset(value):
    """Check a parameter that is a music set; return its canonical name."""
    music = [name for name in KINDS if KINDS[name] == "music"]
    return check_choice("dataset", canonical_name(value), music, "is no music")


def at_least(low, or_none=True):
    """Return a check for a parameter that is a whole number of at least `low`, or None."""
    return _value_of(kinds.whole(low), or_none)


def _value_of(setting, or_none=False, example=""):
    def check(value):
        if not (value is None and or_none or setting.valid(value)):
            wanted = f"{setting.wanted}{', or None' * or_none}{example}"
            raise UserError(f"{value!r} must be {wanted}.")
        return value

    return check


def _truth(value):
    """Check a truth value; papermill's `-p` gives YAML's `false` as a text."""
    if str(value).casefold() in ("true", "false"):
        return str(value).casefold() == "true"
    raise UserError(f"{value!r} must be True or False.")


count = at_least(0, or_none=False)  # a whole number of at least 0
positive = _value_of(kinds.positive(sys.float_info.max), example=", e.g. 0.8")
datasets = _names(canonical_name, "a list of datasets", "[jsb, imdb]", least=0)  # may be empty
_CHECKS = {
    "dataset": canonical_name,
    "cells": _names(canonical_cell, "a list of cells", "[rru, gru]"),
    "scale": one_of("scale", SCALES),
    "live_scale": one_of("scale", SCALES),
    "seeds": _list_of(
        lambda seed: SETTINGS["seed"].checked("seed", seed),
        *("a list of whole numbers of at least 0", "[0, 1, 2]"),
        fits=kinds.whole(0).valid,
    ),
    "train": _truth,
}
