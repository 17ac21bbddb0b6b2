"""Two halves of a batch side by side: small operations keep one core busy, and there are more."""

import os

import tensorflow as tf

# Weights of so many entries, 1 MiB in float32, stay in the cache of each core. Wider ones would be
# read twice as often for half as many examples each time.
MOST_ENTRIES = 1 << 18


def worth_splitting(n_entries):
    """Return whether halves are faster than the whole, for weights of so many entries.

    Of two processes on two cores, each bound to one (`taskset`), neither splits its batches.
    """
    return n_entries <= MOST_ENTRIES and _cores() > 1 and not tf.config.list_physical_devices("GPU")


def _cores():
    """Count the cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_halves(scan, *arrays):
    """Run a function on both halves of a batch; TensorFlow then runs the two side by side.

    It gets half of each array [..., B], or None, and returns a tuple of tensors [..., half of B].
    """
    batch = arrays[0].shape[-1]
    batch = tf.shape(arrays[0])[-1] if batch is None else batch
    if isinstance(batch, int) and batch < 2:
        return scan(*arrays)
    sizes = [batch - batch // 2, batch // 2]
    halves = zip(*([None] * 2 if a is None else tf.split(a, sizes, -1) for a in arrays))
    return tuple(tf.concat(parts, -1) for parts in zip(*(scan(*half) for half in halves)))
