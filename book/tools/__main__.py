"""`python -m book.tools`, in a checkout: build the book, or measure what a page of it shows."""

import argparse
import sys

from rru_nb.cli import exit_code
from rru_nb.storage.streams import tell

from . import BookError, build, dots, memory
from .rerun import rerun


def main(arguments=None):
    """Build the book, or do what an option says, and return the exit code.

    It is 1 for a book with a fault or a training with other digits, 2 for a mistake.
    """
    parser = argparse.ArgumentParser(prog="python -m book.tools", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="run unchanged notebooks again too")
    drawing = "only write book/static/table_1.svg, the README's drawing, from the records"
    parser.add_argument("--drawing", action="store_true", help=drawing)
    parser.add_argument("--rerun", action="store_true", help="train a sample again and compare")
    remembered = "train two models and write book/memory.json, what they remember"
    parser.add_argument("--memory", action="store_true", help=remembered)
    options = parser.parse_args(arguments)
    if options.drawing:
        return exit_code(lambda: dots.write_drawing() or 0)
    if options.memory:
        return exit_code(lambda: 0 if memory.measure() else 1)
    return exit_code(_rerun if options.rerun else lambda: _build(options.fresh))


def _build(fresh):
    try:
        print("the book:", build(fresh=fresh) / "index.html")
    except BookError as error:
        tell(f"the book was not built: {error}")
        return 1
    return 0


def _rerun():
    broken = [run["id"] for run in rerun()["runs"] if run["alike"] and not run["same"]]
    if broken:
        tell(f"other digits in the same circumstances: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
