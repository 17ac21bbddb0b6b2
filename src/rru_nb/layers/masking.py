"""Keras' convention for masked time steps, for layers that compute all steps at once.

At a masked step the state stands still, and the output repeats the last one that counted
(zeros before the first), or is zero where the layer is asked for that.
"""

import tensorflow as tf

from ..errors import UserError


def checked(mask, sequences):
    """The mask, or the first of a list of them, if it fits sequences [B, T, m]; None for None.

    Raises:
        UserError: if it is known to be of other sequences.
    """
    if isinstance(mask, list | tuple):
        mask = mask[0]
    if mask is not None and not sequences.shape[:2].is_compatible_with(mask.shape):
        raise UserError(
            f"the mask has the shape {list(mask.shape)} and the sequences {list(sequences.shape)}: "
            "a mask is [batch, time], an entry for each time step."
        )
    return mask


def hold(outputs, present, zero=False):
    """Outputs of all steps as a masked `keras.layers.RNN` gives them.

    Args:
        outputs: [T, B, p]. present: bool [T, B], or None for no mask.
        zero: whether masked steps give zeros instead of the last output that counted.
    """
    if present is None:
        return outputs
    if zero:
        return tf.where(present[:, :, None], outputs, 0)
    latest = _latest(present)  # [T, B]
    by_example = tf.transpose(outputs, [1, 0, 2])
    held = tf.gather(by_example, tf.transpose(tf.maximum(latest, 0)), axis=1, batch_dims=1)
    held = tf.transpose(held, [1, 0, 2])
    return tf.where(latest[:, :, None] >= 0, held, 0)


def last(features, present, zero=False):
    """The features of the step whose output a layer returns that returns only the last.

    That is each example's last step that counts; with `zero`, the very last step.

    Args:
        features: [T, B, g]. present: bool [T, B], or None for no mask.
        zero: whether masked steps give zeros instead of the last output that counted.

    Returns:
        `(features, present)` of one step: [1, B, g], and [1, B] or None.
    """
    if present is None:
        return features[-1:], None
    if zero:
        return features[-1:], present[-1:]
    latest = _latest(present)[-1]  # [B]
    examples = tf.range(tf.shape(latest)[0])
    picked = tf.gather_nd(features, tf.stack([tf.maximum(latest, 0), examples], -1))
    return picked[None], (latest >= 0)[None]


def _latest(present):
    """For each step the number of the latest one that counts, -1 before the first: [T, B]."""
    steps = tf.range(tf.shape(present)[0])[:, None]
    return tf.scan(tf.maximum, tf.where(present, steps, -1))
