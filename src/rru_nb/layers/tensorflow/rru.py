"""The RRU as one fused loop over time, with a gradient written by hand.

A batch is short and the weights are wide, so everything lies features first, [features, B]:
with the weights as the left operand, oneDNN's product takes a fifth to a third less time. The
loops carry the state, or its gradient, alone. Each weight gradient is a product over all steps
after them, a quarter of the steps at a time; those of weights that fit a core's cache add up in
the backward loop, a product for each block of steps. Six more savings:

- W^h, W^x and B^j are one matrix, which multiplies h, x and a one;
- W^c and W^o are one matrix, since both multiply d: no gradient of d crosses the loops' border;
- Z ⊙ (W^c d + B^c) is a product with W^c diag(Z), and the dropout's 1 / keep is a factor of
  the same matrix, so that the mask in the loop holds zeros and ones;
- the normalization's factor of an example is positive: it commutes with ReLU, mask and the
  next product, and multiplies that product's few rows;
- the input of W^c is not stored: it is ReLU and mask of what the normalization needs anyway,
  and the mask takes a byte an entry;
- where a gradient d of z passed ReLU and mask, ReLU(z) ⊙ d is z ⊙ d.

Tried, and not worth it: XLA for the whole scan (every new length compiles for seconds, and the
weight gradients get slower); more than eight steps an iteration; XLA's own loop over a block;
both halves of a batch in one call of XLA; keeping a block of steps as one array.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from ...cells._dropout import scale as dropout_scale
from ...cells.rru import NORM_EPSILON
from .batch_splitting import run_in_halves, worth_splitting
from .over_time import Sums, can_compile, features_first, over_time
from .products import matmul, rounded

FEATURES_FIRST = True
PARTS = 4  # of the steps, for the gradients of the weights
# Gradients of weights of so many entries, 1 MiB in float32, add up in the loop: in a core's cache.
MOST_SUMMED = 1 << 18


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    mask = None if mask is None else mask[:, None, :]
    weights = _scan_weights(cell, 1.0 if keep is None else dropout_scale(cell.dropout))

    def scan(x, h_0, keep, mask):
        return _scan(x, h_0, weights, keep, mask, cell.normalize)

    batch = x, tf.transpose(states[0]), keep, mask
    split = worth_splitting(weights.n_entries)
    o, h = run_in_halves(scan, *batch) if split else scan(*batch)
    o = tf.ensure_shape(o, [x.shape[0], None, None])  # the loop forgets how many steps they are
    return tf.nn.relu(o) if cell.relu_outputs else o, [tf.transpose(h)]  # (6)


def _scan_weights(cell, scale):
    """Fold the cell's weights for `_scan`; TensorFlow differentiates through the folding."""

    def cast(weight, dtype=cell.compute_dtype):
        return tf.cast(tf.convert_to_tensor(weight), dtype)

    # In float32 at least: the gradient of Z sums over g, which half precision cannot.
    wide = tf.as_dtype(keras.backend.result_type(cell.compute_dtype, "float32"))
    rezero = cast(cell.rezero_scale, wide) * tf.ones([cell.units], wide)
    factor = tf.ones_like(rezero) if cell.relu_outputs else rezero
    candidate = cast(cell.candidate_kernel, wide) * (factor * scale)
    output = cast(cell.output_kernel, wide) * scale
    bias = cast(cell.candidate_bias, wide) * factor
    joint = [cell.recurrent_kernel, cell.kernel, cell.bias[None]]
    hidden = [w for pair in zip(cell.hidden_kernels, cell.hidden_biases) for w in pair]
    return ScanWeights(
        joint=tf.concat([cast(w) for w in joint], 0),
        candidate=cast(tf.concat([candidate, output], 1)),
        bias=cast(tf.concat([bias, cast(cell.output_bias, wide)], 0)),
        residual_scale=cast(cell.residual_scale()),
        rezero_scale=cast(rezero) if cell.relu_outputs else None,
        hidden=tuple(cast(w) for w in hidden),
    )


class ScanWeights(NamedTuple):
    """The weights that a time step needs, in the form in which the loop multiplies by them.

    Attributes:
        joint: W^h, W^x and B^j below one another, [n + m + 1, g].
        candidate: W^c and W^o side by side, [g, n + p], times 1 / keep, and W^c times Z if
            `rezero_scale` is None.
        bias: B^c and B^o, [n + p], B^c times Z if `rezero_scale` is None.
        residual_scale: σ(S), [n].
        rezero_scale: Z, [n], where a ReLU over c keeps it from being a factor of W^c; else None.
        hidden: W^1, B^1, W^2, B^2, ... of equation 2, a flat tuple.
    """

    joint: tf.Tensor
    candidate: tf.Tensor
    bias: tf.Tensor
    residual_scale: tf.Tensor
    rezero_scale: tf.Tensor | None = None
    hidden: tuple = ()

    def flat(self):
        """List the weights that exist, in order."""
        return [w for w in (*self[:5], *self.hidden) if w is not None]

    @property
    def kernels(self):
        """The matrices after the normalization, in order."""
        return [*self.hidden[::2], self.candidate]

    @property
    def n_entries(self):
        """Number of entries of the matrices that the loop multiplies by."""
        return sum(w.shape.num_elements() for w in (self.joint, *self.kernels))

    @property
    def biases(self):
        return [*self.hidden[1::2], self.bias]


def _scan(x, h_0, weights, keep, mask, normalize):
    """Compute equations 1 to 6 over all time steps.

    Args:
        x: inputs, [T, m, B].
        h_0: the initial state, [n, B].
        weights: `ScanWeights`; a `rezero_scale` that is given means a ReLU over c.
        keep: dropout mask, bool [T, g, B], or None for no dropout.
        mask: bool [T, 1, B], False where the state stands still; None: nowhere.
        normalize: bool, whether equation 1 normalizes.

    Returns:
        `(o, h)`: W^o d_t + B^o, [T, p, B], and h_T, [n, B]. Differentiable in `x`, `h_0` and
        the weights.
    """
    n_hidden = len(weights.hidden)
    # With a one below x, its product is the bias. Appended once, not T times.
    x = tf.concat([x, tf.ones_like(x[:, :1])], 1)

    @tf.custom_gradient
    def scan(x, h_0, *flat):
        single, hidden = flat[: len(flat) - n_hidden], flat[len(flat) - n_hidden :]
        w = ScanWeights(*single)._replace(hidden=hidden)
        clock = x[:, 0]  # [T, B]: its shape is known to XLA, those of residuals are not
        h_last, residuals = _forward(clock, x, h_0, w, keep, mask, normalize)

        def gradient(d_o, d_h):
            return _backward(clock, residuals, w, d_o, d_h, mask, normalize)

        return (residuals.pop("o"), h_last), gradient

    return scan(x, h_0, *weights.flat())


def _forward(clock, x, h_0, w, keep, mask, normalize):
    """Return the last state, and the outputs as `o` among the residuals of each step.

    Residuals are `joined`, which is h_{t-1} and x; `z`, the sum before normalization, and
    `scale`, its 1 / √(mean(z²) + ε); the inputs of the matrices after it as `a1`, `a2`, …, but
    for the first, a0, which is z after ReLU and the mask `keep`; and c after its ReLU.
    """
    n, last = h_0.shape[0], len(w.kernels) - 1
    # Products with a transposed view are slow where rows are few: transpose once, not T times.
    joint_t, *kernels_t = (rounded(tf.transpose(k)) for k in (w.joint, *w.kernels))
    biases = [b[:, None] for b in w.biases]
    residual_scale = w.residual_scale[:, None]
    rezero_scale = None if w.rezero_scale is None else w.rezero_scale[:, None]

    def step(h, x, keep, mask):
        new = {"joined": tf.concat([h, x], 0)}
        z = new["z"] = matmul(joint_t, new["joined"])
        for k, (kernel_t, bias) in enumerate(zip(kernels_t, biases)):
            a = new[f"a{k}"] = _dropped(tf.nn.relu(z), keep if k == last else None)
            z = matmul(kernel_t, a)
            if normalize and k == 0:
                new["scale"] = _inverse_rms(new["z"])
                z *= new["scale"]
            z += bias
        c, new["o"] = z[:n], z[n:]
        if rezero_scale is not None:
            new["c"] = tf.nn.relu(c)
            c = rezero_scale * new["c"]
        h_new = residual_scale * h + c
        h_new = h_new if mask is None else tf.where(mask, h_new, h)
        del new["a0"]
        return h_new, new

    inputs = {"x": x, "keep": keep, "mask": mask}
    h_last, residuals = over_time(clock, step, h_0, inputs, compiled=True)
    return h_last, residuals | {"keep": None if w.hidden else keep}


def _backward(clock, residuals, w, d_o, d_h, mask, normalize):
    """Return gradients of `x`, `h_0` and the weights, from those of o [T, p, B] and h_T [n, B]."""
    n, last = w.residual_scale.shape[0], len(w.kernels) - 1
    summed = w.n_entries <= MOST_SUMMED and can_compile()
    recurrent = rounded(w.joint if summed else w.joint[:n])
    kernels = [rounded(k) for k in w.kernels]
    residual_scale = w.residual_scale[:, None]
    rezero_scale = None if w.rezero_scale is None else w.rezero_scale[:, None]

    def step(d_h, d_o, mask, z, scale, c, keep, joined=None, **a):
        d_new = d_h if mask is None else tf.where(mask, d_h, 0)
        d_c = d_new if rezero_scale is None else _through_relu(d_new * rezero_scale, c)
        new = {} if rezero_scale is None else {"d_new": d_new}
        d = tf.concat([d_c, d_o], 0)
        for k in reversed(range(last + 1)):
            new[f"d{k}"] = d = d * scale if normalize and k == 0 else d
            d_a = matmul(kernels[k], d)
            d = _through_relu(d_a, a[f"a{k}"]) if k else _through_relu(_dropped(d_a, keep), z)
        if normalize:
            unit = z * scale  # not scale², which float16 cannot hold where z is almost zero
            d -= unit * _mean(unit * d)
        new["d_z"] = d
        d_joined = matmul(recurrent, d)
        d_old = d_joined[:n] + residual_scale * d_new
        d_old = d_old if mask is None else tf.where(mask, d_old, d_h)
        return (d_old, {"d_x": d_joined[n:]}, new) if summed else (d_old, new)

    inputs = {"d_o": d_o, "mask": mask}
    inputs |= {name: residuals.get(name) for name in ("z", "scale", "c", "keep")}
    inputs |= {f"a{k}": residuals[f"a{k}"] for k in range(1, last + 1)}
    if summed:
        inputs |= {"joined": residuals["joined"]}
        sums = Sums(lambda block: _of_block(block, w), [tf.zeros_like(_wide(v)) for v in w.flat()])
        d_h_0, by_step, totals = over_time(clock, step, d_h, inputs, True, compiled=True, sums=sums)
        return [by_step["d_x"], d_h_0, *(tf.cast(t, d_h.dtype) for t in totals)]
    d_h_0, by_step = over_time(clock, step, d_h, inputs, backwards=True, compiled=True)
    d_x = matmul(w.joint[n:], by_step["d_z"])
    return [d_x, d_h_0, *_weight_gradients(clock, residuals | by_step, w)]


def _of_block(arrays, w):
    """Return a block's part of the weights' gradients, from its arrays [features, steps · B]."""
    arrays = _with_a0(arrays)
    return [_product(arrays["joined"], arrays["d_z"]), *_after_joint(arrays, w)]


def _weight_gradients(clock, arrays, w):
    """Compute all gradients, that of W^j first: its arrays need not stay with the rest."""
    first = {"joined": arrays["joined"], "d_z": arrays.pop("d_z")}
    joint = _over_parts(clock, first, lambda part: [_product(part["joined"], part["d_z"])])
    with tf.control_dependencies(joint):
        return joint + _over_parts(clock, arrays, lambda part: _after_joint(part, w))


def _over_parts(clock, arrays, gradients_of):
    """Return sums of what the function makes of a part of the steps, [features, steps · B]."""
    n_steps, total = tf.shape(clock)[0], None
    for k in range(PARTS):
        steps = slice(k * n_steps // PARTS, (k + 1) * n_steps // PARTS)
        with tf.control_dependencies(total or []):  # one part after another, not all at once
            part = _with_a0({name: a[steps] for name, a in arrays.items() if a is not None})
        gradients = gradients_of({name: features_first(a) for name, a in part.items()})
        total = gradients if total is None else [a + b for a, b in zip(total, gradients)]
    return total


def _with_a0(arrays):
    """Replace z and the mask by the first matrix's input, which they make."""
    others = {name: a for name, a in arrays.items() if name not in ("z", "keep")}
    if "z" not in arrays:
        return others
    return others | {"a0": _dropped(tf.nn.relu(arrays["z"]), arrays.get("keep"))}


def _after_joint(wide, w):
    """Compute all gradients but that of W^j: each one product, or sum, over the steps."""
    n, last = w.residual_scale.shape[0], len(w.kernels) - 1
    h = wide["joined"][:n]
    scales = [wide.get("scale"), *[None] * last]
    kernels = [_product(wide[f"a{k}"], wide[f"d{k}"]) for k in range(last + 1)]
    biases = [_sum(wide[f"d{k}"], scale) for k, scale in enumerate(scales)]
    if w.rezero_scale is None:  # then d of the last matrix begins with the state's gradient
        residual_scale, rezero_scale = _sum(h * wide[f"d{last}"][:n], scales[last]), None
    else:
        residual_scale, rezero_scale = _sum(h * wide["d_new"]), _sum(wide["d_new"] * wide["c"])
    gradients = ScanWeights(
        joint=None,
        candidate=kernels[last],
        bias=biases[last],
        residual_scale=residual_scale,
        rezero_scale=rezero_scale,
        hidden=tuple(g for pair in zip(kernels[:last], biases[:last]) for g in pair),
    )
    return gradients.flat()


def _product(a, b):
    """Sum a bᵀ over steps and examples."""
    return matmul(a, b, transpose_b=True)


def _sum(a, scale=None):
    """Sum [features, T · B] over steps and examples, without the factor that it contains."""
    wide = _wide(a)
    once = tf.ones_like(wide[:1]) if scale is None else 1 / tf.reshape(_wide(scale), [1, -1])
    return tf.cast(tf.matmul(wide, once, transpose_b=True)[:, 0], a.dtype)


def _through_relu(gradient, feature):
    """Return the gradient where the feature (before or after ReLU) is positive, else zero."""
    return tf.raw_ops.ReluGrad(gradients=gradient, features=feature)


def _dropped(a, keep):
    return a if keep is None else a * tf.cast(keep, a.dtype)


def _inverse_rms(z):
    """Return 1 / √(mean(z²) + ε) of each example, [1, B]."""
    mean_square = tf.reduce_mean(tf.square(_wide(z)), 0, keepdims=True)
    return tf.cast(tf.math.rsqrt(mean_square + NORM_EPSILON), z.dtype)


def _mean(a):
    return tf.cast(tf.reduce_mean(_wide(a), 0, keepdims=True), a.dtype)


def _wide(a):
    """Cast to float32 at least, as the cell does: sums in half precision lose digits."""
    return a if a.dtype in (tf.float32, tf.float64) else tf.cast(a, tf.float32)
