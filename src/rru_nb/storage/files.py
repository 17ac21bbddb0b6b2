"""Files of results: whole or absent, and their folder is looked into before the work."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError
from . import locks


def check_room(path, what):
    """Makes the folder of a file and sees whether one can be written there; before the work.

    Args:
        path: a `Path`. what: what the file holds, for the message, e.g. `"the record"`.

    Raises:
        UserError: if not.
    """
    with as_user_error(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def write_text(path, text, what):
    """Writes a text file so that a reader sees all of it or nothing.

    Of two processes that write it, the last one's stays. What killed writers of this file left
    is removed.

    Args:
        path: a `Path`. text: str. what: as for `check_room`.

    Raises:
        UserError: if it cannot be written.
    """
    write_bytes(path, lambda file: file.write(text.encode()), what)


def write_bytes(path, write, what):
    """Like `write_text`, for what `write(file)` writes into a binary file."""
    with as_user_error(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}-*.part"):
            if locks.is_abandoned(left):
                left.unlink(missing_ok=True)
        _write_whole(path, write)


def _write_whole(path, write):
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            locks.hold(file)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)  # mkstemp's 0600 would hide a shared folder's files
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


@contextmanager
def as_user_error(path, what):
    """Within, what the disk refuses is a `UserError` that names the file and the fix."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{what} {path} cannot be written: {error.strerror or error}. "
            "Mend that, or set RRU_NB_RESULTS to another folder."
        ) from error
