"""The GRU as one fused loop over time, with a gradient written by hand."""

import tensorflow as tf

from ._gated import product, run, side_by_side, through_sigmoid, through_tanh, weight_gradients
from .products import matmul


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    weights = cell.gate_kernel, cell.gate_bias, cell.candidate_kernel, cell.candidate_bias
    return run(Equations, cell, x, states, weights, keep, mask)


class Equations:
    """One step and its gradient; see `_gated`."""

    def __init__(self, inputs, gate_kernel, gate_bias, candidate_kernel, candidate_bias):
        self.inputs, self.n = inputs, candidate_bias.shape[0]
        sizes = [inputs.shape[-1], self.n]
        self.gate_x, gate_h = tf.split(gate_kernel, sizes, axis=0)
        self.candidate_x, candidate_h = tf.split(candidate_kernel, sizes, axis=0)
        self.each = product(inputs, side_by_side(self.gate_x, self.candidate_x))
        self.each += side_by_side(gate_bias, candidate_bias)
        self.kernels = [gate_h, candidate_h]

    def step(self, kernels, states, x, drop):
        (h,), (gate_kernel, candidate_kernel) = states, kernels
        gates, candidate = tf.split(x, [2 * self.n, self.n], axis=-1)
        ru = tf.sigmoid(gates + matmul(h, gate_kernel))
        r, u = tf.split(ru, 2, axis=-1)
        c = tf.tanh(candidate + matmul(r * h, candidate_kernel))
        dropped = c if drop is None else c * drop
        return (dropped + u * (h - dropped),), {"h": h, "ru": ru, "c": c}

    def step_back(self, kernels, d_states, drop, h, ru, c):
        (d_new,), (gate_kernel, candidate_kernel) = d_states, kernels
        r, u = tf.split(ru, 2, axis=-1)
        d_dropped, dropped = d_new * (1 - u), c
        if drop is not None:
            d_dropped, dropped = d_dropped * drop, c * drop
        d_c = through_tanh(d_dropped, c)
        d_rh = matmul(d_c, candidate_kernel)
        d_ru = through_sigmoid(side_by_side(d_rh * h, d_new * (h - dropped)), ru)
        d_h = d_new * u + d_rh * r + matmul(d_ru, gate_kernel)
        return (d_h,), {"d_ru": d_ru, "d_c": d_c}

    def gradients(self, before, residuals, others):
        d_ru, d_c = others["d_ru"], others["d_c"]
        r, _ = tf.split(residuals["ru"], 2, axis=-1)
        d_inputs = product(d_ru, self.gate_x, transpose=True)
        return (
            d_inputs + product(d_c, self.candidate_x, transpose=True),
            *weight_gradients(side_by_side(self.inputs, before), d_ru),
            *weight_gradients(side_by_side(self.inputs, r * before), d_c),
        )
