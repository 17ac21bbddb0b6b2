"""A loop over time steps, unrolled a little: TensorFlow's own work per step is worth saving.

On a processor XLA compiles the unrolled steps: one call instead of some two hundred operations,
elementwise passes in one, and a product that is faster than TensorFlow's where rows are few and
weights wide. It compiles a few steps only, not the loop: that takes a second or two whatever the
number of time steps, and batches of another length need no compiling anew.
"""

import tensorflow as tf

UNROLL = 8  # steps an iteration; beyond that, nothing more was gained


def over_time(clock, step, state, inputs, kept, backwards=False):
    """Runs a step function along the first axis of its inputs.

    The graph holds `UNROLL` + 1 copies of the step, whatever the number of time steps, which
    need not be known. Not differentiable: for use inside `tf.custom_gradient`.

    Args:
        clock: tensor [T, ...], whose shape is known when XLA compiles. What a loop kept is not
            such a tensor; a slice of the layer's input is.
        step: called as `step(state, **inputs_t)`, returns the new state and a dictionary of
            tensors to be kept.
        state: tensor, before the first step that is run.
        inputs: dictionary of tensors [T, ...], of which each step gets its slices; entries
            that are None reach the step as None.
        kept: names of the entries of the step's dictionary to be returned.
        backwards: bool, whether to run from the last step to the first.

    Returns:
        `(state, kept)`: the last state, and a dictionary of tensors [T, ...], by time step.
    """
    n_steps = tf.shape(clock)[0]
    sliced = {n: _padded(x, UNROLL - n_steps) for n, x in inputs.items() if x is not None}
    absent, shapes = dict.fromkeys(inputs.keys() - sliced.keys()), {}

    def block(size):
        order = reversed(range(size)) if backwards else range(size)
        order = tuple(order)

        def steps(state, blocks):
            rows = []
            for k in order:
                inputs_t = {name: x[k] for name, x in blocks.items()}
                state, new = step(state, **inputs_t, **absent)
                rows.append([new[name] for name in kept])
            return state, rows

        if size == UNROLL and _compiles():
            steps = tf.function(steps, jit_compile=True, autograph=False)

        def run(done, state, arrays):
            start = n_steps - done - size if backwards else done
            blocks = {name: _steps(x, start, size) for name, x in sliced.items()}
            state, rows = steps(state, blocks)
            for k, row in zip(order, rows):
                arrays = [a.write(start + k, r) for a, r in zip(arrays, row)]
                shapes.update({name: [None, *r.shape] for name, r in zip(kept, row)})
            return done + size, state, arrays

        return run

    arrays = [tf.TensorArray(state.dtype, n_steps) for _ in kept]
    carried = (0, state, arrays)
    whole = n_steps - n_steps % UNROLL
    for size, end in ((UNROLL, whole), (1, n_steps)):
        carried = tf.while_loop(
            lambda done, *_, end=end: done < end,
            block(size),
            carried,
            maximum_iterations=n_steps,
        )
    _, state, arrays = carried
    return state, {n: tf.ensure_shape(a.stack(), shapes[n]) for a, n in zip(arrays, kept)}


def _compiles():
    """Not on a GPU, where it is not measured; not eagerly, where each call would compile anew."""
    return not tf.executing_eagerly() and not tf.config.list_physical_devices("GPU")


def _steps(x, start, size):
    """x[start : start + size], a view of `x`, no copy."""
    shape = tf.shape(x)
    # tf.slice, because XLA must know the size of a slice, whose start it does not know.
    begin = tf.concat([[start], tf.zeros_like(shape[1:])], 0)
    block = tf.slice(x, begin, tf.concat([[size], shape[1:]], 0))
    return tf.ensure_shape(block, [size, *x.shape[1:]])


def _padded(x, n_more):
    """`x` with some more steps, if the number is positive; else itself, uncopied.

    XLA compiles the unrolled loop for sequences that are too short for it, too.
    """
    paddings = tf.scatter_nd([[0, 1]], [tf.maximum(n_more, 0)], [x.shape.rank, 2])
    return tf.ensure_shape(tf.pad(x, paddings), [None, *x.shape[1:]])
