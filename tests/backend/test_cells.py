"""The four cells, one step at a time, against their equations in NumPy. For every backend."""

import importlib
import re

import keras
import numpy as np
import pytest
from cell_oracles import ABLATIONS, STEPS, forward, randomized, sigmoid, weights_of
from keras import ops

from rru_nb import GRUCell, LSTMCell, MogrifierLSTMCell, RRUCell, UserError
from rru_nb.cells._dropout import Step

BACKEND = keras.backend.backend()
B, M, N, P = 3, 4, 7, 2  # batch, input, state, output: all different
DTYPE = "float64" if BACKEND == "tensorflow" else "float32"  # as Keras' own operations compute
NEAR = {"rtol": 1e-12, "atol": 1e-14} if DTYPE == "float64" else {"rtol": 1e-5, "atol": 2e-6}
CELLS = {
    "rru": lambda **options: RRUCell(N, output_size=P, hidden_multiplier=1.3, **options),
    "gru": lambda **options: GRUCell(N, **options),
    "lstm": lambda **options: LSTMCell(N, forget_bias=0.7, **options),
    "mogrifier": lambda **options: MogrifierLSTMCell(N, rounds=5, rank=2, **options),
}


@pytest.fixture(params=CELLS)
def make(request):
    return CELLS[request.param]


def numbers(tensors):
    return [ops.convert_to_numpy(t) for t in tensors]


def check(cell, dropout=False):
    """A step with random weights, outside training or with a known dropout mask."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(B, M))
    states = [rng.normal(size=(B, N)) for _ in cell.get_initial_state(B)]
    keep = rng.random((B, cell.dropped_features)) >= cell.dropout
    inputs = ops.convert_to_tensor(x, DTYPE)
    inputs = Step(inputs, ops.convert_to_tensor(keep)) if dropout else inputs
    output, new = cell(inputs, [ops.convert_to_tensor(s, DTYPE) for s in states], training=dropout)
    factor = keep / (1 - cell.dropout) if dropout else 1.0
    expected, states = STEPS[type(cell)](cell, weights_of(cell), x, states, factor)
    for found, wanted in zip(numbers([output, *new]), [expected, *states], strict=True):
        np.testing.assert_allclose(found, wanted, **NEAR)


@pytest.mark.parametrize("dropout", [False, True], ids=["quiet", "dropout"])
def test_a_step(make, dropout):
    check(randomized(make(dropout=0.25, dtype=DTYPE), M), dropout)


@pytest.mark.parametrize("relu_layers", [1, 2, 3])
@pytest.mark.parametrize("ablation", ABLATIONS)
def test_a_step_of_each_ablation(ablation, relu_layers):
    options = {"relu_layers": relu_layers, "dtype": DTYPE, **ABLATIONS[ablation]}
    check(randomized(CELLS["rru"](**options), M))


@pytest.mark.parametrize("rounds", range(7))
def test_a_step_of_each_number_of_rounds(rounds):
    cell = randomized(MogrifierLSTMCell(N, rounds=rounds, rank=3, dtype=DTYPE), M)
    check(cell)
    x_rounds, h_rounds = (rounds + 1) // 2, rounds // 2
    wanted = 4 * N * (M + N + 1) + 3 * rounds * (M + N) + x_rounds * M + h_rounds * N
    assert cell.count_params() == wanted


def zeroed(cell, features=M):
    """The cell with all weights at zero."""
    for w in randomized(cell, features).trainable_variables:
        w.assign(np.zeros(w.shape))
    return cell


def test_normalization_as_in_the_authors_code():
    # Without other weights than W^c = 1 the state is the normalized, rectified input.
    cell = zeroed(RRUCell(2, hidden_multiplier=0.5, residual="identity", dtype=DTYPE), 2)
    cell.kernel.assign(np.eye(2))
    cell.candidate_kernel.assign(np.eye(2))
    cell.rezero_scale.assign(np.ones(2))
    _, (h,) = cell(ops.convert_to_tensor([[3.0, -4.0]], DTYPE), [ops.zeros((1, 2), DTYPE)])
    np.testing.assert_allclose(*numbers([h]), [[3 / np.sqrt(12.5 + 1e-6), 0.0]], **NEAR)


def test_the_input_gate_is_capped():
    cell = zeroed(MogrifierLSTMCell(N, rounds=0, dtype=DTYPE))
    cell.forget_gate_bias.assign(np.full(N, 1.0))
    cell.input_gate_bias.assign(np.full(N, 9.0))  # alone it would be 0.9999
    cell.candidate_bias.assign(np.full(N, 9.0))
    _, (_, c) = cell(ops.ones((B, M), DTYPE), [ops.zeros((B, N), DTYPE)] * 2)
    wanted = (1 - sigmoid(1.0)) * np.tanh(9.0) * np.ones((B, N))
    np.testing.assert_allclose(*numbers([c]), wanted, **NEAR)


# Dropout


def showing_masks(rate, seed=None):
    """A cell whose output is d of equation 3, 1000 features of it, all of them 1 before."""
    cell = zeroed(RRUCell(996, 1000, hidden_multiplier=1.0, dropout=rate, seed=seed))
    cell.bias.assign(np.ones(1000))
    cell.output_kernel.assign(np.eye(1000))
    x, state = ops.ones((20, M)), ops.ones((20, 996))
    return lambda: ops.convert_to_numpy(cell(x, state, training=True)[0])


@pytest.mark.parametrize("rate", [0.25, 0.79])
def test_a_cell_alone_draws_its_masks(rate):
    draw = showing_masks(rate, seed=1)
    drawn = np.concatenate([draw() for _ in range(5)])
    kept = drawn > 0
    np.testing.assert_allclose(drawn[kept], 1 / (1 - rate), rtol=1e-4)
    assert abs(1 - kept.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / kept.size)
    agreement = (kept[:, None] == kept[None]).mean(-1)[~np.eye(100, dtype=bool)]
    assert abs(agreement - (1 - rate) ** 2 - rate**2).max() < 0.1, "fresh each row and call"


def test_its_masks_repeat_with_the_seed():
    first, again, other = (showing_masks(0.5, seed)() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_bare_loop_of_a_cell_with_dropout_draws_masks_or_names_the_layer(make):
    """JAX's loop can't carry the state of a random generator; other backends' loops can."""
    cell = randomized(make(dropout=0.5, seed=1), M)
    bare = keras.layers.RNN(cell, return_sequences=True)
    x, y = np.ones((B, 5, M)), np.zeros((B, 5, cell.output_size))
    quiet = ops.convert_to_numpy(bare(x))
    expected, _ = forward(cell, weights_of(cell), x, numbers(cell.get_initial_state(B)))
    np.testing.assert_allclose(quiet, expected, rtol=1e-4, atol=1e-5)
    if BACKEND == "jax":
        model = keras.Sequential([keras.Input((5, M)), bare])
        model.compile("sgd", "mse")
        for train in (lambda: bare(x, training=True), lambda: model.fit(x, y, verbose=0)):
            with pytest.raises(UserError, match="can't draw its masks") as refused:
                train()
            module, name = re.search(r"layer (rru_nb\S+)\.(\w+), ", str(refused.value)).groups()
            layer = getattr(importlib.import_module(module), name)
            assert type(layer(3).cell) is type(cell)
        mine = type("Mine", (type(cell),), {"__module__": "mine.cells.all"})(3, dropout=0.5)
        with pytest.raises(UserError, match=r"layer rru_nb\.layers\.any_cell\.CellLayer\(Mine\("):
            keras.layers.RNN(mine)(x, training=True)
        return
    first, second = (ops.convert_to_numpy(bare(x, training=True)) for _ in range(2))
    assert (first != second).any() and (first != quiet).any()


# Initial values


def spread(weight):
    return ops.convert_to_numpy(weight.value).std()


def is_all(weights, value):
    return all((ops.convert_to_numpy(w.value) == value).all() for w in weights)


def assert_glorot(kernel, fans):
    limit, values = np.sqrt(6 / fans), ops.convert_to_numpy(kernel.value)
    assert 0.98 * limit < np.abs(values).max() <= limit * (1 + 1e-6)  # float32 rounds
    np.testing.assert_allclose(values.std(), limit / np.sqrt(3), rtol=0.03)


def test_initial_values_of_the_rru():
    keras.utils.set_random_seed(5)
    cell = RRUCell(300, output_size=100, hidden_multiplier=0.5, relu_layers=2)
    cell.build((None, 100))
    g = 200
    for kernel in (cell.kernel, cell.recurrent_kernel):
        assert_glorot(kernel, 100 + 300 + g)
    for kernel in (cell.candidate_kernel, cell.output_kernel):
        assert_glorot(kernel, g + 300 + 100)
    assert_glorot(cell.hidden_kernels[0], 2 * g)
    assert cell.kernel.numpy().flat[0] != cell.recurrent_kernel.numpy().flat[0]
    assert is_all([cell.bias, *cell.hidden_biases, cell.candidate_bias, cell.output_bias], 0)
    assert cell.rezero_scale.shape == (300,) and is_all([cell.rezero_scale], 0)


def test_initial_values_of_the_gated_cells_are_the_authors():
    keras.utils.set_random_seed(5)
    gru, lstm = GRUCell(90), LSTMCell(90)
    mogrifier = MogrifierLSTMCell(90, rounds=2, rank=30)
    for cell in (gru, lstm, mogrifier):
        cell.build((None, 30))
    for kernel in (gru.gate_kernel, gru.candidate_kernel, lstm.kernel):
        assert_glorot(kernel, sum(kernel.shape))  # of the concatenated matrix
    assert is_all([gru.gate_bias], 1) and is_all([gru.candidate_bias, lstm.bias], 0)
    cut = 0.8796  # a normal distribution cut at two deviations has this deviation
    kernel = ops.convert_to_numpy(mogrifier.kernel.value)
    np.testing.assert_allclose(kernel[:30].std(), cut * np.sqrt(1.3 / 30), rtol=0.03)
    np.testing.assert_allclose(kernel[30:].std(), cut * np.sqrt(1.3 / 90), rtol=0.03)
    for k, n_from in ((0, 90), (1, 30)):
        wanted = cut * (1 / (30 * n_from)) ** 0.25
        for factor in (mogrifier.round_factors_a[k], mogrifier.round_factors_b[k]):
            np.testing.assert_allclose(spread(factor), wanted, rtol=0.06)
    biases = [w for w in mogrifier.trainable_variables if len(w.shape) == 1]
    assert len(biases) == 6 and is_all(biases, 0)


def residual_of(cell, features=2):
    cell.build((None, features))
    return np.sort(ops.convert_to_numpy(cell.residual_scale()))


def test_residual_starts_uniform():
    keras.utils.set_random_seed(5)
    cell = RRUCell(4000, hidden_multiplier=0.001)
    scale = residual_of(cell, 1)
    np.testing.assert_allclose(scale, np.linspace(0.01, 0.99, 4000), atol=0.03)
    assert scale[0] > 0.0099 and scale[-1] < 0.9901
    logits = ops.convert_to_numpy(cell.residual_logits.value)
    np.testing.assert_allclose(np.sort(sigmoid(10 * logits)), scale, rtol=1e-5)


def test_residual_from_a_number_and_identity():
    cell = RRUCell(5, residual=0.8)
    np.testing.assert_allclose(residual_of(cell), 0.8, rtol=1e-6)
    assert any(v is cell.residual_logits for v in cell.trainable_variables)
    cell = RRUCell(5, residual="identity")
    np.testing.assert_array_equal(residual_of(cell), np.ones(5))
    assert cell.residual_logits is None
    assert "residual_logits" not in [v.name for v in cell.weights]


@pytest.mark.parametrize("residual", [1e-40, 1 - 1e-8, 0.999])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_start_near_zero_or_one_is_a_finite_weight(residual, dtype):
    cell = RRUCell(3, residual=residual, dtype=dtype)
    cell.build((1, 2))
    share = np.clip(residual, 2**-23, 1 - 2**-23)
    wanted = np.log(share / (1 - share)) / 10
    logits = ops.convert_to_numpy(ops.cast(cell.residual_logits.value, "float32"))
    np.testing.assert_allclose(logits, wanted, rtol=1e-2)


def test_rezero_scalar_is_one_number():
    cell = RRUCell(5, rezero="scalar")
    cell.build((None, 2))
    assert cell.rezero_scale.shape == () and is_all([cell.rezero_scale], 0)


def test_initial_state():
    (state,) = numbers(RRUCell(16).get_initial_state(3))
    expected = np.zeros((3, 16))
    expected[:, 0] = 0.25 * 4
    np.testing.assert_array_equal(state, expected)
    (state,) = numbers(RRUCell(1).get_initial_state(2))
    np.testing.assert_array_equal(state, [[0.25], [0.25]])
    for state in numbers(LSTMCell(5).get_initial_state(2)):
        np.testing.assert_array_equal(state, np.zeros((2, 5)))


# As Keras has them


def test_half_precision_norm_survives_squares_that_overflow():
    cell = zeroed(RRUCell(4, hidden_multiplier=1.0, dtype="mixed_float16"), 2)
    cell.kernel.assign(np.eye(2, 6))
    cell.output_kernel.assign(np.eye(6, 4))
    x = ops.convert_to_tensor([[300.0, -300.0]], "float16")  # 300² > 65504
    (o,) = numbers([ops.cast(cell(x, [ops.zeros((1, 4), "float16")])[0], "float32")])
    np.testing.assert_allclose(o, [[np.sqrt(3), 0, 0, 0]], rtol=2e-3)


def test_a_config_gives_the_cell_again(make):
    cell = make(dropout=0.25, seed=11, name="mine")
    config = cell.get_config()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cell))
    assert type(again) is type(cell) and again.get_config() == config
    assert config["units"] == N and config["dropout"] == 0.25 and config["seed"] == 11
