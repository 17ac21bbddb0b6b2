"""The GRU as one fused loop over time, with a gradient written by hand."""

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
    weights = cell.gate_kernel, cell.gate_bias, cell.candidate_kernel, cell.candidate_bias
    return run(_recurrence, cell, x, states, weights, keep, mask)


def _recurrence(drop, mask):
    @tf.custom_gradient
    def scan(inputs, start, gate_kernel, gate_bias, candidate_kernel, candidate_bias):
        sizes = [inputs.shape[-1], start.shape[-1]]
        gate_x, gate_h = tf.split(gate_kernel, sizes, axis=0)
        candidate_x, candidate_h = tf.split(candidate_kernel, sizes, axis=0)
        from_inputs = product(inputs, side_by_side(gate_x, candidate_x))
        from_inputs += side_by_side(gate_bias, candidate_bias)
        kernels = rounded(gate_h), rounded(candidate_h)
        residuals = _forward(from_inputs, start, *kernels, drop, mask)
        hs = residuals.pop("out")

        def backward(d_hs):
            kernels_t = transposed(gate_h), transposed(candidate_h)
            d_start, d_gates, d_candidates = _backward(
                from_inputs, d_hs, residuals, start, *kernels_t, drop, mask
            )
            before, reset = shifted(start, hs), residuals["rh"]
            d_inputs = product(d_gates, gate_x, transpose=True)
            return (
                d_inputs + product(d_candidates, candidate_x, transpose=True),
                d_start,
                *weight_gradients(side_by_side(inputs, before), d_gates),
                *weight_gradients(side_by_side(inputs, reset), d_candidates),
            )

        return hs, backward

    return scan


def _forward(from_inputs, start, gate_kernel, candidate_kernel, drop, mask):
    """Return the residuals of every step, and h after it ("out")."""
    n = start.shape[-1]

    def step(h, x, drop, mask):
        gates, candidate = tf.split(x, [2 * n, n], axis=-1)
        ru = tf.sigmoid(gates + matmul(h, gate_kernel))
        r, u = tf.split(ru, 2, axis=-1)
        rh = r * h
        c = tf.tanh(candidate + matmul(rh, candidate_kernel))
        dropped = c if drop is None else c * drop
        (new,) = hold_state(mask, (dropped + u * (h - dropped),), (h,))
        return new, {"out": new, "h": h, "ru": ru, "c": c, "rh": rh}

    inputs = {"x": from_inputs, "drop": drop, "mask": mask}
    return over_time(from_inputs, step, start, inputs)[1]


def _backward(clock, d_hs, residuals, start, gate_kernel_t, candidate_kernel_t, drop, mask):
    """Return gradients of h_0, and of the pre-activations of [r, u] and of c at every step."""

    def step(carried, d_out, h, ru, c, drop, mask):
        r, u = tf.split(ru, 2, axis=-1)
        (d_new,), (d_past,) = split_gradients(mask, d_out + carried)
        d_dropped, dropped = d_new * (1 - u), c
        if drop is not None:
            d_dropped, dropped = d_dropped * drop, c * drop
        d_c = through_tanh(d_dropped, c)
        d_rh = matmul(d_c, candidate_kernel_t)
        d_ru = through_sigmoid(side_by_side(d_rh * h, d_new * (h - dropped)), ru)
        d_h = d_new * u + d_rh * r + matmul(d_ru, gate_kernel_t)
        return d_h + d_past, {"d_ru": d_ru, "d_c": d_c}

    inputs = {"d_out": d_hs, "drop": drop, "mask": mask}
    inputs |= {name: residuals[name] for name in ("h", "ru", "c")}
    d_start, d = over_time(clock, step, tf.zeros_like(start), inputs, backwards=True)
    return d_start, d["d_ru"], d["d_c"]
