"""Checks of the cells' arguments: one clear error, before any variable is made."""

import math
import numbers

from ..errors import UserError


def check_count(what, value, at_least=1):
    """Return `value` as an int, if it is a whole number of at least `at_least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < at_least:
        raise UserError(f"{what} = {value!r} is not valid. Give a whole number >= {at_least}.")
    return int(value)


def check_rate(what, value):
    """Return `value` as a float, if it is a rate in [0, 1)."""
    if not _is_number(value) or not 0 <= value < 1:
        raise UserError(
            f"{what} = {value!r} is not valid. Give the part that is dropped, a number from 0 "
            "(nothing) to below 1."
        )
    return float(value)


def check_number(what, value, above=-math.inf):
    """Return `value` as a float, if it is a finite number above `above`."""
    if not _is_number(value) or not above < value < math.inf:
        wanted = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
        raise UserError(f"{what} = {value!r} is not valid. Give {wanted}.")
    return float(value)


def check_features(cell, input_shape):
    """Return m, the number of input features, if it is known."""
    if input_shape[-1] is None:
        raise UserError(
            f"{cell} got inputs of shape {tuple(input_shape)}: the last dimension, the number of "
            "features, must be known. Give it in keras.Input(shape=(None, features))."
        )
    return int(input_shape[-1])


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
