"""The Mogrifier LSTM as one fused recurrence."""

from dataclasses import dataclass

import keras
import tensorflow as tf

from ..cells.mogrifier import MogrifierLSTMCell
from .gated import GatedRNN, cell_options, over_time, previous, unstacked, weight_gradient


@keras.saving.register_keras_serializable(package="rru_nb")
class MogrifierLSTM(GatedRNN):
    """`keras.layers.RNN` of a `MogrifierLSTMCell`, fused: same weights and numbers, less time.

    Args:
        units, dropout, rounds, rank, seed: of `MogrifierLSTMCell`.
        fused: True, False, or None for fused where it can serve.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.
    """

    cell_arguments = ("units", "dropout", "rounds", "rank", "seed")

    def __init__(self, units, dropout=0.0, rounds=5, rank=40, seed=None, fused=None, **kwargs):
        options = {"name": "mogrifier_lstm_cell", **cell_options(kwargs)}
        cell = MogrifierLSTMCell(units, dropout, rounds, rank, seed, **options)
        super().__init__(cell, fused, **kwargs)

    def recur(self, inputs, states, drop, valid):
        cell, dtype = self.cell, inputs.dtype
        j, o, f, i = tf.split(tf.cast(cell.kernel, dtype), 4, axis=-1)
        kernel = tf.concat([o, f, i, j], axis=-1)  # one σ then serves three gates at once
        biases = (
            cell.output_gate_bias,
            cell.forget_gate_bias,
            cell.input_gate_bias,
            cell.candidate_bias,
        )
        bias = tf.concat([tf.cast(b, dtype) for b in biases], axis=0)
        rounds = [
            tf.cast(w, dtype)
            for k in range(cell.rounds)
            for w in (cell.round_factors_a[k], cell.round_factors_b[k], cell.round_biases[k])
        ]
        run = _recurrence(drop, valid)
        hs, c = run(inputs, *states, kernel, bias, *rounds)
        return hs, [hs[-1], c]


@dataclass(frozen=True)
class _Weights:
    kernel: tf.Tensor  # [m + n, 4n] for o, f, i, j
    bias: tf.Tensor  # [4n]
    rounds: list  # of (A_k, B_k, d_k)

    @classmethod
    def of(cls, kernel, bias, *flat):
        return cls(kernel, bias, [flat[k : k + 3] for k in range(0, len(flat), 3)])


def _recurrence(drop, valid):
    """The function of what has gradients: the inputs, h_0, c_0 and the weights."""

    @tf.custom_gradient
    def run(inputs, start_h, start_c, *flat):
        weights = _Weights.of(*flat)
        c_end, hs, cs, ofis, js, *gates = _forward(inputs, start_h, start_c, weights, drop, valid)

        def backward(d_hs, d_c_end):
            xs, hms = _mogrified(inputs, previous(start_h, hs), gates)
            d_inputs, d_start_h, d_start_c, d_z, *d_rounds = _backward(
                d_hs, d_c_end, previous(start_c, cs), cs, ofis, js, xs, hms, gates, weights,
                drop, valid,
            )  # fmt: skip
            d_weights = [
                weight_gradient(tf.concat([xs[-1], hms[-1]], axis=-1), d_z),
                tf.reduce_sum(d_z, axis=[0, 1]),
            ]
            for k, d_s in enumerate(d_rounds):
                other = hms[(k + 1) // 2] if k % 2 == 0 else xs[(k + 1) // 2]
                d_weights += _round_gradients(other, d_s, *weights.rounds[k][:2])
            return d_inputs, d_start_h, d_start_c, *d_weights

        return (hs, c_end), backward

    return run


def _forward(inputs, start_h, start_c, weights, drop, valid):
    """The final c, and for all steps h, c, σ of o, f, i, tanh(j), and each round's gate."""
    inputs_at, drop_at, valid_at = (unstacked(x) for x in (inputs, drop, valid))
    n = start_h.shape[-1]

    def step(t, h, c):
        x, gated_h, gates = inputs_at.read(t), h, []
        for k, (a, b, bias) in enumerate(weights.rounds):
            other = gated_h if k % 2 == 0 else x
            gates.append(2 * tf.sigmoid(tf.matmul(tf.matmul(other, a), b) + bias))
            if k % 2 == 0:
                x = x * gates[k]
            else:
                gated_h = gated_h * gates[k]
        z = tf.matmul(tf.concat([x, gated_h], axis=-1), weights.kernel) + weights.bias
        ofi, j = tf.split(z, [3 * n, n], axis=-1)
        ofi, j = tf.sigmoid(ofi), tf.tanh(j)
        o, f, i = tf.split(ofi, 3, axis=-1)
        dropped = j if drop is None else j * drop_at.read(t)
        new_c = f * c + tf.minimum(1 - f, i) * dropped
        new_h = o * tf.tanh(new_c)
        if valid is not None:
            here = valid_at.read(t)
            new_h, new_c = tf.where(here, new_h, h), tf.where(here, new_c, c)
        return (new_h, new_c), (new_h, new_c, ofi, j, *gates)

    ofi = tf.concat([start_h] * 3, axis=-1)
    gates = [inputs[0] if k % 2 == 0 else start_h for k in range(len(weights.rounds))]
    (_, c_end), kept = over_time(
        step,
        (start_h, start_c),
        (start_h, start_c, ofi, start_h, *gates),
        tf.shape(inputs)[0],
    )
    return c_end, *kept


def _mogrified(inputs, h, gates):
    """x and h of all steps before, between and after the rounds that change them."""
    xs, hs = [inputs], [h]
    for k, gate in enumerate(gates):
        values = xs if k % 2 == 0 else hs
        values.append(values[-1] * gate)
    return xs, hs


def _backward(
    d_hs, d_c_end, c_before, c_after, ofi, j, xs, hs, gates, weights, drop, valid
):  # fmt: skip
    """Gradients of the inputs, of h_0 and c_0, and of every pre-activation of every step.

    The factors of the states' gradients at each step are known beforehand, for all steps at
    once: dc gathers dh ⊙ h_to_c, dz = [dh, dc, dc, dc] ⊙ to_z for o, f, i, j, and a round
    y' = y ⊙ 2σ(s) has ds = dy' ⊙ to_s.
    """
    o, f, i = tf.split(ofi, 3, axis=-1)
    tanh_c = tf.tanh(c_after)
    dropped, scale = (j, 1) if drop is None else (j * drop, drop)
    capped = 1 - f <= i
    zeros = tf.zeros_like(f)
    h_to_c, c_to_c = o * (1 - tanh_c * tanh_c), f
    to_z = tf.concat(
        [
            tanh_c * o * (1 - o),
            (c_before - tf.where(capped, dropped, zeros)) * f * (1 - f),
            tf.where(capped, zeros, dropped * i * (1 - i)),
            tf.minimum(1 - f, i) * scale * (1 - j * j),
        ],
        axis=-1,
    )
    stays = None
    if valid is not None:  # a masked step passes the gradients on, and nothing else
        h_to_c, to_z = (tf.where(valid, x, tf.zeros_like(x)) for x in (h_to_c, to_z))
        c_to_c = tf.where(valid, c_to_c, tf.ones_like(c_to_c))
        stays = unstacked(1 - tf.cast(valid, d_hs.dtype))
    arrays = [unstacked(x) for x in (d_hs, h_to_c, c_to_c, to_z)]
    gated = [(xs if k % 2 == 0 else hs)[k // 2] for k in range(len(gates))]
    to_s = [y * g * (1 - g / 2) for y, g in zip(gated, gates)]
    rounds_at = [(unstacked(g), unstacked(s)) for g, s in zip(gates, to_s)]
    transposed = [(tf.transpose(b), tf.transpose(a)) for a, b, _ in weights.rounds]
    kernel_t, m = tf.transpose(weights.kernel), xs[0].shape[-1]

    def step(t, carried_h, carried_c):
        d_h_t, h_to_c_t, c_to_c_t, to_z_t = (a.read(t) for a in arrays)
        d_h = d_h_t + carried_h
        d_c = d_h * h_to_c_t + carried_c
        d_z = tf.concat([d_h, d_c, d_c, d_c], axis=-1) * to_z_t
        d_x, carried_h = tf.split(tf.matmul(d_z, kernel_t), [m, h_to_c_t.shape[-1]], axis=-1)
        d_rounds = []
        for k in reversed(range(len(gates))):
            d_y = d_x if k % 2 == 0 else carried_h
            gate, to_s_t = (a.read(t) for a in rounds_at[k])
            d_s = d_y * to_s_t
            d_other = tf.matmul(tf.matmul(d_s, transposed[k][0]), transposed[k][1])
            if k % 2 == 0:
                d_x, carried_h = d_x * gate, carried_h + d_other
            else:
                d_x, carried_h = d_x + d_other, carried_h * gate
            d_rounds.insert(0, d_s)
        if stays is not None:
            carried_h += d_h * stays.read(t)
        return (carried_h, d_c * c_to_c_t), (d_x, d_z, *d_rounds)

    zero = tf.zeros_like(c_before[0])
    (d_start_h, d_start_c), (d_inputs, d_z, *d_rounds) = over_time(
        step,
        (zero, d_c_end),
        (xs[0][0], to_z[0], *(s[0] for s in to_s)),
        tf.shape(d_hs)[0],
        backwards=True,
    )
    return d_inputs, d_start_h, d_start_c, d_z, *d_rounds


def _round_gradients(other, d_s, a, b):
    """Gradients of A_k, B_k and d_k in s = other A_k B_k + d_k, over all steps."""
    low_rank = tf.tensordot(other, a, 1)
    d_low_rank = tf.tensordot(d_s, tf.transpose(b), 1)
    return [
        weight_gradient(other, d_low_rank),
        weight_gradient(low_rank, d_s),
        tf.reduce_sum(d_s, axis=[0, 1]),
    ]
