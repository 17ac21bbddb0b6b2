"""The matrix products of one RRU training step and nothing else: the floor."""

import math

import numpy as np
import tensorflow as tf
from measure import hidden_size

UNROLL = 8  # steps at most that XLA compiles at a time, as in the fused layer


def bare_products(size, compiled=False):
    """A function of no arguments that multiplies what a training step must multiply.

    Forward: W^x x and W^o d over all steps, W^h h and W^c d step by step. Backward: the
    gradient of d over all steps, the state's chain step by step, four weight gradients over
    all steps. Matrices lie as is best for a product: features first within a step, because
    the weights as the left operand are the faster way at few rows; transposed where they are
    needed transposed. Each step depends on the one before. Unlike a training step's, the two
    chains do not depend on one another, and TensorFlow may run them side by side.

    Args:
        size: an entry of `SIZES`. compiled: bool, whether XLA compiles the steps' products, some
            steps at a time.
    """
    rng = np.random.default_rng(0)
    T, B, m, n, p, g = (*(size[k] for k in "TBmnp"), hidden_size(size))

    def random(rows, columns):
        scale = 1 / np.sqrt(columns)  # products of products neither vanish nor blow up
        return tf.constant(rng.normal(size=(rows, columns)) * scale, tf.float32)

    x, d, h, o = (random(T * B, features) for features in (m, g, n, p))
    w_x, w_h, w_c, w_o = random(m, g), random(n, g), random(g, n), random(g, p)
    w_h_t, w_c_t, w_o_t = random(g, n), random(n, g), random(p, g)
    start = random(n, B)
    unroll = math.gcd(T, UNROLL) if compiled else 1

    @tf.function
    def step(x, d, h, o, start):
        def chain(first, second):
            def steps(first, second, state):
                for _ in range(unroll):
                    state = second @ (first @ state)
                return state

            if compiled:
                steps = tf.function(steps, jit_compile=True, autograph=False)
            return tf.while_loop(
                lambda t, _: t < T,
                lambda t, state: (t + unroll, steps(first, second, state)),
                (0, start),
            )[1]

        over_all_steps = [x @ w_x, d @ w_o, o @ w_o_t]
        gradients = [tf.matmul(a, b, transpose_a=True) for a, b in ((x, d), (h, d), (d, h), (d, o))]
        results = [*over_all_steps, *gradients, chain(w_h_t, w_c_t), chain(w_c, w_h)]
        return tf.add_n([r[0, 0] for r in results])

    return lambda: float(step(x, d, h, o, start))


def large_product(features=2048):
    """A function of no arguments that multiplies two square matrices, and its operations."""
    a = tf.constant(np.random.default_rng(0).normal(size=(features, features)), tf.float32)
    product = tf.function(lambda: (a @ a)[0, 0])
    return lambda: float(product()), 2 * features**3


def flops(size):
    """Floating-point operations of those products."""
    T, B, m, n, p, g = (*(size[k] for k in "TBmnp"), hidden_size(size))
    return 2 * T * B * g * (2 * m + 3 * n + 3 * n + 3 * p)
