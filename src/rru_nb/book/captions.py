"""Captions that say what was found: a finding is computed below its figure, after the caption."""

import re

TAG = "finding"  # of the cell that shows in words what the figure before it shows


def say_findings(cells):
    """Puts the first sentence of each finding in front of the caption of the figure before it.

    Args:
        cells: of an executed notebook, dicts; captions are changed in place. A cell of a finding
            has the tag `TAG` and one output in Markdown; the figure is the last one above it.
    """
    figure = None
    for cell in cells:
        figure = cell["metadata"].get("mystnb", {}).get("figure") or figure
        if TAG in cell["metadata"].get("tags", []) and figure:
            told = first_sentence(_markdown_of(cell))
            figure["caption"] = f"{told} {figure['caption']}".strip()
            figure = None


def first_sentence(text):
    """The first sentence, without emphasis; `8.19` and `et al.` end none."""
    plain = re.sub(r"\*\*(.+?)\*\*", r"\1", text.strip())
    end = re.search(r"(?<!et al)[.!?](?=\s+[A-Z*(]|\s*$)", plain)
    return plain[: end.end()] if end else plain


def _markdown_of(cell):
    for output in cell.get("outputs", []):
        text = output.get("data", {}).get("text/markdown")
        if text:
            return "".join(text)
    return ""
