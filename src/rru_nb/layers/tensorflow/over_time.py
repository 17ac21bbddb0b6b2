"""A loop over time steps, unrolled a little: TensorFlow's own work per step is worth saving.

On a processor XLA can compile the unrolled steps: one call instead of some two hundred operations,
elementwise passes in one, and a product that is faster than TensorFlow's for weights of thousands
of features times a few examples. It compiles a few steps only, not the loop: that takes a second
or two whatever the number of time steps, and batches of another length need no compiling anew.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ..products import product_dtype

UNROLL = 8  # steps an iteration; beyond that, nothing more was gained


def over_time(clock, step, states, inputs, backwards=False, compiled=False, sums=None):
    """Run a step function along the first axis of its inputs.

    The graph holds `UNROLL` + 2 copies of the step, whatever the number of time steps, which
    need not be known. For use inside `tf.custom_gradient`: TensorFlow's own gradient of the loop
    is right, but keeps all that a step computes.

    Args:
        clock: tensor [T, ...], whose shape is known when XLA compiles. What a loop kept is not
            such a tensor; a slice of the layer's input is.
        step: called as `step(states, **inputs_t)`, returns the new states and a dictionary of
            what is to be kept: tensors, or lists of them.
        states: a tensor or a tuple of tensors, before the first step that is run.
        inputs: dictionary of tensors [T, ...], or lists of them, of which each step gets its
            slices; None reaches the step as None.
        backwards: bool, whether to run from the last step to the first.
        compiled: bool, whether XLA compiles blocks of steps where it can.
        sums: `Sums`, or None. With it, the step returns a third value, a dictionary of tensors
            [features, B] that only the sums need; they are not kept.

    Returns:
        `(states, residuals)`: the last states, and what was kept as tensors [T, ...], by time step.
        With `sums`, `(states, residuals, totals)`.
    """
    n_steps = tf.shape(clock)[0]
    flat = [None if x is None else _padded(x, UNROLL - n_steps) for x in tf.nest.flatten(inputs)]

    def step_of(states, blocks, k):
        slices = [None if x is None else x[k] for x in blocks]
        return step(states, **tf.nest.pack_sequence_as(inputs, slices))

    def block(size):
        def steps(states, totals, blocks):
            """Return the new states and totals, and what each step keeps, flat, by time."""
            rows, passing = [None] * size, [None] * size
            for k in reversed(range(size)) if backwards else range(size):
                states, residuals, *more = step_of(states, blocks, k)
                rows[k], passing[k] = tf.nest.flatten(residuals), more
            if sums:
                arrays = tf.nest.pack_sequence_as(inputs, blocks)
                totals = sums.with_block(totals, arrays, [more for (more,) in passing])
            return states, totals, rows

        if size == UNROLL and compiled and can_compile():
            steps = tf.function(steps, jit_compile=True, autograph=False)

        def run(done, states, totals, arrays):
            start = n_steps - done - size if backwards else done
            states, totals, rows = steps(states, totals, [_slice(x, start, size) for x in flat])
            for k, row in enumerate(rows):
                arrays = [a.write(start + k, x) for a, x in zip(arrays, row)]
            return done + size, states, totals, arrays

        return run

    residuals = step_of(states, flat, 0)[1]  # for the shapes alone; a graph leaves it out
    arrays = [
        tf.TensorArray(x.dtype, n_steps, element_shape=x.shape) for x in tf.nest.flatten(residuals)
    ]
    carried = (0, states, sums.zeros if sums else [], arrays)
    in_blocks = n_steps - n_steps % UNROLL
    for size, end in ((UNROLL, in_blocks), (1, n_steps)):
        carried = tf.while_loop(
            lambda done, *_, end=end: done < end,
            block(size),
            carried,
            maximum_iterations=n_steps,
        )
    _, states, totals, arrays = carried
    residuals = tf.nest.pack_sequence_as(residuals, [a.stack() for a in arrays])
    return (states, residuals, totals) if sums else (states, residuals)


class Sums(NamedTuple):
    """Sums over all time steps and examples, of which each block of steps adds its part.

    What a block works with is in a core's cache while it runs; a product over all steps after the
    loop fetches everything once more, and turns it features first. In the loop, weights that are
    much larger than a block's features are not worth their additions.

    Attributes:
        of: called with a dictionary of tensors [features, steps · B], the inputs of a block and
            what its steps passed; returns the block's part of each sum, a list of tensors.
        zeros: tensors like the sums, in the type in which to add.
    """

    of: Callable
    zeros: list

    def with_block(self, totals, inputs, passing):
        """Add the part of one block: its inputs [steps, ...], and a dictionary a step."""
        # Steps side by side are features first as well, and XLA copies rows faster than it turns
        # axes: a tenth of the pixel task's step.
        blocks = {name: tf.unstack(x) for name, x in inputs.items() if x is not None}
        blocks |= {name: [step[name] for step in passing] for name in passing[0]}
        wide = {name: tf.concat(steps, -1) for name, steps in blocks.items()}
        return [t + tf.cast(part, t.dtype) for t, part in zip(totals, self.of(wide))]


def features_first(a):
    """Return [T, features, B] as [features, T · B], so that a sum over steps is one product."""
    return tf.reshape(tf.transpose(a, [1, 0, 2]), [a.shape[1], -1])


def can_compile():
    """Say whether XLA may compile: not eagerly (each call anew), not on a GPU (not measured).

    Nor where products are rounded: XLA multiplies bfloat16 on a processor as slowly as float32.
    Elsewhere than on Linux, TensorFlow may come without XLA for processors.
    """
    on_processor = sys.platform == "linux" and not tf.config.get_visible_devices("GPU")
    return on_processor and not product_dtype() and not tf.executing_eagerly()


def _slice(x, start, size):
    """Return x[start : start + size], a view of `x`, no copy; None of None."""
    if x is None:
        return None
    shape = tf.shape(x)
    # tf.slice, because XLA must know the size of a slice, whose start it does not know.
    begin = tf.concat([[start], tf.zeros_like(shape[1:])], 0)
    block = tf.slice(x, begin, tf.concat([[size], shape[1:]], 0))
    return tf.ensure_shape(block, [size, *x.shape[1:]])


def _padded(x, n_more):
    """Return `x` with some more steps, if the number is positive; else itself, uncopied.

    XLA compiles the unrolled loop for sequences that are too short for it, too.
    """
    paddings = tf.scatter_nd([[0, 1]], [tf.maximum(n_more, 0)], [x.shape.rank, 2])
    return tf.ensure_shape(tf.pad(x, paddings), [None, *x.shape[1:]])
