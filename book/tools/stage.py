"""The stage: a copy of what the pages need, under the paths of the repository."""

import shutil
from pathlib import Path

from .errors import BookError

# Pages show code and offer records for download: both have to lie below the stage.
STAGED = ("_config.yml", "_toc.yml", "LICENSE", "CITATION.cff", "book", "notebooks", "src",
          "params", "results", "benchmarks/records")  # fmt: skip
PAGES = ("book/**/*.md", "notebooks/*.ipynb")
FRAGMENTS = "book/_parts"  # pieces of pages, included by them
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".*.part", "*.egg-info")


def pages(root):
    """The pages of the table of contents as paths below `root`, in reading order.

    Raises:
        BookError: if a page is missing, listed twice, or lies in the tree but not in the contents.
    """
    from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

    try:
        listed = [_file_of(root, name) for name in parse_toc_yaml(root / "_toc.yml")]
    except MalformedError as error:
        raise BookError(f"_toc.yml: {error}") from error
    present = {path.relative_to(root) for pattern in PAGES for path in root.glob(pattern)}
    unlisted = sorted(
        str(page)
        for page in present - set(listed)
        if not page.is_relative_to(FRAGMENTS) and not page.name.startswith(".")
    )
    if unlisted:
        raise BookError(f"pages that _toc.yml does not list: {', '.join(unlisted)}")
    return listed


def _file_of(root, name):
    for suffix in ("", ".md", ".ipynb"):
        if (root / (name + suffix)).is_file():
            return Path(name + suffix)
    raise BookError(f"_toc.yml lists {name!r}, but there is no {name}.md and no {name}.ipynb")


def prepare(root, folder):
    """Copies what the pages need from `root` to an emptied `folder`, and returns it."""
    remove(folder)
    folder.mkdir(parents=True)
    for name in STAGED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=_LEFT_OUT)
        elif source.is_file():
            shutil.copy2(source, folder / name)
    return folder


def remove(folder):
    """Removes a folder, if it is there, and all that is in it."""
    if folder.exists():
        shutil.rmtree(folder)
