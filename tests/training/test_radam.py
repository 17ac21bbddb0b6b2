"""RAdam on TensorFlow, both variants, against NumPy; `backend/` has what holds on all."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from radam_oracle import KAPPA, LR, STEPS, NumpyRAdam, gradients, starts

from rru_nb import RAdam, UserError


def variables_at(values, dtype="float64"):
    return [keras.Variable(value, dtype=dtype) for value in values]


def assert_both_kinds_of_step(oracle):
    assert any(oracle.clipped) and not all(oracle.clipped), "clipping must start and stop"
    assert oracle.clipped[0], "v = 0 at first: only 0.01 of the gradient passes"
    assert oracle.rectified[4:6] == [False, True], "rho_t reaches 5 at the sixth step"


def appliers():
    def eager(optimizer, variables):
        return lambda grads: optimizer.apply(grads, variables)

    def graph(optimizer, variables, **options):
        optimizer.build(variables)
        return tf.function(lambda grads: optimizer.apply(grads, variables), **options)

    return {
        "eager": eager,
        "graph": graph,
        "jit": lambda optimizer, variables: graph(optimizer, variables, jit_compile=True),
    }


@pytest.mark.parametrize("how", ["eager", "graph", "jit"])
@pytest.mark.parametrize("variant", ["authors", "liu"])
def test_against_numpy(variant, how):
    optimizer = RAdam(LR, clip_multiplier=KAPPA, variant=variant)
    variables = variables_at(starts())
    oracles = [NumpyRAdam([start], variant == "authors") for start in starts()]
    apply = appliers()[how](optimizer, variables)
    for grads in gradients():
        apply([tf.constant(g) for g in grads])
        for oracle, g in zip(oracles, grads):
            oracle.step([g])
        for variable, oracle in zip(variables, oracles):
            np.testing.assert_allclose(variable.numpy(), oracle.thetas[0], rtol=1e-10)
    for oracle in oracles:
        assert_both_kinds_of_step(oracle)


@pytest.mark.parametrize("variant", ["authors", "liu"])
def test_float32_without_clipping_and_with_other_constants(variant):
    options = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}
    optimizer = RAdam(LR, variant=variant, **options)
    variables = variables_at(starts(), "float32")
    oracles = [
        NumpyRAdam([start], variant == "authors", None, b1=0.8, b2=0.95, eps=1e-3)
        for start in starts()
    ]
    for grads in gradients():
        optimizer.apply([tf.constant(g, tf.float32) for g in grads], variables)
        for oracle, g in zip(oracles, grads):
            oracle.step([g])
    for variable, oracle in zip(variables, oracles):
        np.testing.assert_allclose(variable.numpy(), oracle.thetas[0], rtol=1e-4, atol=1e-5)


def test_a_clip_group_is_clipped_as_one_variable():
    variables = variables_at(starts())
    for variable in variables[:2]:
        variable.clip_group = "kernels"
    oracles = [NumpyRAdam(starts()[:2], True), NumpyRAdam(starts()[2:], True)]
    optimizer = RAdam(LR, clip_multiplier=KAPPA, loss_scale_factor=8.0)
    apply = appliers()["graph"](optimizer, variables)
    for grads in gradients():
        apply([tf.constant(8 * g) for g in grads])
        oracles[0].step(grads[:2])
        oracles[1].step(grads[2:])
    found = [variable.numpy() for variable in variables]
    for a, b in zip(found, oracles[0].thetas + oracles[1].thetas):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert_both_kinds_of_step(oracles[0])
    alone = [NumpyRAdam([start], True) for start in starts()[:2]]
    for grads in gradients():
        for oracle, g in zip(alone, grads):
            oracle.step([g])
    assert np.abs(found[0] - alone[0].thetas[0]).max() > 1e-4, "the group must matter"


def sparse_gradients(steps=STEPS):
    """Rows, one of them twice, and the values of their gradients; row 4 never has one."""
    rng = np.random.default_rng(7)
    for t in range(steps):
        values = (0.1 if t % 4 == 0 else 0.01) * rng.normal(size=(3, 2))
        yield rng.permutation(4)[[0, 1, 0]], values


@pytest.mark.parametrize("variant", ["authors", "liu"])
@pytest.mark.parametrize("marked", [False, True], ids=["plain", "marked"])
@pytest.mark.parametrize("grouped", [False, True], ids=["alone", "in-a-group"])
def test_the_mark_decides_the_form_of_a_sparse_gradient(variant, marked, grouped):
    start = starts(shapes=[(5, 2)])
    (table,) = variables_at(start)
    if marked:
        table.liu_form = True
    if grouped:
        table.clip_group = "tables"
    oracle = NumpyRAdam(start, normalize_first=variant == "authors" and not marked)
    optimizer = RAdam(LR, clip_multiplier=KAPPA, variant=variant)
    for rows, values in sparse_gradients():
        slices = tf.IndexedSlices(tf.constant(values), tf.constant(rows), tf.constant([5, 2]))
        optimizer.apply([slices], [table])
        dense = np.zeros((5, 2))
        np.add.at(dense, rows, values)
        oracle.step([dense])
        np.testing.assert_allclose(table.numpy(), oracle.thetas[0], rtol=1e-10)
    assert_both_kinds_of_step(oracle)


def test_a_sparse_gradient_with_a_scaled_loss_that_is_accumulated():
    start = starts(shapes=[(5, 2)])
    (table,) = variables_at(start)
    table.liu_form = True
    oracle = NumpyRAdam(start, normalize_first=False)
    optimizer = RAdam(
        LR, clip_multiplier=KAPPA, loss_scale_factor=8.0, gradient_accumulation_steps=2
    )
    for rows, values in sparse_gradients(steps=12):
        dense = np.zeros((5, 2))
        np.add.at(dense, rows, values)
        for part in (0.5, 1.5):
            scaled = tf.constant(8 * part * values)
            optimizer.apply([tf.IndexedSlices(scaled, rows, tf.constant([5, 2]))], [table])
        oracle.step([dense])
    np.testing.assert_allclose(table.numpy(), oracle.thetas[0], rtol=1e-10)


def test_learning_rate_schedule_against_numpy():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([9], [LR, LR / 8])
    optimizer = RAdam(schedule, clip_multiplier=KAPPA)
    variables = variables_at(starts())
    oracles = [NumpyRAdam([start], True) for start in starts()]
    for t, grads in enumerate(gradients()):
        optimizer.apply([tf.constant(g) for g in grads], variables)
        for oracle, g in zip(oracles, grads):
            oracle.step([g], LR if t <= 9 else LR / 8)
    for variable, oracle in zip(variables, oracles):
        np.testing.assert_allclose(variable.numpy(), oracle.thetas[0], rtol=1e-7)


def test_saved_and_loaded_training_goes_on_as_before(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = RAdam(LR, clip_multiplier=KAPPA, variant="liu", beta_1=0.8, epsilon=1e-6)
    model.compile(optimizer, loss="mse", jit_compile=True)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    options = {"epochs": 7, "batch_size": 8, "shuffle": False, "verbose": 0}
    losses = model.fit(x, y, **options).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == optimizer.get_config()
    assert again.optimizer.get_config()["variant"] == "liu"
    model.fit(x, y, **options)
    again.fit(x, y, **options)
    for a, b in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(
    "options, quoted",
    [
        ({"variant": "author"}, "'author' is unknown. Did you mean 'authors'"),
        ({"clip_multiplier": 0}, "clip_multiplier = 0 "),
        ({"clip_multiplier": "1.5"}, "clip_multiplier = '1.5'"),
        ({"beta_1": 1.0}, "beta_1 = 1.0"),
        ({"beta_2": 0.5}, "beta_2 = 0.5"),
        ({"epsilon": 0.0}, "epsilon = 0.0"),
    ],
)
def test_errors_quote_the_value(options, quoted):
    with pytest.raises(UserError, match=quoted.replace(".", r"\.").replace("?", r"\?")):
        RAdam(0.1, **options)


def test_a_variable_that_was_not_there_at_first_is_keras_error():
    known, new = variables_at([0.0]), variables_at([0.0])
    optimizer = RAdam(0.1, clip_multiplier=1.0)
    optimizer.build(known)
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([tf.constant(1.0)], new)


def test_float16_is_refused_but_not_as_a_dtype_to_compute_in():
    """A zero gradient would be 0 / 0 there."""
    for dtype, fits in (("float16", False), ("mixed_float16", True)):
        layer = keras.layers.Dense(2, dtype=dtype)
        layer.build((None, 3))
        if fits:
            RAdam(0.1).build(layer.trainable_variables)
            continue
        with pytest.raises(UserError, match=f"{layer.kernel.path}, .* float16.*'mixed_float16'"):
            RAdam(0.1).build(layer.trainable_variables)


def test_a_clip_group_with_accumulated_gradients_is_refused():
    (variable,) = variables_at([0.0])
    variable.clip_group = "kernels"
    optimizer = RAdam(0.1, clip_multiplier=1.0, gradient_accumulation_steps=3)
    with pytest.raises(UserError, match="gradient_accumulation_steps = 3"):
        optimizer.build([variable])


def test_a_member_of_a_clip_group_without_a_gradient_is_left_out():
    """As the output matrix of an RRU whose state alone is read, under `model.fit`."""
    variables = variables_at(starts())
    for variable in variables[:2]:
        variable.clip_group = "kernels"
    oracle = NumpyRAdam(starts()[:1], True)
    optimizer = RAdam(LR, clip_multiplier=KAPPA)
    optimizer.build(variables)
    for first, _, third in gradients(steps=8):
        optimizer.apply([tf.constant(first), None, tf.constant(third)], variables)
        oracle.step([first])
    np.testing.assert_allclose(variables[0].numpy(), oracle.thetas[0], rtol=1e-10)
    np.testing.assert_array_equal(variables[1].numpy(), starts()[1])


def test_a_clip_group_on_several_replicas_is_refused(monkeypatch):
    (variable,) = variables_at([0.0])
    variable.clip_group = "kernels"
    optimizer = RAdam(0.1, clip_multiplier=1.0)
    optimizer.build([variable])
    two = SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: two)
    with pytest.raises(UserError, match="on 2 replicas"):
        optimizer._check_clip_groups()
