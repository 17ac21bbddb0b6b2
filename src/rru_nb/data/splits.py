"""What every loader returns."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import registry

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Splits:
    """The splits of a dataset, as read-only arrays.

    What a split is depends on the kind of data:

    - music: a tuple of arrays uint8 [T, 88] of 0 and 1, one a piece; column k is MIDI pitch
      21 + k, row t a time step; steps of silence are still in;
    - text: one array [length], the stream of tokens, numbers into `vocabulary`; int32 for
      words, uint8 for characters and bytes;
    - reviews: `Labelled`, with a tuple of arrays int32 [length] and int32 labels [N];
    - images: `Labelled`, with an array uint8 [N, 784] and int32 labels [N].

    Attributes:
        name: one of `DATASETS`, or what you call your own; errors and progress bar say it.
        train, valid, test: the splits.
        digest: sha256 (hex) of the content of the files that they were read from.
        source: where it was read from, for people: `"JSB_Chorales.mat"`.
        vocabulary: of texts: the token (str, or bytes of length 1) of each number.
    """

    name: str
    train: object
    valid: object
    test: object
    digest: str
    source: str
    vocabulary: tuple = ()


class Labelled(NamedTuple):
    """Examples and their classes: `x, y = splits.train`."""

    inputs: object  # tuple of N arrays, or one array with N rows
    labels: np.ndarray  # int32 [N]


def read_only(array):
    """Return the same array, which nobody can change by mistake: loaded data is shared."""
    array.setflags(write=False)
    return array


def splits_of_files(dataset, **splits):
    """Return `Splits` with the combined digest and the names of the files of a dataset."""
    digests = "\n".join(registry.FILES[name].sha256 for name in dataset.files)
    return Splits(
        dataset.name,
        **splits,
        digest=hashlib.sha256(digests.encode()).hexdigest(),
        source=", ".join(dataset.files),
    )
