"""The GRU as one loop over time, the inputs' products before it."""

import jax
import jax.numpy as jnp

from .products import matmul
from .scan import biased, cast_to, scan


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    gates, gate_bias, candidate, candidate_bias = cast_to(
        x, [cell.gate_kernel, cell.gate_bias, cell.candidate_kernel, cell.candidate_bias]
    )
    m = x.shape[-1]

    def step(product, drop, states, *_):
        (h,) = states
        r, u = jnp.split(jax.nn.sigmoid(product(0, h)), 2, axis=-1)
        c = drop(jnp.tanh(product(1, r * h)))
        h = u * h + (1 - u) * c
        return [h], h

    kernels = [gates[m:], candidate[m:]]
    summands = [
        biased(matmul(x, gates[:m]), gate_bias),
        biased(matmul(x, candidate[:m]), candidate_bias),
    ]
    return scan(cell, step, kernels, summands, states, keep, mask)
