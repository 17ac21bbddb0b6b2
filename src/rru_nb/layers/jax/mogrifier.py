"""The Mogrifier LSTM as one loop over time."""

import jax
import jax.numpy as jnp

from .scan import cast_to, scan


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    biases = [cell.candidate_bias, cell.output_gate_bias]
    biases += [cell.forget_gate_bias, cell.input_gate_bias]
    kernel, bias = cast_to(x, [cell.kernel, jnp.concatenate([jnp.asarray(b) for b in biases])])
    rounds = zip(cell.round_factors_a, cell.round_factors_b, cell.round_biases)
    rounds = [cast_to(x, weights) for weights in rounds]

    def step(product, drop, states, x, _):
        h, c = states
        for k in range(len(rounds)):
            gate = 2 * jax.nn.sigmoid(product(2 * k + 1, product(2 * k, x if k % 2 else h)))
            x, h = (x, h * gate) if k % 2 else (x * gate, h)
        z = product(2 * len(rounds), jnp.concatenate([x, h], axis=-1))
        j, o, f, i = jnp.split(z, 4, axis=-1)
        j = drop(jnp.tanh(j))
        f = jax.nn.sigmoid(f)
        c = f * c + jnp.minimum(1 - f, jax.nn.sigmoid(i)) * j
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return [h, c], h

    kernels = [w for a, b, _ in rounds for w in (a, b)] + [kernel]
    summands = [s for *_, d in rounds for s in (None, d)] + [bias]
    return scan(cell, step, kernels, summands, states, keep, mask, inputs=x)
