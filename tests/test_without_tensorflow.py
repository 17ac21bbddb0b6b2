"""What works where TensorFlow is not installed, and what is said where a backend is missing."""

import os
import subprocess
import sys

import pytest

NOT_ON_A_GPU_MACHINE = ["hyperopt", "pretty_midi", "mido", "soundfile", "seaborn", "matplotlib"]

HIDE = """
import importlib.machinery, sys
hidden = sys.argv[1].split(",")
find_spec = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = staticmethod(
    lambda name, *path: None if name.split(".")[0] in hidden else find_spec(name, *path)
)
"""
COMMAND = HIDE + "from rru_nb.cli import main\nsys.exit(main(sys.argv[2:]))"


@pytest.fixture
def python(tmp_path):
    """Runs code in a process that finds no package of those named, with places of its own."""

    def run(code, hidden, *arguments, **variables):
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "KERAS_HOME": str(tmp_path / "keras"),
            "RRU_NB_RESULTS": str(tmp_path / "results"),
            "RRU_NB_STATE": str(tmp_path / "state"),
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compiling takes most of the time
        }
        environment.pop("KERAS_BACKEND", None)
        return subprocess.run(
            [sys.executable, "-c", code, ",".join(hidden), *arguments],
            env=environment | variables,
            capture_output=True,
            text=True,
        )

    return run


TRAIN = """
import rru_nb
from rru_nb.cli import main
run = "--backend jax run --dataset chorales --scale smoke --set max_epochs=1 --quiet --cell"
for cell in sys.argv[2:]:
    assert main([*run.split(), cell]) == 0
assert main(["results"]) == 0
assert main(["data", "list"]) == 0
assert not set(hidden) & {name.split(".")[0] for name in sys.modules}
"""


def test_the_chorales_train_on_jax_alone(python):
    """Two cells here; all of them in `backend/test_trainings.py`, which runs on JAX too."""
    cells = ["rru", "gru"]
    done = python(HIDE + TRAIN, ["tensorflow", *NOT_ON_A_GPU_MACHINE], *cells)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("new record") == len(cells)
    results, _, listed = done.stdout.rpartition("title")
    lines = [line.split() for line in results.splitlines()]
    assert {line[0] for line in lines if line and line[-1] == "max_epochs=1"} == set(cells)
    assert "chorales" in listed and "jsb" in listed


RUN = ["run", "--dataset", "chorales", "--cell", "gru", "--scale", "smoke"]


@pytest.mark.parametrize(
    "hidden, arguments, backend, fragments",
    [
        ("", ["--backend", "theano", *RUN], None, ["'theano'", "'tensorflow', 'jax'"]),
        ("", ["--backend", "torch", *RUN], None, ["'torch'", "'tensorflow', 'jax'"]),
        ("", ["--backend", "jxa", *RUN], None, ["'jxa'", "'jax'"]),
        ("", RUN, "theano", ["KERAS_BACKEND 'theano'"]),
        ("tensorflow", RUN, None, ["'tensorflow' is not installed", "KERAS_BACKEND=jax"]),
        ("tensorflow", RUN, "tensorflow", ["'tensorflow' is not installed", "KERAS_BACKEND=jax"]),
        ("jax", RUN, "jax", ["'jax' is not installed", "rru_nb[jax]"]),
        ("jax", ["--backend", "jax", *RUN], None, ["'jax' is not installed", "rru_nb[jax]"]),
        ("torch", RUN, "torch", ["'torch' is not installed"]),
    ],
)
def test_a_backend_that_cannot_serve_is_one_line(hidden, arguments, backend, fragments, python):
    variables = {"KERAS_BACKEND": backend} if backend else {}
    done = python(COMMAND, [hidden], *arguments, **variables)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("rru-nb: ") and done.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in done.stderr


TORCH = """
import keras
keras.backend.backend = lambda: "torch"
"""


def test_torch_is_refused_before_any_work(python, tmp_path):
    """PyTorch need not be there for this: Keras only says that it runs on it."""
    done = python(TORCH + COMMAND, ["tensorflow"], *RUN, KERAS_BACKEND="jax")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "'torch', and rru_nb trains on tensorflow or jax" in done.stderr
    assert not list(tmp_path.rglob("*.json.*"))


def test_keras_own_file_names_the_backend_too(python, tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text('{"backend": "theano"}')
    done = python(COMMAND, [], *RUN)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "'theano' is unknown" in done.stderr
