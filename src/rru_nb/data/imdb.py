"""The IMDB reviews as sequences of words.

Numbers are those of Keras' version of the set, which the authors use: 0 padding, 1 the start of
a review, 2 a word beyond the vocabulary, 3 nothing, and from 4 on the words by how often they
occur in the training reviews. Words are made as in `text.split_words`.

The reviews are read from the archive or, where that is missing, from Keras' own file in
Keras' cache. That has the authors' own order: the same reviews in another one, and words equally
frequent or split in another way may have other numbers. It holds pickled lists, so it is read by
Keras alone, and only if it is, byte for byte, the file that Keras publishes.

Reviews are whole: to cut them to their last 512 words is the task's business. Training and
validation reviews are shuffled together once and for all; the last fifth, 5,000, validates.
"""

import warnings
from itertools import chain

import numpy as np

from ..errors import UserError
from ..storage import files, paths
from . import fetch, registry
from .checks import sha256_of
from .reviews import FOLDERS, read_reviews
from .splits import Labelled, Splits, read_only
from .text import by_frequency, split_words

SPECIAL = ("<padding>", "<start>", "<unknown>", "<unused>")
START, UNKNOWN = 1, 2
VOCABULARY_SIZE = 10_000
VALIDATION_SHARE = 5  # one fifth of 25,000
SHUFFLE_SEED = 113  # as Keras' loader
VERSION = 1  # of the encoding; another one makes the cached files be written anew


def load(dataset, vocabulary_size=None):
    """Return `Splits` of the IMDB reviews: `Labelled` with a tuple of int32 [length] and labels.

    Label 0 is negative, 1 positive. The first call reads the archive (a quarter of a minute),
    later ones what it left in the cache. `source` and `digest` tell which file was read. There are
    `vocabulary_size` numbers, 10,000 by default, the four special ones included.
    """
    file = registry.FILES[dataset.files[0]]
    size = vocabulary_size or VOCABULARY_SIZE
    path = fetch.find_anywhere(file)
    if not path and fetch.find_keras_file():
        train, test, words = _from_keras(size)
        digest, source = fetch.KERAS_SHA256, "imdb.npz (Keras)"
    else:
        train, test, words = _from_archive(file, path or fetch.download(file), size)
        digest, source = file.sha256, file.name
    n_train = len(train.labels) - len(train.labels) // VALIDATION_SHARE
    return Splits(
        dataset.name,
        train=Labelled(train.inputs[:n_train], train.labels[:n_train]),
        valid=Labelled(train.inputs[n_train:], train.labels[n_train:]),
        test=test,
        digest=digest,
        source=source,
        vocabulary=(*SPECIAL, *words)[:size],
    )


# Each of the two returns training and test reviews as `Labelled`, and the words from number 4 on.


def _from_keras(size):
    from keras.datasets import imdb

    first_word = len(SPECIAL) - 1  # Keras adds it to the ranks, whose first is 1
    train, test = (
        Labelled(
            tuple(read_only(np.array(review, np.int32)) for review in reviews),
            read_only(np.array(labels, np.int32)),
        )
        for reviews, labels in imdb.load_data(num_words=size, index_from=first_word)
    )
    # The words themselves are in another file of Keras'.
    return train, test, [f"word {rank}" for rank in range(1, size)]


def _from_archive(file, path, size):
    # The archive is checked while it is read; a cached encoding stems from a checked one.
    cached = paths.cache_dir() / "encoded" / f"imdb-{sha256_of(path)[:16]}-v{VERSION}.npz"
    encoded = _read(cached)
    if encoded is None:
        encoded = encode(read_reviews(file, path))
        _write(cached, encoded)
    train, test = (_shuffled(encoded, split, size) for split in ("train", "test"))
    return train, test, encoded["words"].tobytes().decode().split("\n")


def _shuffled(encoded, split, size):
    ends = np.cumsum(encoded["lengths"], dtype=np.int64)
    limited = np.where(encoded["numbers"] < size, encoded["numbers"], np.int32(UNKNOWN))
    # Views of a read-only array are read-only.
    reviews = np.split(read_only(limited), ends[:-1])
    negative, positive = FOLDERS.index(f"{split}/neg"), FOLDERS.index(f"{split}/pos")
    places = np.flatnonzero(np.isin(encoded["folders"], (negative, positive)))
    places = np.random.RandomState(SHUFFLE_SEED).permutation(places)
    labels = (encoded["folders"][places] == positive).astype(np.int32)
    return Labelled(tuple(reviews[i] for i in places), read_only(labels))


def encode(reviews):
    """Number the words of reviews, for all vocabulary sizes at once.

    Returns:
        A dict of arrays: `numbers` int32, all reviews in a row, each with its start, words
        beyond those of the training reviews as 2; `lengths` int32 [N]; `folders` uint8 [N], the
        place in `FOLDERS`; `words` uint8, the training words in UTF-8, one a line.
    """
    texts = [split_words(review.content.decode()) for review in reviews]
    training = (text for text, r in zip(texts, reviews) if r.folder.startswith("train/"))
    words = by_frequency(chain.from_iterable(training))
    number = {word: i for i, word in enumerate(words, start=len(SPECIAL))}
    numbers = (chain((START,), (number.get(word, UNKNOWN) for word in text)) for text in texts)
    return {
        "numbers": np.fromiter(chain.from_iterable(numbers), np.int32),
        "lengths": np.array([1 + len(text) for text in texts], np.int32),
        "folders": np.array([FOLDERS.index(review.folder) for review in reviews], np.uint8),
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
    }


def _read(path):
    """Return the arrays of a cached encoding, or None if there is no good one."""
    try:
        with files.reading(path), np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("numbers", "lengths", "folders", "words")}
    except UserError:
        return None


def _write(path, encoded):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, lambda file: np.savez(file, **encoded))
    except OSError as error:
        warnings.warn(
            f"the encoded reviews cannot be kept in {path.parent} ({error.strerror or error}); "
            "they will be encoded again next time",
            stacklevel=2,
        )
