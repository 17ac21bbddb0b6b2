"""Keras' convention for masked time steps, for layers that compute all steps at once.

At a masked step the state stands still, and the output repeats the last one that counted
(zeros before the first), or is zero where the layer is asked for that.
"""

from keras import ops

from ..errors import UserError


def checked(mask, sequences):
    """Return the mask, or the first of a list of them, if it fits sequences [B, T, m]."""
    if isinstance(mask, list | tuple):
        mask = mask[0]
    if mask is None:
        return None
    given, wanted = tuple(mask.shape), tuple(sequences.shape[:2])
    fits = len(given) == 2 and all(a == b or None in (a, b) for a, b in zip(given, wanted))
    if not fits:
        raise UserError(
            f"the mask has the shape {list(given)} and the sequences {list(sequences.shape)}: "
            "a mask is [batch, time], an entry for each time step."
        )
    return ops.cast(mask, "bool")


def hold(outputs, mask, zero=False):
    """Give the outputs of all steps as a masked `keras.layers.RNN` gives them.

    Args:
        outputs: [T, B, p]. mask: bool [T, B], or None for no mask.
        zero: whether masked steps give zeros instead of the last output that counted.
    """
    if mask is None:
        return outputs
    if zero:
        return ops.where(mask[:, :, None], outputs, ops.zeros_like(outputs))
    return _at(outputs, _latest(mask))


def last(outputs, mask, zero=False):
    """Give the output of a layer that returns only the last one: [B, p].

    That is each example's last step that counts; with `zero`, the very last step.
    """
    if mask is None or zero:
        return hold(outputs[-1:], None if mask is None else mask[-1:], zero)[0]
    return _at(outputs, _latest(mask)[-1:])[0]


def _latest(mask):
    """Return, for each step, the latest one that counts, -1 before the first: [T, B]."""
    steps = ops.arange(ops.shape(mask)[0], dtype="int32")[:, None]
    steps = ops.where(mask, steps, -1)

    def later(latest, step):
        latest = ops.maximum(latest, step)
        return latest, latest

    return ops.scan(later, steps[0], steps)[1]


def _at(outputs, steps):
    """Return outputs [T, B, p] of the steps given as [S, B], zeros for -1: [S, B, p]."""
    n_examples = ops.shape(outputs)[1]
    rows = ops.maximum(steps, 0) * n_examples + ops.arange(n_examples, dtype="int32")
    picked = ops.take(ops.reshape(outputs, [-1, outputs.shape[-1]]), rows, axis=0)
    return ops.where(steps[:, :, None] >= 0, picked, ops.zeros_like(picked))
