"""The upstream files and the datasets made of them, read from `registry.yml`.

Sizes and hashes are those of the *content*: the decompressed bytes. Upstream archives get
repacked now and then, with other bytes around the same content.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ..storage import files


@dataclass(frozen=True)
class DataFile:
    """Describe a file to be had from upstream.

    Attributes:
        name: its name in a mirror folder and in the cache.
        urls: where it can be downloaded, in the order to try; none of what the package holds.
        size: bytes of its content.
        sha256: of its content.
        packing: "plain", "gzip" (or already unpacked), "zip" (of one member), or "reviews" (see
            `reviews`).
        member: name of the member of a zip archive; a mirror may hold that file instead.
        packed_size: bytes of the download, about; None: as many as the content.
        upstream_sha256: of the download as upstream publishes it, where it is known.
        also: further names that a mirror may hold it under.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str
    packing: str = "plain"
    member: str | None = None
    packed_size: int | None = None
    upstream_sha256: str | None = None
    also: tuple[str, ...] = ()

    @property
    def names(self):
        """The names under which a mirror may hold the file."""
        return tuple(name for name in (self.name, self.member, *self.also) if name)

    @property
    def download_size(self):
        return self.packed_size or self.size


@dataclass(frozen=True)
class Dataset:
    """Describe a dataset of the book.

    Attributes:
        name: as in `DATASETS`.
        title: as the paper's Table 1 spells it.
        kind: of task, see `tasks`: "music", "word", "char", "sentiment" or "digits".
        files: names of the `DataFile`s that it is made of.
        terms: licence, as far as upstream states one.
        home: page or folder that the files come from.
        counts: what its content holds: `{split: (pieces, time steps)}` of music, (lines, words) of
            Penn Treebank, (images, labels) of MNIST.
        also: further spellings that are accepted.
        protocols: those by which it may be loaded, the default first.
    """

    name: str
    title: str
    kind: str
    files: tuple[str, ...]
    terms: str
    home: str
    counts: dict = field(default_factory=dict)
    also: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("authors",)


def _frozen(value):
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


_CONTENT = files.read_yaml(Path(__file__).with_name("registry.yml"))


def _read(part, kind):
    return {name: kind(name, **_frozen(entry)) for name, entry in _CONTENT[part].items()}


FILES = _read("files", DataFile)
DATASETS_BY_NAME = _read("datasets", Dataset)
