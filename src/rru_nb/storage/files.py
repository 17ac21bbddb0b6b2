"""Files that are whole or absent, one error for a damaged one, and locks between processes.

A lock is the kernel's (`flock`) on an empty file. It ends with the process that holds it, however
that ends, so that no lock is ever stale: a file that a killed process left behind means nothing.
Machines that share the folder exclude each other too, if its file system passes locks on, as NFS
does. Where it knows none, or cannot be written, the file lies in the machine's temporary folder,
and only processes of one machine exclude each other. Without any lock (Windows) a run started
twice is done twice; its record is whole all the same.
"""

import glob
import hashlib
import json
import os
import tempfile
import warnings
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from ..errors import UserError
from . import streams

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


# Writing


@contextmanager
def writing(path, what):
    """Turn what the disk refuses within into a `UserError` that names the file and the fix.

    Args:
        path: a `Path`. what: what the file holds, for the message, e.g. `"the record"`.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{what} {path} cannot be written: {error.strerror or error}. "
            "Mend that, or set RRU_NB_RESULTS to another folder."
        ) from error


def check_room(path, what):
    """Make the folder of a file and raise a `UserError` if it can't be written; before the work."""
    with writing(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def write_text(path, text, what):
    """Write a text file of results as `write_whole` does; raise a `UserError` if that fails."""
    write_bytes(path, lambda file: file.write(text.encode()), what)


def write_bytes(path, write, what):
    """Write a binary file of results as `write_whole` does; raise a `UserError` if that fails."""
    with writing(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)


def write_whole(path, write):
    """Write a file so that a reader sees all of it or nothing.

    Of two processes that write it, the last one's stays. What killed writers of this file left
    is removed.

    Args:
        path: a `Path`; its folder is there.
        write: a function that is given a binary file to write into.

    Raises:
        OSError: if the disk refuses; the file is as it was.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}-*.part"):
        if _is_held(left) is False:
            left.unlink(missing_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(OSError, AttributeError):  # tells others that its writer lives
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)  # mkstemp's 0600 would hide a shared folder's files
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


# Reading


class DamagedError(UserError):
    """A file does not hold what it should."""


# A flipped bit can also make a zip file look encrypted, or of a version to come; JSON nested
# without end ends in a RecursionError, a RuntimeError.
_DAMAGES = (ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError)
_DAMAGES += (zipfile.BadZipFile,)


@contextmanager
def reading(path, remedy=""):
    """Turn what a damaged file raises within into a `DamagedError` that names it and the remedy.

    What cannot be read at all is a plain `UserError`.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    except _DAMAGES as error:
        raise DamagedError(f"{path} is damaged ({error!r}). {remedy}".rstrip()) from error


def read_json(path, check, remedy=""):
    """Return the content of a JSON file.

    Args:
        path: a `Path`. check: a function that raises what Python raises for content of another
            form. remedy: a sentence for the message that says how to get the file anew.

    Raises:
        DamagedError: if it is no JSON, or `check` raises. UserError: if it cannot be read.
    """
    with reading(path, remedy):
        content = json.loads(path.read_text(encoding="utf-8"))
        check(content)
        return content


def read_yaml(path):
    """Return the content of a file of plain values, by libyaml where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 (both are safe)


# Locks


@contextmanager
def alone(path, doing):
    """Hold the lock of a path; print one line if another process has it, and wait.

    Args:
        path: of the lock's file, which is gone afterwards.
        doing: what the other process is doing, for the line that tells of waiting.

    Yields:
        Whether there is a lock at all.
    """
    place, handle = _take_somewhere(path, doing) if fcntl else (None, None)
    try:
        yield bool(place)
    finally:
        if place:
            # Removed while held: who waits for it sees that its file is gone, and opens anew.
            with suppress(OSError):
                place.unlink()
            os.close(handle)


def is_locked(path):
    """Return whether a living process holds the lock of a path; never wait."""
    return any(_is_held(place) for place in _places(path))


def _take_somewhere(path, doing):
    for place in _places(path):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                return place, _take(place, fcntl.LOCK_NB)
            except BlockingIOError:
                streams.tell(f"waiting: another process is {doing}")
                return place, _take(place, 0)
        except OSError as error:
            reason = error
    warnings.warn(f"no lock, another process may be {doing} too: {reason}", stacklevel=4)
    return None, None


def _take(path, mode):
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | mode)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # who had it has removed the file: it locks nobody out


def _is_held(path):
    """Return whether a living process has locked a file; None where that can't be told."""
    if not fcntl:
        return None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        return False if isinstance(error, FileNotFoundError) else None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError as error:
        return True if isinstance(error, BlockingIOError) else None
    finally:
        os.close(handle)


def _places(path):
    """Yield where the lock of a path may lie: there, else in this machine's temporary folder."""
    yield path
    if hasattr(os, "getuid"):
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        yield Path(tempfile.gettempdir()) / f"rru_nb-{os.getuid()}-{digest}.lock"
