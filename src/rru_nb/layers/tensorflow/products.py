"""Matrix products of the fused loops, in the type that `layers.products` says."""

import tensorflow as tf

from ..products import product_dtype


def rounded(kernel):
    """Return a kernel as products take it: rounded once, not at every time step."""
    dtype = product_dtype()
    return tf.cast(kernel, dtype) if dtype and kernel.dtype == tf.float32 else kernel


def matmul(a, b, **transposed):
    """Multiply as `tf.matmul`; the product has the wider type of the two factors."""
    a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)  # a state may be a variable of Keras
    dtype = a.dtype if a.dtype.size >= b.dtype.size else b.dtype
    return tf.cast(tf.matmul(rounded(a), rounded(b), **transposed), dtype)
