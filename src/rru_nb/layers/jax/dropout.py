"""Dropout masks for all time steps at once, from sixteen random bits an entry."""

import jax

from ...cells._dropout import kept_levels


def draw_mask(shape, rate, seed_generator):
    """Draw a mask: bool of the given shape, False for what is dropped."""
    bits = jax.random.bits(seed_generator.next(), tuple(shape), "uint16")
    return bits <= kept_levels(rate) - 1
