"""Ctrl-C and SIGTERM end a training between two steps, where its state can be saved."""

import signal
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

# One wish to stop may come as several signals: a terminal sends Ctrl-C to every process of a sweep,
# which then ends those that it started; a cluster may send SIGTERM to all of them.
SAME_WISH = 1.0  # seconds


class Stopped(KeyboardInterrupt):
    """A training ended by a signal after its state was saved, or could not be.

    Attributes:
        signum: the signal.
    """

    def __init__(self, message, signum):
        super().__init__(message)
        self.signum = signum


@contextmanager
def handling(handlers):
    """Handle signals by `{signal: function}`; outside the main thread, which gets none, do not.

    Nor those that a program around Python handles, for its handler could not be put back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = {s: handler for s, handler in handlers.items() if signal.getsignal(s) is not None}
    before = {signum: signal.signal(signum, handler) for signum, handler in ours.items()}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def stop_request():
    """Let SIGINT and SIGTERM only ask; one more, a second later, raises `Stopped` at once.

    Yields:
        An object whose `signum` is the signal that has asked for the end, or None so far. Outside
        the main thread nothing asks.
    """
    request = SimpleNamespace(signum=None, since=0.0)

    def ask(signum, frame):
        now = time.monotonic()
        if request.signum is None:
            request.signum, request.since = signum, now
        elif now - request.since > SAME_WISH:
            raise Stopped("stopped at once, on the second signal", signum)

    with handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM), ask)):
        yield request


def sigterm_raises():
    """Raise `Stopped` on SIGTERM, in a `with`, rather than end the process without a word."""

    def stop(signum, frame):
        raise Stopped("", signum)

    return handling({signal.SIGTERM: stop})
