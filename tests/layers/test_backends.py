"""The other backends of Keras: JAX where TensorFlow can't be imported, and PyTorch if it is there.

The tests of `backend/` run here on TensorFlow like all others, and once more in processes of
their own.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import across_backends
import numpy as np
import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted((TESTS / "backend").glob("test_*.py"))
OF_LAYERS = ("test_cells", "test_layers", "test_radam_steps")  # all that runs on PyTorch
MAY_SKIP = {
    "jax": "needs RRU_NB_DATA|a switch of TensorFlow",
    "torch": "Keras computes in float32 on PyTorch|needs RRU_NB_DATA",
}
ITEMS = [("jax", file) for file in FILES]
ITEMS += [("torch", file) for file in FILES if file.stem in OF_LAYERS]


def run_python(name, *arguments):
    """Run Python with a backend, without TensorFlow; fails with the end of its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {
        "KERAS_BACKEND": name,
        "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]),
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compiling takes most of the time
    }
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.parametrize("name, file", ITEMS, ids=[f"{name}-{file.stem}" for name, file in ITEMS])
def test_on_another_backend(name, file, tmp_path):
    if importlib.util.find_spec(name) is None and name == "torch":
        pytest.skip("needs PyTorch")
    report = tmp_path / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "without_tensorflow", f"--junitxml={report}"]
    run_python(name, "-m", "pytest", *options, file)
    ran, excused = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        assert skipped is None or re.search(MAY_SKIP[name], skipped.get("message"))
        (ran if skipped is None else excused).add(case.get("name").split("[")[0])
    written = set(re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE))
    assert ran and ran | excused >= written


def test_without_tensorflow_means_it():
    code = "import without_tensorflow, importlib.util, pytest\n"
    code += "assert importlib.util.find_spec('tensorflow') is None\n"
    run_python("jax", "-c", code + "with pytest.raises(ImportError): import tensorflow")


def on_jax(what, folder):
    code = "import sys, without_tensorflow, across_backends as a, pathlib\n"
    run_python("jax", "-c", code + "a.main(sys.argv[1], pathlib.Path(sys.argv[2]))", what, folder)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-10)])
def test_the_same_numbers_and_gradients(dtype, tolerance, tmp_path):
    on_jax(dtype, tmp_path)
    ours = across_backends.numbers(dtype)
    with np.load(tmp_path / "numbers.npz") as theirs:
        assert ours.keys() == set(theirs.files) and len(ours) > 250
        for name, array in ours.items():
            assert array.dtype == theirs[name].dtype == dtype
            largest = max(np.abs(array).max(), 1e-3)
            assert np.abs(theirs[name] - array).max() <= tolerance * largest, name


def test_a_model_saved_on_one_is_loaded_on_the_other(tmp_path):
    across_backends.save_model(tmp_path / "tensorflow")
    on_jax("model", tmp_path)
    here = across_backends.load_model(tmp_path / "jax")
    with np.load(tmp_path / "found.npz") as there:
        for ours, theirs in (here, (there["ours"], there["theirs"])):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
            assert (np.abs(ours).max(axis=(1, 2)) > 0.01).all()
