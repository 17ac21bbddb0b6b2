"""MNIST as sequences of 784 pixels, in reading order or permuted.

The last 10,000 training images are the validation set. The permuted set knows two protocols:

- `authors`, the authors' code: one permutation of all 784 pixels;
- `paper`, its text ("the pixels of each row are randomly permuted according to some fixed
  permutation"): one permutation of the 28 columns, the same in every row.
"""

import numpy as np

from . import fetch
from .splits import Labelled, read_only, splits_of_files

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
VALIDATION_SHARE = 6  # one sixth of 60,000


def load(dataset, protocol):
    """Return `Splits` of sequential or permuted MNIST: `Labelled` with uint8 [N, 784] and int32."""
    order = permutation(protocol) if dataset.name == "pmnist" else np.arange(PIXELS)
    images, labels, test_images, test_labels = map(_read, dataset.files)
    n_train = len(images) - len(images) // VALIDATION_SHARE
    images, test_images = read_only(images[:, order]), read_only(test_images[:, order])
    return splits_of_files(
        dataset,
        train=Labelled(images[:n_train], labels[:n_train]),
        valid=Labelled(images[n_train:], labels[n_train:]),
        test=Labelled(test_images, test_labels),
    )


def permutation(protocol):
    """Return which pixel of the image is the t-th of the sequence: int array [784]."""
    rng = np.random.RandomState(0)  # the generator of the authors' code
    if protocol == "authors":
        return rng.permutation(PIXELS)
    columns = rng.permutation(SIDE)
    return (SIDE * np.arange(SIDE)[:, None] + columns).ravel()


def _read(name):
    """Return the images [N, 784] or labels [N] of an IDX file, whose header has four-byte sizes."""
    content = fetch.read(name)
    n_dimensions = content[3]
    items = np.frombuffer(content, np.uint8, offset=4 + 4 * n_dimensions)
    return items.reshape(-1, PIXELS) if n_dimensions == 3 else read_only(items.astype(np.int32))
