"""The RRU cell against a NumPy forward, finite differences, and what Keras asks of a cell."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from rru_oracle import ABLATIONS, lengths_mask, randomized, rru_forward

from rru_nb import RRUCell, UserError

B, T, M, N, P = 3, 5, 4, 7, 2  # batch, time, input, state, output: all different


def make_cell(features=M, seed=0, **options):
    options = {"output_size": P, "hidden_multiplier": 1.3, "dtype": "float64", **options}
    return randomized(RRUCell(N, **options), features, seed)


def sequence(seed=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, M)), rng.normal(size=(B, N))


# --- Forward -----------------------------------------------------------------------------------


@pytest.mark.parametrize("zero_output", [False, True])
@pytest.mark.parametrize("valid", [None, lengths_mask([5, 2, 0], T)], ids=["unmasked", "masked"])
@pytest.mark.parametrize("relu_layers", [1, 2, 3])
def test_forward_against_numpy(relu_layers, valid, zero_output):
    cell = make_cell(relu_layers=relu_layers)
    layer = keras.layers.RNN(
        cell,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=zero_output,
        dtype="float64",
    )
    x, start = sequence()
    outputs, state = layer(x, initial_state=[tf.constant(start)], mask=valid)
    expected, expected_state = rru_forward(cell, x, start, valid, zero_output=zero_output)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state, expected_state, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_ablations_against_numpy(ablation):
    cell = make_cell(relu_layers=2, **ABLATIONS[ablation])
    x, start = sequence()
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    outputs, state = layer(x, initial_state=[tf.constant(start)])
    expected, expected_state = rru_forward(cell, x, start)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state, expected_state, rtol=1e-12, atol=1e-14)


def test_normalization_as_in_the_authors_code():
    # Without other weights than W^c = 1 the state is the normalized, rectified input.
    cell = RRUCell(2, hidden_multiplier=0.5, residual="identity", dtype="float64")
    cell.build((None, 2))
    for w in cell.trainable_variables:
        w.assign(np.zeros(w.shape))
    cell.kernel.assign(np.eye(2))
    cell.candidate_kernel.assign(np.eye(2))
    cell.rezero_scale.assign(np.ones(2))
    _, (h,) = cell(tf.constant([[3.0, -4.0]], tf.float64), [tf.zeros((1, 2), tf.float64)])
    np.testing.assert_allclose(h, [[3 / np.sqrt(12.5 + 1e-6), 0.0]], rtol=1e-14)


# --- Gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ablation", ABLATIONS)
@pytest.mark.parametrize("relu_layers", [1, 3])
def test_gradients_against_finite_differences(relu_layers, ablation):
    cell = make_cell(relu_layers=relu_layers, **ABLATIONS[ablation])
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    x, start = (tf.constant(a) for a in sequence())
    rng = np.random.default_rng(5)
    pull_o, pull_h = rng.normal(size=(B, T, P)), rng.normal(size=(B, N))

    @tf.function
    def loss(x, start):
        o, h = layer(x, initial_state=[start])
        return tf.reduce_sum(o * pull_o) + tf.reduce_sum(h * pull_h)

    variables = [v.value for v in cell.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        value = loss(x, start)
    gradients = tape.gradient(value, [x, start, *variables])
    for tensor, gradient in zip([x, start, *variables], gradients):
        direction = rng.normal(size=tensor.shape)
        step = 1e-6 * direction

        def shifted(sign, tensor=tensor, step=step):
            if tensor is x:
                return loss(x + sign * step, start)
            if tensor is start:
                return loss(x, start + sign * step)
            tensor.assign_add(sign * step)
            result = loss(x, start)
            tensor.assign_sub(sign * step)
            return result

        numeric = (shifted(1) - shifted(-1)) / 2e-6
        analytic = np.sum(gradient.numpy() * direction)
        np.testing.assert_allclose(analytic, numeric, rtol=2e-6, atol=1e-7)


# --- Dropout -----------------------------------------------------------------------------------


def hidden_after_dropout(cell, steps=1):
    """d of eq. 3, read off an output whose kernel is the identity."""
    layer = keras.layers.RNN(cell, return_sequences=True)
    return layer(np.ones((2, steps, M), "float32"), training=True).numpy()


def dropout_cell(rate, seed=None):
    n = 996
    cell = RRUCell(n, output_size=1000, hidden_multiplier=1.0, dropout=rate, seed=seed)
    cell.build((None, M))
    for w in cell.trainable_variables:
        w.assign(np.zeros(w.shape))
    cell.bias.assign(np.ones(1000))  # j = 1 everywhere, whatever the state
    cell.output_kernel.assign(np.eye(1000))
    return cell


@pytest.mark.parametrize("rate", [0.25, 0.79])
def test_dropout_rate_and_scale(rate):
    d = hidden_after_dropout(dropout_cell(rate), steps=6)
    kept = d > 0
    np.testing.assert_allclose(d[kept], 1 / (1 - rate), rtol=1e-5)
    deviation = np.sqrt(rate * (1 - rate) / d.size)
    assert abs(1 - kept.mean() - rate) < 5 * deviation


def test_dropout_is_fresh_at_every_step_row_and_call():
    cell = dropout_cell(0.5)
    calls = np.stack([hidden_after_dropout(cell, steps=4) for _ in range(2)]) > 0
    masks = calls.reshape(-1, 1000)
    agreement = (masks[:, None] == masks[None]).mean(-1)[~np.eye(len(masks), dtype=bool)]
    assert agreement.min() > 0.4 and agreement.max() < 0.6


def test_dropout_is_repeatable_by_its_seed_and_off_outside_training():
    a, b, c = (hidden_after_dropout(dropout_cell(0.5, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    layer = keras.layers.RNN(dropout_cell(0.5))
    np.testing.assert_allclose(layer(np.ones((2, 3, M), "float32")), 1, rtol=1e-5)


# --- Initial values ----------------------------------------------------------------------------


def test_initial_values():
    cell = RRUCell(300, output_size=100, hidden_multiplier=0.5, relu_layers=2)
    cell.build((None, 100))
    g = 200
    for kernel, fans in [
        (cell.kernel, 100 + 300 + g),
        (cell.recurrent_kernel, 100 + 300 + g),
        (cell.hidden_kernels[0], 2 * g),
        (cell.candidate_kernel, g + 300 + 100),
        (cell.output_kernel, g + 300 + 100),
    ]:
        limit, values = np.sqrt(6 / fans), kernel.numpy()
        assert 0.999 * limit < np.abs(values).max() <= limit
        np.testing.assert_allclose(values.std(), limit / np.sqrt(3), rtol=0.02)
    assert cell.kernel.numpy().flat[0] != cell.recurrent_kernel.numpy().flat[0]
    for zero in [cell.bias, *cell.hidden_biases, cell.candidate_bias, cell.output_bias]:
        assert not zero.numpy().any()
    assert cell.rezero_scale.shape == (300,) and not cell.rezero_scale.numpy().any()


def test_residual_starts_uniform():
    cell = RRUCell(4000, hidden_multiplier=0.001)
    cell.build((None, 1))
    scale = np.sort(cell.residual_scale())
    np.testing.assert_allclose(scale, np.linspace(0.01, 0.99, 4000), atol=0.03)
    assert scale[0] > 0.0099 and scale[-1] < 0.9901
    sigmoid = 1 / (1 + np.exp(-10 * cell.residual_logits.numpy()))
    np.testing.assert_allclose(np.sort(sigmoid), scale, rtol=1e-5)


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


@pytest.mark.parametrize("residual", [1e-40, 1 - 1e-8, 0.999])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_start_near_zero_or_one_is_a_finite_weight(residual, dtype):
    cell = RRUCell(3, residual=residual, dtype=dtype)
    cell.build((1, 2))
    share = np.clip(residual, 2**-23, 1 - 2**-23)
    wanted = np.log(share / (1 - share)) / 10
    np.testing.assert_allclose(cell.residual_logits.numpy(), wanted, rtol=1e-2)


def test_residual_from_a_number_and_identity():
    cell = RRUCell(5, residual=0.8)
    cell.build((None, 2))
    np.testing.assert_allclose(cell.residual_scale(), 0.8, rtol=1e-6)
    assert any(v is cell.residual_logits for v in cell.trainable_variables)
    cell = RRUCell(5, residual="identity")
    cell.build((None, 2))
    assert cell.residual_logits is None
    np.testing.assert_array_equal(cell.residual_scale(), np.ones(5))
    assert "residual_logits" not in [v.name for v in cell.weights]


def test_rezero_scalar_is_one_number():
    cell = RRUCell(5, rezero="scalar")
    cell.build((None, 2))
    assert cell.rezero_scale.shape == () and float(cell.rezero_scale.numpy()) == 0.0


def test_initial_state():
    (state,) = RRUCell(16).get_initial_state(3)
    expected = np.zeros((3, 16))
    expected[:, 0] = 0.25 * 4
    np.testing.assert_array_equal(state, expected)
    (state,) = RRUCell(1).get_initial_state(2)
    np.testing.assert_array_equal(state, [[0.25], [0.25]])


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


def test_half_precision_norm_survives_squares_that_overflow():
    cell = RRUCell(4, hidden_multiplier=1.0, dtype="mixed_float16")
    x = tf.constant([[300.0, -300.0]], tf.float16)  # 300² > 65504
    cell.build((None, 2))
    cell.kernel.assign(np.eye(2, 6))
    o, _ = cell(x, [tf.zeros((1, 4), tf.float16)])
    assert np.isfinite(o.numpy().astype("float32")).all()
    assert np.abs(o.numpy().astype("float32")).max() > 0.01


@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}, {}])
def test_one_training_step_compiled_and_eager(how):
    results = []
    for dropout in (0.0, 0.5):
        keras.utils.set_random_seed(3)
        cell = make_cell(dropout=dropout, seed=4, dtype="float32")
        model = keras.Sequential([keras.Input((T, M)), keras.layers.RNN(cell)])
        model.compile(keras.optimizers.SGD(0.1), "mse", **how)
        x, _ = sequence()
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
    x = sequence()[0].astype("float32")
    np.testing.assert_array_equal(model(x), again(x))
    config = again.layers[0].cell.get_config()
    assert {name: config[name] for name in options} == options and config["units"] == N


def test_stacked_masked_and_bidirectional():
    cells = [RRUCell(6, output_size=4), RRUCell(5, output_size=3)]
    stacked = keras.layers.RNN(cells, return_sequences=True)
    x = sequence()[0].astype("float32")
    mask = lengths_mask([5, 3, 1], T)
    y = stacked(x, mask=tf.constant(mask)).numpy()
    assert y.shape == (B, T, 3)
    changed = np.where(mask[..., None], x, 9.0)
    np.testing.assert_array_equal(stacked(changed, mask=tf.constant(mask)), y)
    both = keras.layers.Bidirectional(keras.layers.RNN(RRUCell(6, output_size=4)))
    assert both(x).shape == (B, 8)


def test_stateful_continues():
    cell = make_cell(dtype="float32")
    x = sequence()[0].astype("float32")
    whole = keras.layers.RNN(cell, return_sequences=True)(x).numpy()
    layer = keras.layers.RNN(cell, return_sequences=True, stateful=True)
    halves = [layer(x[:, :2]).numpy(), layer(x[:, 2:]).numpy()]
    np.testing.assert_allclose(np.concatenate(halves, 1), whole, rtol=1e-5, atol=1e-6)


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
