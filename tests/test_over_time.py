"""The unrolled loop over time steps, against a Python loop."""

import numpy as np
import pytest
import tensorflow as tf

from rru_nb.layers.over_time import UNROLL, over_time


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


def test_the_graph_does_not_grow_with_the_number_of_steps():
    def nodes(steps):
        run = tf.function(
            lambda x: over_time(x, decaying_sum, x[0], {"x": x, "y": None}),
            input_signature=[tf.TensorSpec([steps, 2])],
        )
        graph = run.get_concrete_function().graph.as_graph_def()
        return len(graph.node) + sum(len(f.node_def) for f in graph.library.function)

    assert nodes(500) == nodes(100)
