"""The RRU's recurrence over a whole sequence, with a gradient written by hand.

What does not depend on the state leaves the time loop: W^x x_t + B^j is one product before it,
W^o d_t one product after it, and so are all weight gradients. The loops carry the state (or
its gradient) alone. Three identities shorten their bodies:

- Z ⊙ (W^c d + B^c) is a product with W^c diag(Z), and the dropout's 1 / keep a factor of the
  same matrix, so that the mask in the loop holds zeros and ones;
- ρ = 1 / √(mean(z²) + ε) is a positive number a row, so ReLU(ρ z) = ρ ReLU(z), and with one
  ReLU layer ρ can be applied to the n features behind the product instead of the g before it;
- kept and positive features are those with d > 0, so that the derivatives of mask and ReLU
  are a single operation.
"""

from typing import NamedTuple

import tensorflow as tf

from ..cells.rru import NORM_EPSILON


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


def rru_scan(pre, h_0, weights, keep=None, present=None, normalize=True):
    """Equations 1 to 5 over all time steps.

    Args:
        pre: W^x x_t + B^j for all steps, [T, B, g].
        h_0: the initial state, [B, n].
        weights: `ScanWeights`; a `rezero` that is given means a ReLU over c.
        keep: dropout mask of zeros and ones, [T, B, g], or None for no dropout.
        present: 1 where a step counts, 0 where the state stands still, [T, B, 1]; None: all.
        normalize: bool, whether equation 1 normalizes.

    Returns:
        `(d, h)`: d_t before the factor 1 / keep, [T, B, g], and h_T, [B, n]. Differentiable
        once in `pre`, `h_0` and the weights.
    """
    differentiable = [w for w in weights[:5] if w is not None]

    @tf.custom_gradient
    def scan(pre, h_0, *flat):
        w = ScanWeights(*flat[: len(differentiable)])._replace(hidden=flat[len(differentiable) :])
        saved, h_last = _forward(pre, h_0, w, keep, present, normalize)

        def gradient(d_d, d_h):
            d_pre, d_h_0, d_w = _backward(saved, w, d_d, d_h, present, normalize)
            return d_pre, d_h_0, *[g for g in d_w[:5] if g is not None], *d_w.hidden

        return (_times(saved.d, saved.late_scale), h_last), gradient

    return scan(pre, h_0, *differentiable, *weights.hidden)


class _Saved(NamedTuple):
    """What the gradient needs of each step; None where the options do not need it.

    Attributes:
        h: h_{t-1}, [T, B, n]. z: before the normalization, [T, B, g]. scale: ρ, [T, B, 1].
        d: after the mask, [T, B, g]; to be scaled by `late_scale`, ρ or None.
        hidden: the inputs of each W^k, r - 1 tensors [T, B, g].
        c: after its ReLU, [T, B, n].
    """

    h: tf.Tensor
    d: tf.Tensor
    z: tf.Tensor | None
    scale: tf.Tensor | None
    late_scale: tf.Tensor | None
    hidden: list
    c: tf.Tensor | None


def _forward(pre, h_0, w, keep, present, normalize):
    n_hidden = len(w.hidden) // 2
    late = normalize and not n_hidden  # ρ behind the candidate's product
    names = ["h", "d"] + ["z", "scale"] * normalize + ["c"] * (w.rezero is not None)
    names += [f"hidden_{k}" for k in range(n_hidden)]

    def step(t, h, stacks):
        kept = {"h": h}
        z = tf.matmul(h, w.recurrent) + pre[t]
        j = tf.nn.relu(z)
        if normalize:
            kept |= {"z": z, "scale": _inverse_rms(z)}
            j = j if late else j * kept["scale"]
        for k in range(n_hidden):
            kept[f"hidden_{k}"] = j
            j = tf.nn.relu(tf.matmul(j, w.hidden[2 * k]) + w.hidden[2 * k + 1])
        kept["d"] = j if keep is None else j * keep[t]
        c = _times(tf.matmul(kept["d"], w.candidate), kept.get("scale") if late else None)
        c += w.candidate_bias
        if w.rezero is not None:
            kept["c"] = tf.nn.relu(c)
            c = w.rezero * kept["c"]
        new = w.residual * h + c
        h = new if present is None else h + present[t] * (new - h)
        return t + 1, h, [s.write(t, kept[name]) for s, name in zip(stacks, names)]

    n_steps = tf.shape(pre)[0]
    stacks = [tf.TensorArray(pre.dtype, n_steps) for _ in names]
    _, h, stacks = tf.while_loop(
        lambda t, *_: t < n_steps, step, (0, h_0, stacks), maximum_iterations=n_steps
    )
    kept = {name: stack.stack() for name, stack in zip(names, stacks)}
    scale = kept.get("scale")
    hidden = [kept[f"hidden_{k}"] for k in range(n_hidden)]
    late_scale = scale if late else None
    return _Saved(kept["h"], kept["d"], kept.get("z"), scale, late_scale, hidden, kept.get("c")), h


def _backward(saved, w, d_d, d_h, present, normalize):
    """Gradients of everything from those of d [T, B, g] and of h_T [B, n]."""
    n_hidden = len(saved.hidden)
    candidate_t, recurrent_t = tf.transpose(w.candidate), tf.transpose(w.recurrent)
    hidden_t = [tf.transpose(kernel) for kernel in w.hidden[::2]]
    names = ["d_new", "u"] + ["d_c"] * (w.rezero is not None)
    names += [f"hidden_{k}" for k in range(n_hidden)]

    def step(t, d_h, stacks):
        d_new = d_h if present is None else d_h * present[t]
        kept = {"d_new": d_new, "d_c": d_new}
        if w.rezero is not None:
            kept["d_c"] = tf.raw_ops.ReluGrad(gradients=d_new * w.rezero, features=saved.c[t])
        d_j = tf.matmul(kept["d_c"], candidate_t) + d_d[t]
        features = saved.d[t]
        for k in reversed(range(n_hidden)):
            kept[f"hidden_{k}"] = tf.raw_ops.ReluGrad(gradients=d_j, features=features)
            d_j = tf.matmul(kept[f"hidden_{k}"], hidden_t[k])
            features = saved.hidden[k][t]
        u = tf.raw_ops.ReluGrad(gradients=d_j, features=features)
        if normalize:
            z, scale = saved.z[t], saved.scale[t]
            u -= z * (_row_dot(u, z) * tf.square(scale) / z.shape[-1])
        kept["u"] = u
        back = _times(tf.matmul(u, recurrent_t), saved.scale[t] if normalize else None)
        d_old = d_new * w.residual + back
        d_h = d_old if present is None else d_old + d_h - d_new
        return t - 1, d_h, [s.write(t, kept[name]) for s, name in zip(stacks, names)]

    n_steps = tf.shape(d_d)[0]
    stacks = [tf.TensorArray(d_d.dtype, n_steps) for _ in names]
    _, d_h_0, stacks = tf.while_loop(
        lambda t, *_: t >= 0, step, (n_steps - 1, d_h, stacks), maximum_iterations=n_steps
    )
    kept = {name: stack.stack() for name, stack in zip(names, stacks)}
    d_pre = _times(kept["u"], saved.scale if normalize else None)
    return d_pre, d_h_0, _weight_gradients(saved, w, kept, d_pre)


def _weight_gradients(saved, w, kept, d_pre):
    """Each a single product over all steps."""
    d_new = kept["d_new"]
    d_c = kept.get("d_c", d_new)
    d_hidden = []
    for k, inputs in enumerate(saved.hidden):
        d_hidden += [_outer(inputs, kept[f"hidden_{k}"]), _sum(kept[f"hidden_{k}"])]
    return ScanWeights(
        recurrent=_outer(saved.h, d_pre),
        candidate=_outer(saved.d, _times(d_c, saved.late_scale)),
        candidate_bias=_sum(d_c),
        residual=_sum(saved.h * d_new),
        rezero=None if w.rezero is None else _sum(d_new * saved.c),
        hidden=tuple(d_hidden),
    )


def _inverse_rms(z):
    """ρ = 1 / √(mean(z²) + ε) of each row."""
    mean_square = tf.reduce_mean(tf.square(_wide(z)), -1, keepdims=True)
    return tf.cast(tf.math.rsqrt(mean_square + NORM_EPSILON), z.dtype)


def _row_dot(a, b):
    return tf.cast(tf.reduce_sum(_wide(a) * _wide(b), -1, keepdims=True), a.dtype)


def _times(tensor, scale):
    return tensor if scale is None else tensor * scale


def _outer(a, b):
    """Σ over steps and examples of a ⊗ b, one product: [T, B, i], [T, B, j] to [i, j]."""
    rows_a, rows_b = (tf.reshape(t, [-1, t.shape[-1]]) for t in (a, b))
    return tf.matmul(rows_a, rows_b, transpose_a=True)


def _sum(a):
    """Σ over steps and examples: [T, B, i] to [i]."""
    return tf.cast(tf.reduce_sum(_wide(a), [0, 1]), a.dtype)


def _wide(tensor):
    """The tensor in float32 at least: sums in half precision lose digits, squares overflow."""
    return tensor if tensor.dtype.size >= 4 else tf.cast(tensor, tf.float32)
