"""MNIST as sequences of 784 pixels, in reading order or permuted.

The last 10,000 training images are the validation set. The permuted set knows two protocols:

- `authors`, the authors' code: one permutation of all 784 pixels;
- `paper`, its text ("the pixels of each row are randomly permuted according to some fixed
  permutation"): one permutation of the 28 columns, the same in every row.
"""

import numpy as np

from ..errors import UserError
from . import registry
from .checks import check_counts, read_content
from .fetch import locate
from .splits import Labelled, read_only, splits_of_files

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
VALIDATION_SHARE = 6  # one sixth of 60,000


def load(dataset, protocol):
    """Return `Splits` of sequential or permuted MNIST: `Labelled` with uint8 [N, 784] and int32.

    Args:
        dataset: a `registry.Dataset`. protocol: of the permuted set, see above.
    """
    order = permutation(protocol) if dataset.name == "pmnist" else np.arange(PIXELS)
    images, labels, test_images, test_labels = map(_read, dataset.files)
    counted = {"train": (len(images), len(labels)), "test": (len(test_images), len(test_labels))}
    check_counts(", ".join(dataset.files), counted, dataset.counts, ("images", "labels"))
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
    content = read_content(registry.FILES[name], locate(name))
    if "images" in name:
        return read_idx(name, content, (SIDE, SIDE)).reshape(-1, PIXELS)
    labels = read_idx(name, content, ())
    if labels.max(initial=0) >= CLASSES:
        raise UserError(f"{name}: expected labels from 0 to 9, found {labels.max()}.")
    return read_only(labels.astype(np.int32))


def read_idx(name, content, shape):
    """Return the items of an IDX file of unsigned bytes: uint8 [N, *shape].

    Args:
        name: for messages. content: bytes.
        shape: shape of one item, `(28, 28)` for images and `()` for labels.

    Raises:
        UserError: if the magic number, the shape or the count is another.
    """
    n_dimensions = 1 + len(shape)
    magic = bytes([0, 0, 8, n_dimensions])  # 8: unsigned bytes
    if content[:4] != magic:
        raise UserError(
            f"{name} is not such an IDX file: expected the magic number {magic.hex()}, "
            f"found {content[:4].hex() or 'nothing'}."
        )
    header = 4 + 4 * n_dimensions
    if len(content) < header:
        raise UserError(f"{name}: expected a header of {header} bytes, found {len(content)}.")
    count, *item = np.frombuffer(content, ">u4", n_dimensions, offset=4).tolist()
    if tuple(item) != shape:
        raise UserError(f"{name}: expected items of shape {shape}, found {tuple(item)}.")
    expected = count * int(np.prod(shape))
    if len(content) - header != expected:
        raise UserError(
            f"{name}: expected {expected:,} bytes for {count:,} items, "
            f"found {len(content) - header:,}."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(count, *shape)
