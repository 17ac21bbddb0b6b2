"""The GRU as one fused recurrence."""

import keras
import tensorflow as tf

from ..cells.gru import GRUCell
from .gated import (
    GatedRNN,
    cell_options,
    over_time,
    previous,
    product,
    unstacked,
    weight_gradient,
)


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(GatedRNN):
    """`keras.layers.RNN` of a `GRUCell`, fused: same weights, same numbers, less time.

    Args:
        units, dropout, seed: of `GRUCell`.
        fused: True, False, or None for fused where it can serve.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.
    """

    cell_arguments = ("units", "dropout", "seed")

    def __init__(self, units, dropout=0.0, seed=None, fused=None, **kwargs):
        cell = GRUCell(units, dropout, seed, name="gru_cell", **cell_options(kwargs))
        super().__init__(cell, fused, **kwargs)

    def recur(self, inputs, states, drop, valid):
        m, n, dtype = inputs.shape[-1], self.cell.units, inputs.dtype
        gate_kernel = tf.cast(self.cell.gate_kernel, dtype)
        candidate_kernel = tf.cast(self.cell.candidate_kernel, dtype)
        from_inputs = product(
            inputs,
            tf.concat([gate_kernel[:m], candidate_kernel[:m]], axis=1),
            tf.cast(tf.concat([self.cell.gate_bias, self.cell.candidate_bias], 0), dtype),
        )
        gates, candidates = tf.split(from_inputs, [2 * n, n], axis=-1)
        run = _recurrence(drop, valid)
        hs = run(gates, candidates, states[0], gate_kernel[m:], candidate_kernel[m:])
        return hs, [hs[-1]]


def _recurrence(drop, valid):
    """The function of what has gradients: input parts, h_0, and the matrices that act on h."""

    @tf.custom_gradient
    def run(gates, candidates, start, gate_kernel, candidate_kernel):
        hs, rus, cs = _forward(gates, candidates, start, gate_kernel, candidate_kernel, drop, valid)

        def backward(d_hs):
            r, u = tf.split(rus, 2, axis=-1)
            h = previous(start, hs)
            d_gates, d_candidates, d_start = _backward(
                d_hs, h, r, u, cs, tf.transpose(gate_kernel), tf.transpose(candidate_kernel),
                drop, valid,
            )  # fmt: skip
            d_gate_kernel = weight_gradient(h, d_gates)
            d_candidate_kernel = weight_gradient(r * h, d_candidates)
            return d_gates, d_candidates, d_start, d_gate_kernel, d_candidate_kernel

        return hs, backward

    return run


def _forward(gates, candidates, start, gate_kernel, candidate_kernel, drop, valid):
    gates_at, candidates_at = unstacked(gates), unstacked(candidates)
    drop_at, valid_at = unstacked(drop), unstacked(valid)

    def step(t, h):
        ru = tf.sigmoid(tf.matmul(h, gate_kernel) + gates_at.read(t))
        r, u = tf.split(ru, 2, axis=-1)
        c = tf.tanh(tf.matmul(r * h, candidate_kernel) + candidates_at.read(t))
        dropped = c if drop is None else c * drop_at.read(t)
        new = dropped + u * (h - dropped)
        h = new if valid is None else tf.where(valid_at.read(t), new, h)
        return (h,), (h, ru, c)

    _, kept = over_time(step, (start,), (start, gates[0], start), tf.shape(gates)[0])
    return kept


def _backward(d_hs, h, r, u, c, gate_kernel_t, candidate_kernel_t, drop, valid):
    """Gradients of the pre-activations of every step, and of h_0.

    The factors of h's gradient at each step are known beforehand, for all steps at once:
    with dh that gradient, da_u = dh ⊙ to_u, da_c = dh ⊙ to_c and da_r = d(r ⊙ h) ⊙ to_r.
    """
    dropped = c if drop is None else c * drop
    to_c = (1 - u) * (1 - c * c) if drop is None else (1 - u) * (1 - c * c) * drop
    to_u, to_r, to_h = (h - dropped) * u * (1 - u), h * r * (1 - r), u
    if valid is not None:  # a masked step passes the gradient on, and nothing else
        to_c, to_u = (tf.where(valid, x, tf.zeros_like(x)) for x in (to_c, to_u))
        to_h = tf.where(valid, to_h, tf.ones_like(to_h))
    arrays = [unstacked(x) for x in (d_hs, to_c, to_u, to_r, to_h, r)]

    def step(t, carried):
        d_h_t, to_c_t, to_u_t, to_r_t, to_h_t, r_t = (a.read(t) for a in arrays)
        d_h = d_h_t + carried
        d_c = d_h * to_c_t
        d_rh = tf.matmul(d_c, candidate_kernel_t)
        d_ru = tf.concat([d_rh * to_r_t, d_h * to_u_t], axis=-1)
        carried = d_h * to_h_t + d_rh * r_t + tf.matmul(d_ru, gate_kernel_t)
        return (carried,), (d_ru, d_c)

    zero = tf.zeros_like(h[0])
    kept = (tf.concat([zero, zero], axis=-1), zero)
    (d_start,), (d_gates, d_candidates) = over_time(
        step, (zero,), kept, tf.shape(h)[0], backwards=True
    )
    return d_gates, d_candidates, d_start
