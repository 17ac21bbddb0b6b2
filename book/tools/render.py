"""Draw a fragment: Python computes plain values, a template of `templates/` says how they look."""

import functools
from pathlib import Path

import jinja2

from rru_nb.analysis.tables import minus, p_text
from rru_nb.training.config import CELL_TITLES, CELLS
from rru_nb.training.provenance import commit_name


def render(name, **values):
    """Return a template filled in, without empty lines, which would end HTML in Markdown.

    Args:
        name: of the file below `templates/`, without `.j2`; values of `.html` and `.svg` are
            escaped, of `.md` not. **values: what it asks for; one that is not given is an error.
    """
    text = _environment().get_template(f"{name}.j2").render(values)
    if name.endswith(".md"):
        return text
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


@functools.cache
def _environment():
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html.j2", "svg.j2"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"CELLS": CELLS, "CELL_TITLES": CELL_TITLES}
    environment.filters |= {f.__name__: f for f in (minus, p_text, listed, commit_name)}
    return environment


def listed(names):
    """Return names as a sentence has them: `"A, B and C"`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
