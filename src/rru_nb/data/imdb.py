"""The IMDB reviews as sequences of words.

Numbers are those of Keras' version of the set, which the authors use: 0 padding, 1 the start of
a review, 2 a word beyond the vocabulary, 3 nothing, and from 4 on the words by how often they
occur in the training reviews. Words are made as in `words`. Where the archive is not at hand but
Keras' own file is in Keras' cache, that is read, see `keras_imdb`: the same reviews in another
order, and words equally frequent or split in another way may have other numbers.

Reviews are whole: to cut them to their last 512 words is the task's business. Training and
validation reviews are shuffled together once and for all; the last fifth, 5,000, validates.
"""

import warnings
from itertools import chain

import numpy as np

from ..errors import UserError
from ..storage import files, paths
from . import keras_imdb, registry
from .reviews import FOLDERS, read_reviews, sha256_of
from .splits import Labelled, Splits, read_only
from .words import by_frequency, split_words

SPECIAL = ("<padding>", "<start>", "<unknown>", "<unused>")
START, UNKNOWN = 1, 2
VOCABULARY_SIZE = 10_000
VALIDATION_SHARE = 5  # one fifth of 25,000
SHUFFLE_SEED = 113  # as Keras' loader
VERSION = 1  # of the encoding; another one makes the cached files be written anew


def load(dataset, vocabulary_size=None):
    """`Splits` of the IMDB reviews: `Labelled` with a tuple of int32 [length] and int32 labels.

    Label 0 is negative, 1 positive. The first call reads the archive (a quarter of a minute),
    later ones what it left in the cache.

    The archive is looked for first; `source` and `digest` tell which file was read.

    Args:
        dataset: a `registry.Dataset`.
        vocabulary_size: how many numbers there are, the four special ones included; default
            10,000.
    """
    from .fetch import downloads, find, locate, mirror

    file = registry.FILES[dataset.files[0]]
    at_hand = find(file, mirror()) or find(file, downloads())
    if not at_hand and keras_imdb.find():
        return keras_imdb.load(dataset.name, SPECIAL, vocabulary_size or VOCABULARY_SIZE)
    # The archive is checked while it is read; a cached encoding stems from a checked one.
    encoded = _cached(file, locate(file.name, checked=False))
    size = vocabulary_size or VOCABULARY_SIZE
    train = _shuffled(_reviews(encoded, "train", size))
    n_train = len(train.labels) - len(train.labels) // VALIDATION_SHARE
    return Splits(
        dataset.name,
        train=Labelled(train.inputs[:n_train], train.labels[:n_train]),
        valid=Labelled(train.inputs[n_train:], train.labels[n_train:]),
        test=_shuffled(_reviews(encoded, "test", size)),
        digest=file.sha256,
        source=file.name,
        vocabulary=(*SPECIAL, *encoded["words"].tobytes().decode().split("\n"))[:size],
    )


def encode(reviews):
    """Numbers the words of reviews, for all vocabulary sizes at once.

    Args:
        reviews: list of `reviews.Review`, sorted by folder.

    Returns:
        A dict of arrays: `numbers` int32, all reviews in a row, each with its start, words
        beyond those of the training reviews as 2; `lengths` int32 [N]; `folders` uint8 [N], the
        place in `FOLDERS`; `words` uint8, the training words in UTF-8, one a line.
    """
    texts = [split_words(_decoded(review)) for review in reviews]
    folders = np.array([FOLDERS.index(review.folder) for review in reviews], np.uint8)
    training = (text for text, r in zip(texts, reviews) if r.folder.startswith("train/"))
    words = by_frequency(chain.from_iterable(training))
    number = {word: i for i, word in enumerate(words, start=len(SPECIAL))}
    lengths = np.array([1 + len(text) for text in texts], np.int32)
    numbers = np.fromiter(
        chain.from_iterable(
            chain((START,), (number.get(word, UNKNOWN) for word in text)) for text in texts
        ),
        np.int32,
        int(lengths.sum()),
    )
    lines = np.frombuffer("\n".join(words).encode(), np.uint8)
    return {"numbers": numbers, "lengths": lengths, "folders": folders, "words": lines}


def _decoded(review):
    try:
        return review.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"the review {review.name!r} is not a text in UTF-8: found the byte "
            f"0x{review.content[error.start]:02x} at position {error.start:,}."
        ) from error


def _reviews(encoded, split, size):
    ends = np.cumsum(encoded["lengths"], dtype=np.int64)
    kept = np.where(encoded["numbers"] < size, encoded["numbers"], np.int32(UNKNOWN))
    # Views of a read-only array are read-only.
    pieces = np.split(read_only(kept), ends[:-1])
    mine = [i for i, folder in enumerate(FOLDERS) if folder.startswith(split)]
    chosen = np.flatnonzero(np.isin(encoded["folders"], mine))
    positive = encoded["folders"][chosen] == FOLDERS.index(f"{split}/pos")
    return Labelled(tuple(pieces[i] for i in chosen), positive.astype(np.int32))


def _shuffled(part):
    order = np.random.RandomState(SHUFFLE_SEED).permutation(len(part.labels))
    return Labelled(tuple(part.inputs[i] for i in order), read_only(part.labels[order]))


# The cached encoding


def _cached(file, path):
    """The encoding of an archive, from the cache or else made anew and cached."""
    name = f"imdb-{sha256_of(path)[:16]}-v{VERSION}.npz"
    cached = paths.cache_dir() / "encoded" / name
    encoded = _read(cached)
    if encoded is None:
        encoded = encode(read_reviews(file, path))
        _write(cached, encoded)
    return encoded


def _read(path):
    """The arrays of a cached encoding, or None if there is no good one."""
    try:
        with files.reading(path), np.load(path, allow_pickle=False) as file:
            encoded = {name: file[name] for name in ("numbers", "lengths", "folders", "words")}
    except UserError:
        return None
    consistent = encoded["lengths"].sum() == len(encoded["numbers"])
    return encoded if consistent and len(encoded["folders"]) == len(encoded["lengths"]) else None


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
