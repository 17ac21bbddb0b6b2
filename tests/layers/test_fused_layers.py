"""The fused layers on TensorFlow: graphs, XLA, lengths. The rest is in backend/test_layers.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cell_oracles import lengths_mask, randomized
from layer_cases import FULL, GATED, LAYERS, B, M, N, T, random_inputs, results

from rru_nb.layers.mogrifier import MogrifierLSTM
from rru_nb.layers.tensorflow import _gated, batch_splitting
from rru_nb.layers.tensorflow.mogrifier import _one_product_is_cheaper


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


@pytest.fixture(params=GATED)
def make_gated(request):
    """The RRU has its own: test_rru_fused.py."""
    return GATED[request.param]


def pair(make, **options):
    """A fused layer and one that runs the cell, with the same random weights."""
    return [randomized(make(fused=fused, **options), M) for fused in (True, False)]


def assert_same(found, expected, tolerance):
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        assert np.abs(a - b).max() <= tolerance * max(np.abs(b).max(), 1e-3)


@pytest.mark.parametrize(
    "policy, tolerance, split",
    [("float32", 1e-5, False), ("float64", 1e-10, False), ("float64", 1e-10, True)],
)
def test_at_random_sizes(make_gated, policy, tolerance, split, monkeypatch):
    """In halves of the batch, too, unequal where it is odd, and not at all where it is 1.

    In float32, `test_known_batch_and_unknown_length` has halves.
    """
    monkeypatch.setattr(_gated, "worth_splitting", lambda n_entries: split)
    rng = np.random.default_rng(2)
    layers = pair(make_gated, dtype=policy, zero_output_for_mask=True, **FULL)
    for _ in range(3):
        batch, steps = (int(size) for size in rng.integers(1, 8, size=2))
        inputs, mask = (
            random_inputs(layers[:1], rng, batch, steps),
            rng.random((batch, steps)) < 0.7,
        )
        assert_same(*(results([layer], inputs, mask) for layer in layers), tolerance)


@pytest.mark.parametrize("rank, one_product", [(1, False), (3, True)])
def test_every_number_of_rounds(rank, one_product):
    """Both ways to multiply by A_k B_k: one matrix after the other, or by their product."""
    assert _one_product_is_cheaper(M, N, rank) == one_product
    for rounds in range(7):
        options = {"rounds": rounds, "rank": rank, "dtype": "float64", **FULL}
        layers = pair(lambda **o: MogrifierLSTM(N, **o), **options)
        inputs = random_inputs(layers[:1], np.random.default_rng(3), steps=2)
        assert_same(*(results([layer], inputs) for layer in layers), 1e-10)


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_bfloat16", 0.06)])
def test_compiled_and_in_mixed_precision(make_gated, policy, tolerance):
    fused, plain = pair(make_gated, dtype=keras.DTypePolicy(policy), return_sequences=True)
    x = tf.constant(np.random.default_rng(6).normal(size=(B, T, M)), fused.compute_dtype)
    mask = tf.constant(lengths_mask([T, 0, 3], T))

    def outputs_and_gradients(layer):
        with tf.GradientTape() as tape:
            outputs = tf.cast(layer(x, mask=mask), tf.float32)
            loss = tf.reduce_sum(tf.sin(2 * outputs))
        return [outputs, *tape.gradient(loss, [v.value for v in layer.trainable_variables])]

    compiled = tf.function(lambda: outputs_and_gradients(fused), jit_compile=policy == "float32")
    found, expected = compiled(), outputs_and_gradients(plain)
    assert fused(x).dtype == fused.compute_dtype
    assert [a.dtype for a in found] == [b.dtype for b in expected]
    assert_same(found, expected, tolerance)


@pytest.mark.parametrize("cores", [1, 2])
def test_unknown_batch_and_length(make, cores, monkeypatch):
    """One traced function serves every batch size and length; one half of a batch may be empty."""
    monkeypatch.setattr(batch_splitting, "cores", lambda: cores)
    fused, plain = pair(make, return_sequences=True)
    traced = tf.function(fused, input_signature=[tf.TensorSpec((None, None, M))])
    for batch, steps in ((2, 7), (5, 1), (1, 3)):
        x = np.random.default_rng(8).normal(size=(batch, steps, M)).astype("float32")
        np.testing.assert_allclose(traced(x), plain(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
def test_known_batch_and_unknown_length(make, batch, monkeypatch):
    """Such as batches with `drop_remainder=True` have; a half of a batch may be one example."""
    monkeypatch.setattr(batch_splitting, "cores", lambda: 2)
    layers = pair(make, **FULL)
    x = tf.constant(np.random.default_rng(8).normal(size=(batch, T, M)), tf.float32)

    def outputs_and_gradients(layer, x):
        with tf.GradientTape() as tape:
            results = layer(x)
            loss = sum(tf.reduce_sum(tf.square(r)) for r in results)
        return [*results, *tape.gradient(loss, [v.value for v in layer.trainable_variables])]

    signature = [layers[0], tf.TensorSpec((batch, None, M))]
    traced = tf.function(outputs_and_gradients).get_concrete_function(*signature)
    assert_same(traced(x), outputs_and_gradients(layers[1], x), 1e-5)


def test_unknown_features(make):
    """Such as a data set from a generator has, of inputs and states of a layer that is built."""
    layers = pair(make, **FULL)
    state = tf.TensorSpec((None, None))
    signature = [tf.TensorSpec((None, None, None)), [state] * len(layers[0].state_size)]

    def run(layer):
        return tf.function(lambda x, s: layer(x, initial_state=s), input_signature=signature)

    x, *states = (np.random.default_rng(8).normal(size=s) for s in ((B, T, M), (B, N), (B, N)))
    states = [tf.constant(s, tf.float32) for s in states[: len(layers[0].state_size)]]
    x = tf.constant(x, tf.float32)
    assert_same(run(layers[0])(x, states), layers[1](x, initial_state=states), 1e-5)


@pytest.mark.parametrize("graph", [False, True])
def test_second_derivatives(make, graph):
    """Of a penalty on the gradient by the inputs."""
    layers = pair(make, dtype="float64", return_sequences=True)
    x = tf.constant(np.random.default_rng(9).normal(size=(B, T, M)))

    def of_penalty(layer):
        variables = [x, *(v.value for v in layer.trainable_variables)]
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.reduce_sum(tf.square(layer(x)))
            penalty = tf.reduce_sum(tf.square(inner.gradient(total, x)))
        return outer.gradient(penalty, variables, unconnected_gradients="zero")

    run = tf.function(of_penalty) if graph else of_penalty
    found, expected = run(layers[0]), of_penalty(layers[1])
    assert all(np.any(g) for g in expected[:2])
    assert_same(found, expected, 1e-10)


def test_keras_does_not_compile_the_loop_where_it_cannot(make):
    """As `jit_compile="auto"` would on a GPU: an embedding's mask and a batch of another size."""
    tokens = keras.Input((9,), dtype="int32")
    h = keras.layers.Embedding(5, 4, mask_zero=True)(tokens)
    model = keras.Model(tokens, make()(make(return_sequences=True)(h)))
    with pytest.warns(UserWarning, match="doesn.t support `jit_compile=True`"):
        model.compile("sgd", "mse", jit_compile=True)
    x = np.arange(27, dtype="int32").reshape(3, 9) % 5
    model.fit(x, np.zeros((3, *model.output_shape[1:])), batch_size=2, verbose=0)
    assert make(fused=False).supports_jit


def test_the_number_of_time_steps_stays_known(make):
    x = keras.Input((9, M))
    layer = make(return_sequences=True)
    assert layer(x).shape == (None, 9, layer.cell.output_size)
    unrolled = keras.layers.RNN(keras.layers.SimpleRNNCell(3), unroll=True)
    model = keras.Sequential([x, layer, unrolled])
    assert model.predict(np.zeros((2, 9, M)), verbose=0).shape == (2, 3)


def test_both_directions_masked_and_saved(make_gated, tmp_path):
    inputs = keras.Input((None, M))
    masked = keras.layers.Masking(0.0)(inputs)
    both = keras.layers.Bidirectional(make_gated(return_sequences=True, dropout=0.3))(masked)
    model = keras.Model(inputs, make_gated(dropout=0.2, seed=5, name="last")(both))
    x = np.random.default_rng(10).normal(size=(B, T, M)).astype("float32")
    x[1, 2:] = 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_layer("last").fused
    assert again.get_layer("last").get_config() == model.get_layer("last").get_config()
    np.testing.assert_array_equal(model(x), again(x))
    short = model(x[1:2, :2])[0]
    np.testing.assert_allclose(model(x)[1], short, rtol=1e-5, atol=1e-6)


def test_gradients_of_biases_are_sums_over_all_steps_in_half_precision_too(make_gated):
    """50,000 numbers of one sign add up: in half precision the sum stands still on the way."""
    x = np.random.default_rng(0).normal(size=(64, 784, M)).astype("float32")

    def gradients(layer):
        with tf.GradientTape() as tape:
            loss = 1024 * tf.reduce_mean((tf.cast(layer(x), "float32") - 1) ** 2)
        return tape.gradient(loss, [v.value for v in layer.trainable_variables])

    exact = make_gated(return_sequences=True)
    half = make_gated(return_sequences=True, dtype="mixed_float16")
    for layer in (exact, half):
        layer(x[:1])
    half.set_weights(exact.get_weights())
    for found, expected in zip(gradients(half), gradients(exact), strict=True):
        assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(expected)
