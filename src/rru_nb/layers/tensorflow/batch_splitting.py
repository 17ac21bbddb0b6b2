"""Two halves of a batch side by side: small operations keep one core busy, and there are more."""

import tensorflow as tf

from ..backend import cores

# Weights of so many entries, 16 MiB in float32, stay in a cache. Wider ones would be read twice as
# often for half as many examples each time.
MOST_ENTRIES = 1 << 22


def worth_splitting(n_entries):
    """Return whether halves are faster than the whole, for weights of so many entries.

    Eagerly, one operation runs after another. Of two processes on two cores, each bound to one
    (`taskset`), neither splits its batches.
    """
    several = cores() > 1 and not tf.executing_eagerly()
    return several and n_entries <= MOST_ENTRIES and not tf.config.get_visible_devices("GPU")


def run_in_halves(scan, *arrays, axis=-1):
    """Run a function on both halves of a batch; TensorFlow then runs the two side by side.

    It gets half of each array, or None, and returns a tuple of tensors. Examples lie along one
    axis of all of them, which counts from the last.
    """
    batch = arrays[0].shape[axis]
    batch = tf.shape(arrays[0])[axis] if batch is None else batch
    if isinstance(batch, int) and batch < 2:
        return scan(*arrays)
    # Halves of equal shape share one graph, and what XLA compiles of it.
    scan = tf.function(scan, autograph=False)
    sizes = [batch - batch // 2, batch // 2]
    halves = zip(*([None] * 2 if a is None else tf.split(a, sizes, axis) for a in arrays))
    return tuple(tf.concat(parts, axis) for parts in zip(*(scan(*half) for half in halves)))
