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
import zlib
from typing import NamedTuple

from ..errors import UserError

REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/[0-9]+_[0-9]+\.txt")
FOLDERS = ("train/neg", "train/pos", "test/neg", "test/pos")
MAX_REVIEW = 1 << 20  # the longest has 14 kB
MAX_TOTAL = 1 << 29  # upstream's archive unpacks to less
PORTION = 1 << 20


class Review(NamedTuple):
    """One review: `folder` one of `FOLDERS`, `name` of the file, `content` in bytes."""

    folder: str
    name: str
    content: bytes


def read_reviews(file, path):
    """All reviews of the archive, sorted by folder and name, if it is the one of the registry.

    Args:
        file: the `registry.DataFile`.
        path: where it lies.

    Returns:
        A list of `Review`.

    Raises:
        UserError: if the archive is damaged, holds a member that is no plain file or folder
            under aclImdb, or unpacks to far more than it should; or if its reviews are others.
    """
    reviews = sorted(_stream(path), key=lambda r: (FOLDERS.index(r.folder), r.name.encode()))
    names = {(review.folder, review.name) for review in reviews}
    if len(names) < len(reviews):
        raise UserError(f"{path}: {len(reviews) - len(names)} reviews are in the archive twice.")
    size = sum(len(review.content) for review in reviews)
    digest = digest_of(reviews)
    if digest != file.sha256 and sha256_of(path) != file.upstream_sha256:
        raise UserError(
            f"{path} is not the upstream file: expected {file.size:,} bytes of reviews with the "
            f"digest {file.sha256}, found {len(reviews):,} reviews, {size:,} bytes, {digest}."
        )
    return reviews


def check_archive(file, path):
    """Refuses an archive that is not the registry's; see `read_reviews`."""
    if sha256_of(path) != file.upstream_sha256:
        read_reviews(file, path)


def digest_of(reviews):
    """The digest of sorted reviews: sha256 (hex) over the sha256s of their contents."""
    each = (hashlib.sha256(review.content).digest() for review in reviews)
    return hashlib.sha256(b"".join(each)).hexdigest()


def sha256_of(path):
    """The sha256 (hex) of a file's bytes."""
    with _reading(path), open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stream(path):
    """Yields the reviews in the order of the archive."""
    with _reading(path), open(path, "rb") as packed, gzip.open(packed) as unpacked:
        limited = _Limited(unpacked, path)
        with tarfile.open(fileobj=limited, mode="r|") as archive:
            for member in archive:
                _check_member(path, member)
                if member.isfile() and (match := REVIEW.fullmatch(member.name)):
                    content = archive.extractfile(member).read()
                    yield Review("/".join(match.groups()), member.name, content)


def _check_member(path, member):
    if not (member.isfile() or member.isdir()):
        raise UserError(
            f"{path}: expected plain files and folders only, found the member {member.name!r}, "
            f"{_kind(member)}."
        )
    parts = member.name.split("/")
    if parts[0] != "aclImdb" or ".." in parts:
        raise UserError(
            f"{path}: expected members under 'aclImdb/', found {member.name!r}, which is outside."
        )
    if REVIEW.fullmatch(member.name) and member.size > MAX_REVIEW:
        raise UserError(
            f"{path}: expected reviews of at most {MAX_REVIEW:,} bytes, found {member.name!r} "
            f"with {member.size:,}."
        )


def _kind(member):
    if member.issym():
        return f"a symbolic link to {member.linkname!r}"
    if member.islnk():
        return f"a hard link to {member.linkname!r}"
    return "a device" if member.isdev() else f"of type {member.type!r}"


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


class _reading:  # noqa: N801 (a context manager that reads like a function)
    """Turns what the standard library raises for damaged archives into a `UserError`."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        damaged = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)
        if isinstance(error, damaged):
            raise UserError(
                f"{self.path} is damaged or cut off: expected a whole tar.gz archive, "
                f"found: {error}."
            ) from error
        if isinstance(error, OSError):
            raise UserError(f"{self.path} cannot be read: {error.strerror or error}.") from error
