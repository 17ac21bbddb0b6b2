"""Dropout masks for all time steps at once, from sixteen random bits an entry."""

import tensorflow as tf

from ...cells._dropout import LEVELS, kept_levels


def draw_mask(shape, rate, seed_generator):
    """Draw a mask: bool of the given shape, False for what is dropped.

    Sixteen bits are half of what a random float takes.
    """
    shape = tf.stack(shape)
    size = tf.reduce_prod(shape)
    seed = tf.cast(seed_generator.next(), tf.int32)
    bits = tf.random.stateless_uniform(
        [(size + 1) // 2], seed, minval=None, maxval=None, dtype=tf.int32
    )
    # Signed, because TensorFlow compares int16 faster than uint16: the order shifts by half.
    levels = tf.reshape(tf.bitcast(bits, tf.int16), [-1])[:size]
    return tf.reshape(levels <= tf.constant(kept_levels(rate) - 1 - LEVELS // 2, tf.int16), shape)
