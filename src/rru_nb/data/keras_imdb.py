"""The IMDB reviews as Keras has them, for users whose Keras has downloaded them.

These are the numbers and the order of the authors' code: Keras' shuffled order, of which the
last 5,000 training reviews validate. The file holds pickled lists. It is read by Keras alone, and
only if it is, byte for byte, the file that Keras publishes.
"""

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

from .splits import Labelled, Splits, read_only

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"  # as in Keras' loader
INDEX_FROM = 3  # Keras' loader adds it to the ranks, whose first is 1
VALIDATION = 5000


def find():
    """The path of Keras' `imdb.npz` in Keras' own cache, or None.

    A file there that is not the published one is named in a warning and left alone.
    """
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    path = Path(home) / "datasets" / "imdb.npz"
    if not path.is_file():
        return None
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        warnings.warn(f"{path} is not the file that Keras publishes, and is not used", stacklevel=2)
        return None
    return path


def load(name, special, size):
    """`Splits` of the reviews, as `imdb.load` gives them.

    Args:
        name: of the dataset.
        special: names of the first numbers of the vocabulary.
        size: how many numbers there are, the special ones included.
    """
    from keras.datasets import imdb

    train, test = imdb.load_data(num_words=size, index_from=INDEX_FROM)
    train, test = _labelled(*train), _labelled(*test)
    n_train = len(train.labels) - VALIDATION
    return Splits(
        name,
        train=Labelled(train.inputs[:n_train], train.labels[:n_train]),
        valid=Labelled(train.inputs[n_train:], train.labels[n_train:]),
        test=test,
        digest=SHA256,
        source="imdb.npz (Keras)",
        vocabulary=(*special, *_words(size - len(special))),
    )


def _labelled(reviews, labels):
    inputs = tuple(read_only(np.array(review, np.int32)) for review in reviews)
    return Labelled(inputs, read_only(np.array(labels, np.int32)))


def _words(count):
    """Stand-ins by rank: the words themselves are in another file of Keras'."""
    return (f"word {rank}" for rank in range(1, count + 1))
