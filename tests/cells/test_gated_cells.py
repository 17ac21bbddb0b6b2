"""The gated cells on TensorFlow, in Keras' own loop. See backend/test_cells.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cell_oracles import randomized

from rru_nb import GRUCell, LSTMCell, MogrifierLSTMCell, UserError

B, T, M, N = 3, 5, 4, 7  # batch, time, input features, state features: all different
CELLS = {
    "gru": lambda **options: GRUCell(N, **options),
    "lstm": lambda **options: LSTMCell(N, forget_bias=0.7, **options),
    "mogrifier": lambda **options: MogrifierLSTMCell(N, rounds=5, rank=2, **options),
}


@pytest.fixture(params=CELLS)
def make_cell(request):
    return CELLS[request.param]


def sequence(seed=2, batch=B, time=T, features=M):
    return np.random.default_rng(seed).normal(size=(batch, time, features))


# --- Dropout -----------------------------------------------------------------------------------


def showing_masks(cell, features=M):
    """The cell with weights that make its state Dropout(candidate) of this step alone."""
    cell.build((None, features))
    cell.built = True
    for w in cell.trainable_variables:
        w.assign(np.zeros(w.shape))
    n, big = cell.units, 40.0
    if isinstance(cell, GRUCell):
        cell.gate_bias.assign(np.repeat([0.0, -big], n))
        cell.candidate_bias.assign(np.full(n, 0.5))
    elif isinstance(cell, LSTMCell):
        cell.bias.assign(np.repeat([big, 0.5, -big, big], n))
    else:
        for bias, value in (("input", big), ("forget", -big), ("output", big)):
            getattr(cell, f"{bias}_gate_bias").assign(np.full(n, value))
        cell.candidate_bias.assign(np.full(n, 0.5))
    return cell


def candidates(layer, x, training):
    """Dropout(candidate) of every step, read off the outputs of a cell `showing_masks`."""
    outputs = np.asarray(layer(x, training=training), "float64")
    return outputs if isinstance(layer.cell, GRUCell) else np.arctanh(outputs)


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
def test_dropout_draws_anew_at_every_step_and_keeps_the_mean(make_cell, unroll):
    rate, batch, time = 0.3, 64, 12
    layer = keras.layers.RNN(
        showing_masks(make_cell(dropout=rate, seed=1)), return_sequences=True, unroll=unroll
    )
    x = np.zeros((batch, time, M), "float32")
    drawn = candidates(layer, x, training=True)
    kept = drawn > 0.1
    np.testing.assert_allclose(drawn[kept], np.tanh(0.5) / (1 - rate), rtol=1e-5)
    # Five deviations of the part that is kept; the mean is preserved with it.
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / kept.size)
    for axis in (0, 1):  # neither two rows of a batch nor two steps share a mask
        a, b = np.delete(kept, 0, axis), np.delete(kept, -1, axis)
        agree = (1 - rate) ** 2 + rate**2
        assert abs((a == b).mean() - agree) < 5 * np.sqrt(agree * (1 - agree) / a.size)
    again = candidates(layer, x, training=True) > 0.1
    assert (again != kept).any(), "every call must draw anew"


def test_no_dropout_outside_training(make_cell):
    layer = keras.layers.RNN(showing_masks(make_cell(dropout=0.9)), return_sequences=True)
    x = np.zeros((B, T, M), "float32")
    for training in (False, None):
        np.testing.assert_allclose(candidates(layer, x, training), np.tanh(0.5), rtol=1e-5)


# --- As a Keras cell ---------------------------------------------------------------------------


def test_file_round_trip(make_cell, tmp_path):
    inputs = keras.Input((None, M))
    outputs = keras.layers.RNN(make_cell(dropout=0.5), return_sequences=True)(inputs)
    model = keras.Model(inputs, outputs)
    randomized(model.layers[-1].cell, M)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = sequence().astype("float32")
    np.testing.assert_array_equal(model(x), again(x))


def test_stacked_and_bidirectional(make_cell):
    both = keras.Sequential(
        [
            keras.layers.Masking(0.0),
            keras.layers.Bidirectional(keras.layers.RNN(make_cell(), return_sequences=True)),
            keras.layers.RNN([make_cell(dropout=0.5), make_cell()], return_sequences=True),
        ]
    )
    x = sequence(batch=B).astype("float32")
    x[1, 3:] = 0
    outputs = np.asarray(both(x))
    assert outputs.shape == (B, T, N)
    short = np.asarray(both(x[1:2, :3]))
    np.testing.assert_allclose(outputs[1, :3], short[0], rtol=1e-5, atol=1e-6)


def test_stateful(make_cell):
    cell = randomized(make_cell(), M)
    whole = keras.layers.RNN(cell, return_sequences=True)
    parts = keras.layers.RNN(cell, return_sequences=True, stateful=True)
    x = sequence().astype("float32")
    expected = np.asarray(whole(x))
    for _ in range(2):
        found = np.concatenate([parts(x[:, :2]), parts(x[:, 2:])], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        parts.reset_state()


@pytest.mark.parametrize(
    "policy, jit_compile",
    [("float32", True), ("float64", False), ("mixed_bfloat16", False)],
)
def test_trains_under_every_policy(make_cell, policy, jit_compile):
    keras.utils.set_random_seed(0)
    dtype = keras.DTypePolicy(policy)
    layer = keras.layers.RNN(make_cell(dropout=0.2, dtype=dtype), dtype=dtype)
    x = tf.cast(sequence(), dtype.compute_dtype)

    @tf.function(jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            output = layer(x, training=True)
            loss = tf.reduce_mean(tf.cast(output, tf.float32) ** 2)
        return output, tape.gradient(loss, layer.trainable_variables)

    layer.build(x.shape)
    output, gradients = step()
    assert output.dtype == dtype.compute_dtype
    for gradient, variable in zip(gradients, layer.trainable_variables):
        assert gradient.dtype == variable.dtype == dtype.variable_dtype
        assert np.isfinite(gradient.numpy()).all() and np.any(gradient.numpy())


def test_compiled_gives_what_eager_gives(make_cell):
    layer = keras.layers.RNN(randomized(make_cell(), M))
    x = sequence().astype("float32")
    compiled = tf.function(lambda: layer(x), jit_compile=True)()
    np.testing.assert_allclose(compiled, layer(x), rtol=1e-5, atol=1e-6)


# --- Errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, quoted",
    [
        (lambda: GRUCell(0), "units = 0"),
        (lambda: GRUCell(2.5), "units = 2.5"),
        (lambda: GRUCell(True), "units = True"),
        (lambda: LSTMCell(4, dropout=1.0), "dropout = 1.0"),
        (lambda: LSTMCell(4, dropout="half"), "dropout = 'half'"),
        (lambda: LSTMCell(4, forget_bias=float("nan")), "forget_bias = nan"),
        (lambda: MogrifierLSTMCell(4, rounds=-1), "rounds = -1"),
        (lambda: MogrifierLSTMCell(4, rank=0), "rank = 0"),
        (lambda: GRUCell(4).build((None, None)), "features, must be known"),
    ],
)
def test_errors_quote_the_value(make, quoted):
    with pytest.raises(UserError, match=quoted.replace(".", r"\.")):
        make()
