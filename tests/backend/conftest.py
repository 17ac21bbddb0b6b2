"""The number formats that this folder's tests compute in."""

import keras
import pytest


@pytest.fixture
def float64():
    """Let JAX compute in float64 for one test; TensorFlow does whenever it is asked."""
    if keras.backend.backend() == "torch":
        pytest.skip("Keras computes in float32 on PyTorch, whatever the variables are")
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    if request.param == "float64":
        request.getfixturevalue("float64")
    return request.param
