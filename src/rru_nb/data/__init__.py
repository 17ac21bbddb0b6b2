"""The data: eleven datasets of the paper and one inside the package.

>>> from rru_nb import load_dataset
>>> splits = load_dataset("chorales")
>>> len(splits.train), splits.train[0].shape
(228, (48, 88))
"""

from functools import cache

from ..errors import UserError, check_choice
from . import registry
from .splits import Labelled, Splits

DATASETS = tuple(registry.DATASETS_BY_NAME)

__all__ = [
    "DATASETS",
    "Labelled",
    "Splits",
    "canonical_name",
    "catalogue",
    "fetch_all",
    "load_dataset",
    "verify",
]


def _folded(name):
    return "".join(c for c in str(name).casefold() if c.isalnum())


_SPELLINGS = {
    _folded(spelling): dataset.name
    for dataset in registry.DATASETS_BY_NAME.values()
    for spelling in (dataset.name, dataset.title, *dataset.also)
}


def canonical_name(name):
    """The name of a dataset as in `DATASETS`.

    Args:
        name: a name of `DATASETS` or a spelling of the paper, in upper or lower case, with
            whatever hyphens and spaces: `"Word-level Penn Treebank"`, `"P-MNIST"`.

    Raises:
        UserError: if there is no such dataset; it lists the valid names and the nearest.
    """
    if isinstance(name, str) and _folded(name) in _SPELLINGS:
        return _SPELLINGS[_folded(name)]
    return check_choice("dataset", name, DATASETS)


def load_dataset(name, protocol="authors", vocabulary_size=None):
    """Loads a dataset, from the mirror folder, the cache or the network.

    Args:
        name: one of `DATASETS`, or the paper's spelling of it.
        protocol: "authors", as the authors' code prepares the data; for the texts also
            "standard", as the field does; for `pmnist` also "paper", as the paper's text says; for
            `imdb` also "final", which changes the model alone.
        vocabulary_size: of `ptb-word` and `imdb`: how many numbers there are for words, the
            special ones included; None: as in the authors' code (9,650 and 10,000).

    Returns:
        `Splits`. It is loaded once a process and shared; its arrays are read-only.

    Raises:
        UserError: if there is no such dataset or protocol, or its files are neither at hand nor
            to be had; the message says what was looked for where, and how to get it.
    """
    name = canonical_name(name)
    check_choice(f"protocol of {name!r}", protocol, registry.DATASETS_BY_NAME[name].protocols)
    _check_vocabulary_size(name, vocabulary_size)
    if name in ("enwik8", "text8", "imdb"):
        protocol = "authors"  # the same data: only the scoring, or the model, differs
    return _load(name, protocol, vocabulary_size)


def forget():
    """Drops the loaded datasets, for tests and to free their memory."""
    _load.cache_clear()


@cache
def _load(name, protocol, vocabulary_size):
    from . import chorales, imdb, mnist, music, text

    loaders = {
        "ptb-word": lambda d: text.load_ptb_words(d, protocol, vocabulary_size),
        "ptb-char": lambda d: text.load_ptb_characters(d, protocol),
        "enwik8": text.load_wiki,
        "text8": text.load_wiki,
        "imdb": lambda d: imdb.load(d, vocabulary_size),
        "mnist": mnist.load,
        "pmnist": lambda d: mnist.load_permuted(d, protocol),
        "chorales": chorales.load,
    }
    return loaders.get(name, music.load)(registry.DATASETS_BY_NAME[name])


def _check_vocabulary_size(name, size):
    if size is None:
        return
    if name not in ("ptb-word", "imdb"):
        raise UserError(f"vocabulary_size {size!r}: the vocabulary of {name!r} is fixed.")
    if isinstance(size, bool) or not isinstance(size, int) or size < 10:
        raise UserError(f"vocabulary_size {size!r} is not a whole number, 10 or more.")


def catalogue():
    """What data there is and where it is: a list of rows, one a dataset.

    Returns:
        Dicts with `name`, `title` (as in the paper's Table 1), `files`, `megabytes` (to
        download), `found` ("package", "mirror", "cache", "Keras' cache" or "missing"), `terms`
        and `home`.
    """
    return [_catalogue_row(dataset) for dataset in registry.DATASETS_BY_NAME.values()]


def _catalogue_row(dataset):
    from . import chorales

    size = sum(registry.FILES[name].download_size for name in dataset.files)
    return {
        "name": dataset.name,
        "title": dataset.title,
        "files": " ".join(dataset.files) or chorales.FILE.name,
        "megabytes": round((size or chorales.FILE.stat().st_size) / 1e6, 1),
        "found": _where(dataset),
        "terms": dataset.terms,
        "home": dataset.home,
    }


def _where(dataset):
    """Where a dataset's files are; "missing" if one of them is nowhere, "cache" if one is there."""
    from . import keras_imdb
    from .fetch import downloads, find, mirror

    found = "mirror" if dataset.files else "package"
    for file in (registry.FILES[name] for name in dataset.files):
        if find(file, mirror()):
            continue
        if not find(file, downloads()):
            by_keras = dataset.name == "imdb" and keras_imdb.find()
            return "Keras' cache" if by_keras else "missing"
        found = "cache"
    return found


def fetch_all(name):
    """Makes the files of a dataset available: finds or downloads each of them.

    Args:
        name: one of `DATASETS`, or the paper's spelling of it.

    Returns:
        Their paths, a list; of `chorales` the path of the file in the package.
    """
    from . import chorales
    from .fetch import locate

    files = registry.DATASETS_BY_NAME[canonical_name(name)].files
    return [locate(file) for file in files] or [chorales.FILE]


def verify(name):
    """Checks the files of a dataset that are at hand; downloads nothing.

    Args:
        name: one of `DATASETS`, or the paper's spelling of it.

    Returns:
        A list of dicts, one a file: `dataset`, `file`, `ok`, `expected`, `found` (both for
        people: what the registry says, what is there).
    """
    from .verification import verify_chorales, verify_file

    dataset = registry.DATASETS_BY_NAME[canonical_name(name)]
    rows = [verify_file(registry.FILES[file]) for file in dataset.files] or [
        verify_chorales(dataset)
    ]
    return [{"dataset": dataset.name, **row} for row in rows]
