"""Products in bfloat16: what rounding costs, where it is done, and that a run asks for it."""

import importlib

import keras
import ml_dtypes
import numpy as np
import pytest
from cell_oracles import randomized
from keras import ops
from layer_cases import FULL, LAYERS, M, random_inputs, results

from rru_nb import UserError, paper_config
from rru_nb.layers.backend import backend
from rru_nb.layers.products import product_dtype, products_in
from rru_nb.training.trainer import train

BACKEND = keras.backend.backend()
ROUNDING = 2.0**-8  # relative error, at most, of a number rounded to seven bits of mantissa
OF_SUM = ROUNDING if BACKEND == "tensorflow" else 0  # TensorFlow alone rounds sums


@pytest.fixture(autouse=True)
def _fused_loops():
    if BACKEND not in ("tensorflow", "jax"):
        pytest.skip("no fused loops")


def rounded(a):
    return a.astype(ml_dtypes.bfloat16).astype("float64")


def test_a_product_is_that_of_the_rounded_factors():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=size).astype("float32") for size in ((7, 300), (300, 5)))
    products = importlib.import_module(f"rru_nb.layers.{BACKEND}.products")
    with products_in("bfloat16"):
        found = products.matmul(ops.convert_to_tensor(a), ops.convert_to_tensor(b))
    expected = rounded(a) @ rounded(b)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    tolerance = 1e-6 * np.abs(expected).max()  # for the order of sums
    np.testing.assert_allclose(found, expected, rtol=OF_SUM, atol=tolerance)
    exact = a.astype("float64") @ b
    assert np.abs(found - exact).max() > 10 * tolerance


def test_both_gradients_of_a_product_are_those_of_rounded_factors():
    rng = np.random.default_rng(0)
    a, b, d = (rng.normal(size=s).astype("float32") for s in ((7, 300), (300, 5), (7, 5)))
    products = importlib.import_module(f"rru_nb.layers.{BACKEND}.products")
    with products_in("bfloat16"):
        found = backend().gradients(lambda ab: ops.sum(d * products.matmul(*ab)), [a, b])
    for one, expected in zip(found, (rounded(d) @ rounded(b).T, rounded(a).T @ rounded(d))):
        np.testing.assert_allclose(one, expected, rtol=OF_SUM, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("cell", LAYERS)
def test_a_layer_loses_digits_and_no_more(cell):
    """In values and in all gradients; a factor that one product forgot to round would not show."""
    layer = randomized(LAYERS[cell](fused=True, dtype="float32", **FULL), M)
    inputs = random_inputs([layer], np.random.default_rng(1))
    exact = keras.tree.flatten(results([layer], inputs))
    with products_in("bfloat16"):
        found = keras.tree.flatten(results([layer], inputs))
    assert [a.dtype for a in found] == [b.dtype for b in exact]
    errors = sorted(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, exact))
    assert errors[-1] < 5 * ROUNDING
    assert errors[1] > 1e-6  # the gradient of the RRU's B^o is a sum of what was given


def test_float64_is_left_as_it_is(float64):
    layer = randomized(LAYERS["lstm"](fused=True, dtype="float64", **FULL), M)
    inputs = random_inputs([layer], np.random.default_rng(2))
    exact = keras.tree.flatten(results([layer], inputs))
    with products_in("bfloat16"):
        found = keras.tree.flatten(results([layer], inputs))
    assert all((a == b).all() for a, b in zip(found, exact, strict=True))


def test_a_layer_without_a_fused_loop_refuses():
    layer = LAYERS["rru"](fused=False)
    with products_in("bfloat16"), pytest.raises(UserError, match="'bfloat16'.*'float32'"):
        layer(np.zeros([1, 2, M], "float32"))


def test_a_run_computes_as_its_setting_says():
    small = {"n_params": 20_000, "max_epochs": 1, "train_limit": 8, "eval_limit": 8}
    records, seen = {}, []
    for precision in ("float32", "bfloat16"):
        config = paper_config("chorales", "rru", "smoke", **small, precision=precision)
        records[precision] = train(
            config, progress=False, finished=lambda _: seen.append(product_dtype())
        )
    assert seen == [None, "bfloat16"] and product_dtype() is None
    exact, found = (record["epochs"][0]["train_loss"] for record in records.values())
    assert 0 < abs(found - exact) < ROUNDING * abs(exact)
    ids = [record["id"] for record in records.values()]
    assert len(set(ids)) == 2
    assert "precision" in str(records["bfloat16"]["differences"])
