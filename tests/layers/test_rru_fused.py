"""The fused RRU gives what the cell gives, step by step: outputs, states, every gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_cases import use_masks

from rru_nb import RRU
from rru_nb.cells._dropout import Step
from rru_nb.layers.tensorflow import batch_splitting, over_time, rru

UNROLL = 3  # steps of a block here: XLA takes long for as many as trainings have


@pytest.fixture(autouse=True)
def compiled_blocks(monkeypatch, quick_graphs):
    """Blocks of `UNROLL` steps, which XLA compiles in a graph."""
    monkeypatch.setattr(over_time, "UNROLL", UNROLL)
    for module in (over_time, rru):
        monkeypatch.setattr(module, "can_compile", quick_graphs[1])


def drawn(case, dtype="float64"):
    """Two layers with the same random weights, one fused, and inputs, all from the case."""
    rng = np.random.default_rng(case)
    batch, steps, m, n, p = (int(size) for size in rng.integers(1, 9, size=5))
    options = {
        "output_size": p,
        "relu_layers": 1 + case % 3,
        "hidden_multiplier": float(rng.uniform(0.6, 2.5)),
        "normalize": bool(rng.random() < 0.6),
        "rezero": ["per_feature", "scalar"][rng.integers(2)],
        "relu_outputs": bool(rng.random() < 0.4),
        "residual": ["uniform", "identity", 0.7][rng.integers(3)],
        "return_sequences": bool(rng.random() < 0.6),
        "go_backwards": bool(rng.random() < 0.3),
        "zero_output_for_mask": bool(rng.random() < 0.3),
        "return_state": True,
        "dtype": dtype,
    }
    layers = [RRU(n, fused=fused, **options) for fused in (True, False)]
    weights = None
    for layer in layers:
        layer.build((batch, steps, m))
        weights = weights or [rng.normal(size=w.shape) / 2 for w in layer.trainable_variables]
        for variable, value in zip(layer.trainable_variables, weights):
            variable.assign(value)
    storage = keras.DTypePolicy(dtype).variable_dtype
    x = tf.constant(rng.normal(size=(batch, steps, m)), storage)
    h_0 = tf.constant(rng.normal(size=(batch, n)), storage)
    lengths = rng.integers(0, steps + 1, size=(batch, 1))
    masks = [None, np.arange(steps) < lengths, rng.random((batch, steps)) < 0.6]
    return layers, x, h_0, masks[rng.integers(3)]


def results(layer, x, h_0, mask, call=None):
    """Output, last state, and the gradients of a random linear function of both."""
    rng = np.random.default_rng(7)
    with tf.GradientTape() as tape:
        tape.watch([x, h_0])
        o, h = (call or layer)(x, initial_state=[h_0], mask=mask)
        weighted = [tf.reduce_sum(t * tf.cast(rng.normal(size=t.shape), t.dtype)) for t in (o, h)]
        total = sum(weighted)
    gradients = tape.gradient(total, [x, h_0, *layer.trainable_variables])
    return [o, h, *gradients]


def assert_same(fused, cell, tolerance):
    for ours, expected in zip(fused, cell, strict=True):
        expected = np.asarray(expected)
        error = np.abs(np.asarray(ours) - expected).max(initial=0)
        assert error <= tolerance * max(np.abs(expected).max(initial=0), 1e-3)


@pytest.mark.parametrize("case", range(36))
def test_float64(case):
    layers, x, h_0, mask = drawn(case)
    assert [layer.fused for layer in layers] == [True, False]
    assert_same(*(results(layer, x, h_0, mask) for layer in layers), 1e-10)


@pytest.mark.parametrize("case, jit_compile", [(100, False), (101, False), (102, True)])
def test_float32_in_a_graph(case, jit_compile):
    """To 1e-5 of the largest gradient: in float32 the small ones are differences of large sums."""
    (fused, cell), *inputs = drawn(case, "float32")
    ours = tf.function(lambda: results(fused, *inputs), jit_compile=jit_compile)()
    theirs = results(cell, *inputs)
    largest = max(np.abs(t).max(initial=0) for t in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(np.asarray(a) - np.asarray(b)).max(initial=0) <= 1e-5 * largest


LONG = 3 * UNROLL + 2


@pytest.mark.parametrize(
    "steps, graph, split, wide, case",
    [
        *((steps, False, False, False, 4) for steps in (UNROLL - 1, UNROLL, UNROLL + 1, LONG)),
        *[(UNROLL, True, False, False, 4), (UNROLL + 1, True, True, False, 23)],
        *[
            (LONG, True, True, False, 4),
            (LONG, True, False, True, 4),
            (LONG, True, False, True, 23),
        ],
    ],
)
def test_lengths_around_the_unrolled_loop(steps, graph, split, wide, case, monkeypatch):
    """Whole blocks, which XLA compiles in a graph, remainders, both: the same, and masks too.

    The weights' gradients are summed in the loop, or after it as those of wide weights.
    """
    rng = np.random.default_rng(steps)
    monkeypatch.setattr(rru, "worth_splitting", lambda n_entries: split)
    monkeypatch.setattr(rru, "MOST_SUMMED", 0 if wide else rru.MOST_SUMMED)
    with tf.Graph().as_default():
        in_the_loop = graph and not wide and over_time.can_compile()
    monkeypatch.setattr(rru, "_weight_gradients" if in_the_loop else "_of_block", None)
    layers = drawn(case)[0]
    x = tf.constant(rng.normal(size=(3, steps, layers[0].cell.kernel.shape[0])))
    h_0 = tf.constant(rng.normal(size=(3, layers[0].cell.units)))
    mask = np.arange(steps) < np.array([[steps], [steps // 2], [0]])
    for given in (None, mask):
        run = tf.function(results) if graph else results
        assert_same(run(layers[0], x, h_0, given), results(layers[1], x, h_0, given), 1e-10)


def test_wide_weights_are_not_split_and_one_core_splits_nothing(monkeypatch):
    monkeypatch.setattr(batch_splitting, "cores", lambda: 2)
    most = batch_splitting.MOST_ENTRIES
    assert not batch_splitting.worth_splitting(1)  # eagerly, one half runs after the other
    with tf.Graph().as_default():
        assert [batch_splitting.worth_splitting(n) for n in (most, most + 1)] == [True, False]
        monkeypatch.setattr(batch_splitting, "cores", lambda: 1)
        assert not batch_splitting.worth_splitting(1)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_layer_under_an_outer_tape(jit_compile):
    """Forward and backward are separate graphs then, and a short sequence fills no block."""
    (fused, cell), x, _, _ = drawn(1, "float32")
    spec = tf.TensorSpec([None, None, x.shape[-1]])
    compiled = tf.function(fused, jit_compile=jit_compile, input_signature=[spec])
    for steps in (2,) if jit_compile else (2, UNROLL + 3):
        x = tf.random.stateless_normal([2, steps, x.shape[-1]], [0, 1])
        found = []
        for layer, call in ((fused, compiled), (cell, cell)):
            with tf.GradientTape() as tape:
                total = tf.reduce_sum(call(x)[1])
            variable = layer.cell.recurrent_kernel
            found.append(tape.gradient(total, variable.value))
        np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4 * np.abs(found[1]).max())


def test_any_length_and_batch_in_one_graph():
    (layer, _), x, _, _ = drawn(3, "float32")
    traces = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, x.shape[-1]])])
    def gradient(sequences):
        traces.append(1)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(sequences, training=True)[0])
        return tape.gradient(total, layer.cell.recurrent_kernel)

    for shape in ((2, 3), (5, 17), (1, 1)):
        sequences = tf.ones([*shape, x.shape[-1]])
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(sequences)[0])
        eager = tape.gradient(total, layer.cell.recurrent_kernel)
        np.testing.assert_allclose(gradient(sequences), eager, rtol=1e-4, atol=1e-5)
    assert len(traces) == 1


def dropping(rate=0.6, steps=6, **options):
    layer = RRU(5, output_size=3, dropout=rate, return_sequences=True, dtype="float64", **options)
    layer.build((4, steps, 2))
    rng = np.random.default_rng(0)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    return layer, tf.constant(rng.normal(size=(4, steps, 2)))


@pytest.mark.parametrize("options", [{}, {"relu_layers": 3}, {"relu_outputs": True}])
@pytest.mark.parametrize(
    "steps, graph, wide", [(6, False, False), (LONG, True, False), (LONG, True, True)]
)
def test_dropout_with_a_known_mask(options, steps, graph, wide, monkeypatch):
    """The fused layer with the masks that it drew, against the cell given the same masks."""
    monkeypatch.setattr(rru, "MOST_SUMMED", 0 if wide else rru.MOST_SUMMED)
    layer, x = dropping(steps=steps, **options)
    keep = np.random.default_rng(1).random((4, steps, layer.cell.dropped_features)) < 0.5
    use_masks(layer, keep)

    def outputs_and_gradients(call):
        with tf.GradientTape() as tape:
            outputs = call()
            total = tf.reduce_sum(tf.square(outputs))
        variables = [v.value for v in layer.trainable_variables]
        return [outputs, *tape.gradient(total, variables)]

    def by_the_cell():
        h, outputs = layer.cell.get_initial_state(4), []
        for t in range(steps):
            o, h = layer.cell(Step(x[:, t], tf.constant(keep[:, t])), h, training=True)
            outputs.append(o)
        return tf.stack(outputs, 1)

    run = tf.function(outputs_and_gradients) if graph else outputs_and_gradients
    fused = run(lambda: layer(x, training=True))
    assert_same(fused, outputs_and_gradients(by_the_cell), 1e-10)


def test_mixed_bfloat16_strays_no_further_than_the_cell():
    """Eight bits of mantissa flip ReLUs, so both are held against float64, not each other."""
    rng = np.random.default_rng(0)
    x, h_0 = rng.normal(size=(8, 12, 10)), rng.normal(size=(8, 40))
    weights, found = None, {}
    for name, dtype, fused in (
        ("exact", "float64", False),
        ("cell", "mixed_bfloat16", False),
        ("fused", "mixed_bfloat16", True),
    ):
        layer = RRU(40, output_size=20, return_state=True, dtype=dtype, fused=fused)
        layer.build(x.shape)
        weights = weights or [
            rng.normal(size=w.shape) / np.sqrt(w.shape[0]) for w in layer.trainable_variables
        ]
        for variable, value in zip(layer.trainable_variables, weights):
            variable.assign(value)
        narrow = [tf.cast(t, layer.compute_dtype) for t in (x, h_0)]
        found[name] = results(layer, *narrow, None)
        if fused:  # XLA's blocks too
            found["fused in a graph"] = tf.function(results)(layer, *narrow, None)
    assert found["fused"][0].dtype == tf.bfloat16
    compared = [*zip(found["fused"], found["cell"], found["exact"], strict=True)]
    compared += zip(found["fused in a graph"], found["cell"], found["exact"], strict=True)
    for fused, cell, exact in compared:
        off = [np.linalg.norm(tf.cast(t, tf.float64) - exact) for t in (fused, cell)]
        assert 0 < off[0] < 2 * off[1]


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_silence_are_finite_in_float16(compiled):
    """An untrained state fades, so z does, and the square of 1 / √(mean(z²)) overflows."""
    layer = RRU(8, output_size=4, return_sequences=True, dtype="mixed_float16", fused=True)
    x = np.zeros((4, 60, 5), "float16")
    x[:, :5] = np.random.default_rng(0).normal(size=(4, 5, 5))
    layer.build(x.shape)

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(layer(x), tf.float32))
        return tape.gradient(loss, layer.trainable_variables)

    found = (tf.function(gradients) if compiled else gradients)()
    for variable, gradient in zip(layer.trainable_variables, found):
        assert np.isfinite(gradient).all(), variable.name
