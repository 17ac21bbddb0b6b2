"""The error of a build that must not be published; what the disk refuses to a build."""

import errno
import os
import re
import shutil
from contextlib import contextmanager

from rru_nb.errors import UserError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_REFUSAL = re.compile("|".join(os.strerror(number) for number in _NUMBERS))


class BookError(Exception):
    """A notebook raised, a page warned, or the contents miss a page. The message says which."""


def check_log(log):
    """Raises an `OSError` if the log of a process says that the disk took nothing more.

    What the process made of that, a traceback or faults of pages half written, would hide it.
    """
    found = _REFUSAL.search(log)
    if found:
        raise OSError(found[0])


@contextmanager
def refusals_told(folder):
    """Within, what the disk refuses is a `UserError` of one line.

    Args:
        folder: Path of what is written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the book cannot be built: {_reason(error)}. Make room for {folder} and for "
            "temporary files, or build in a checkout that can be written."
        ) from error


def _reason(error):
    told = str(error)
    if isinstance(error, shutil.Error):  # of a whole tree: each file, its copy, and why not
        told = error.args[0][0][2]
    found = _REFUSAL.search(told)
    return found[0] if found else told
