"""The templates of fragments: Python computes plain values, Jinja2 writes them down."""

from pathlib import Path

import jinja2

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=jinja2.select_autoescape(["html.jinja"]),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


def render(name, **values):
    """Return a template of `templates/` filled in with some values; those of HTML are escaped.

    Raises:
        jinja2.UndefinedError: if the template needs a value that is not given.
    """
    return _TEMPLATES.get_template(f"{name}.jinja").render(values)
