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
from .splits import Labelled, Splits, combined_digest, read_only

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
VALIDATION_SHARE = 6  # one sixth of 60,000


def load(dataset):
    """`Splits` of sequential MNIST: `Labelled` with uint8 [N, 784] (0 to 255) and int32 [N]."""
    return _load(dataset, np.arange(PIXELS))


def load_permuted(dataset, protocol):
    """`Splits` of permuted MNIST, see `load` and above."""
    return _load(dataset, permutation(protocol))


def permutation(protocol):
    """Which pixel of the image is the t-th of the sequence: int array [784]."""
    rng = np.random.RandomState(0)  # the generator of the authors' code
    if protocol == "authors":
        return rng.permutation(PIXELS)
    columns = rng.permutation(SIDE)
    return (SIDE * np.arange(SIDE)[:, None] + columns).ravel()


def _load(dataset, order):
    files = [registry.FILES[name] for name in dataset.files]
    images, labels, test_images, test_labels = map(_read, files)
    found = {"train": (len(images), len(labels)), "test": (len(test_images), len(test_labels))}
    check_counts(", ".join(dataset.files), found, dataset.counts, ("images", "labels"))
    n_train = len(images) - len(images) // VALIDATION_SHARE
    images, test_images = images[:, order], test_images[:, order]
    return Splits(
        dataset.name,
        train=_labelled(images[:n_train], labels[:n_train]),
        valid=_labelled(images[n_train:], labels[n_train:]),
        test=_labelled(test_images, test_labels),
        digest=combined_digest(file.sha256 for file in files),
        source=", ".join(file.name for file in files),
    )


def _labelled(images, labels):
    return Labelled(read_only(images), read_only(labels.astype(np.int32)))


def _read(file):
    from .fetch import locate

    content = read_content(file, locate(file.name))
    if "images" in file.name:
        return read_idx(file.name, content, (SIDE, SIDE)).reshape(-1, PIXELS)
    labels = read_idx(file.name, content, ())
    if labels.max(initial=0) >= CLASSES:
        raise UserError(f"{file.name}: expected labels from 0 to 9, found {labels.max()}.")
    return labels


def read_idx(name, content, shape):
    """Reads an IDX file of unsigned bytes.

    Args:
        name: for messages. content: bytes.
        shape: shape of one item, `(28, 28)` for images and `()` for labels.

    Returns:
        uint8 array [N, *shape].

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
    count, *found = np.frombuffer(content, ">u4", n_dimensions, offset=4).tolist()
    if tuple(found) != shape:
        raise UserError(f"{name}: expected items of shape {shape}, found {tuple(found)}.")
    expected = count * int(np.prod(shape))
    if len(content) - header != expected:
        raise UserError(
            f"{name}: expected {expected:,} bytes for {count:,} items, "
            f"found {len(content) - header:,}."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(count, *shape)
