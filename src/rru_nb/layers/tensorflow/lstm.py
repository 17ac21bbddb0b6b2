"""The LSTM as one fused loop over time, with a gradient written by hand."""

import tensorflow as tf

from ._gated import (
    hold_state,
    product,
    run,
    shifted,
    side_by_side,
    split_gradients,
    through_sigmoid,
    through_tanh,
    transposed,
    weight_gradients,
)
from .over_time import over_time
from .products import matmul, rounded


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    kernel, bias = (_sigmoids_first(tf.cast(w, x.dtype)) for w in (cell.kernel, cell.bias))
    n = cell.units
    bias += tf.constant([0.0] * n + [cell.forget_bias] * n + [0.0] * 2 * n, x.dtype)
    return run(_recurrence, cell, x, states, (kernel, bias), keep, mask)


def _sigmoids_first(weights):
    """Return the columns of i, j, f, o as i, f, o, j: then one σ serves three gates at once."""
    i, j, f, o = tf.split(weights, 4, axis=-1)
    return side_by_side(i, f, o, j)


def _recurrence(drop, mask):
    @tf.custom_gradient
    def scan(inputs, start_h, start_c, kernel, bias):
        kernel_x, kernel_h = tf.split(kernel, [inputs.shape[-1], start_h.shape[-1]], axis=0)
        from_inputs = product(inputs, kernel_x) + bias
        start = start_h, start_c
        c, residuals = _forward(from_inputs, start, rounded(kernel_h), drop, mask)
        hs = residuals.pop("out")

        def backward(d_hs, d_c):
            kernel_t = transposed(kernel_h)
            d_start_h, d_start_c, d_z = _backward(
                from_inputs, d_hs, d_c, residuals, kernel_t, drop, mask
            )
            d_weights = weight_gradients(side_by_side(inputs, shifted(start_h, hs)), d_z)
            return product(d_z, kernel_x, transpose=True), d_start_h, d_start_c, *d_weights

        return (hs, c), backward

    return scan


def _forward(from_inputs, start, kernel, drop, mask):
    """Return the final c, the residuals of every step, and h after it ("out")."""
    n = start[0].shape[-1]

    def step(states, x, drop, mask):
        h, c = states
        z = x + matmul(h, kernel)
        ifo, j = tf.split(z, [3 * n, n], axis=-1)
        ifo, j = tf.sigmoid(ifo), tf.tanh(j)
        i, f, o = tf.split(ifo, 3, axis=-1)
        dropped = j if drop is None else j * drop
        new_c = f * c + i * dropped
        tanh_c = tf.tanh(new_c)
        new = hold_state(mask, (o * tanh_c, new_c), (h, c))
        return new, {"out": new[0], "c": c, "ifo": ifo, "j": j, "tanh_c": tanh_c}

    inputs = {"x": from_inputs, "drop": drop, "mask": mask}
    (_, c_end), residuals = over_time(from_inputs, step, start, inputs)
    return c_end, residuals


def _backward(clock, d_hs, d_c_end, residuals, kernel_t, drop, mask):
    """Return gradients of h_0, of c_0, and of the pre-activations i, f, o, j at every step."""

    def step(carried, d_out, c, ifo, j, tanh_c, drop, mask):
        carried_h, carried_c = carried
        i, f, o = tf.split(ifo, 3, axis=-1)
        (d_h, d_c), past = split_gradients(mask, d_out + carried_h, carried_c)
        past_h, past_c = past
        d_c += through_tanh(d_h * o, tanh_c)
        d_dropped = d_c if drop is None else d_c * drop
        d_ifo = side_by_side(d_dropped * j, d_c * c, d_h * tanh_c)
        d_z = side_by_side(through_sigmoid(d_ifo, ifo), through_tanh(d_dropped * i, j))
        return (matmul(d_z, kernel_t) + past_h, d_c * f + past_c), {"d_z": d_z}

    carried = (tf.zeros_like(d_c_end), d_c_end)
    inputs = {"d_out": d_hs, "drop": drop, "mask": mask, **residuals}
    (d_start_h, d_start_c), d = over_time(clock, step, carried, inputs, backwards=True)
    return d_start_h, d_start_c, d["d_z"]
