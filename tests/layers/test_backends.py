"""The other backends of Keras: JAX where TensorFlow can't be imported, and PyTorch if it is there.

The tests of `backend/` run here on TensorFlow like all others, and once more in processes of
their own.
"""

import importlib.util
import os
import re
import subprocess
import sys
from functools import partial
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


@pytest.fixture(scope="session")
def run_python(tmp_path_factory):
    """A function that runs Python with a backend; fails with the end of its output.

    What JAX compiles in one process is there in the others, or in the next session too where
    JAX_COMPILATION_CACHE_DIR is set.
    """
    folder = tmp_path_factory.mktemp("compiled")
    return partial(_run_python, os.environ.get("JAX_COMPILATION_CACHE_DIR", str(folder)))


def _run_python(compiled, name, *arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {
        "KERAS_BACKEND": name,
        "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]),
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compiling takes most of the time
        "JAX_COMPILATION_CACHE_DIR": compiled,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_on_another_backend(name, tmp_path, run_python):
    """All files in one process, because importing and compiling take most of the time."""
    if importlib.util.find_spec(name) is None and name == "torch":
        pytest.skip("needs PyTorch")
    files = [file for file in FILES if name == "jax" or file.stem in OF_LAYERS]
    report = tmp_path / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "without_tensorflow", f"--junitxml={report}"]
    run_python(name, "-m", "pytest", *options, *files)
    ran, excused = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        assert skipped is None or re.search(MAY_SKIP[name], skipped.get("message"))
        test = case.get("classname").split(".")[-1], case.get("name").split("[")[0]
        (ran if skipped is None else excused).add(test)
    for file in files:
        written = set(re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE))
        assert {file.stem} & {stem for stem, _ in ran}, file
        assert {(file.stem, test) for test in written} <= ran | excused


def test_without_tensorflow_means_it(run_python):
    code = "import without_tensorflow, importlib.util, pytest\n"
    code += "assert importlib.util.find_spec('tensorflow') is None\n"
    run_python("jax", "-c", code + "with pytest.raises(ImportError): import tensorflow")


@pytest.fixture(scope="module")
def jax_folder(tmp_path_factory, run_python):
    """What `across_backends.main` leaves on JAX, which has read a model saved here."""
    folder = tmp_path_factory.mktemp("jax")
    across_backends.save_model(folder / "tensorflow")
    code = "import sys, without_tensorflow, across_backends as a, pathlib\n"
    run_python("jax", "-c", code + "a.main(pathlib.Path(sys.argv[1]))", folder)
    return folder


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-10)])
def test_the_same_numbers_and_gradients(dtype, tolerance, jax_folder):
    ours = across_backends.numbers(dtype)
    with np.load(jax_folder / f"{dtype}.npz") as theirs:
        assert ours.keys() == set(theirs.files) and len(ours) > 50
        for name, array in ours.items():
            assert array.dtype == theirs[name].dtype == dtype
            largest = max(np.abs(array).max(), 1e-3)
            assert np.abs(theirs[name] - array).max() <= tolerance * largest, name


def test_a_model_saved_on_one_is_loaded_on_the_other(jax_folder):
    here = across_backends.load_model(jax_folder / "jax")
    with np.load(jax_folder / "found.npz") as there:
        for ours, theirs in (here, (there["ours"], there["theirs"])):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
            assert (np.abs(ours).max(axis=(1, 2)) > 0.01).all()
