"""In which type the recurrent layers multiply matrices: the setting `precision` of a run.

In bfloat16, both factors of a product are rounded to seven bits of mantissa. Everything else stays
in float32: states, sums, normalization, gates, losses and the optimizer, and the products of the
layers before and after the recurrent ones.
"""

from contextlib import contextmanager
from contextvars import ContextVar

_DTYPE = ContextVar("dtype of products", default=None)


def product_dtype():
    """Return the name of the type that factors are rounded to, or None where they are not."""
    return _DTYPE.get()


@contextmanager
def products_in(dtype):
    """Round the factors of products to a type, in all that is traced meanwhile; None: do not."""
    token = _DTYPE.set(dtype)
    try:
        yield
    finally:
        _DTYPE.reset(token)
