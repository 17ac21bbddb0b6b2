"""The LSTM as one loop over time, the input's product before it."""

import jax
import jax.numpy as jnp

from .products import matmul
from .scan import biased, cast_to, scan


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    kernel, bias = cast_to(x, [cell.kernel, cell.bias])
    m, forget_bias = x.shape[-1], cell.forget_bias

    def step(product, drop, states, *_):
        h, c = states
        i, j, f, o = jnp.split(product(0, h), 4, axis=-1)
        j = drop(jnp.tanh(j))
        c = c * jax.nn.sigmoid(f + forget_bias) + jax.nn.sigmoid(i) * j
        h = jnp.tanh(c) * jax.nn.sigmoid(o)
        return [h, c], h

    summands = [biased(matmul(x, kernel[:m]), bias)]
    return scan(cell, step, [kernel[m:]], summands, states, keep, mask)
