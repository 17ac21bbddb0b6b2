"""Keras' own file of the reviews, where a user has it: read by Keras, only if it is genuine."""

import hashlib

import numpy as np
import pytest

from rru_nb import load_dataset
from rru_nb.data import catalogue, fetch


def lists(*reviews):
    """An object array of lists, as in Keras' file."""
    array = np.empty(len(reviews), object)
    array[:] = reviews
    return array


@pytest.fixture
def keras_file(tmp_path, monkeypatch, no_data, no_memory):
    """A small file of the same making in Keras' cache, taken for the published one."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    path = tmp_path / "datasets" / "imdb.npz"
    path.parent.mkdir()
    train = [[rank, rank + 1, 20] for rank in range(1, 11)]  # 20 is beyond the vocabulary
    np.savez(
        path,
        x_train=lists(*train),
        y_train=np.arange(10) % 2,
        x_test=lists([1], [2, 3]),
        y_test=np.array([1, 0]),
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(fetch, "KERAS_SHA256", digest)
    from keras.datasets.imdb import load_data

    constants = tuple(digest if c == _published() else c for c in load_data.__code__.co_consts)
    monkeypatch.setattr(load_data, "__code__", load_data.__code__.replace(co_consts=constants))
    return path


def _published():
    return "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def test_the_hash_is_the_one_in_keras_own_loader():
    from keras.datasets.imdb import load_data

    assert fetch.KERAS_SHA256 == _published() in load_data.__code__.co_consts


def test_numbers_order_and_split_are_those_of_keras(keras_file):
    splits = load_dataset("imdb", vocabulary_size=12)
    assert [row["found"] for row in catalogue() if row["name"] == "imdb"] == ["Keras' cache"]
    assert splits.source == "imdb.npz (Keras)" and splits.digest == fetch.KERAS_SHA256
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    # The start, each rank moved up by three, and 2 for what the vocabulary lacks.
    expected = [[1, *(w + 3 if w + 3 < 12 else 2 for w in (i + 1, i + 2, 20))] for i in order]
    found = [x.tolist() for x in (*splits.train.inputs, *splits.valid.inputs)]
    assert found == expected
    assert len(splits.valid.labels) == 2  # a fifth
    assert [*splits.train.labels, *splits.valid.labels] == [i % 2 for i in order]
    assert len(splits.vocabulary) == 12 and splits.vocabulary[4] == "word 1"


def test_another_file_of_that_name_is_named_and_not_read(keras_file):
    keras_file.write_bytes(keras_file.read_bytes()[:-10])
    with pytest.warns(UserWarning, match="not the file that Keras publishes"):
        assert fetch.find_keras_file() is None
