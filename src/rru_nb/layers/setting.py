"""A setting: what it means, which values it may take, and which one it has by default."""

import numbers
import sys
from collections.abc import Callable

import attrs

from ..errors import UserError, is_number

REQUIRED = attrs.NOTHING  # the default of a setting that has none


@attrs.frozen
class Setting:
    """One setting of a run.

    Attributes:
        valid: a function of a value that says whether it is valid.
        wanted: what a valid value is, for messages and tables, e.g. `"a number above 0"`.
        meaning: what it does, in a line.
        default: the value where nothing says otherwise; None for "does not apply".
        whose: "run"; or "dataset", where it applies only if the paper's settings have a value.
        real: whether it is a real number. A run's name hashes its settings, so 1 becomes 1.0.
    """

    valid: Callable
    wanted: str
    meaning: str = ""
    default: object = attrs.field(default=None, kw_only=True)
    whose: str = attrs.field(default="run", kw_only=True)
    real: bool = attrs.field(default=False, kw_only=True)

    def checked(self, name, value):
        """Return a valid value of the setting called `name`, numbers as Python's own."""
        if not self.valid(value):
            raise UserError(f"setting {name} = {value!r} is not valid; it must be {self.wanted}.")
        if self.real:
            return float(value)
        return int(value) if _is_whole(value) else value


def whole(low, meaning="", high=None, **more):
    """Return a setting that is a whole number of at least `low`, and of at most `high`."""
    wanted = "a whole number " + (f"of at least {low}" if high is None else f"from {low} to {high}")
    return Setting(
        lambda v: _is_whole(v) and low <= v and (high is None or v <= high),
        *(wanted, meaning),
        **more,
    )


def number(low, high, meaning="", **more):
    """Return a setting that is a number from `low` to `high`, both included."""
    return _real(lambda v: low <= v <= high, f"a number in [{low}, {high}]", meaning, **more)


def positive(high, meaning="", **more):
    """Return a setting that is a number above 0, and not above `high`, where it makes no sense."""
    wanted = "a number above 0"
    wanted += f" and at most {high:,g}" if high < sys.float_info.max else ""
    return _real(lambda v: 0 < v <= high, wanted, meaning, **more)


def rate(meaning="", **more):
    """Return a setting that is a share of something, less than all of it."""
    return _real(lambda v: 0 <= v < 1, "a number in [0, 1)", meaning, **more)


def _is_whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _real(fits, wanted, meaning, **more):
    return Setting(lambda v: is_number(v) and fits(v), wanted, meaning, real=True, **more)


def one_of(values, meaning="", **more):
    """Return a setting that is one of `values`; 1 is not True, whose name of a run is another."""
    wanted = "one of " + ", ".join(map(repr, values))
    allowed = [(type(value), value) for value in values]
    return Setting(lambda v: (type(v), v) in allowed, wanted, meaning, **more)
