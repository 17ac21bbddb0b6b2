"""Files that are whole or absent, one error for a damaged one, and locks between processes.

A lock ends with the process that holds it, however that ends, so that none is ever stale. Machines
that share the folder exclude each other too, if its file system passes locks on, as NFS does. Where
it knows none, or cannot be written, the file lies in the machine's temporary folder, and only
processes of one machine exclude each other. Without any lock a run started twice is done twice; its
record is whole all the same.
"""

import glob
import hashlib
import json
import os
import tempfile
import time
import warnings
import zipfile
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from ..errors import UserError
from . import streams

ABANDONED_AFTER = 86_400  # seconds: no writer takes a day for a file

# Writing


@contextmanager
def writing(path, what):
    """Turn what the disk refuses within into a `UserError` that names the file and the fix."""
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


def write_json(path, content, what, indent=1):
    """Write plain values as `write_bytes` does; a number that is not finite is a `ValueError`."""
    text = json.dumps(content, indent=indent, allow_nan=False) + "\n"
    write_bytes(path, lambda file: file.write(text.encode()), what)


def write_bytes(path, write, what):
    """Write a binary file of results as `write_whole` does; raise a `UserError` if that fails."""
    with writing(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)


def write_whole(path, write):
    """Write a file so that a reader sees all of it or nothing; of two writers the last one's stays.

    `write` is given a binary file. If the disk refuses, an `OSError`, the file is as it was. What
    writers of this file that were killed a day ago or earlier left is removed.
    """
    for left in partials(path):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > ABANDONED_AFTER:
                left.unlink()
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)  # mkstemp's 0600 would hide a shared folder's files
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def partials(path):
    """List the partial files of a path: each is of a writer, or was left by one that was killed."""
    return list(path.parent.glob(f".{glob.escape(path.name)}-*.part"))


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
    """Return the content of a JSON file; a `DamagedError` with the remedy if it is damaged.

    That is, no JSON, or `check` raises what Python raises for content of another form.
    """
    with reading(path, remedy):
        content = json.loads(path.read_text(encoding="utf-8"))
        check(content)
        return content


@lru_cache
def read_yaml(path):
    """Return the content of a file of plain values, read once, by libyaml where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 (both are safe)


# Locks


@contextmanager
def alone(path, doing):
    """Hold the lock of a path; say in one line what another process that has it does, and wait.

    Yields whether there is a lock at all.
    """
    for place in _places(path):
        lock = _lock_at(place)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                streams.tell(f"waiting: another process is {doing}")
                lock.acquire()
            break
        except (OSError, NotImplementedError) as error:
            reason = error
    else:
        warnings.warn(f"no lock, another process may be {doing} too: {reason}", stacklevel=3)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def is_locked(path):
    """Return whether a living process holds the lock of a path; never wait."""
    for place in filter(Path.exists, _places(path)):
        try:
            with _lock_at(place).acquire(timeout=0):
                pass
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            pass
    return False


def _lock_at(place):
    """Return the system's own lock; filelock's substitute for it outlives a killed process."""
    try:
        return FileLock(place, fallback_to_soft=False)
    except TypeError:  # of a version without a substitute
        return FileLock(place)


def _places(path):
    """Yield where the lock of a path may lie: there, else in this machine's temporary folder."""
    yield path
    if hasattr(os, "getuid"):
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        yield Path(tempfile.gettempdir()) / f"rru_nb-{os.getuid()}-{digest}.lock"
