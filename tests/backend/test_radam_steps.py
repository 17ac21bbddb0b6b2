"""RAdam takes the same steps on every backend of Keras. Nothing here is of one backend."""

from decimal import Decimal, localcontext

import keras
import numpy as np
import pytest
from keras import ops
from radam_oracle import KAPPA, LR, NumpyRAdam, gradients, starts

from rru_nb.layers.embedding import Embedding
from rru_nb.training.radam import RAdam

BACKEND = keras.backend.backend()
SHAPES = [(5, 2), (4, 3), (5,), ()]  # a table, two members of a clip group, one alone
PARTS = [slice(0, 1), slice(1, 3), slice(3, 4)]


def tolerances(dtype):
    return {"rtol": 1e-10} if dtype == "float64" else {"rtol": 2e-6, "atol": 2e-6}


# What the step number decides


def exact_rates(beta, t):
    """1 / (1 − β^t), r_t or 1, and whether ρ_t ≥ 5, from the definitions, in 60 digits."""
    with localcontext(prec=60):
        b = Decimal(beta)
        power = b**t
        rho_inf = 2 / (1 - b) - 1
        rho = rho_inf - 2 * t * power / (1 - power)
        square = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
        rectifier = float(square.sqrt()) if rho >= 5 else 1.0
        return float(1 / (1 - power)), rectifier, rho >= 5


@pytest.mark.parametrize("beta_2", [0.7, 0.95, 0.99, 0.999, 0.9999, 0.99999])
def test_rates_are_exact_to_the_last_digits(beta_2, dtype):
    rtol = 1e-12 if dtype == "float64" else 1e-6
    optimizer = RAdam(LR, beta_1=0.9, beta_2=beta_2)
    around = [round(0.5 / (1 - beta_2)) + i for i in range(-2, 3)]  # where the formula changes
    for t in [*range(1, 21), *(t for t in around if t > 20), 100, 1000, 10**5, 10**7]:
        optimizer.iterations.assign(t - 1)
        rates = optimizer._rates(dtype)
        unbias, rectifier, rectified = exact_rates(beta_2, t)
        found = [float(x) for x in (rates.unbias_m, rates.unbias_v, rates.rectifier)]
        np.testing.assert_allclose(found[0], exact_rates(0.9, t)[0], rtol=rtol)
        np.testing.assert_allclose(found[1:], [unbias, rectifier], rtol=rtol)
        assert bool(rates.rectified) == rectified
        assert keras.backend.standardize_dtype(rates.rectifier.dtype) == dtype


def test_rates_without_momentum():
    rates = RAdam(LR, beta_1=0.0)._rates("float32")
    assert float(rates.unbias_m) == 1.0


# Steps


def marked_variables(dtype, grouped):
    variables = [keras.Variable(value, dtype=dtype) for value in starts(shapes=SHAPES)]
    variables[0].liu_form = True
    for variable in variables[1:3] if grouped else ():
        variable.clip_group = "kernels"
    return variables


def oracles_of(variant, grouped):
    parts = PARTS if grouped else [slice(i, i + 1) for i in range(len(SHAPES))]
    values, authors = starts(shapes=SHAPES), variant == "authors"
    return {i: NumpyRAdam(values[part], authors and i > 0) for i, part in enumerate(parts)}, parts


def eager(optimizer, variables):
    return lambda grads: optimizer.apply(grads, variables)


def stateless(optimizer, variables):
    """As Keras trains on JAX: values go through a compiled function."""
    import jax

    optimizer.build(variables)
    step = jax.jit(optimizer.stateless_apply)

    def apply(grads):
        before = [v.value for v in optimizer.variables], [v.value for v in variables]
        after = step(before[0], grads, before[1])
        for variable, value in zip([*variables, *optimizer.variables], after[0] + after[1]):
            variable.assign(value)

    return apply


@pytest.mark.parametrize("grouped", [False, True], ids=["alone", "in-a-group"])
@pytest.mark.parametrize("variant", ["authors", "liu"])
@pytest.mark.parametrize("how", [eager, *([stateless] if BACKEND == "jax" else [])])
def test_ten_steps_against_numpy(how, variant, grouped, dtype):
    variables = marked_variables(dtype, grouped)
    oracles, parts = oracles_of(variant, grouped)
    scale = 8.0 if grouped else None
    optimizer = RAdam(LR, clip_multiplier=KAPPA, variant=variant, loss_scale_factor=scale)
    apply = how(optimizer, variables)
    for grads in gradients(steps=10, shapes=SHAPES):
        apply([ops.convert_to_tensor((scale or 1) * np.asarray(g), dtype) for g in grads])
        for i, part in enumerate(parts):
            oracles[i].step(grads[part])
    wanted = [theta for oracle in oracles.values() for theta in oracle.thetas]
    for variable, theta in zip(variables, wanted):
        found = ops.convert_to_numpy(variable.value)
        np.testing.assert_allclose(found, theta, **tolerances(dtype))
    for oracle in oracles.values():
        assert any(oracle.clipped) and not all(oracle.clipped)
        assert oracle.rectified == [False] * 5 + [True] * 5


def test_gradient_accumulation_counts_updates_and_leaves_the_form(dtype):
    variables = marked_variables(dtype, grouped=False)
    oracles, _ = oracles_of("authors", grouped=False)
    optimizer = RAdam(LR, clip_multiplier=KAPPA, gradient_accumulation_steps=2)
    apply = (stateless if BACKEND == "jax" else eager)(optimizer, variables)
    for grads in gradients(steps=12, shapes=SHAPES):
        for part in (0.5, 1.5):
            apply([ops.convert_to_tensor(part * np.asarray(g), dtype) for g in grads])
        for i, g in enumerate(grads):
            oracles[i].step([g])
    for i, variable in enumerate(variables):
        found = ops.convert_to_numpy(variable.value)
        np.testing.assert_allclose(found, oracles[i].thetas[0], **tolerances(dtype))


# Embeddings


def weighted_sum(weights, vectors):
    """A loss whose gradient by the vectors is the weights, wherever the vectors are."""
    return ops.sum(weights * vectors, axis=(1, 2))


@pytest.mark.parametrize("variant", ["authors", "liu"])
@pytest.mark.parametrize("layer", [Embedding, keras.layers.Embedding], ids=["ours", "Keras'"])
def test_an_embedding_in_training_against_numpy(layer, variant):
    """Tokens occur twice in a batch, and one never; TensorFlow's gradient is sparse here."""
    rng = np.random.default_rng(2)
    tokens = np.stack([rng.permutation(4)[[0, 1, 0]] for _ in range(10)])
    weights = 0.01 * rng.normal(size=(10, 3, 2)).astype("float32")
    weights[::4] *= 10
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer(5, 2)])
    start = model.get_weights()[0]
    authors = variant == "authors" and layer is keras.layers.Embedding
    oracle, other = (NumpyRAdam([start], form) for form in (authors, not authors))
    model.compile(RAdam(LR, clip_multiplier=KAPPA, variant=variant), loss=weighted_sum)
    model.fit(tokens, weights, batch_size=1, shuffle=False, verbose=0)
    for rows, values in zip(tokens, weights):
        gradient = np.zeros((5, 2))
        np.add.at(gradient, rows, values)
        oracle.step([gradient])
        other.step([gradient])
    found = model.get_weights()[0]
    np.testing.assert_allclose(found, oracle.thetas[0], **tolerances("float32"))
    assert np.abs(found - other.thetas[0]).max() > 0.01


def test_a_table_is_still_marked_in_a_loaded_model(tmp_path):
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((3,), dtype="int32"), Embedding(5, 2, mask_zero=True)])
    model.compile(RAdam(LR), loss=weighted_sum)
    model.save(tmp_path / "model.keras")
    custom = {"weighted_sum": weighted_sum}
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects=custom)
    (layer,) = again.layers
    assert type(layer) is Embedding
    assert (layer.name, layer.mask_zero) == ("embedding", True)
    assert layer.embeddings.liu_form
    assert again.optimizer._liu_form == [True]


def test_a_table_that_is_not_trained_at_first_is_marked_too():
    layer = Embedding(5, 2, trainable=False)
    layer.build()
    assert layer.embeddings.liu_form
