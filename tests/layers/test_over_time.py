"""The unrolled loop over time steps, against a Python loop."""

import numpy as np
import pytest
import tensorflow as tf

from rru_nb.layers.tensorflow.over_time import UNROLL, Sums, over_time

pytestmark = pytest.mark.usefixtures("real_graphs")


def decaying_sum(state, x, y):
    state = 0.5 * state + x
    return state, {"sum": state, "x": x if y is None else x * y}


def expected(x, y, backwards):
    state, sums = np.zeros(2), np.zeros_like(x)
    for t in reversed(range(len(x))) if backwards else range(len(x)):
        state = sums[t] = 0.5 * state + x[t]
    return state, {"sum": sums, "x": x if y is None else x * y}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("with_y, compiled", [(False, False), (True, False), (True, True)])
def test_every_length_in_one_graph(backwards, with_y, compiled):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float64)])
    def run(x):
        inputs = {"x": x, "y": x + 1 if with_y else None}
        start = tf.zeros(2, tf.float64)
        state, kept = over_time(x, decaying_sum, start, inputs, backwards, compiled)
        assert all(a.shape.as_list() == [None, 2] for a in kept.values()), "known in the graph"
        return state, kept

    for steps in (1, 2, UNROLL - 1, UNROLL, UNROLL + 1, 2 * UNROLL, 3 * UNROLL - 1):
        x = np.random.default_rng(steps).normal(size=(steps, 2))
        state, kept = run(x)
        wanted_state, wanted = expected(x, x + 1 if with_y else None, backwards)
        np.testing.assert_allclose(state, wanted_state, rtol=1e-14)
        assert kept.keys() == wanted.keys()
        for name in kept:
            np.testing.assert_allclose(kept[name], wanted[name], rtol=1e-14)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_sums_over_steps_of_inputs_and_of_what_steps_pass(backwards, compiled):
    """Σ_t x_t s_tᵀ, as a weight's gradient is, where the inputs are [features, B] at each step."""

    def step(state, x, y):
        state = 0.5 * state + x
        return state, {"sum": state}, {"s": 2 * state}

    @tf.function(input_signature=[tf.TensorSpec([None, 3, 2], tf.float32)])
    def run(x):
        sums = Sums(
            lambda wide: [tf.matmul(wide["x"], wide["s"], transpose_b=True)],
            [tf.zeros([3, 3], tf.float64)],  # the sums are in their own type
        )
        start = tf.zeros([3, 2])
        return over_time(x, step, start, {"x": x, "y": None}, backwards, compiled, sums)

    for steps in (1, UNROLL - 1, UNROLL, 2 * UNROLL + 3):
        x = np.random.default_rng(steps).normal(size=(steps, 3, 2)).astype(np.float32)
        _, kept, (total,) = run(x)
        passed = 2 * kept["sum"].numpy()
        assert total.dtype == tf.float64
        np.testing.assert_allclose(total, np.einsum("tib,tjb->ij", x, passed), rtol=1e-5, atol=1e-5)


def test_the_graph_does_not_grow_with_the_number_of_steps():
    def nodes(steps):
        run = tf.function(
            lambda x: over_time(x, decaying_sum, x[0], {"x": x, "y": None}),
            input_signature=[tf.TensorSpec([steps, 2])],
        )
        graph = run.get_concrete_function().graph.as_graph_def()
        return len(graph.node) + sum(len(f.node_def) for f in graph.library.function)

    assert nodes(500) == nodes(100)
