"""The LSTM as one fused loop over time, with a gradient written by hand."""

import tensorflow as tf

from ._gated import product, run, side_by_side, through_sigmoid, through_tanh, weight_gradients
from .products import matmul


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    kernel, bias = (_sigmoids_first(tf.cast(w, x.dtype)) for w in (cell.kernel, cell.bias))
    n = cell.units
    bias += tf.constant([0.0] * n + [cell.forget_bias] * n + [0.0] * 2 * n, x.dtype)
    return run(Equations, cell, x, states, (kernel, bias), keep, mask)


def _sigmoids_first(weights):
    """Return the columns of i, j, f, o as i, f, o, j: then one σ serves three gates at once."""
    i, j, f, o = tf.split(weights, 4, axis=-1)
    return side_by_side(i, f, o, j)


class Equations:
    """One step and its gradient; see `_gated`."""

    def __init__(self, inputs, kernel, bias):
        self.inputs, self.n = inputs, bias.shape[0] // 4
        self.kernel_x, kernel_h = tf.split(kernel, [inputs.shape[-1], self.n], axis=0)
        self.each = product(inputs, self.kernel_x) + bias
        self.kernels = [kernel_h]

    def step(self, kernels, states, x, drop):
        (h, c), (kernel,) = states, kernels
        z = x + matmul(h, kernel)
        ifo, j = tf.split(z, [3 * self.n, self.n], axis=-1)
        ifo, j = tf.sigmoid(ifo), tf.tanh(j)
        i, f, o = tf.split(ifo, 3, axis=-1)
        dropped = j if drop is None else j * drop
        new_c = f * c + i * dropped
        tanh_c = tf.tanh(new_c)
        return (o * tanh_c, new_c), {"c": c, "ifo": ifo, "j": j, "tanh_c": tanh_c}

    def step_back(self, kernels, d_states, drop, c, ifo, j, tanh_c):
        (d_h, d_c), (kernel,) = d_states, kernels
        i, f, o = tf.split(ifo, 3, axis=-1)
        d_c += through_tanh(d_h * o, tanh_c)
        d_dropped = d_c if drop is None else d_c * drop
        d_ifo = side_by_side(d_dropped * j, d_c * c, d_h * tanh_c)
        d_z = side_by_side(through_sigmoid(d_ifo, ifo), through_tanh(d_dropped * i, j))
        return (matmul(d_z, kernel), d_c * f), {"d_z": d_z}

    def gradients(self, before, residuals, others):
        d_z = others["d_z"]
        d_weights = weight_gradients(side_by_side(self.inputs, before), d_z)
        return product(d_z, self.kernel_x, transpose=True), *d_weights
