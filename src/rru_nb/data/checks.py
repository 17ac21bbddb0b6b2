"""Is a file what the registry says? Decided by its content.

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
    content = read_content(file, path)
    if len(content) != file.size:
        raise UserError(
            f"{path} is not the upstream file: expected {file.size:,} bytes of content, "
            f"found {'more' if len(content) > file.size else f'{len(content):,}'}."
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise UserError(
            f"{path} is not the upstream file: expected content with sha256 {file.sha256}, "
            f"found {digest}."
        )


def refusal(file, path):
    """Return the message of the `UserError` that `check` raises, or None."""
    try:
        check(file, path)
    except UserError as error:
        return str(error)
    return None


def read_content(file, path):
    """Return the content of a plain, gzip or zip file; at most one byte more than expected."""
    with reading(path, f"a whole {file.packing} file with {file.size:,} bytes of content"):
        if file.packing == "zip" and path.name != file.member:
            with zipfile.ZipFile(path) as archive, archive.open(file.member) as stream:
                return stream.read(file.size + 1)
        with open(path, "rb") as stream:
            # Browsers and people unpack gzip files, and keep their names.
            if file.packing == "gzip" and stream.peek(2).startswith(b"\x1f\x8b"):
                stream = gzip.GzipFile(fileobj=stream)
            return stream.read(file.size + 1)


def sha256_of(path):
    """Return the sha256 (hex) of the bytes of a file, packed as it is."""
    with reading(path, "a whole file"), open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
