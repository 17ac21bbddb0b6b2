"""The LSTM as one loop over time, the input's product before it."""

import jax
import jax.numpy as jnp

from ...cells._dropout import scale as dropout_scale
from .products import matmul
from .scan import cast_to, scan


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    kernel, bias = cast_to(x, [cell.kernel, cell.bias])
    m, factor, forget_bias = x.shape[-1], dropout_scale(cell.dropout), cell.forget_bias

    def step(product, states, keep, *_):
        h, c = states
        i, j, f, o = jnp.split(product(0, h), 4, axis=-1)
        j = jnp.tanh(j)
        j = j if keep is None else jnp.where(keep, j * factor, 0)
        c = c * jax.nn.sigmoid(f + forget_bias) + jax.nn.sigmoid(i) * j
        h = jnp.tanh(c) * jax.nn.sigmoid(o)
        return [h, c], h

    summands = [matmul(x, kernel[:m]) + bias]
    return scan(step, [kernel[m:]], summands, states, keep, mask)
