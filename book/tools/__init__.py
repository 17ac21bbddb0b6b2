"""The book as a site: staged, executed, generated, built.

A build never writes into the checkout but under `_build/`:

- `stage`: a copy of what the pages need goes to `_build/stage`, under the same paths, so that a
  page's path in the book is its path in the repository (the Colab links rely on it).
- `execute`: each notebook of the table of contents runs there by papermill.
- `generate`: fragments of pages are written from the records, and by `play` the weights that the
  page Play runs.
- `site`: Jupyter Book turns the stage into pages; a warning is an error.

The new site replaces the one before only if all of this went well. Of several builds of a
checkout at once one goes on, and the others wait for it.
"""

import importlib.util
import os
import shutil
from pathlib import Path

from rru_nb.errors import UserError
from rru_nb.storage import files, paths

from .errors import BookError, refusals_told
from .execute import execute_notebooks
from .generate import substitutions, write_fragments
from .origin import sign_notebook
from .site import build_site, repository_of
from .stage import pages, prepare, remove

__all__ = ["BookError", "build"]

_NEEDED = ("papermill", "ipykernel", "jupyter_book", "sphinx-mathjax-offline", "soundfile")
_NEEDED += ("jinja2", "itables")


def build(output=None, execute=True, fresh=False, say=print):
    """Builds the book and returns the folder of the site.

    Args:
        output: folder that the site goes to; None for `_build/html` of the checkout.
        execute: bool, whether to run the notebooks; without, pages show code and no results.
        fresh: bool, whether to run notebooks again although nothing they depend on changed.
        say: a function that is given each line on progress.

    Returns:
        Path of the folder with the site's `index.html`.

    Raises:
        UserError: without a checkout or without the book's packages, and where the disk refuses.
        BookError: if a notebook raises, the site has a warning, or the contents miss a page.

    Example:
        >>> build() / "index.html"  # doctest: +SKIP
        PosixPath('.../_build/html/index.html')
    """
    root = _checkout()
    _check_packages()
    output = Path(output).resolve() if output else root / "_build" / "html"
    _refuse_foreign(output)
    below = root / "_build"
    with files.alone(below / ".lock", "building the book"), refusals_told(below):
        _build(root, below, output, execute, fresh, say)
    return output


def _build(root, below, output, execute, fresh, say):
    folder = prepare(root, below / "stage")
    notebooks = [page for page in pages(root) if page.suffix == ".ipynb"]
    repository, why_not = repository_of(root)
    if why_not:
        say(f"Colab buttons: hidden, {why_not}")
    if execute:
        execute_notebooks(folder, notebooks, below / "executed", fresh, say)
        for name in notebooks:
            sign_notebook(folder, name, repository)
    write_fragments(folder, repository, say)
    from .play import write_weights  # with a backend, which takes seconds to import

    write_weights(folder)
    site = build_site(folder, repository, say, substitutions())
    _replace(output, site)


def _checkout():
    root = paths.checkout()
    if root is None or not (root / "_toc.yml").is_file():
        raise UserError(
            f"the book is built from a checkout of the repository; none found around {Path.cwd()}. "
            "Clone the repository and run `make book` there, or set RRU_NB_ROOT to a checkout."
        )
    return root


def _check_packages():
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the book needs {', '.join(missing)}. `make book` installs what it needs; "
            "by hand: pip install -r requirements.txt"
        )


def _refuse_foreign(output):
    if output.exists() and not (output / ".buildinfo").is_file() and any(output.iterdir()):
        raise UserError(f"{output} is not empty and holds no book. Give another output folder.")


def _replace(output, site):
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f".{output.name}.new")
    remove(beside)
    shutil.move(site, beside)  # where there is no room for it, the site before stays
    remove(output)
    os.replace(beside, output)
