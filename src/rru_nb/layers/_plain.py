"""The cell step by step, for backends whose `keras.layers.RNN` can't serve.

With a mask, Keras' loop on JAX takes the state for the output of the step before, and that on
PyTorch outputs of the state's size alone (Keras 3.15); the RRU's output is one of its own. On
TensorFlow it is `keras.ops.scan` that wants this.
"""

from keras import ops

from ..cells._dropout import Step


def loop(cell, x, states, keep, mask, training=False, unroll=False):
    """Run all steps, in one graph of single steps if `unroll`; see `layers._recurrent`."""
    names = [name for name, a in (("keep", keep), ("mask", mask)) if a is not None]
    arrays = [a for a in (keep, mask) if a is not None]

    def step(states, at_step):
        x, *given = at_step
        given = dict(zip(names, given))
        inputs = Step(x, given["keep"]) if "keep" in given else x
        output, new = cell(inputs, states, training=training)
        if "mask" in given:
            counts = given["mask"][:, None]
            new = [ops.where(counts, n, old) for n, old in zip(new, states)]
        return list(new), output

    states, outputs = ops.scan(step, list(states), [x, *arrays], unroll=unroll)
    return outputs, states
