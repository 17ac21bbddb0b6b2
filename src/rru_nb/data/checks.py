"""Is a file what the registry says? Decided by its content, and read in bounded portions.

Archives are never unpacked to disk, and reading stops as soon as there is more content than
there should be: an archive that swells to gigabytes costs no more time than a good one.
"""

import gzip
import hashlib
import zipfile
import zlib
from contextlib import contextmanager

from ..errors import UserError

PORTION = 1 << 20

# What the standard library raises for damaged, encrypted or exotically packed archives.
_DAMAGED = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
)


def check(file, path):
    """Refuses a file whose content is not that of the registry.

    Args:
        file: a `registry.DataFile`.
        path: where it lies.

    Raises:
        UserError: with the path, what was expected and what was found.
    """
    if file.packing == "reviews":
        from .reviews import check_archive

        check_archive(file, path)
        return
    if file.packing == "plain":
        _check_size(file, path, path.stat().st_size)
    size, digest = _measure(file, path)
    _check_size(file, path, size)
    if digest != file.sha256:
        raise UserError(
            f"{path} is not the upstream file: expected content with sha256 {file.sha256}, "
            f"found {digest}."
        )


def read_content(file, path):
    """The content of a file, unpacked, as bytes; at most one byte more than expected."""
    with open_content(file, path) as stream:
        return stream.read(file.size + 1)


@contextmanager
def open_content(file, path):
    """A binary stream of the content of a plain, gzip or zip file.

    Raises:
        UserError: if the packing is damaged, also while the caller reads.
    """
    try:
        if file.packing == "gzip" and _is_gzip(path):
            with gzip.open(path) as stream:
                yield stream
        elif file.packing == "zip" and path.name != file.member:
            with zipfile.ZipFile(path) as archive, _open_member(file, path, archive) as stream:
                yield stream
        else:
            with open(path, "rb") as stream:
                yield stream
    except _DAMAGED as error:
        raise UserError(
            f"{path} is damaged or cut off: expected a whole {file.packing} file with "
            f"{file.size:,} bytes of content, found: {error}."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def _is_gzip(path):
    """Whether it is still packed: browsers and people unpack such files, whatever the name."""
    with open(path, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _open_member(file, path, archive):
    try:
        info = archive.getinfo(file.member)
    except KeyError:
        inside = ", ".join(repr(name) for name in archive.namelist()[:5]) or "nothing"
        raise UserError(
            f"{path}: expected a member {file.member!r} in the archive, found {inside}."
        ) from None
    _check_size(file, path, info.file_size)
    return archive.open(info)


def _measure(file, path):
    """Bytes and sha256 of the content; stops when there are more bytes than expected."""
    digest, size = hashlib.sha256(), 0
    with open_content(file, path) as stream:
        while size <= file.size and (portion := stream.read(PORTION)):
            digest.update(portion)
            size += len(portion)
    return size, digest.hexdigest()


def _check_size(file, path, size):
    if size != file.size:
        found = "more" if size > file.size else f"{size:,}"
        raise UserError(
            f"{path} is not the upstream file: expected {file.size:,} bytes of content, "
            f"found {found}."
        )


def check_counts(what, found, expected, units):
    """Compares what was read with the registry's counts.

    Args:
        what: file or dataset, for the message.
        found, expected: `{split: counts}`; only the splits of `expected` are compared.
        units: what is counted, a pair of words.

    Raises:
        UserError: at the first split that differs.
    """

    def told(counts):
        return f"{counts[0]:,} {units[0]} and {counts[1]:,} {units[1]}"

    for split, counts in expected.items():
        if tuple(found[split]) != tuple(counts):
            raise UserError(
                f"{what}: expected {told(counts)} in the {split} split, found {told(found[split])}."
            )
