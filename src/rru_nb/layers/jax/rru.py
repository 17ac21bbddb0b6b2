"""The RRU as one loop over time: the input's product before it, the output's after it."""

import jax
import jax.numpy as jnp

from ...cells.rru import NORM_EPSILON
from .products import matmul
from .scan import biased, cast_to, scan


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    wx, wh, bias, wc, bias_c, wo, bias_o, residual, rezero = cast_to(
        x,
        [
            *(cell.kernel, cell.recurrent_kernel, cell.bias),
            *(cell.candidate_kernel, cell.candidate_bias),
            *(cell.output_kernel, cell.output_bias),
            *(cell.residual_scale(), cell.rezero_scale),
        ],
    )
    hidden, hidden_biases = cast_to(x, cell.hidden_kernels), cast_to(x, cell.hidden_biases)
    relu_outputs = cell.relu_outputs
    normalize = _normalized if cell.normalize else lambda z: z

    def step(product, drop, states, _, others):
        (h,), (residual, rezero) = states, others
        j = jax.nn.relu(normalize(product(0, h)))  # (1)
        for k in range(1, 1 + len(hidden)):
            j = jax.nn.relu(product(k, j))  # (2)
        d = drop(j)  # (3)
        c = product(1 + len(hidden), d)  # (4)
        c = jax.nn.relu(c) if relu_outputs else c
        return [residual.astype(h.dtype) * h + rezero.astype(h.dtype) * c], d  # (5)

    kernels, summands = [wh, *hidden, wc], [biased(matmul(x, wx), bias), *hidden_biases, bias_c]
    d, states = scan(cell, step, kernels, summands, states, keep, mask, others=(residual, rezero))
    o = biased(matmul(d, wo), bias_o)  # (6)
    return jax.nn.relu(o) if relu_outputs else o, states


def _normalized(z):
    wide = z.astype(jnp.promote_types(z.dtype, "float32"))  # as in the cell
    mean_square = jnp.mean(jnp.square(wide), axis=-1, keepdims=True)
    return z * jax.lax.rsqrt(mean_square + NORM_EPSILON).astype(z.dtype)
