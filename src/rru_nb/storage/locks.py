"""Processes that start the same run or download at once do it once; the others wait for it.

The lock is the kernel's (`flock`) on an empty file, for a run beside its checkpoints. It ends
with the process that holds it, however that ends, so that no lock is ever stale: a file that a
killed process left behind means nothing. Machines that share the folder exclude each other too,
if its file system passes locks on, as NFS does. Where it knows none, or cannot be written, the
file lies in the machine's temporary folder, and only processes of one machine exclude each other.
Without any lock (Windows) a run started twice is done twice; its record is whole all the same.
"""

import hashlib
import os
import tempfile
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from . import paths
from .streams import tell

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def only_once(config):
    """Within, no other process is in the same run; tells in one line if it has to wait.

    Who had to wait may find the record written meanwhile, so look for it inside.

    Args:
        config: a `RunConfig`.
    """
    with alone(_lock_of(config), f"in the run {_name(config)}"):
        yield


@contextmanager
def alone(path, doing):
    """Within, no other process holds the lock of the same path.

    Args:
        path: of the lock's file, which is gone afterwards.
        doing: what the other process is doing, for the line that tells of waiting.

    Yields:
        Whether there is a lock at all.
    """
    held = _take_somewhere(path, doing)
    try:
        yield bool(held)
    finally:
        for place, handle in held:
            # Removed while held: who waits for it sees that its file is gone, and opens anew.
            with suppress(OSError):
                place.unlink()
            os.close(handle)


def is_running(config):
    """Whether a living process is in this run; never waits."""
    for place in _places(_lock_of(config)) if fcntl else ():
        with suppress(OSError):
            return _is_locked(place)
    return False


def hold(handle):
    """Marks an open file as being written by this process, see `is_abandoned`."""
    if fcntl:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_abandoned(path):
    """Whether the process that wrote a partial file is gone; False where that can't be told."""
    try:
        return bool(fcntl) and not _is_locked(path)
    except OSError:
        return False


def _take_somewhere(path, doing):
    """The place and handle of the lock, a list of one; an empty list where there is none."""
    if not fcntl:
        return []
    for place in _places(path):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle = _take(place, wait=False)
            if handle is None:
                tell(f"waiting: another process is {doing}")
                handle = _take(place, wait=True)
            return [(place, handle)]
        except OSError as error:
            reason = error
    warnings.warn(f"no lock, another process may be {doing} too: {reason}", stacklevel=5)
    return []


def _take(path, wait):
    """The handle of a file, opened and locked; None if another has it and `wait` is False."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_at(handle, path):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # who had it has removed the file: it locks nobody out


def _is_at(handle, path):
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _is_locked(path):
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _places(path):
    """Where the lock of a path may lie: there, else in this machine's temporary folder."""
    yield path
    if hasattr(os, "getuid"):
        told = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        yield Path(tempfile.gettempdir()) / f"rru_nb-{os.getuid()}-{told}.lock"


def _lock_of(config):
    return paths.state_dir() / "locks" / f"{_name(config)}.lock"


def _name(config):
    return f"{config.dataset}-{config.cell}-{config.scale}-s{config.seed}-{config.id}"
