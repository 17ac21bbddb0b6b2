"""Standard output and standard error that are closed or full, or that nobody reads any more.

None of that ends a training, or in a traceback: what is said is lost, what is measured stays.
"""

import io
import os
import sys
import threading
from contextlib import contextmanager, suppress
from functools import lru_cache

# Full, or nobody reads it; closed by now; None, for it was closed at the start.
_LOST = (OSError, ValueError, AttributeError)


def tell(line):
    """Write a line to standard error, if that takes it."""
    with suppress(*_LOST):
        sys.stderr.write(f"{line}\n")


def bar(*arguments, **options):
    """Make a progress bar of `tqdm` on standard error, which drops what cannot be written."""
    # A notebook's own stream tqdm has to recognize.
    plain = sys.stderr is None or isinstance(sys.stderr, io.TextIOWrapper)
    file = _Guarded(sys.stderr, lambda: suppress(*_LOST)) if plain else sys.stderr
    return _bar_class()(*arguments, file=file, **options)


@lru_cache
def _bar_class():
    from tqdm.auto import tqdm

    class Bar(tqdm):
        """With a lock of its process alone.

        That of tqdm belongs to all forked ones too: a process that is killed while it draws would
        keep it, and the others wait for ever.
        """

    Bar.set_lock(threading.RLock())
    return Bar


class _Guarded:
    """A stream that is written within a context."""

    def __init__(self, stream, context):
        self._stream, self._context = stream, context

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        with self._context():
            return self._stream.write(text)

    def flush(self):
        with self._context():
            return self._stream.flush()


@contextmanager
def _refusal():
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = f"standard output cannot be written: {error.strerror or error}"
        raise OSError(reason) from error


@contextmanager
def answer():
    """Raise an `OSError` that says so if standard output refuses, at the end at the latest.

    What its encoding lacks is escaped, as on standard error, and not the end of the command.
    """
    before, sys.stdout = sys.stdout, _Guarded(sys.stdout, _refusal)
    if isinstance(before, io.TextIOWrapper) and before.errors == "strict":
        before.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout = before


def open_closed():
    """Open standard streams that were closed at the start; standard output so that it refuses.

    Else a file opened later, a record say, gets the number of a closed stream, and TensorFlow's
    notes are written into it.
    """
    # In this order, for the lowest free number is the one that is given.
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, flags)
            os.set_inheritable(handle, True)
            setattr(sys, name, os.fdopen(handle, "r" if name == "stdin" else "w"))


@contextmanager
def without_notes():
    """Keep off standard error what a library's compiled part notes there while it is imported."""
    if sys.stderr:
        sys.stderr.flush()
    shown, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)
        os.close(null)


def let_go():
    """Lead streams that refuse to the null device, or Python fails on them once more at exit."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError), open(os.devnull, "w") as null:
                os.dup2(null.fileno(), stream.fileno())
