"""The archive of the IMDB reviews, read as a stream: nothing of it is unpacked to disk.

The archive holds `aclImdb/<train|test>/<neg|pos>/<id>_<stars>.txt`, and upstream's more that is
passed over. It is identified by its reviews, because it may be repacked: the sha256 of each, in
the order train/neg, train/pos, test/neg, test/pos and by name in each, hashed once more.
"""

import gzip
import hashlib
import io
import re
import tarfile
from typing import NamedTuple

from ..errors import UserError
from .checks import reading, sha256_of

REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/[0-9]+_[0-9]+\.txt")
FOLDERS = ("train/neg", "train/pos", "test/neg", "test/pos")
MAX_TOTAL = 1 << 29  # upstream's archive unpacks to less


class Review(NamedTuple):
    """One review: `folder` one of `FOLDERS`, `name` of the file, `content` in bytes."""

    folder: str
    name: str
    content: bytes


def read_reviews(file, path):
    """Return all reviews of the registry's archive, a list sorted by folder and name."""
    reviews = sorted(_stream(path), key=lambda r: (FOLDERS.index(r.folder), r.name.encode()))
    digest = digest_of(reviews)
    if digest != file.sha256 and sha256_of(path) != file.upstream_sha256:
        size = sum(len(review.content) for review in reviews)
        raise UserError(
            f"{path} is not the upstream file: expected {file.size:,} bytes of reviews with the "
            f"digest {file.sha256}, found {len(reviews):,} reviews, {size:,} bytes, {digest}."
        )
    return reviews


def check_archive(file, path):
    """Refuse an archive that is not the registry's; see `read_reviews`."""
    if sha256_of(path) != file.upstream_sha256:
        read_reviews(file, path)


def digest_of(reviews):
    """Return the digest of sorted reviews: sha256 (hex) over the sha256s of their contents."""
    each = (hashlib.sha256(review.content).digest() for review in reviews)
    return hashlib.sha256(b"".join(each)).hexdigest()


def _stream(path):
    """Yield the reviews in the order of the archive."""
    with (
        reading(path, "a whole tar.gz archive"),
        gzip.open(path) as unpacked,
        tarfile.open(fileobj=_Limited(unpacked, path), mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile() and (match := REVIEW.fullmatch(member.name)):
                content = archive.extractfile(member).read()
                yield Review("/".join(match.groups()), member.name, content)


class _Limited(io.RawIOBase):
    """A stream that refuses to give more bytes than any good archive has."""

    def __init__(self, stream, path):
        super().__init__()
        self.stream, self.path, self.left = stream, path, MAX_TOTAL

    def read(self, size=-1):
        portion = self.stream.read(size)
        self.left -= len(portion)
        if self.left < 0:
            raise UserError(
                f"{self.path}: expected an archive that unpacks to at most {MAX_TOTAL:,} bytes, "
                "found more."
            )
        return portion
