"""The gated cells against NumPy forwards written from their equations, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rru_nb import GRUCell, LSTMCell, MogrifierLSTMCell, UserError

B, T, M, N = 3, 5, 4, 7  # batch, time, input features, state features: all different
ROUNDS = range(7)
CELLS = {
    "gru": lambda **options: GRUCell(N, **options),
    "lstm": lambda **options: LSTMCell(N, forget_bias=0.7, **options),
    "mogrifier": lambda **options: MogrifierLSTMCell(N, rounds=5, rank=2, **options),
}


@pytest.fixture(params=CELLS)
def make_cell(request):
    return CELLS[request.param]


# --- The equations once more, in NumPy ---------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_step(cell, x, states, mask):
    (h,) = states
    m, n = x.shape[1], h.shape[1]
    w, b = cell.gate_kernel.numpy(), cell.gate_bias.numpy()
    r = sigmoid(x @ w[:m, :n] + h @ w[m:, :n] + b[:n])
    u = sigmoid(x @ w[:m, n:] + h @ w[m:, n:] + b[n:])
    w = cell.candidate_kernel.numpy()
    c = np.tanh(x @ w[:m] + (r * h) @ w[m:] + cell.candidate_bias.numpy())
    h = u * h + (1 - u) * c * mask
    return [h]


def lstm_step(cell, x, states, mask):
    h, c = states
    m, n = x.shape[1], h.shape[1]
    w, b = cell.kernel.numpy(), cell.bias.numpy()
    i, j, f, o = (
        x @ w[:m, k * n : (k + 1) * n] + h @ w[m:, k * n : (k + 1) * n] + b[k * n : (k + 1) * n]
        for k in range(4)
    )
    c = sigmoid(f + cell.forget_bias) * c + sigmoid(i) * np.tanh(j) * mask
    return [sigmoid(o) * np.tanh(c), c]


def mogrifier_step(cell, x, states, mask):
    h, c = states
    m, n = x.shape[1], h.shape[1]
    for k in range(cell.rounds):
        product = cell.round_factors_a[k].numpy() @ cell.round_factors_b[k].numpy()
        bias = cell.round_biases[k].numpy()
        if k % 2 == 0:
            x = x * 2 * sigmoid(h @ product + bias)
        else:
            h = h * 2 * sigmoid(x @ product + bias)
    w = cell.kernel.numpy()
    j, o, f, i = (x @ w[:m, k * n : (k + 1) * n] + h @ w[m:, k * n : (k + 1) * n] for k in range(4))
    f = sigmoid(f + cell.forget_gate_bias.numpy())
    i = np.minimum(sigmoid(i + cell.input_gate_bias.numpy()), 1 - f)
    c = f * c + i * np.tanh(j + cell.candidate_bias.numpy()) * mask
    return [sigmoid(o + cell.output_gate_bias.numpy()) * np.tanh(c), c]


STEPS = {GRUCell: gru_step, LSTMCell: lstm_step, MogrifierLSTMCell: mogrifier_step}


def numpy_forward(cell, x, states, valid=None, dropout_masks=None):
    """Outputs [B, T, n] and final states; where not valid, output and states stand still."""
    outputs, output = [], np.zeros((len(x), cell.units))
    for t in range(x.shape[1]):
        mask = 1.0 if dropout_masks is None else dropout_masks[t]
        new = STEPS[type(cell)](cell, x[:, t], states, mask)
        here = np.ones((len(x), 1), bool) if valid is None else valid[:, t, None]
        states = [np.where(here, a, b) for a, b in zip(new, states)]
        output = np.where(here, new[0], output)
        outputs.append(output)
    return np.stack(outputs, axis=1), states


# --- Helpers -----------------------------------------------------------------------------------


def randomized(cell, features=M, seed=0):
    """The cell, built, with all weights (biases too) drawn anew, so that no term is zero."""
    rng = np.random.default_rng(seed)
    if not cell.built:
        cell.build((None, features))
        cell.built = True
    for w in cell.trainable_variables:
        w.assign(rng.normal(scale=0.6, size=w.shape))
    return cell


def states_of(cell, batch, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(batch, N)) * 0.5 for _ in cell.get_initial_state(batch)]


def sequence(seed=2, batch=B, time=T, features=M):
    return np.random.default_rng(seed).normal(size=(batch, time, features))


def lengths_mask(lengths, time=T):
    return np.arange(time)[None] < np.asarray(lengths)[:, None]


# --- Forward -----------------------------------------------------------------------------------


@pytest.mark.parametrize("valid", [None, lengths_mask([5, 2, 0])], ids=["unmasked", "masked"])
def test_forward_against_numpy(make_cell, valid):
    cell = randomized(make_cell(dtype="float64"))
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    x, start = sequence(), states_of(cell, B)
    outputs, *states = layer(x, initial_state=[tf.constant(s) for s in start], mask=valid)
    expected, expected_states = numpy_forward(cell, x, start, valid)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)
    for state, wanted in zip(states, expected_states):
        np.testing.assert_allclose(state, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_mogrifier_rounds_against_numpy(rounds):
    cell = randomized(MogrifierLSTMCell(N, rounds=rounds, rank=3, dtype="float64"))
    x, start = sequence(), states_of(cell, B)
    output, states = cell(tf.constant(x[:, 0]), [tf.constant(s) for s in start])
    expected = mogrifier_step(cell, x[:, 0], start, 1.0)
    np.testing.assert_allclose(output, expected[0], rtol=1e-12)
    np.testing.assert_allclose(states[1], expected[1], rtol=1e-12)
    x_rounds, h_rounds = (rounds + 1) // 2, rounds // 2
    wanted = 4 * N * (M + N + 1) + 3 * rounds * (M + N) + x_rounds * M + h_rounds * N
    assert cell.count_params() == wanted


def test_the_input_gate_is_capped():
    cell = MogrifierLSTMCell(N, rounds=0, dtype="float64")
    randomized(cell).kernel.assign(np.zeros((M + N, 4 * N)))
    cell.forget_gate_bias.assign(np.full(N, 1.0))
    cell.input_gate_bias.assign(np.full(N, 9.0))  # alone it would be 0.9999
    cell.candidate_bias.assign(np.full(N, 9.0))
    _, (_, c) = cell(tf.constant(sequence()[:, 0]), [tf.zeros((B, N), "float64")] * 2)
    np.testing.assert_allclose(c, (1 - sigmoid(1.0)) * np.tanh(9.0) * np.ones((B, N)), rtol=1e-12)


# --- Initial values ----------------------------------------------------------------------------


def test_initial_values_are_the_authors():
    keras.utils.set_random_seed(5)
    gru, lstm = GRUCell(90), LSTMCell(90)
    mogrifier = MogrifierLSTMCell(90, rounds=2, rank=30)
    for cell in (gru, lstm, mogrifier):
        cell.build((None, 30))
    for kernel in (gru.gate_kernel, gru.candidate_kernel, lstm.kernel):
        limit = np.sqrt(6 / sum(kernel.shape))  # Glorot of the concatenated matrix
        assert 0.98 * limit < np.abs(kernel.numpy()).max() <= limit
    assert (gru.gate_bias.numpy() == 1).all() and (gru.candidate_bias.numpy() == 0).all()
    assert (lstm.bias.numpy() == 0).all()
    cut = 0.8796  # a normal distribution cut at two deviations has this deviation
    kernel = mogrifier.kernel.numpy()
    np.testing.assert_allclose(kernel[:30].std(), cut * np.sqrt(1.3 / 30), rtol=0.03)
    np.testing.assert_allclose(kernel[30:].std(), cut * np.sqrt(1.3 / 90), rtol=0.03)
    for k, n_from in ((0, 90), (1, 30)):
        wanted = cut * (1 / (30 * n_from)) ** 0.25
        for factor in (mogrifier.round_factors_a[k], mogrifier.round_factors_b[k]):
            np.testing.assert_allclose(factor.numpy().std(), wanted, rtol=0.06)
    biases = [w for w in mogrifier.weights if len(w.shape) == 1]
    assert len(biases) == 6 and all((b.numpy() == 0).all() for b in biases)


# --- Gradients ---------------------------------------------------------------------------------


def test_gradients_against_finite_differences(make_cell):
    cell = randomized(make_cell(dtype="float64"))
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    x = tf.Variable(sequence())
    start = [tf.Variable(s) for s in states_of(cell, B)]
    valid = tf.constant(lengths_mask([5, 3, 4]))
    weights = np.random.default_rng(3).normal(size=(B, T, N))
    variables = [*(w.value for w in cell.trainable_variables), x, *start]

    @tf.function
    def loss():
        return tf.reduce_sum(layer(x, initial_state=list(start), mask=valid) * weights)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, variables)
    rng = np.random.default_rng(4)
    for variable, gradient in zip(variables, gradients):
        direction = rng.normal(size=variable.shape)
        at, step = variable.numpy(), 1e-5
        variable.assign(at + step * direction)
        above = loss().numpy()
        variable.assign(at - step * direction)
        slope = (above - loss().numpy()) / (2 * step)
        variable.assign(at)
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-7, atol=1e-8)


# --- Dropout -----------------------------------------------------------------------------------


def test_forward_with_a_known_mask(make_cell, monkeypatch):
    """Dropout meets the candidate alone: any other place gives other numbers."""
    cell = randomized(make_cell(dtype="float64", dropout=0.4))
    masks = (np.random.default_rng(6).random((T, B, N)) < 0.6) / 0.6
    remaining = iter(masks)
    monkeypatch.setattr(
        keras.random, "dropout", lambda c, rate, seed: c * next(remaining) if rate == 0.4 else None
    )
    x, start = sequence(), states_of(cell, B)
    states = [tf.constant(s) for s in start]
    for t in range(T):
        output, states = cell(tf.constant(x[:, t]), states, training=True)
    expected, _ = numpy_forward(cell, x, start, dropout_masks=masks)
    np.testing.assert_allclose(output, expected[:, -1], rtol=1e-12)


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


def test_dropout_is_reproducible_by_seed(make_cell):
    x = sequence().astype("float32")

    def outputs(seed):
        layer = keras.layers.RNN(randomized(make_cell(dropout=0.5, seed=seed)))
        return np.asarray(tf.function(lambda: layer(x, training=True))())

    np.testing.assert_array_equal(outputs(3), outputs(3))
    assert (outputs(3) != outputs(4)).any()


# --- As a Keras cell ---------------------------------------------------------------------------


def test_config_round_trip(make_cell):
    cell = make_cell(dropout=0.25, seed=11, name="mine")
    config = cell.get_config()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cell))
    assert type(again) is type(cell) and again.get_config() == config
    assert config["units"] == N and config["dropout"] == 0.25 and config["seed"] == 11


def test_file_round_trip(make_cell, tmp_path):
    inputs = keras.Input((None, M))
    outputs = keras.layers.RNN(make_cell(dropout=0.5), return_sequences=True)(inputs)
    model = keras.Model(inputs, outputs)
    randomized(model.layers[-1].cell)
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
    cell = randomized(make_cell())
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
    layer = keras.layers.RNN(randomized(make_cell()))
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
