"""Checks a notebook's parameters, so that a typo is one clear error and not a wrong figure.

papermill injects any name it is given (`-p datset jsb` as well), so the notebook has to look
for names that it does not know. What `-p` gives is a text, a number, a truth value or None; a
list comes as such by `-y "seeds: [0, 1]"` alone. So wherever a list is wanted, a text that reads
as one, `[0, 1]` or `0, 1`, is that list, and a number is the list of it.
"""

import math
from types import ModuleType, SimpleNamespace

from ..data import canonical_name
from ..errors import UserError, check_choice
from .config import KINDS, SCALES, canonical_cell, paper_config
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
    except _NoListError as error:
        raise UserError(
            f"parameter {name} = {value!r} must be {error.wanted}; "
            f'with papermill: -y "{name}: {error.example}".'
        ) from None
    except UserError as error:
        told = str(error)
        raise UserError(told if name in told else f"parameter {name}: {told}") from None


class _NoListError(UserError):
    def __init__(self, value, wanted, example):
        super().__init__(f"{value!r} must be {wanted}, e.g. {example}.")
        self.wanted, self.example = wanted, example


def _listed(value):
    """The list that a value stands for, see above, or None."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = value_of(text if text.startswith("[") else f"[{text}]") if text else None
        except UserError:  # not even YAML
            return None
    if isinstance(value, int | float):
        return [value]
    return list(value) if isinstance(value, list | tuple) else None


def _names(value, canonical, wanted, example, may_be_empty=False):
    names = _listed(value)
    if names is None or not (names or may_be_empty) or not all(isinstance(n, str) for n in names):
        raise _NoListError(value, wanted, example)
    return list(dict.fromkeys(canonical(name) for name in names))


def _cells(value):
    return _names(value, canonical_cell, "a list of cells", "[rru, gru]")


def _scale(value):
    return check_choice("scale", value, SCALES)


def _seeds(value):
    seeds = _listed(value)
    if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise _NoListError(value, "a list of whole numbers of at least 0", "[0, 1, 2]")
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
        A function of a list that returns it; None, for the section's own values, stays None.
    """

    def check(value):
        if value is None:
            return None
        values = _listed(value)
        if not values:
            of_the_paper = [getattr(paper_config("jsb", "rru"), setting)]
            raise _NoListError(value, f"a list of values of {setting}, or None", of_the_paper)
        for one in values:
            check_value(setting, one)
        return list(dict.fromkeys(values))

    return check


def datasets(value):
    """A check for a parameter that lists datasets, in canonical form; the list may be empty."""
    return _names(value, canonical_name, "a list of datasets", "[jsb, imdb]", may_be_empty=True)


def choices(what, valid):
    """A check for a parameter that lists some of the names `valid`; None stays None."""

    def check(value):
        if value is None:
            return None
        wanted, example = f"a list of names of {what}, or None", f"[{', '.join(list(valid)[:2])}]"
        return _names(value, lambda name: check_choice(what, name, valid), wanted, example)

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
        values = _listed(value) or []
        finite = all(type(v) in (int, float) and math.isfinite(v) for v in values)
        if len(values) != n or not finite:
            raise _NoListError(value, f"a list of {n} numbers", [float(i) for i in range(n)])
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
