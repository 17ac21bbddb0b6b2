"""The public names, and whole models through Keras' files."""

import keras
import numpy as np
import pytest

import rru_nb
from rru_nb import paper_config
from rru_nb.config import CELLS
from rru_nb.tasks import task_for


def test_every_public_name_is_there():
    promised = (
        "RRUCell RRU GRUCell LSTMCell MogrifierLSTMCell RAdam load_dataset paper_config RunConfig "
        "run load_records"
    )
    assert set(promised.split()) <= set(rru_nb.__all__)
    assert len(rru_nb.__all__) <= 20
    for name in rru_nb.__all__:
        assert getattr(rru_nb, name) is not None
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
