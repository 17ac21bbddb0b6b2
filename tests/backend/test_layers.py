"""The recurrent layers, fused and plain, against the equations in NumPy. For every backend."""

import inspect
import re

import keras
import numpy as np
import pytest
from cell_oracles import forward, lengths_mask, randomized, weights_of
from keras import ops
from layer_cases import (
    ABLATED,
    FULL,
    GATED,
    HOLES,
    LAYERS,
    B,
    M,
    N,
    T,
    random_inputs,
    random_masks,
    results,
    rru,
    use_masks,
)

from rru_nb import GRUCell, UserError
from rru_nb.layers.any_cell import CellLayer

BACKEND = keras.backend.backend()
FUSED = [True, False] if BACKEND in ("tensorflow", "jax") else [False]


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


@pytest.fixture
def exact(request):
    """Computes in float64 where this backend can: gives the dtype, whether fused or not."""

    def dtype_of(fused):
        # Keras' tanh and means are of float32 on JAX and PyTorch, so its cells are.
        if BACKEND == "tensorflow" or (BACKEND == "jax" and fused):
            request.getfixturevalue("float64")
            return "float64"
        return "float32"

    return dtype_of


def check(layer, mask, seed):
    """Outputs, states and every gradient of a layer, with known dropout masks if it drops out."""
    rng, cell, keep = np.random.default_rng(seed), layer.cell, None
    if cell.dropout:
        keep = random_masks(cell, rng)
        use_masks(layer, keep)
    inputs = random_inputs([layer], rng)
    found = results([layer], inputs, mask)
    inputs["weights"] = list(weights_of(cell).values())

    def expected(given):
        x, valid, kept = (
            a[:, ::-1] if layer.go_backwards and a is not None else a
            for a in (given["x"], mask, keep)
        )
        weights = dict(zip(weights_of(cell), given["weights"]))
        zero = layer.zero_output_for_mask
        return forward(cell, weights, x, given["states"][0], valid, kept, zero)

    def loss(arrays):
        given = keras.tree.pack_sequence_as(inputs, arrays)
        outputs, states = expected(given)
        pulled = sum(np.sum(p * s) for p, s in zip(given["pulls"][0], states))
        return pulled + np.sum(given["pull"] * outputs)

    outputs, states = expected(inputs)
    wide = layer.compute_dtype == "float64"
    near = {"rtol": 1e-11, "atol": 1e-13} if wide else {"rtol": 2e-5, "atol": 2e-6}
    for ours, theirs in zip([found["pull"], *found["pulls"][0]], [outputs, *states], strict=True):
        np.testing.assert_allclose(ours, theirs, **near)
    near = {"rtol": 2e-6, "atol": 1e-7} if wide else {"rtol": 1e-3, "atol": 1e-4}
    arrays = keras.tree.flatten(inputs)
    for k, gradient in enumerate(keras.tree.flatten(found)):
        step = 1e-6 * rng.normal(size=gradient.shape)
        moved = (arrays[k] + step, arrays[k] - step)
        above, below = (loss([*arrays[:k], a, *arrays[k + 1 :]]) for a in moved)
        np.testing.assert_allclose(np.sum(gradient * step) / 1e-6, (above - below) / 2e-6, **near)


@pytest.mark.parametrize("fused", FUSED)
def test_values_and_gradients(make, fused, exact):
    options = {"dropout": 0.25, "go_backwards": True, "dtype": exact(fused), **FULL}
    layer = make(fused=fused, **options)
    assert layer.fused == fused
    check(randomized(layer, M), HOLES, seed=1)


def test_without_a_mask_or_dropout(make, exact):
    layer = make(fused=FUSED[0], dtype=exact(FUSED[0]), **FULL)
    check(randomized(layer, M, seed=2), None, seed=3)


@pytest.mark.parametrize("case", ABLATED)
def test_ablations(case, exact):
    fused = FUSED[0]
    options = {"dropout": 0.5, "zero_output_for_mask": True, "dtype": exact(fused), **FULL}
    layer = ABLATED[case](fused=fused, **options)
    check(randomized(layer, M, seed=2), lengths_mask([5, 2, 0], T), seed=3)


def test_unrolled(exact):
    """Where Keras' own loop serves, it hands out the masks too."""
    layer = rru(dropout=0.5, unroll=True, dtype=exact(False), **FULL)
    check(randomized(layer, M), HOLES, seed=5)


def test_three_relu_layers(exact):
    fused = FUSED[0]
    check(randomized(rru(relu_layers=3, fused=fused, dtype=exact(fused), **FULL), M), None, seed=4)


@pytest.mark.parametrize("fused", FUSED)
@pytest.mark.parametrize("zero", [False, True], ids=["held", "zero"])
def test_only_the_last_output(zero, fused):
    """Outside training, where nothing is dropped."""
    layer = randomized(GATED["gru"](fused=fused, zero_output_for_mask=zero, dropout=0.5), M)
    x = np.random.default_rng(5).normal(size=(B, T, M))
    for mask in (None, HOLES, lengths_mask([5, 2, 0], T)):
        expected, _ = oracle(layer, x, mask, zero_output=zero)
        found = ops.convert_to_numpy(layer(x, mask=mask))
        np.testing.assert_allclose(found, expected[:, -1], rtol=1e-5, atol=1e-6)


def oracle(layer, x, mask=None, **options):
    """Outputs and states from the cell's initial state."""
    start = [ops.convert_to_numpy(s) for s in layer.cell.get_initial_state(len(x))]
    return forward(layer.cell, weights_of(layer.cell), x, start, mask, **options)


@pytest.mark.parametrize("fused", FUSED)
@pytest.mark.parametrize("name", ["rru", "lstm"])
def test_stateful_and_reset(name, fused):
    layer = LAYERS[name](fused=fused, stateful=True, return_sequences=True)
    layer.build((B, T, M))
    x = np.random.default_rng(6).normal(size=(B, T, M))
    expected, _ = oracle(randomized(layer, M), x)
    first, rest = (ops.convert_to_numpy(layer(part)) for part in (x[:, :3], x[:, 3:]))
    layer.reset_state()
    again = ops.convert_to_numpy(layer(x[:, :3]))
    np.testing.assert_allclose(np.concatenate([first, rest], 1), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again, first, rtol=1e-6)


# Drawn dropout masks


def drawn(layer, shape=(50, 40, 30)):
    return ops.convert_to_numpy(layer._draw(shape))


@pytest.mark.parametrize("fused", FUSED)
@pytest.mark.parametrize("rate", [0.1, 0.79362])
def test_masks_keep_their_share_and_are_fresh_each_step_and_call(rate, fused):
    layer = GATED["gru"](dropout=rate, seed=1, fused=fused)
    kept, again = drawn(layer), drawn(layer)
    assert kept.dtype == bool
    deviation = np.sqrt(rate * (1 - rate) / kept[0].size)
    assert np.abs(kept.mean(axis=(1, 2)) - (1 - rate)).max() < 5 * deviation
    agree = (1 - rate) ** 2 + rate**2
    for a, b in [(kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1]), (kept, again)]:
        assert abs((a == b).mean() - agree) < 5 * np.sqrt(agree * (1 - agree) / a.size)


def test_masks_repeat_with_the_seed(make):
    first, again, other = (drawn(make(dropout=0.5, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_trained_model_draws_anew_each_step():
    """The state of the generator passes through Keras' compiled steps."""
    layer = randomized(rru(dropout=0.5, seed=1), M)
    model = keras.Sequential([keras.Input((T, M)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.random.default_rng(8).normal(size=(B, T, M))
    losses = [model.train_on_batch(x, np.zeros((B, 2))) for _ in range(4)]
    assert len(set(map(float, losses))) == 4


# Whole layers


def test_a_mask_reaches_stacks_and_both_directions():
    inputs = keras.Input((T, M))
    both = keras.layers.Bidirectional(rru(return_sequences=True, dropout=0.3))
    model = keras.Model(inputs, rru()(both(keras.layers.Masking(0.0)(inputs))))
    rng = np.random.default_rng(10)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    x = rng.normal(size=(B, T, M)).astype("float32")
    x[1, 2:] = 0
    changed, moved = x.copy(), np.zeros_like(x)
    changed[1, 1] += 1
    moved[0, 3:] = x[1, :2]  # padded on the left instead
    before, changed, moved = (model.predict_on_batch(a) for a in (x, changed, moved))
    assert np.abs(changed[1] - before[1]).max() > 1e-6
    np.testing.assert_allclose(moved[0], before[1], rtol=1e-5, atol=1e-6)


def test_whole_numbers_are_taken_as_floats():
    layer = randomized(GATED["gru"](), M)
    x = np.random.default_rng(0).integers(0, 2, (2, T, M))
    expected = oracle(layer, x)[0][:, -1]
    for dtype in ("uint8", "bool"):
        found = ops.convert_to_numpy(layer(x.astype(dtype)))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_config_gives_the_layer_again(make):
    layer = make(dropout=0.25, seed=7, fused=False, go_backwards=True, dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and not again.fused and again.go_backwards
    assert again.get_config() == layer.get_config()
    assert again.cell.get_config() == layer.cell.get_config()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_a_cell_of_ones_own_knows_whether_it_is_trained(training, dropout):
    class Told(GRUCell):
        def call(self, inputs, states, training=False):
            told.append(training)
            return super().call(inputs, states, training)

    told = []
    CellLayer(Told(3, dropout=dropout))(np.zeros((2, T, M), "float32"), training=training)
    assert set(told) == {training}


@pytest.mark.parametrize("steps", [T - 1, T + 1])
def test_a_mask_of_another_length_is_refused(make, steps):
    with pytest.raises(UserError, match=rf"mask has the shape \[2, {steps}\] and the sequences"):
        make()(np.zeros((2, T, M), "float32"), mask=np.ones((2, steps), bool))


def test_two_dimensions_are_no_sequences(make):
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        make()(np.zeros((4, 6), "float32"))


def test_another_number_of_features_is_refused(make):
    """One feature too, which the Mogrifier's rounds would spread over all."""
    layer = make()
    layer(np.zeros((2, T, M), "float32"))
    for m in (1, M + 1):
        with pytest.raises(ValueError, match=f"expected axis -1 of input shape to have value {M}"):
            layer(np.zeros((2, T, m), "float32"))


@pytest.mark.parametrize("fused", FUSED)
def test_another_number_of_states_is_refused(make, fused):
    layer, state = make(fused=fused), np.zeros((2, N), "float32")
    wanted = len(layer.state_size)
    for given in {0, 1, 2, 3} - {wanted}:
        with pytest.raises(UserError, match=f"holds {given} states, and .* has {wanted}"):
            layer(np.zeros((2, T, M), "float32"), initial_state=[state] * given)


@pytest.mark.parametrize("fused", FUSED)
@pytest.mark.parametrize("shape", [(3, N), (1, N), (2, N + 1), (2, 1), (N,), (1, 2, N)], ids=str)
def test_a_state_of_another_shape_is_refused(make, fused, shape):
    """One that a backend would spread over the batch, too."""
    layer = make(fused=fused)
    states = [np.zeros(shape, "float32")] * len(layer.state_size)
    wanted = re.escape(f"initial_state has the shape {list(shape)} and the sequences [2, {T}, {M}]")
    with pytest.raises(UserError, match=wanted + rf".* is \[2, {N}\]"):
        layer(np.zeros((2, T, M), "float32"), initial_state=states)


def test_what_cannot_be_fused_says_why(make):
    assert make().fused == FUSED[0]
    assert not make(fused=False).fused and not make(unroll=True).fused
    wanted = "unroll=True" if FUSED[0] else "there are fused loops for tensorflow and jax"
    with pytest.raises(UserError, match=f"fused=True can't be honoured.*{wanted}"):
        make(fused=True, unroll=True)
    for given in ("yes", 0, np.False_):  # which are not False, and would fuse
        with pytest.raises(UserError, match=f"fused = {given!r} is not valid"):
            make(fused=given)


def test_a_layer_has_the_arguments_of_its_cell_as_keras_own_layers_do(make):
    layer = make(dropout=0.25, seed=3)
    arguments = set(inspect.signature(type(layer)).parameters) - {"fused", "kwargs"}
    assert {"units", "dropout", "seed"} <= arguments
    for name in arguments:
        assert getattr(layer, name) == getattr(layer.cell, name)
    assert (layer.units, layer.dropout, layer.seed) == (N, 0.25, 3)
    with pytest.raises(TypeError, match="units"):
        type(layer)()


def test_a_subclass_may_have_arguments_of_its_own(make):
    class Mine(type(make())):
        def __init__(self, *arguments, taste="sour", **options):
            super().__init__(*arguments, **options)
            self.taste = taste

    layer = Mine(N, taste="sweet")
    assert (layer.units, layer.taste) == (N, "sweet")
