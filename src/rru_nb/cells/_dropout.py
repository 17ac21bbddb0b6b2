"""Dropout masks: drawn for one step by a cell, for all steps at once by a layer."""

from typing import Any, NamedTuple

import keras

from ..errors import UserError

LEVELS = 1 << 16  # of the random bits that decide about an entry


class Step(NamedTuple):
    """Inputs with the dropout masks that belong to them: what a layer hands to its cell.

    Attributes:
        x: inputs, [batch, m] of one step, [batch, time, m] of a sequence.
        keep: bool, [batch, features] or [batch, time, features]: False for what is dropped.
    """

    x: Any
    keep: Any

    @property
    def shape(self):
        """That of the inputs, which `keras.layers.RNN` reads the number of time steps from."""
        return self.x.shape


def split(inputs):
    """Return `(x, keep)` of a cell's inputs; keep is None where they are x alone."""
    return inputs if isinstance(inputs, Step) else (inputs, None)


def kept_levels(rate):
    """Count how many of `LEVELS` keep an entry: the kept share as a multiple of 2^-16."""
    return max(1, round((1 - rate) * LEVELS))


def scale(rate):
    """Return the factor on what is kept that keeps the mean."""
    return LEVELS / kept_levels(rate)


def draw_mask(shape, rate, seed_generator):
    """Draw a mask: bool of the given shape, False for what is dropped."""
    levels = keras.random.randint(shape, 0, LEVELS, dtype="int32", seed=seed_generator)
    return levels < kept_levels(rate)


def drop(cell, features, keep, training):
    """Drop a cell's features in training: by its layer's mask, or by one drawn now.

    Raises:
        UserError: if JAX is tracing and there is no mask: its loops can't carry the state of a
            random number generator.
    """
    if not training or not cell.dropout:
        return features
    if keep is None:
        _refuse_tracing(cell, features)
        keep = draw_mask(keras.ops.shape(features), cell.dropout, cell.seed_generator)
    return features * keras.ops.cast(keep, features.dtype) * scale(cell.dropout)


def _refuse_tracing(cell, features):
    if keras.backend.backend() != "jax":
        return
    import jax

    if isinstance(features, jax.core.Tracer):
        name, module = type(cell).__name__, type(cell).__module__
        layer = f"{module.replace('.cells.', '.layers.')}.{name.removesuffix('Cell')}"
        if not module.startswith("rru_nb.cells."):  # a cell of one's own
            layer = f"rru_nb.layers.any_cell.CellLayer({name}(...))"
        raise UserError(
            f"{name} with dropout = {cell.dropout} can't draw its masks inside a loop of JAX. "
            f"Use the layer {layer}, which draws them before the loop, instead of "
            f"keras.layers.RNN({name}(...))."
        )
