"""A loop over time whose weight gradients are single products after the loop.

JAX's own gradient of a `lax.scan` adds to the gradient of every weight at every step: it reads
and writes as much memory as all weights take, once a step. But the gradient of a product a W is
Σ aᵀ d over all steps, d being the gradient of its result; so the backward loop has to carry the
gradients of the states alone. JAX writes that loop: the weights are constants to it, and each
product has a summand, whose gradient is d.
"""

import functools

import jax
import jax.numpy as jnp

from ...cells._dropout import scale as dropout_scale
from .products import kernel_gradient, matmul


def scan(cell, step, kernels, summands, states, keep, mask, inputs=None, others=()):
    """Run a step function along the first axis of its inputs.

    Args:
        cell: the cell, for its dropout rate.
        step: called as `step(product, drop, states, inputs_t, others)`; returns the new states
            and its output, [B, features]. `product(k, a)` is a W_k + s_k, with W_k of `kernels`
            and s_k of `summands`; each k once a step, in any order. `drop(a)` is a after dropout.
            It must close over nothing that has a gradient.
        kernels: list of W_k, [rows, columns].
        summands: list of s_k, [T, B, columns], [columns], or None for zeros.
        states: list of [B, n], before the first step.
        keep: dropout masks, bool [T, B, features], or None.
        mask: bool [T, B], False where the states stand still, or None.
        inputs: [T, B, m] or None.
        others: tuple of other arrays that have gradients, few and small: each step adds to theirs.

    Returns:
        `(outputs, states)`: the outputs of all steps, [T, B, features], and the last states.
    """
    sequences = [s for s in (*summands, inputs) if s is not None and s.ndim == 3]
    shape, dtype = sequences[0].shape[:2], states[0].dtype
    summands = [
        jnp.broadcast_to(
            jnp.zeros([], dtype) if s is None else s, (*shape, kernel.shape[1])
        ).astype(dtype)
        for s, kernel in zip(summands, kernels)
    ]

    factor = dropout_scale(cell.dropout)

    def loop(kernels, given, summands, states, inputs, others):
        def body(states, at_step):
            (keep, mask), summands, inputs = at_step
            factors = [None] * len(kernels)

            def product(k, a):
                factors[k] = a
                return matmul(a, kernels[k]) + summands[k]

            def drop(a):
                return a if keep is None else jnp.where(keep, a * factor, 0)

            new, outputs = step(product, drop, states, inputs, others)
            if mask is not None:
                new = [jnp.where(mask[:, None], n, old) for n, old in zip(new, states)]
            return list(new), (outputs, factors)

        states, (outputs, factors) = jax.lax.scan(body, states, (given, summands, inputs))
        return (outputs, states), factors

    @jax.custom_vjp
    def run(*arguments):
        return loop(*arguments)[0]

    def forward(kernels, given, *differentiable):
        of_the_rest = functools.partial(loop, kernels, given)
        results, pullback, factors = jax.vjp(of_the_rest, *differentiable, has_aux=True)
        return results, (pullback, factors)

    def backward(residuals, gradients):
        pullback, factors = residuals
        d_summands, *d_rest = pullback(gradients)
        d_kernels = [kernel_gradient(a, d) for a, d in zip(factors, d_summands)]
        return d_kernels, None, d_summands, *d_rest

    run.defvjp(forward, backward)
    return run(list(kernels), (keep, mask), summands, list(states), inputs, others)


def cast_to(x, weights):
    """Cast matrices to the dtype of x; vectors, whose gradients are sums, to float32 at least."""
    wide = jnp.promote_types(x.dtype, "float32")
    return [jnp.asarray(w).astype(x.dtype if jnp.ndim(w) > 1 else wide) for w in weights]


def biased(y, bias):
    """Add a bias, whose gradient then sums in its own dtype."""
    return (y + bias).astype(y.dtype)
