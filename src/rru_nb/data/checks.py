"""Is a file what the registry says? Decided by its content, and read in bounded portions.

Archives are never unpacked to disk, and reading stops as soon as there is more content than
there should be: an archive that swells to gigabytes costs no more time than a good one.
"""

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from contextlib import contextmanager

from ..errors import UserError

PORTION = 1 << 20

# What the standard library raises for damaged, encrypted or exotically packed archives.
_DAMAGES = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError)
_DAMAGES += (NotImplementedError, RuntimeError, KeyError)  # the last for a member that lacks


@contextmanager
def reading(path, expected):
    """Turn what a damaged archive raises within into a `UserError` that says what was expected."""
    try:
        yield
    except _DAMAGES as error:
        raise UserError(
            f"{path} is damaged or cut off: expected {expected}, found: {error}."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def check(file, path):
    """Refuse a file whose content is not that of the registry."""
    if file.packing == "reviews":
        from .reviews import check_archive

        check_archive(file, path)
        return
    digest, size = hashlib.sha256(), 0
    with open_content(file, path) as stream:
        while size <= file.size and (portion := stream.read(PORTION)):
            digest.update(portion)
            size += len(portion)
    if size != file.size:
        raise UserError(
            f"{path} is not the upstream file: expected {file.size:,} bytes of content, "
            f"found {'more' if size > file.size else f'{size:,}'}."
        )
    if digest.hexdigest() != file.sha256:
        raise UserError(
            f"{path} is not the upstream file: expected content with sha256 {file.sha256}, "
            f"found {digest.hexdigest()}."
        )


def refusal(check, *arguments):
    """Return the message of the `UserError` that a check raises, or None."""
    try:
        check(*arguments)
    except UserError as error:
        return str(error)
    return None


def read_content(file, path):
    """Return the content of a file, unpacked, as bytes; at most one byte more than expected."""
    with open_content(file, path) as stream:
        return stream.read(file.size + 1)


@contextmanager
def open_content(file, path):
    """Open the content of a plain, gzip or zip file as a binary stream."""
    with reading(path, f"a whole {file.packing} file with {file.size:,} bytes of content"):
        if file.packing == "gzip" and _is_gzip(path):
            with gzip.open(path) as stream:
                yield stream
        elif file.packing == "zip" and path.name != file.member:
            with zipfile.ZipFile(path) as archive, archive.open(file.member) as stream:
                yield stream
        else:
            with open(path, "rb") as stream:
                yield stream


def _is_gzip(path):
    """Return whether it is still packed: browsers and people unpack such files, and keep names."""
    with open(path, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"
