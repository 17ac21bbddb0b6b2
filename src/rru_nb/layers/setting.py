"""A setting: which values it may take, and which one it has where nothing says otherwise."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One setting of a run.

    Attributes:
        valid: a function of a value that says whether it is valid.
        wanted: what a valid value is, for the message of an error, e.g. `"a number above 0"`.
        default: the value where nothing says otherwise; None for "does not apply".
        real: whether it is a real number. A run's name hashes its settings, so 1 becomes 1.0.
    """

    valid: Callable
    wanted: str
    default: object = None
    real: bool = False


def whole(low, default=None):
    """Return a setting that is a whole number of at least `low`."""
    wanted = f"a whole number of at least {low}"
    return Setting(lambda v: type(v) is int and v >= low, wanted, default)


def number(low, high, default=None):
    """Return a setting that is a number from `low` to `high`, both included."""
    return Setting(
        lambda v: is_number(v) and low <= v <= high, f"a number in [{low}, {high}]", default, True
    )


def positive(high, default=None):
    """Return a setting that is a number above 0, and not above `high`, where it makes no sense."""
    return Setting(lambda v: is_number(v) and 0 < v <= high, "a number above 0", default, True)


def rate(default=None):
    """Return a setting that is a share of something, less than all of it."""
    return Setting(lambda v: is_number(v) and 0 <= v < 1, "a number in [0, 1)", default, True)


def one_of(*values, default=None):
    """Return a setting that is one of `values`."""
    return Setting(lambda v: v in values, "one of " + ", ".join(map(repr, values)), default)


def is_number(value):
    """Return whether a value is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
