"""The GRU as one fused recurrence."""

import keras
import tensorflow as tf

from ..cells.gru import GRUCell
from .gated import (
    GatedRNN,
    at,
    bias_gradient,
    cell_options,
    kernel_gradient,
    over_time,
    previous,
    product,
    read,
    side_by_side,
    split_gradients,
    stack,
    stand_still,
    through_sigmoid,
    through_tanh,
    transposed,
)


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(GatedRNN):
    """`keras.layers.RNN` of a `GRUCell`, fused: same weights, same numbers, less time.

    Args:
        units, dropout, seed: of `GRUCell`.
        fused: True, False, or None for fused where it can serve.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.

    Raises:
        UserError: if an argument is out of its range, or `fused=True` can't be honoured.
    """

    cell_arguments = ("units", "dropout", "seed")

    def __init__(self, units, dropout=0.0, seed=None, fused=None, **kwargs):
        cell = GRUCell(units, dropout, seed, name="gru_cell", **cell_options(kwargs))
        super().__init__(cell, fused, **kwargs)

    def recur(self, inputs, states, drop, valid):
        cell = self.cell
        weights = (cell.gate_kernel, cell.gate_bias, cell.candidate_kernel, cell.candidate_bias)
        weights = (tf.cast(w, inputs.dtype) for w in weights)
        hs = _recurrence(drop, valid)(inputs, *states, *weights)
        return hs, [hs[-1]]


def _recurrence(drop, valid):
    """The function of all that has gradients: inputs, h_0 and the cell's weights."""

    @tf.custom_gradient
    def run(inputs, start, gate_kernel, gate_bias, candidate_kernel, candidate_bias):
        sizes = [inputs.shape[-1], start.shape[-1]]
        gate_x, gate_h = tf.split(gate_kernel, sizes, axis=0)
        candidate_x, candidate_h = tf.split(candidate_kernel, sizes, axis=0)
        from_inputs = product(inputs, side_by_side(gate_x, candidate_x))
        from_inputs += side_by_side(gate_bias, candidate_bias)
        kept = _forward(from_inputs, start, gate_h, candidate_h, drop, valid)
        hs = stack(kept.pop("out"))

        def backward(d_hs):
            d_start, d_gates, d_candidates = _backward(
                d_hs, kept, start, transposed(gate_h), transposed(candidate_h), drop, valid
            )
            before, reset = previous(start, hs), stack(kept["rh"])
            d_inputs = product(d_gates, gate_x, transpose=True)
            return (
                d_inputs + product(d_candidates, candidate_x, transpose=True),
                d_start,
                kernel_gradient(side_by_side(inputs, before), d_gates),
                bias_gradient(d_gates),
                kernel_gradient(side_by_side(inputs, reset), d_candidates),
                bias_gradient(d_candidates),
            )

        return hs, backward

    return run


def _forward(from_inputs, start, gate_kernel, candidate_kernel, drop, valid):
    """What the way back needs of every step, and h after it ("out")."""
    n = start.shape[-1]

    def step(t, h):
        gates, candidate = tf.split(at(from_inputs, t), [2 * n, n], axis=-1)
        ru = tf.sigmoid(gates + tf.matmul(h, gate_kernel))
        r, u = tf.split(ru, 2, axis=-1)
        rh = r * h
        c = tf.tanh(candidate + tf.matmul(rh, candidate_kernel))
        dropped = c if drop is None else c * at(drop, t)
        (new,) = stand_still(at(valid, t), (dropped + u * (h - dropped),), (h,))
        return (new,), {"out": new, "h": h, "ru": ru, "c": c, "rh": rh}

    return over_time(step, (start,), tf.shape(from_inputs)[0])[1]


def _backward(d_hs, kept, start, gate_kernel_t, candidate_kernel_t, drop, valid):
    """Gradients of h_0, and of the pre-activations of [r, u] and of c at every step."""

    def step(t, carried):
        k = read(kept, t)
        h, ru, c = k["h"], k["ru"], k["c"]
        r, u = tf.split(ru, 2, axis=-1)
        (d_new,), (d_past,) = split_gradients(at(valid, t), at(d_hs, t) + carried)
        d_dropped, dropped = d_new * (1 - u), c
        if drop is not None:
            d_dropped, dropped = d_dropped * at(drop, t), c * at(drop, t)
        d_c = through_tanh(d_dropped, c)
        d_rh = tf.matmul(d_c, candidate_kernel_t)
        d_ru = through_sigmoid(side_by_side(d_rh * h, d_new * (h - dropped)), ru)
        d_h = d_new * u + d_rh * r + tf.matmul(d_ru, gate_kernel_t)
        return (d_h + d_past,), {"d_ru": d_ru, "d_c": d_c}

    steps = tf.shape(d_hs)[0]
    (d_start,), d = over_time(step, (tf.zeros_like(start),), steps, backwards=True)
    return d_start, stack(d["d_ru"]), stack(d["d_c"])
