"""Matrix products of the fused loops, in the type that `layers.products` says."""

import jax
import jax.numpy as jnp

from ..products import product_dtype


def matmul(a, kernel):
    """Multiply [..., m] by [m, n], both rounded; sums, and what comes of it, are float32.

    The two products of its gradient are rounded in the same way. JAX's own would multiply the
    rounded factors by a float32 gradient, as slow as without rounding.
    """
    dtype = product_dtype()
    if dtype is None or a.dtype != jnp.float32:
        return a @ kernel
    return _rounded(dtype, a, kernel)


def kernel_gradient(a, d):
    """Return the gradient of W in outputs = a W, over all axes but the last."""
    a, d = (x.reshape(-1, x.shape[-1]) for x in (a, d))
    return matmul(a.T, d)


def _rounded(dtype, a, kernel):
    def product(a, b):
        return jnp.matmul(a.astype(dtype), b.astype(dtype), preferred_element_type=a.dtype)

    @jax.custom_vjp
    def multiply(a, kernel):
        return product(a, kernel)

    def forward(a, kernel):
        return multiply(a, kernel), (a, kernel)

    def backward(factors, d):
        a, kernel = factors
        rows, d_rows = a.reshape(-1, a.shape[-1]), d.reshape(-1, d.shape[-1])
        return product(d, kernel.T), product(rows.T, d_rows)

    multiply.defvjp(forward, backward)
    return multiply(a, kernel)
