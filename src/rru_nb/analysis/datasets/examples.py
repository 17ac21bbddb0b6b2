"""One example of each kind of task, as text for people."""

import textwrap

import numpy as np

from ...data import load_dataset
from ...storage import paths

_WIDTH = 84


def words(name, protocol, n_words=48):
    """The first training words of a text, each that the vocabulary lacks as ◌."""
    splits = load_dataset(name, protocol=protocol)
    shown = [splits.vocabulary[i] for i in splits.train[:n_words]]
    return _wrapped(" ".join(_marked(word) for word in shown))


def characters(name, n_characters=160):
    """The first training characters or bytes of a text; bytes that are no ASCII as \\x…."""
    splits = load_dataset(name)
    symbols = [splits.vocabulary[i] for i in splits.train[:n_characters]]
    if isinstance(symbols[-1], bytes):
        return _wrapped(repr(b"".join(symbols))[2:-1])
    return _wrapped("".join(symbols))


def wiki_prefix(n_bytes=160):
    """The first bytes of enwik8, where only its beginning is at hand; else None."""
    folder = paths.data_mirror()
    path = folder / "enwik8.prefix" if folder else None
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return _wrapped(repr(file.read(n_bytes))[2:-1])


def review(n_words=60):
    """The last words of the first training review, and its label."""
    splits = load_dataset("imdb")
    numbers, label = splits.train.inputs[0], splits.train.labels[0]
    text = " ".join(_marked(splits.vocabulary[i]) for i in numbers[-n_words:])
    return _wrapped(text), ("negative", "positive")[label], len(numbers)


def permutation():
    """The order in which `pmnist` reads the pixels under the authors' protocol: int [784]."""
    from ...data import mnist

    return np.asarray(mnist.permutation("authors"))


def _marked(word):
    return "◌" if word == "<unknown>" else word


def _wrapped(text):
    lines = textwrap.wrap(text, _WIDTH, drop_whitespace=False, break_on_hyphens=False)
    return "\n".join(lines)
