"""Errors for mistakes that the user can mend: they quote the value and name the fix."""

import difflib
import math
import numbers


class UserError(ValueError):
    """A mistake in what the user gave. The message quotes the value and names the fix."""


def check_choice(what, value, valid, wrong="is unknown"):
    """Return `value` if it is one of `valid`.

    Args:
        what: what the value is, for the message, e.g. `"dataset"`.
        valid: the valid values, in the order in which to list them.
        wrong: what the message says of another one.

    Raises:
        UserError: if `value` is not valid; the message lists the valid ones, and names the one
            that is closest in spelling if one is close.
    """
    valid = tuple(valid)
    if value in valid:
        return value
    by_folded = {str(v).casefold(): v for v in valid}
    close = difflib.get_close_matches(str(value).casefold(), by_folded, n=1, cutoff=0.5)
    did_you_mean = f" Did you mean {by_folded[close[0]]!r}?" if close else ""
    listed = ", ".join(repr(v) for v in valid)
    raise UserError(f"{what} {value!r} {wrong}.{did_you_mean} Valid: {listed}.")


def check_count(what, value, at_least=1):
    """Return `value` as an int, if it is a whole number of at least `at_least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < at_least:
        raise UserError(f"{what} = {value!r} is not valid. Give a whole number >= {at_least}.")
    return int(value)


def check_number(what, value, at_least=-math.inf, above=-math.inf, below=math.inf):
    """Return `value` as a float, if it is a finite number within the bounds."""
    if not is_number(value) or not (at_least <= value and above < value < below):
        bounds = {"of at least": at_least, "above": above, "below": below}
        wanted = (f" {word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound))
        raise UserError(
            f"{what} = {value!r} is not valid. Give a finite number{' and'.join(wanted)}."
        )
    return float(value)


def is_number(value):
    """Return whether a value is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
