"""Dropout masks for all time steps at once."""

import tensorflow as tf

_LEVELS = 1 << 16


def keep_mask(shape, rate, seed, dtype):
    """A mask of zeros and ones, and the factor that keeps the mean.

    Sixteen random bits an entry: half the bits that a random float takes. The part that is
    kept is rounded to a multiple of 2^-16, and the factor is that of the rounded part.

    Args:
        shape: int tensor. rate: float in [0, 1), the part that is dropped.
        seed: integer tensor [2], e.g. of `keras.random.SeedGenerator.next()`.
        dtype: of the mask.

    Returns:
        `(mask, 1 / keep)`: a tensor of the given shape, and a float.
    """
    kept_levels = max(1, round((1 - rate) * _LEVELS))
    size = tf.reduce_prod(shape)
    bits = tf.random.stateless_uniform(
        [(size + 1) // 2], tf.cast(seed, tf.int32), minval=None, maxval=None, dtype=tf.int32
    )
    # Signed, because TensorFlow compares int16 faster than uint16: the order shifts by half.
    levels = tf.reshape(tf.bitcast(bits, tf.int16), [-1])[:size]
    mask = levels <= tf.constant(kept_levels - 1 - _LEVELS // 2, tf.int16)
    return tf.reshape(tf.cast(mask, dtype), shape), _LEVELS / kept_levels
