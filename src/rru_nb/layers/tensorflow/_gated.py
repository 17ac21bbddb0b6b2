"""What the fused loops of the gated cells share: their frame, and products over all steps."""

import tensorflow as tf

from ...cells._dropout import scale
from .batch_splitting import run_in_halves, worth_splitting
from .products import matmul, rounded


def run(recurrence, cell, x, states, weights, keep, mask):
    """Return what a `loop` returns; see `layers._recurrent`.

    Args:
        recurrence: called with the dropout factors, 0 or 1 / (1 − rate), and the mask [T, B, 1],
            each or None, it returns a function of inputs, first states and weights: all that has
            gradients. That returns h of all steps and, of an LSTM, the last c.
    """
    drop = None if keep is None else tf.cast(keep, x.dtype) * scale(cell.dropout)
    mask = None if mask is None else mask[:, :, None]
    weights = [tf.cast(w, x.dtype) for w in weights]

    def scan(x, drop, mask, *states):
        return tuple(tf.nest.flatten(recurrence(drop, mask)(x, *states, *weights)))

    batch = x, drop, mask, *states
    n_entries = sum(w.shape.num_elements() for w in weights)
    split = worth_splitting(n_entries)
    hs, *c = run_in_halves(scan, *batch, axis=-2) if split else scan(*batch)
    # A loop over time forgets their number of time steps.
    return tf.ensure_shape(hs, [x.shape[0], None, None]), [hs[-1], *c]


def hold_state(mask, new, old):
    """Return the new states where the mask is True, else the old ones."""
    if mask is None:
        return new
    return tuple(tf.where(mask, a, b) for a, b in zip(new, old))


def split_gradients(mask, *gradients):
    """Return gradients of states after a step: what concerns the step, and what passes it by."""
    here = [g if mask is None else tf.where(mask, g, tf.zeros_like(g)) for g in gradients]
    return here, [0 if mask is None else g - h for g, h in zip(gradients, here)]


def shifted(first, xs):
    """Return x before every step, [T, ...], given the first of them and x after every step."""
    return tf.concat([first[None], xs[:-1]], axis=0)


def side_by_side(*xs):
    """Concatenate features, as in the products of the cells."""
    return tf.concat(xs, axis=-1)


def transposed(kernel):
    """Return Wᵀ for the products of a backward loop, as a tensor of its own.

    TensorFlow on a CPU takes more than twice as long for a product with `transpose_b=True`,
    which packs W anew at every step. As `products.rounded` has it.
    """
    return rounded(tf.transpose(kernel))


def through_sigmoid(gradient, y):
    """Return the gradient before y = σ(…), from that of y: one operation for three."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=gradient)


def through_tanh(gradient, y):
    """Return the same for y = tanh(…)."""
    return tf.raw_ops.TanhGrad(y=y, dy=gradient)


def product(x, kernel, transpose=False):
    """Return x W, or x Wᵀ, for x of [T, batch, features], as one matrix product."""
    y = matmul(_flat(x), kernel, transpose_b=transpose)
    y = tf.reshape(y, [*tf.unstack(tf.shape(x)[:2]), y.shape[-1]])
    # Reshaping forgets a known batch, and one of 1 might then be any for TensorFlow's loop.
    return tf.ensure_shape(y, [*x.shape[:2], None])


def weight_gradients(inputs, d_outputs):
    """Return the gradients of W and b in outputs = inputs W + b, over all steps and sequences."""
    d_outputs = _flat(d_outputs)
    return matmul(_flat(inputs), d_outputs, transpose_a=True), tf.reduce_sum(d_outputs, axis=0)


def _flat(x):
    return tf.reshape(x, [-1, x.shape[-1]])
