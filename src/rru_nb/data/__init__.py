"""The data: eleven datasets of the paper and one inside the package.

>>> from rru_nb import load_dataset
>>> splits = load_dataset("chorales")
>>> len(splits.train), splits.train[0].shape
(228, (48, 88))
"""

from functools import cache

from ..errors import UserError, check_choice, check_count
from . import registry
from .checks import refusal
from .fetch import PACKAGE, downloads, find, find_anywhere, find_keras_file, locate, mirror

DATASETS = tuple(registry.DATASETS_BY_NAME)


def _folded(name):
    return "".join(c for c in str(name).casefold() if c.isalnum())


_SPELLINGS = {
    _folded(spelling): dataset.name
    for dataset in registry.DATASETS_BY_NAME.values()
    for spelling in (dataset.name, dataset.title, *dataset.also)
}


def canonical_name(name):
    """Return the name of a dataset as in `DATASETS`; a `UserError` names the nearest.

    A spelling of the paper will do, in upper or lower case, with whatever hyphens and spaces:
    `"Word-level Penn Treebank"`, `"P-MNIST"`.
    """
    if isinstance(name, str) and _folded(name) in _SPELLINGS:
        return _SPELLINGS[_folded(name)]
    return check_choice("dataset", name, DATASETS)


def load_dataset(name, protocol=None, vocabulary_size=None):
    """Load a dataset, from the mirror folder, the cache or the network.

    Args:
        name: one of `DATASETS`, or the paper's spelling of it.
        protocol: "authors", as the authors' code prepares the data; for the texts also
            "standard", as the field does; for `pmnist` also "paper", as the paper's text says; for
            `imdb` also "final", which changes the model alone. None: "authors", but for `pmnist`
            "paper", since a full permutation does not lead to the paper's numbers.
        vocabulary_size: of `ptb-word` and `imdb`: how many numbers there are for words, the
            special ones included; None: as in the authors' code (9,650 and 10,000).

    Returns:
        `Splits`. It is loaded once a process and shared; its arrays are read-only.

    Raises:
        UserError: if there is no such dataset or protocol, or its files are neither here nor
            to be had; the message says what was looked for where, and how to get it.
    """
    name = canonical_name(name)
    protocols = registry.DATASETS_BY_NAME[name].protocols
    protocol = protocols[0] if protocol is None else protocol
    check_choice(f"protocol of {name!r}", protocol, protocols)
    if vocabulary_size is not None:
        check_count("vocabulary_size", vocabulary_size, at_least=10)
        if name not in ("ptb-word", "imdb"):
            raise UserError(
                f"vocabulary_size = {vocabulary_size}: the vocabulary of {name!r} is fixed."
            )
    if name in ("enwik8", "text8", "imdb"):
        protocol = "authors"  # the same data: only the scoring, or the model, differs
    return _load(name, protocol, vocabulary_size)


@cache
def _load(name, protocol, vocabulary_size):
    from . import chorales, imdb, mnist, music, text

    loaders = {
        "ptb-word": lambda d: text.load_ptb_words(d, protocol, vocabulary_size),
        "ptb-char": lambda d: text.load_ptb_characters(d, protocol),
        "enwik8": text.load_wiki,
        "text8": text.load_wiki,
        "imdb": lambda d: imdb.load(d, vocabulary_size),
        "mnist": lambda d: mnist.load(d, protocol),
        "pmnist": lambda d: mnist.load(d, protocol),
        "chorales": chorales.load,
    }
    return loaders.get(name, music.load)(registry.DATASETS_BY_NAME[name])


def catalogue():
    """Return what data there is and where it is: a list of rows, one a dataset.

    Returns:
        Dicts with `name`, `title` (as in the paper's Table 1), `terms`, `home`, `megabytes` (to
        download) and `found` ("package", "mirror", "cache", "Keras' cache" or "missing").
    """
    rows = []
    for dataset in registry.DATASETS_BY_NAME.values():
        row = {name: getattr(dataset, name) for name in ("name", "title", "terms", "home")}
        size = sum(registry.FILES[name].download_size for name in dataset.files)
        megabytes = round(size / 1e6, 1)
        rows.append(row | {"megabytes": megabytes, "found": _place(dataset)})
    return rows


def _place(dataset):
    """Return where a dataset's files are; of several places the last in this order."""
    left = [registry.FILES[name] for name in dataset.files]
    for place, folder in (("package", PACKAGE), ("mirror", mirror()), ("cache", downloads())):
        left = [file for file in left if not find(file, folder)]
        if not left:
            return place
    return "Keras' cache" if dataset.name == "imdb" and find_keras_file() else "missing"


def fetch_all(name):
    """Find or download the files of a dataset; return their paths."""
    return [locate(file) for file in registry.DATASETS_BY_NAME[canonical_name(name)].files]


def verify(name):
    """Check the files of a dataset that are here; download nothing.

    Returns:
        A list of dicts, one a file: `dataset`, `file`, `ok`, `expected`, `found` (both for
        people: what the registry says, what is there).
    """
    dataset = registry.DATASETS_BY_NAME[canonical_name(name)]
    rows = []
    for file in map(registry.FILES.get, dataset.files):
        path = find_anywhere(file)
        wrong = refusal(file, path) if path else "missing"
        row = {"dataset": dataset.name, "file": str(path or file.name), "ok": not wrong}
        row["expected"] = f"{file.size:,} bytes, sha256 {file.sha256[:12]}..."
        rows.append(row | {"found": wrong or "the same"})
    return rows
