"""The RRU cell on TensorFlow: what Keras asks of it, and mistakes. See backend/test_cells.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cell_oracles import lengths_mask, randomized

from rru_nb import RRU, RRUCell, UserError

B, T, M, N, P = 3, 5, 4, 7, 2  # batch, time, input, state, output: all different


def make_cell(features=M, seed=0, **options):
    options = {"output_size": P, "hidden_multiplier": 1.3, "dtype": "float64", **options}
    return randomized(RRUCell(N, **options), features, seed)


def sequence():
    return np.random.default_rng(2).normal(size=(B, T, M))


@pytest.mark.parametrize("speed", [1.0, 10.0, 25.0])
def test_the_speed_of_s_changes_how_fast_it_moves_not_where_it_starts(speed):
    cell = RRUCell(400, residual_speed=speed, dtype="float64")
    cell.build((None, 3))
    assert 0.45 < np.mean(cell.residual_scale()) < 0.55
    with tf.GradientTape() as tape:
        kept = cell.residual_scale()
    (gradient,) = tape.gradient(kept, [cell.residual_logits])
    kept = kept.numpy()
    np.testing.assert_allclose(gradient, speed * kept * (1 - kept), rtol=1e-9)


def test_hidden_size_rounds():
    cell = RRUCell(1315, hidden_multiplier=1.77)
    assert cell._hidden_size(88) == round(1.77 * (88 + 1315))


# --- What Keras asks of a cell -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_trains_in_every_precision(dtype):
    keras.utils.set_random_seed(1)
    cell = RRUCell(8, output_size=3, dropout=0.2, dtype=dtype)
    layer = keras.layers.RNN(cell, return_sequences=True, dtype=dtype)
    model = keras.Sequential([keras.Input((4, M)), layer, keras.layers.Dense(1, dtype="float32")])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = np.random.default_rng(0).normal(size=(16, 4, M))
    y = x[..., :1].cumsum(1)
    losses = model.fit(x, y, epochs=15, verbose=0, batch_size=16).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert layer(x).dtype == keras.DTypePolicy(dtype).compute_dtype


@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}, {}])
def test_one_training_step_compiled_and_eager(how):
    results = []
    for dropout in (0.0, 0.5):
        keras.utils.set_random_seed(3)
        cell = make_cell(dropout=dropout, seed=4, dtype="float32")
        model = keras.Sequential([keras.Input((T, M)), keras.layers.RNN(cell)])
        model.compile(keras.optimizers.SGD(0.1), "mse", **how)
        x = sequence()
        model.fit(x.astype("float32"), np.zeros((B, P), "float32"), verbose=0)
        results.append(cell.recurrent_kernel.numpy())
    start = make_cell(seed=4, dtype="float32").recurrent_kernel.numpy()
    for result in results:
        assert np.isfinite(result).all() and np.abs(result - start).max() > 1e-4
    assert np.abs(results[0] - results[1]).max() > 1e-4


def test_saved_models_come_back(tmp_path):
    options = {
        "output_size": P,
        "relu_layers": 2,
        "hidden_multiplier": 1.3,
        "dropout": 0.4,
        "rezero": "scalar",
        "residual": 0.6,
        "residual_speed": 4.0,
        "relu_outputs": True,
        "normalize": False,
        "seed": 7,
    }
    cell = randomized(RRUCell(N, **options), M)
    model = keras.Sequential([keras.Input((None, M)), keras.layers.RNN(cell)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = sequence().astype("float32")
    np.testing.assert_array_equal(model(x), again(x))
    config = again.layers[0].cell.get_config()
    assert {name: config[name] for name in options} == options and config["units"] == N


def test_stacked_masked_and_bidirectional():
    cells = [RRUCell(6, output_size=4), RRUCell(5, output_size=3)]
    stacked = keras.layers.RNN(cells, return_sequences=True)
    x = sequence().astype("float32")
    mask = lengths_mask([5, 3, 1], T)
    y = stacked(x, mask=tf.constant(mask)).numpy()
    assert y.shape == (B, T, 3)
    changed = np.where(mask[..., None], x, 9.0)
    np.testing.assert_array_equal(stacked(changed, mask=tf.constant(mask)), y)
    both = keras.layers.Bidirectional(keras.layers.RNN(RRUCell(6, output_size=4)))
    assert both(x).shape == (B, 8)


def test_stateful_continues():
    cell = make_cell(dtype="float32")
    x = sequence().astype("float32")
    whole = keras.layers.RNN(cell, return_sequences=True)(x).numpy()
    layer = keras.layers.RNN(cell, return_sequences=True, stateful=True)
    halves = [layer(x[:, :2]).numpy(), layer(x[:, 2:]).numpy()]
    np.testing.assert_allclose(np.concatenate(halves, 1), whole, rtol=1e-5, atol=1e-6)


def test_the_layer_resets_to_the_first_state_and_keras_own_to_zeros():
    x = sequence().astype("float32")
    bare = keras.layers.RNN(make_cell(dtype="float32"), stateful=True)
    for layer, first in ((RRU(N, stateful=True), np.sqrt(N) / 4), (bare, 0)):
        layer(x)
        layer.reset_state()
        state = layer.states[0].numpy()
        np.testing.assert_allclose(state[:, 0], first, rtol=1e-6)
        np.testing.assert_array_equal(state[:, 1:], 0)


# --- Mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": 0}, ["units", "0"]),
        ({"units": 2.5}, ["units", "2.5"]),
        ({"output_size": -1}, ["output_size", "-1"]),
        ({"relu_layers": 0}, ["relu_layers", "0"]),
        ({"hidden_multiplier": 0}, ["hidden_multiplier", "0"]),
        ({"hidden_multiplier": float("nan")}, ["hidden_multiplier", "nan"]),
        ({"dropout": 1.0}, ["dropout", "1.0"]),
        ({"normalize": "yes"}, ["normalize", "'yes'", "True"]),
        ({"relu_outputs": 1}, ["relu_outputs", "1", "False"]),
        ({"rezero": "per-feature"}, ["rezero", "'per-feature'", "'per_feature'"]),
        ({"residual": "unifrom"}, ["residual", "'unifrom'", "'uniform'"]),
        ({"residual": 1.0}, ["residual", "1.0", "'identity'"]),
        ({"residual": 0}, ["residual", "0", "'uniform'"]),
        ({"residual": True}, ["residual", "True", "'uniform'"]),
    ],
)
def test_mistakes_are_named(options, words):
    with pytest.raises(UserError) as error:
        RRUCell(**{"units": 4, **options})
    for word in words:
        assert word in str(error.value)


def test_too_small_a_multiplier_is_named():
    with pytest.raises(UserError, match="hidden_multiplier = 0.01.*at least 0.1"):
        RRUCell(4, hidden_multiplier=0.01).build((None, 6))


def test_unknown_features_are_named():
    with pytest.raises(UserError, match="number of features"):
        RRUCell(4).build((None, None))


def test_what_the_authors_hold_in_one_variable_is_clipped_as_one():
    from rru_nb import RAdam

    cell = RRUCell(3, output_size=2, relu_layers=2, dtype="float64")
    cell.build((None, 4))
    other = RRUCell(3, output_size=2, dtype="float64")
    other.build((None, 4))
    variables = [*cell.trainable_variables, *other.trainable_variables]
    gradients = [tf.ones(v.shape, tf.float64) * (1 + i) for i, v in enumerate(variables)]
    optimizer = RAdam(1.0, clip_multiplier=1.0)
    optimizer.apply(gradients, variables)
    # At the first step every joint norm is clipped to 0.01: v holds the clipped squares.
    clipped = {}
    for variable, v in zip(variables, optimizer._second):
        group = getattr(variable, "clip_group", None) or variable.path
        clipped[group] = clipped.get(group, 0) + float(tf.reduce_sum(v)) / (1 - 0.999)
    assert len(clipped) == len(variables) - 6
    np.testing.assert_allclose(list(clipped.values()), 0.01**2, rtol=1e-6)
