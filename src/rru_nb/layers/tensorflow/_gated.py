"""What the fused loops of the gated cells share: the way through time and back, and products.

A cell's module has its `Equations`, made of the inputs of all steps, [T, B, m], and the weights:

    each        what a step takes of the inputs, [T, B, features]
    kernels     the matrices that a step multiplies by, in a list or in lists of lists
    step(kernels, states, x, drop)                     new states, and residuals
    step_back(kernels, d_states, drop, **residuals)    gradients of the states, and others
    gradients(before, residuals, others)               gradients of the inputs and of each weight

States are [B, n] each, h first; `before` is h before all steps. `drop` has the dropout factors,
0 or 1 / (1 − rate), or is None. Residuals, what a step leaves for its way back, and the other
gradients are dictionaries of tensors or lists of them, [T, ...] after the loop. `step_back` gets
Wᵀ for each kernel W. What does not feed back is computed for all steps at once.
"""

import tensorflow as tf

from ...cells._dropout import scale
from .batch_splitting import run_in_halves, worth_splitting
from .over_time import over_time
from .products import matmul, rounded


def run(make_equations, cell, x, states, weights, keep, mask):
    """Return what a `loop` returns; see `layers._recurrent`."""
    drop = None if keep is None else tf.cast(keep, x.dtype) * scale(cell.dropout)
    mask = None if mask is None else mask[:, :, None]
    weights = [tf.cast(w, x.dtype) for w in weights]

    def scan(x, drop, mask, *states):
        return _differentiable(make_equations, drop, mask, len(states))(x, *states, *weights)

    batch = x, drop, mask, *states
    n_entries = sum(w.shape.num_elements() for w in weights)
    split = worth_splitting(n_entries)
    hs, *others = run_in_halves(scan, *batch, axis=-2) if split else scan(*batch)
    # A loop over time forgets their number of time steps.
    return tf.ensure_shape(hs, [x.shape[0], None, None]), [hs[-1], *others]


def _differentiable(make_equations, drop, mask, n_states):
    """Return a function of inputs, first states and weights: all that has gradients.

    It returns h of all steps and, of an LSTM, the last c.
    """

    @tf.custom_gradient
    def scan(inputs, *given):
        start, weights = given[:n_states], given[n_states:]
        equations = make_equations(inputs, *weights)
        last, residuals = _forward(equations, start, drop, mask)
        hs = residuals.pop("out")

        def backward(d_hs, *d_others):
            d_last = tf.zeros_like(start[0]), *d_others
            d_start, others = _backward(equations, d_hs, d_last, residuals, drop, mask)
            before = tf.concat([start[0][None], hs[:-1]], axis=0)
            d_inputs, *d_weights = equations.gradients(before, residuals, others)
            return d_inputs, *d_start, *d_weights

        return (hs, *last[1:]), backward

    return scan


def _forward(equations, start, drop, mask):
    """Return the last states and the residuals, with h after each step ("out")."""
    kernels = tf.nest.map_structure(rounded, equations.kernels)

    def step(states, x, drop, mask):
        new, residuals = equations.step(kernels, states, x, drop)
        if mask is not None:
            new = tuple(tf.where(mask, a, b) for a, b in zip(new, states))
        return new, {"out": new[0], **residuals}

    return over_time(equations.each, step, start, {"x": equations.each, "drop": drop, "mask": mask})


def _backward(equations, d_hs, d_last, residuals, drop, mask):
    """Return the gradients of the first states, and the others of every step."""
    # As tensors of their own: TensorFlow on a CPU takes more than twice as long for a product
    # with `transpose_b=True`, which packs W anew at every step.
    kernels = tf.nest.map_structure(lambda w: rounded(tf.transpose(w)), equations.kernels)

    def step(carried, d_out, drop, mask, **residuals):
        d_new = d_out + carried[0], *carried[1:]
        # What concerns the step, and what passes it by.
        here = [d if mask is None else tf.where(mask, d, tf.zeros_like(d)) for d in d_new]
        past = [0 if mask is None else d - h for d, h in zip(d_new, here)]
        d_old, others = equations.step_back(kernels, here, drop, **residuals)
        return tuple(d + p for d, p in zip(d_old, past)), others

    inputs = {"d_out": d_hs, "drop": drop, "mask": mask, **residuals}
    return over_time(equations.each, step, d_last, inputs, backwards=True)


def side_by_side(*xs):
    """Concatenate features, as in the products of the cells."""
    return tf.concat(xs, axis=-1)


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
    wide = d_outputs if d_outputs.dtype.size > 2 else tf.cast(d_outputs, tf.float32)
    d_bias = tf.cast(tf.reduce_sum(wide, axis=0), d_outputs.dtype)
    return matmul(_flat(inputs), d_outputs, transpose_a=True), d_bias


def _flat(x):
    return tf.reshape(x, [-1, x.shape[-1]])
