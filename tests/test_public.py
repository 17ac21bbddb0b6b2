"""The public names, and whole models through Keras' files."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import rru_nb
from rru_nb import paper_config
from rru_nb.storage.paths import PACKAGE
from rru_nb.tasks import task_for
from rru_nb.training.config import CELLS

PROMISED = """
RRUCell GRUCell LSTMCell MogrifierLSTMCell RRU RAdam custom_objects
DATASETS load_dataset read_midi write_midi
RunConfig paper_config run load_records check_parameters UserError register_cell unregister_cell
"""


def test_every_public_name_is_there():
    promised = PROMISED.split()
    assert sorted(rru_nb.__all__) == sorted([*promised, "__version__"])
    for name in set(promised) - {"DATASETS"}:
        public = getattr(rru_nb, name)
        assert public.__name__ == name and public.__module__.startswith("rru_nb.")
    assert "jsb" in rru_nb.DATASETS
    with pytest.raises(AttributeError, match="'RUR'"):
        _ = rru_nb.RUR


@pytest.mark.parametrize("cell", CELLS)
def test_a_trained_model_comes_back_from_its_file(cell, tmp_path):
    task = task_for(paper_config("chorales", cell, "smoke"))
    model = task.network(6)
    optimizer = rru_nb.RAdam(1e-2, clip_multiplier=1.5)
    model.compile(optimizer=optimizer, loss="mse")
    rng = np.random.default_rng(0)
    x = (rng.random((4, 9, 88)) < 0.1).astype("float32")
    model.fit(x, x, epochs=2, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.optimizer.get_config() == optimizer.get_config()
    assert [layer.get_config() for layer in again.layers] == [
        layer.get_config() for layer in model.layers
    ]


def test_a_new_process_reads_a_models_file(tmp_path, real_graphs):
    """Keras knows a class only once its module is imported."""
    model = keras.Sequential([keras.Input((None, 3)), rru_nb.RRU(4), keras.layers.Dense(1)])
    model.compile(rru_nb.RAdam(1e-3), "mse")
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    code = """
import sys, keras, numpy, rru_nb
model = keras.models.load_model(sys.argv[1], custom_objects=rru_nb.custom_objects())
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]), verbose=0))
"""
    files = [str(tmp_path / name) for name in ("m.keras", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    np.testing.assert_array_equal(np.load(files[-1]), model.predict(x, verbose=0))


def test_every_registered_class_is_among_the_custom_objects():
    ours = rru_nb.custom_objects()
    found = {name for name in keras.saving.get_custom_objects() if name.startswith("rru_nb>")}
    assert set(ours) == found, "by registered names, or Keras' own GRU would be ours"
    files = [p.stem for folder in ("cells", "layers") for p in (PACKAGE / folder).glob("*.py")]
    classes = [name for name in files if name in CELLS]
    assert len(classes) == 2 * len(CELLS) and len(ours) == len(classes) + 3
