"""The fused gated layers: the numbers of the cell, step by step, with every gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rru_nb import UserError
from rru_nb.layers import mogrifier
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM

B, T, M, N = 3, 5, 4, 6
LAYERS = {
    "gru": lambda **options: GRU(N, **options),
    "lstm": lambda **options: LSTM(N, forget_bias=0.6, **options),
    "mogrifier": lambda **options: mogrifier.MogrifierLSTM(N, rounds=3, rank=2, **options),
}
MASKS = {
    "unmasked": None,
    "right-padded": np.arange(T)[None] < np.array([T, 0, 3])[:, None],
    "with holes": np.array([[0, 1, 1, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 0, 0]], bool),
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


@pytest.mark.parametrize("valid", MASKS.values(), ids=MASKS.keys())
def test_values_and_gradients_are_those_of_the_cell(make, valid):
    fused, plain = pair(make, dtype="float64", go_backwards=valid is MASKS["with holes"], **FULL)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(B, T, M))
    start = [0.5 * rng.normal(size=(B, N)) for _ in plain.state_size]
    expected = results(plain, x, start, valid, eager=True)
    assert all(np.any(y) for y in expected)
    assert_same(results(fused, x, start, valid), expected, 1e-10)


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
    assert mogrifier._one_product_is_cheaper(M, N, rank) == one_product
    rng = np.random.default_rng(3)
    x, start = rng.normal(size=(B, 2, M)), [0.5 * rng.normal(size=(B, N)) for _ in range(2)]
    for rounds in range(7):
        options = {"rounds": rounds, "rank": rank, "dtype": "float64", **FULL}
        fused, plain = pair(lambda **o: mogrifier.MogrifierLSTM(N, **o), x.shape, **options)
        expected = results(plain, x, start, eager=True)
        assert_same(results(fused, x, start, eager=True), expected, 1e-10)


@pytest.mark.parametrize("valid", [None, MASKS["with holes"]], ids=["unmasked", "masked"])
def test_with_a_known_dropout_mask(make, valid, monkeypatch):
    fused, plain = pair(make, dtype="float64", dropout=0.5, **FULL)
    rng = np.random.default_rng(4)
    factors = (rng.random((T, B, N)) < 0.5) / 0.5
    x = rng.normal(size=(B, T, M))
    start = [0.5 * rng.normal(size=(B, N)) for _ in plain.state_size]

    def whole(values, rate, seed):
        return values * tf.constant(factors, values.dtype)

    monkeypatch.setattr(keras.random, "dropout", whole)
    found = results(fused, x, start, valid, training=True)

    # Keras calls the cell once before its loop, to learn the output's type.
    order = iter([0, *range(T)])

    def one_step(values, rate, seed):
        return values * factors[next(order)]

    monkeypatch.setattr(keras.random, "dropout", one_step)
    # Eagerly, the steps of the cell are run, and so dropped out, one after the other.
    expected = results(plain, x, start, valid, training=True, eager=True)
    assert next(order, None) is None
    assert_same(found, expected, 1e-10)


def test_gradients_against_finite_differences(make):
    layer, _ = pair(make, dtype="float64", **FULL)
    rng = np.random.default_rng(5)
    x, start = rng.normal(size=(B, T, M)), [rng.normal(size=(B, N)) for _ in layer.state_size]
    valid = tf.constant(MASKS["with holes"])
    values = [tf.Variable(v) for v in (x, *start)]
    variables = [*(v.value for v in layer.trainable_variables), *values]

    @tf.function
    def loss():
        outputs, *states = layer(values[0], initial_state=values[1:], mask=valid)
        return sum(tf.reduce_sum(tf.sin(y)) for y in (outputs, *states))

    with tf.GradientTape() as tape:
        value = loss()
    for variable, gradient in zip(variables, tape.gradient(value, variables)):
        at, direction, step = variable.numpy(), rng.normal(size=variable.shape), 1e-5
        variable.assign(at + step * direction)
        above = loss().numpy()
        variable.assign(at - step * direction)
        slope = (above - loss().numpy()) / (2 * step)
        variable.assign(at)
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("how", ["jit", "bfloat16"])
def test_compiled_and_mixed_precision(make, how):
    policy = "mixed_bfloat16" if how == "bfloat16" else "float32"
    fused, plain = pair(make, dtype=keras.DTypePolicy(policy), **FULL)
    rng = np.random.default_rng(6)
    x = rng.normal(size=(B, T, M))
    start = [0.5 * rng.normal(size=(B, N)) for _ in plain.state_size]
    valid = MASKS["right-padded"]
    expected = results(plain, x, start, valid, eager=True)
    found = results(fused, x, start, valid, jit_compile=how == "jit")
    assert [a.dtype for a in found] == [b.dtype for b in expected]
    assert_same(found, expected, 0.06 if how == "bfloat16" else 1e-5)


def test_only_the_last_output(make):
    fused, plain = pair(make, dtype="float64")
    x = np.random.default_rng(7).normal(size=(B, T, M))
    for valid in MASKS.values():
        mask = None if valid is None else tf.constant(valid)
        np.testing.assert_allclose(fused(x, mask=mask), plain(x, mask=mask), rtol=1e-12)


def test_unknown_batch_and_length(make):
    """One traced function serves every batch size and length: both may be None."""
    fused, plain = pair(make, return_sequences=True)
    traced = tf.function(fused, input_signature=[tf.TensorSpec((None, None, M))])
    for batch, steps in ((2, 7), (5, 1)):
        x = np.random.default_rng(8).normal(size=(batch, steps, M)).astype("float32")
        np.testing.assert_allclose(traced(x), plain(x), rtol=1e-5, atol=1e-6)


def test_stateful(make):
    fused, _ = pair(make, stateful=True, return_sequences=True)
    whole = make(return_sequences=True)
    whole.build((B, T, M))
    whole.set_weights(fused.get_weights()[: len(whole.get_weights())])
    x = np.random.default_rng(9).normal(size=(B, T, M)).astype("float32")
    for _ in range(2):
        found = np.concatenate([fused(x[:, :2]), fused(x[:, 2:])], axis=1)
        np.testing.assert_allclose(found, whole(x), rtol=1e-5, atol=1e-6)
        fused.reset_state()


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


def test_dropout_draws_anew_and_is_reproducible(make):
    x = np.random.default_rng(11).normal(size=(4, 20, M)).astype("float32")

    def twice(seed):
        layer, _ = pair(make, x.shape, dropout=0.5, seed=seed, return_sequences=True)
        call = tf.function(lambda: layer(x, training=True))
        return np.stack([call(), call()])

    first, again, other = twice(3), twice(3), twice(4)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any() and (first != other).any()
    layer, plain = pair(make, x.shape, dropout=0.5, return_sequences=True)
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-5, atol=1e-6)


def test_dropout_factors_have_the_rate_and_differ_between_steps(make):
    layer = make(dropout=0.3, seed=1)
    drop = np.asarray(layer._draw_drop(tf.zeros((50, 40, M)), training=True))
    kept = drop > 0
    np.testing.assert_allclose(drop[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.21 / kept.size)
    agree = (kept[1:] == kept[:-1]).mean()
    assert abs(agree - 0.58) < 5 * np.sqrt(0.58 * 0.42 / kept[1:].size)


def test_fallback_and_its_error(make):
    assert make().fused and make(fused=True).fused
    assert not make(fused=False).fused and not make(unroll=True).fused
    with pytest.raises(UserError, match="fused=True can't be honoured.*unroll=False"):
        make(fused=True, unroll=True)
    with pytest.raises(UserError, match="fused = 'yes'"):
        make(fused="yes")
