"""The LSTM as one fused recurrence."""

import keras
import tensorflow as tf

from ..cells.lstm import LSTMCell
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
class LSTM(GatedRNN):
    """`keras.layers.RNN` of an `LSTMCell`, fused: same weights, same numbers, less time.

    Args:
        units, dropout, forget_bias, seed: of `LSTMCell`.
        fused: True, False, or None for fused where it can serve.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.
    """

    cell_arguments = ("units", "dropout", "forget_bias", "seed")

    def __init__(self, units, dropout=0.0, forget_bias=1.0, seed=None, fused=None, **kwargs):
        options = {"name": "lstm_cell", **cell_options(kwargs)}
        super().__init__(LSTMCell(units, dropout, forget_bias, seed, **options), fused, **kwargs)

    def recur(self, inputs, states, drop, valid):
        m, n, dtype = inputs.shape[-1], self.cell.units, inputs.dtype
        kernel = _sigmoids_first(tf.cast(self.cell.kernel, dtype))
        constant = tf.constant([0.0] * n + [self.cell.forget_bias] * n + [0.0] * 2 * n, dtype)
        bias = _sigmoids_first(tf.cast(self.cell.bias, dtype)) + constant
        run = _recurrence(drop, valid)
        hs, c = run(product(inputs, kernel[:m], bias), *states, kernel[m:])
        return hs, [hs[-1], c]


def _sigmoids_first(weights):
    """The columns of i, j, f, o as i, f, o, j: then one σ serves three gates at once."""
    i, j, f, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, f, o, j], axis=-1)


def _recurrence(drop, valid):
    """The function of what has gradients: the input part, h_0, c_0, the matrix that acts on h."""

    @tf.custom_gradient
    def run(from_inputs, start_h, start_c, kernel):
        c_end, hs, cs, ifos, js = _forward(from_inputs, start_h, start_c, kernel, drop, valid)

        def backward(d_hs, d_c_end):
            d_z, d_start_h, d_start_c = _backward(
                d_hs, d_c_end, previous(start_c, cs), cs, ifos, js, tf.transpose(kernel),
                drop, valid,
            )  # fmt: skip
            return d_z, d_start_h, d_start_c, weight_gradient(previous(start_h, hs), d_z)

        return (hs, c_end), backward

    return run


def _forward(from_inputs, start_h, start_c, kernel, drop, valid):
    from_inputs_at, drop_at, valid_at = (unstacked(x) for x in (from_inputs, drop, valid))
    n = start_h.shape[-1]

    def step(t, h, c):
        z = tf.matmul(h, kernel) + from_inputs_at.read(t)
        ifo, j = tf.split(z, [3 * n, n], axis=-1)
        ifo, j = tf.sigmoid(ifo), tf.tanh(j)
        i, f, o = tf.split(ifo, 3, axis=-1)
        dropped = j if drop is None else j * drop_at.read(t)
        new_c = f * c + i * dropped
        new_h = o * tf.tanh(new_c)
        if valid is not None:
            here = valid_at.read(t)
            new_h, new_c = tf.where(here, new_h, h), tf.where(here, new_c, c)
        return (new_h, new_c), (new_h, new_c, ifo, j)

    kept = (start_h, start_c, from_inputs[0, :, : 3 * n], start_h)
    (_, c_end), kept = over_time(step, (start_h, start_c), kept, tf.shape(from_inputs)[0])
    return c_end, *kept


def _backward(d_hs, d_c_end, c_before, c_after, ifo, j, kernel_t, drop, valid):
    """Gradients of the pre-activations of every step, of h_0 and of c_0.

    The factors of the states' gradients at each step are known beforehand, for all steps at
    once: dc gathers dh ⊙ h_to_c, and dz = [dc, dc, dh, dc] ⊙ to_z for i, f, o, j.
    """
    i, f, o = tf.split(ifo, 3, axis=-1)
    tanh_c = tf.tanh(c_after)
    scale = 1 if drop is None else drop
    h_to_c, c_to_c = o * (1 - tanh_c * tanh_c), f
    to_z = tf.concat(
        [
            j * scale * i * (1 - i),
            c_before * f * (1 - f),
            tanh_c * o * (1 - o),
            i * scale * (1 - j * j),
        ],
        axis=-1,
    )
    stays = None
    if valid is not None:  # a masked step passes the gradients on, and nothing else
        h_to_c, to_z = (tf.where(valid, x, tf.zeros_like(x)) for x in (h_to_c, to_z))
        c_to_c = tf.where(valid, c_to_c, tf.ones_like(c_to_c))
        stays = unstacked(1 - tf.cast(valid, d_hs.dtype))
    arrays = [unstacked(x) for x in (d_hs, h_to_c, c_to_c, to_z)]

    def step(t, carried_h, carried_c):
        d_h_t, h_to_c_t, c_to_c_t, to_z_t = (a.read(t) for a in arrays)
        d_h = d_h_t + carried_h
        d_c = d_h * h_to_c_t + carried_c
        d_z = tf.concat([d_c, d_c, d_h, d_c], axis=-1) * to_z_t
        carried_h = tf.matmul(d_z, kernel_t)
        if stays is not None:
            carried_h += d_h * stays.read(t)
        return (carried_h, d_c * c_to_c_t), (d_z,)

    zero = tf.zeros_like(c_before[0])
    (d_start_h, d_start_c), (d_z,) = over_time(
        step, (zero, d_c_end), (to_z[0],), tf.shape(d_hs)[0], backwards=True
    )
    return d_z, d_start_h, d_start_c
