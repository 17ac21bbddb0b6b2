"""The fused gated layers: the numbers of the cell, step by step, with every gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cell_oracles import lengths_mask

from rru_nb.layers import mogrifier
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.tensorflow.mogrifier import _one_product_is_cheaper

B, T, M, N = 3, 5, 4, 6
LAYERS = {
    "gru": lambda **options: GRU(N, **options),
    "lstm": lambda **options: LSTM(N, forget_bias=0.6, **options),
    "mogrifier": lambda **options: mogrifier.MogrifierLSTM(N, rounds=3, rank=2, **options),
}


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


def pair(make, shape=(B, T, M), **options):
    """A fused layer and one that runs the cell, with the same random weights."""
    rng = np.random.default_rng(0)
    layers = [make(fused=fused, **options) for fused in (True, False)]
    for layer in layers:
        layer.build(shape)
    weights = [rng.normal(scale=0.6, size=w.shape) for w in layers[0].trainable_variables]
    for layer in layers:
        for variable, value in zip(layer.trainable_variables, weights):
            variable.assign(value)
    return layers


def results(layer, x, start, valid=None, training=False, **compile_options):
    """Outputs, final states, and the gradients of a loss of all of them by everything."""
    x = tf.Variable(x, dtype=layer.compute_dtype)
    start = [tf.Variable(s, dtype=layer.compute_dtype) for s in start]
    sources = [*(v.value for v in layer.trainable_variables), x, *start]
    mask = None if valid is None else tf.constant(valid)

    def forward_and_backward():
        with tf.GradientTape() as tape:
            found = layer(x, initial_state=list(start), mask=mask, training=training)
            found = [tf.cast(y, layer.variable_dtype) for y in found]
            loss = tf.add_n([tf.reduce_sum(tf.sin((k + 2) * y)) for k, y in enumerate(found)])
        return [*found, *tape.gradient(loss, sources)]

    if compile_options.pop("eager", False):
        return forward_and_backward()
    return tf.function(forward_and_backward, **compile_options)()


def drawn(make, rng):
    """Sizes, inputs, states and a mask at random."""
    batch, steps, features = (int(size) for size in rng.integers(1, 8, size=3))
    n_states = 1 if make is LAYERS["gru"] else 2
    x = rng.normal(size=(batch, steps, features))
    start = [0.5 * rng.normal(size=(batch, N)) for _ in range(n_states)]
    return x, start, rng.random((batch, steps)) < 0.7


def assert_same(found, expected, tolerance):
    for a, b in zip(found, expected):
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        assert np.abs(a - b).max() <= tolerance * max(np.abs(b).max(), 1e-3)


FULL = {"return_sequences": True, "return_state": True}


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("float64", 1e-10)])
def test_at_random_sizes(make, policy, tolerance):
    rng = np.random.default_rng(2)
    for _ in range(3):
        x, start, valid = drawn(make, rng)
        fused, plain = pair(make, x.shape, dtype=policy, zero_output_for_mask=True, **FULL)
        # Eager runs check the loops without a compilation for every drawn size.
        expected = results(plain, x, start, valid, eager=True)
        assert_same(results(fused, x, start, valid, eager=True), expected, tolerance)


@pytest.mark.parametrize("rank, one_product", [(1, False), (3, True)])
def test_every_number_of_rounds(rank, one_product):
    """Both ways to multiply by A_k B_k: one matrix after the other, or by their product."""
    assert _one_product_is_cheaper(M, N, rank) == one_product
    rng = np.random.default_rng(3)
    x, start = rng.normal(size=(B, 2, M)), [0.5 * rng.normal(size=(B, N)) for _ in range(2)]
    for rounds in range(7):
        options = {"rounds": rounds, "rank": rank, "dtype": "float64", **FULL}
        fused, plain = pair(lambda **o: mogrifier.MogrifierLSTM(N, **o), x.shape, **options)
        expected = results(plain, x, start, eager=True)
        assert_same(results(fused, x, start, eager=True), expected, 1e-10)


@pytest.mark.parametrize("how", ["jit", "bfloat16"])
def test_compiled_and_mixed_precision(make, how):
    policy = "mixed_bfloat16" if how == "bfloat16" else "float32"
    fused, plain = pair(make, dtype=keras.DTypePolicy(policy), **FULL)
    rng = np.random.default_rng(6)
    x = rng.normal(size=(B, T, M))
    start = [0.5 * rng.normal(size=(B, N)) for _ in plain.state_size]
    valid = lengths_mask([T, 0, 3], T)
    expected = results(plain, x, start, valid, eager=True)
    found = results(fused, x, start, valid, jit_compile=how == "jit")
    assert [a.dtype for a in found] == [b.dtype for b in expected]
    assert_same(found, expected, 0.06 if how == "bfloat16" else 1e-5)


def test_unknown_batch_and_length(make):
    """One traced function serves every batch size and length: both may be None."""
    fused, plain = pair(make, return_sequences=True)
    traced = tf.function(fused, input_signature=[tf.TensorSpec((None, None, M))])
    for batch, steps in ((2, 7), (5, 1)):
        x = np.random.default_rng(8).normal(size=(batch, steps, M)).astype("float32")
        np.testing.assert_allclose(traced(x), plain(x), rtol=1e-5, atol=1e-6)


def test_bidirectional_and_saved(make, tmp_path):
    inputs = keras.Input((None, M))
    masked = keras.layers.Masking(0.0)(inputs)
    both = keras.layers.Bidirectional(make(return_sequences=True, dropout=0.3))(masked)
    model = keras.Model(inputs, make(dropout=0.2, seed=5, name="last")(both))
    x = np.random.default_rng(10).normal(size=(B, T, M)).astype("float32")
    x[1, 2:] = 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_layer("last").fused
    assert again.get_layer("last").get_config() == model.get_layer("last").get_config()
    np.testing.assert_array_equal(model(x), again(x))
    short = model(x[1:2, :2])[0]
    np.testing.assert_allclose(model(x)[1], short, rtol=1e-5, atol=1e-6)
