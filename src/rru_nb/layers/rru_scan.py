"""The RRU's recurrence over a whole sequence, with a gradient written by hand.

What does not depend on the state leaves the time loop: W^x x_t + B^j is one product before it,
W^o d_t one product after it, and so are all weight gradients. The loops carry the state, or
its gradient, alone. Two more savings:

- Z ⊙ (W^c d + B^c) is a product with W^c diag(Z), and the dropout's 1 / keep is a factor of
  the same matrix, so that the mask in the loop holds zeros and ones;
- kept and positive features are those with d > 0, so that the derivatives of mask and ReLU
  are a single operation, and the mask need not be kept.
"""

from typing import NamedTuple

import tensorflow as tf

from ..cells.rru import NORM_EPSILON
from ..errors import UserError
from .over_time import over_time


class ScanWeights(NamedTuple):
    """The weights that a time step needs, in the form in which the loop multiplies by them.

    Attributes:
        recurrent: W^h, [n, g].
        candidate: W^c, [g, n], times 1 / keep, and times Z if `rezero` is None.
        candidate_bias: B^c, [n], times Z if `rezero` is None.
        residual: σ(S), [n].
        rezero: Z, [n], where a ReLU over c keeps it from being a factor of W^c; else None.
        hidden: W^1, B^1, W^2, B^2, ... of equation 2, a flat tuple.
    """

    recurrent: tf.Tensor
    candidate: tf.Tensor
    candidate_bias: tf.Tensor
    residual: tf.Tensor
    rezero: tf.Tensor | None = None
    hidden: tuple = ()

    def flat(self):
        """Those that there are, in order."""
        return [w for w in (*self[:5], *self.hidden) if w is not None]


def rru_scan(pre, h_0, weights, keep=None, present=None, normalize=True):
    """Equations 1 to 5 over all time steps.

    Args:
        pre: W^x x_t + B^j for all steps, [T, B, g].
        h_0: the initial state, [B, n].
        weights: `ScanWeights`; a `rezero` that is given means a ReLU over c.
        keep: dropout mask of zeros and ones, [T, B, g], or None for no dropout.
        present: bool [T, B, 1], False where the state stands still; None: nowhere.
        normalize: bool, whether equation 1 normalizes.

    Returns:
        `(d, h)`: d_t before the factor 1 / keep, [T, B, g], and h_T, [B, n]. Differentiable in
        `pre`, `h_0` and the weights, once.

    Raises:
        UserError: if a gradient of the gradient is asked for.
    """
    n_hidden = len(weights.hidden)

    @tf.custom_gradient
    def scan(pre, h_0, *flat):
        own, hidden = flat[: len(flat) - n_hidden], flat[len(flat) - n_hidden :]
        w = ScanWeights(*own)._replace(hidden=hidden)
        clock = pre[:, 0, 0]
        h_last, kept = _forward(clock, pre, h_0, w, keep, present, normalize)

        def gradient(d_d, d_h):
            once = _only_once(lambda *d: _backward(clock, kept, w, *d, present, normalize))
            return once(d_d, d_h)

        return (kept["d"], h_last), gradient

    return scan(pre, h_0, *weights.flat())


def _only_once(function):
    """What the backward loop kept is constant to TensorFlow: a second gradient would be wrong."""

    @tf.custom_gradient
    def once(*arguments):
        def refuse(*_, **__):
            raise UserError(
                "The fused RRU has no second derivatives. Make the layer with fused=False."
            )

        return function(*arguments), refuse

    return once


def _forward(clock, pre, h_0, w, keep, present, normalize):
    """The last state, and what the gradient needs of each step.

    Kept are h_{t-1} as `h`; `y`, the normalized sum, and `scale`, its 1 / √(mean(z²) + ε); the
    inputs of each W^k as `j0`, `j1`, …; `d` after the mask; and c after its ReLU.
    """

    def step(h, pre, keep, present):
        y = tf.matmul(h, w.recurrent) + pre
        new = {"h": h}
        if normalize:
            new["scale"] = _inverse_rms(y)
            y = new["y"] = y * new["scale"]
        j = tf.nn.relu(y)
        for k, (kernel, bias) in enumerate(_pairs(w.hidden)):
            new[f"j{k}"] = j
            j = tf.nn.relu(tf.matmul(j, kernel) + bias)
        new["d"] = j if keep is None else j * keep
        c = tf.matmul(new["d"], w.candidate) + w.candidate_bias
        if w.rezero is not None:
            new["c"] = tf.nn.relu(c)
            c = w.rezero * new["c"]
        h_new = w.residual * h + c
        return h_new if present is None else tf.where(present, h_new, h), new

    names = ["h", "d", *["scale", "y"] * normalize, *["c"] * (w.rezero is not None)]
    names += [f"j{k}" for k in range(len(w.hidden) // 2)]
    inputs = {"pre": pre, "keep": keep, "present": present}
    return over_time(clock, step, h_0, inputs, names)


def _backward(clock, kept, w, d_d, d_h, present, normalize):
    """Gradients of `pre`, `h_0` and the weights, from those of d [T, B, g] and h_T [B, n]."""
    n_hidden = len(w.hidden) // 2
    # Products with a transposed view are slow where rows are few: transpose once, not T times.
    candidate_t, recurrent_t = tf.transpose(w.candidate), tf.transpose(w.recurrent)
    hidden_t = [tf.transpose(kernel) for kernel, _ in _pairs(w.hidden)]

    def step(d_h, d_d, present, d, y, scale, c, **inputs):
        d_new = d_h if present is None else tf.where(present, d_h, 0)
        new = {"d_new": d_new, "d_c": d_new}
        if w.rezero is not None:
            new["d_c"] = _through_relu(d_new * w.rezero, c)
        d_j, j = tf.matmul(new["d_c"], candidate_t) + d_d, d
        for k in reversed(range(n_hidden)):
            new[f"d_j{k}"] = _through_relu(d_j, j)
            d_j, j = tf.matmul(new[f"d_j{k}"], hidden_t[k]), inputs[f"j{k}"]
        d_z = _through_relu(d_j, j)
        if normalize:
            d_z = (d_z - y * _row_mean(d_z * y)) * scale
        new["d_z"] = d_z
        d_old = tf.matmul(d_z, recurrent_t) + w.residual * d_new
        return d_old if present is None else tf.where(present, d_old, d_h), new

    inputs = {"d_d": d_d, "present": present}
    inputs |= {name: kept.get(name) for name in ("d", "y", "scale", "c")}
    inputs |= {name: x for name, x in kept.items() if name.startswith("j")}
    names = ["d_new", "d_z", *["d_c"] * (w.rezero is not None)]
    names += [f"d_j{k}" for k in range(n_hidden)]
    d_h_0, found = over_time(clock, step, d_h, inputs, names, backwards=True)
    return [found["d_z"], d_h_0, *_weight_gradients(kept, found, w).flat()]


def _weight_gradients(kept, found, w):
    """Each a single product, or sum, over all steps."""
    d_new = found["d_new"]
    d_c = found.get("d_c", d_new)
    hidden = []
    for k in range(len(w.hidden) // 2):
        hidden += [_outer(kept[f"j{k}"], found[f"d_j{k}"]), _sum(found[f"d_j{k}"])]
    return ScanWeights(
        recurrent=_outer(kept["h"], found["d_z"]),
        candidate=_outer(kept["d"], d_c),
        candidate_bias=_sum(d_c),
        residual=_sum(kept["h"] * d_new),
        rezero=None if w.rezero is None else _sum(d_new * kept["c"]),
        hidden=tuple(hidden),
    )


def _pairs(hidden):
    """(W^k, B^k) of equation 2."""
    return list(zip(hidden[::2], hidden[1::2]))


def _through_relu(gradient, activation):
    """The gradient where the activation is positive, else zero; dropped ones are not."""
    return tf.raw_ops.ReluGrad(gradients=gradient, features=activation)


def _inverse_rms(z):
    """1 / √(mean(z²) + ε) of each row."""
    mean_square = tf.reduce_mean(tf.square(_wide(z)), -1, keepdims=True)
    return tf.cast(tf.math.rsqrt(mean_square + NORM_EPSILON), z.dtype)


def _row_mean(a):
    return tf.cast(tf.reduce_mean(_wide(a), -1, keepdims=True), a.dtype)


def _wide(a):
    """Sums in half precision would lose digits: float32 at least, as in the cell."""
    return a if a.dtype in (tf.float32, tf.float64) else tf.cast(a, tf.float32)


def _outer(a, b):
    """Σ over steps and examples of a ⊗ b, one product: [T, B, i], [T, B, j] to [i, j]."""
    rows_a, rows_b = (tf.reshape(t, [-1, t.shape[-1]]) for t in (a, b))
    return tf.matmul(rows_a, rows_b, transpose_a=True)


def _sum(a):
    return tf.cast(tf.reduce_sum(_wide(a), [0, 1]), a.dtype)
