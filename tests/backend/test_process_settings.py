"""What a program, or Keras' own file, has set before a run changes none of its numbers."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import keras
import pytest

from rru_nb import UserError, paper_config
from rru_nb.layers.backend import backend, fixed_settings
from rru_nb.training import provenance
from rru_nb.training.trainer import train

BACKEND = keras.backend.backend()
SMALL = {"units": 6, "window": 8, "batch_size": 4, "train_limit": 8, "eval_limit": 4}
CONFIG = paper_config("chorales", "gru", "smoke", **SMALL, dropout=0.5, max_epochs=1)


def outcome(config=CONFIG):
    """What a training measured."""
    record = train(config, progress=False)
    losses = [epoch["train_loss"] for epoch in record["epochs"]]
    return [record["status"], losses, record["valid"], record["test"]]


@pytest.fixture(scope="module")
def expected():
    return outcome()


@contextmanager
def changed(get, put, value):
    """A setting changed, and there afterwards as the run found it; then set back."""
    before = get()
    put(value)
    try:
        yield
        assert get() == value
    finally:
        put(before)


def policy():
    return keras.config.dtype_policy().name


KERAS = {
    "float64": (keras.config.floatx, keras.config.set_floatx, "float64"),
    "float16": (keras.config.floatx, keras.config.set_floatx, "float16"),
    "policy": (policy, keras.config.set_dtype_policy, "mixed_bfloat16"),
    "epsilon": (keras.config.epsilon, keras.config.set_epsilon, 0.5),
    "images": (
        keras.config.image_data_format,
        keras.config.set_image_data_format,
        "channels_first",
    ),
}


def of_tensorflow():
    import tensorflow as tf
    from tensorflow.python.framework import config as private  # has what sets it back

    def set_determinism(on):
        (private.enable_op_determinism if on else private.disable_op_determinism)()

    tf32 = tf.config.experimental
    return {
        "tf32": (
            tf32.tensor_float_32_execution_enabled,
            tf32.enable_tensor_float_32_execution,
            True,  # TensorFlow's default
        ),
        "eagerly": (tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, True),
        "determinism": (private.is_op_determinism_enabled, set_determinism, True),
    }


def of_jax():
    import jax

    def pair(name):
        return lambda: getattr(jax.config, name), lambda value: jax.config.update(name, value)

    values = {
        "jax_enable_x64": True,
        "jax_default_matmul_precision": "bfloat16",
        "jax_default_prng_impl": "rbg",
        "jax_threefry_partitionable": False,
        "jax_numpy_dtype_promotion": "strict",
        "jax_disable_jit": True,
        "jax_debug_nans": True,
    }
    return {name: (*pair(name), value) for name, value in values.items()}


LEFT = ("determinism",)  # as it is, and recorded
SETTINGS = KERAS | {"tensorflow": of_tensorflow, "jax": of_jax}[BACKEND]()


@pytest.mark.parametrize("name", SETTINGS)
def test_each_is_ours_within_a_run_and_as_it_was_afterwards(name):
    get, _, value = SETTINGS[name]
    with changed(*SETTINGS[name]), fixed_settings("float32"):
        assert name in LEFT or get() != value


def test_all_of_them_and_seeds_set_outside_change_no_number(expected):
    with ExitStack() as stack:
        for name, setting in SETTINGS.items():
            if name not in ("float16", "float64"):  # Keras' own file has one of them
                stack.enter_context(changed(*setting))
        keras.utils.set_random_seed(11)
        assert outcome() == expected


@pytest.mark.skipif(BACKEND != "jax", reason="contexts of JAX")
def test_contexts_of_jax_around_a_run_have_no_say_in_it():
    """Nor would `jax.config.update` have one within them."""
    import jax

    def read():
        names = ("jax_enable_x64", "jax_default_matmul_precision", "jax_debug_nans")
        return [getattr(jax.config, name) for name in names]

    x64 = (jax if hasattr(jax, "enable_x64") else jax.experimental).enable_x64
    with x64(True), jax.default_matmul_precision("bfloat16"), jax.debug_nans(True):
        with fixed_settings("float32"):
            assert read() == [False, "highest", False]
            assert jax.numpy.zeros([], "float64").dtype == "float32"
        assert read() == [True, "bfloat16", True]
    assert read() == [False, None, False]


def test_the_precision_of_products_is_what_the_setting_says():
    """Asked within the run; that a GPU obeys is for a GPU to show."""
    asked = []

    def ask(model):
        if BACKEND == "jax":
            import jax

            return asked.append(jax.config.jax_default_matmul_precision)
        import tensorflow as tf

        return asked.append(tf.config.experimental.tensor_float_32_execution_enabled())

    for precision in ("float32", "tf32"):
        config = paper_config("chorales", "gru", "smoke", **SMALL, precision=precision)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rru_nb.training.trainer.TrainingLoop.run", lambda *_: None)
            train(config, progress=False, finished=ask)
    assert asked == (["highest", "tensorfloat32"] if BACKEND == "jax" else [False, True])


def test_keras_own_file_changes_no_number(expected, tmp_path):
    settings = {"floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    code = "import json, test_process_settings as t; print(json.dumps(t.outcome()))"
    environment = os.environ | {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": BACKEND}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


# What can't be set back


@contextmanager
def set_option(name, value, back):
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({name: value})
    yield
    tf.config.optimizer.set_experimental_options({name: back})


@contextmanager
def set_jit():
    import tensorflow as tf

    tf.config.optimizer.set_jit("autoclustering")
    yield
    tf.config.optimizer.set_jit(False)


def replicas():
    import tensorflow as tf

    return tf.distribute.OneDeviceStrategy("/cpu:0").scope()


@contextmanager
def variable(name, value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        yield


@contextmanager
def distribution():
    mesh = keras.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
    keras.distribution.set_distribution(keras.distribution.DataParallel(device_mesh=mesh))
    yield
    keras.distribution.set_distribution(None)


REFUSED = {
    "tensorflow": {
        "auto_mixed_precision": lambda: set_option("auto_mixed_precision", True, False),
        "set_jit": set_jit,
        "tf.distribute": replicas,
        "TF_SET_ONEDNN_FPMATH_MODE": lambda: variable("TF_SET_ONEDNN_FPMATH_MODE", "BF16"),
        "ONEDNN_DEFAULT_FPMATH_MODE": lambda: variable("ONEDNN_DEFAULT_FPMATH_MODE", "BF16"),
    },
    "jax": {"keras.distribution": distribution},
}


@pytest.mark.parametrize("name", REFUSED[BACKEND])
def test_what_cannot_be_set_back_is_one_error(name):
    with REFUSED[BACKEND][name](), pytest.raises(UserError, match=name):
        train(CONFIG, progress=False)


def test_after_an_error_within_a_run_settings_are_as_they_were(monkeypatch):
    def fails(_):
        raise UserError("no data")

    monkeypatch.setattr("rru_nb.training.trainer.task_for", fails)
    with changed(*KERAS["float64"]), pytest.raises(UserError, match="no data"):
        train(CONFIG, progress=False)


# What is recorded


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "XLA_FLAGS", "TF_NUM_INTRAOP_THREADS"])
def test_variables_that_change_last_digits_are_recorded(name, monkeypatch):
    assert name not in provenance.device().get("switches", {})
    monkeypatch.setenv(name, "1")
    assert provenance.device()["switches"][name] == "1"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a switch of TensorFlow")
def test_determinism_of_tensorflow_is_recorded():
    assert "op_determinism" not in backend().switches()
    with changed(*SETTINGS["determinism"]):
        assert provenance.device()["switches"]["op_determinism"] == "True"


@pytest.mark.skipif(BACKEND != "jax", reason="a switch of JAX")
def test_what_jax_optimizes_is_recorded():
    import jax

    name = "jax_disable_most_optimizations"
    now, change = lambda: jax.config.values[name], lambda on: jax.config.update(name, on)
    with changed(now, change, False):
        assert name not in backend().switches()
    with changed(now, change, True):
        assert provenance.device()["switches"][name] == "True"
