"""Checks a notebook's parameters, so that a typo is one clear error and not a wrong figure.

papermill injects any name it is given (`-p datset jsb` as well), so the notebook has to look
for names that it does not know.
"""

import math
from types import ModuleType, SimpleNamespace

from .config import KINDS, SCALES, canonical_cell
from .data import canonical_name
from .errors import UserError, check_choice
from .settings import check_value, value_of

# What an IPython session defines by itself.
_SESSION = {"In", "Out", "exit", "quit", "open", "get_ipython"}


def check_parameters(session, /, takes=None, **own):
    """Checks the parameters of a notebook and returns them in their canonical form.

    Call it in the first cell after the parameters: `P = rru_nb.check_parameters(globals())`.

    Args:
        session: the notebook's `globals()`.
        takes: list of those among `dataset`, `cells`, `scale`, `live_scale`, `seeds` and `train`
            that the notebook has; None for all. Any other name that is injected is an error.
        **own: a check for each parameter of the notebook's own: a function of the value that
            returns it, in canonical form, or raises `UserError`.

    Returns:
        A namespace of the checked parameters.

    Raises:
        UserError: for a value that is not valid, or a name that is no parameter; the message
            names the nearest.

    Example:
        >>> P = check_parameters({"dataset": "JSB Chorales", "cells": ["RRU"], "seeds": [0]})
        >>> P.dataset, P.cells
        ('jsb', ['rru'])
    """
    checks = {
        "dataset": canonical_name,
        "cells": _cells,
        "scale": _scale,
        "live_scale": _scale,
        "seeds": _seeds,
        "train": _train,
    }
    checks = {name: checks[name] for name in checks if takes is None or name in takes} | own
    given = {
        name: value
        for name, value in session.items()
        if not (name.startswith("_") or name in _SESSION or isinstance(value, ModuleType))
    }
    for name in given:
        check_choice("parameter", name, checks)
    return SimpleNamespace(**{name: _checked(name, checks[name], given[name]) for name in given})


def _checked(name, check, value):
    try:
        return check(value)
    except UserError as error:
        told = str(error)
        raise UserError(told if name in told else f"parameter {name}: {told}") from None


def _cells(value):
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise UserError(f"parameter cells = {value!r} must be a list, e.g. ['rru', 'gru'].")
    return list(dict.fromkeys(canonical_cell(str(name).strip()) for name in names))


def _scale(value):
    return check_choice("scale", value, SCALES)


def _seeds(value):
    seeds = [value] if isinstance(value, int) else value
    whole = isinstance(seeds, list | tuple) and all(type(s) is int and s >= 0 for s in seeds)
    if not whole or not seeds:
        raise UserError(f"parameter seeds = {value!r} must be a list like [0, 1, 2].")
    for seed in seeds:
        check_value("seed", seed)
    return list(dict.fromkeys(seeds))


def _train(value):
    if not isinstance(value, bool):
        raise UserError(f"parameter train = {value!r} must be True or False.")
    return value


def music_dataset(value):
    """A check for a parameter that is a music set."""
    music = [name for name in KINDS if KINDS[name] == "music"]
    return check_choice("music set", canonical_name(value), music)


def values_of(setting):
    """A check for a parameter that lists values of a setting, for `check_parameters`.

    Args:
        setting: a setting of `RunConfig`, e.g. `"dropout"`.

    Returns:
        A function of a list, or of a text like `"0.1, 0.5"` as papermill's `-p` gives it, that
        returns the list; None, for the section's own values, stays None.
    """

    def check(value):
        values = value_of(f"[{value.strip('[] ')}]") if isinstance(value, str) else value
        if value is None:
            return None
        if not isinstance(values, list | tuple) or not values:
            raise UserError(f"values of {setting} = {value!r} must be a list, or None.")
        for one in values:
            check_value(setting, one)
        return list(dict.fromkeys(values))

    return check


def datasets(value):
    """A check for a parameter that lists datasets, in canonical form; the list may be empty."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise UserError(f"a list of datasets is wanted, e.g. ['jsb'], not {value!r}.")
    return list(dict.fromkeys(canonical_name(str(name).strip()) for name in names))


def choices(what, valid):
    """A check for a parameter that lists some of the names `valid`; None stays None."""

    def check(value):
        names = [n.strip() for n in value.split(",")] if isinstance(value, str) else value
        if names is None:
            return None
        if not isinstance(names, list | tuple) or not names:
            raise UserError(f"{what} = {value!r} must be a list of names, or None.")
        return [check_choice(what, name, valid) for name in names]

    return check


def one_of(what, valid):
    """A check for a parameter that is one of the names `valid`."""
    return lambda value: check_choice(what, value, valid)


def count(value):
    """A check for a parameter that is a whole number of at least 0."""
    if type(value) is not int or value < 0:
        raise UserError(f"{value!r} must be a whole number of at least 0.")
    return value


def numbers(what, n):
    """A check for a parameter that is a list of `n` finite numbers."""

    def check(value):
        values = value_of(f"[{value.strip('[] ')}]") if isinstance(value, str) else value
        listed = isinstance(values, list | tuple) and len(values) == n
        if not listed or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
            raise UserError(f"{what} = {value!r} must be a list of {n} numbers, e.g. [1.0, 0.0].")
        return [float(v) for v in values]

    return check


def at_least(low, or_none=True):
    """A check for a parameter that is a whole number of at least `low`; None may stay None."""

    def check(value):
        if (value is not None or not or_none) and (type(value) is not int or value < low):
            told = ", or None" if or_none else ""
            raise UserError(f"{value!r} must be a whole number of at least {low}{told}.")
        return value

    return check


def positive(value):
    """A check for a parameter that is a number above 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise UserError(f"{value!r} must be a number above 0, e.g. 0.8.")
    return value
