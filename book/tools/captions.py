"""What goes below a figure: its caption, which says what was found, and links that save it."""

import re

TOP = "top"  # of the cell whose figure carries the verdict, see `verdicts.lift`
TAG = "finding"  # of the cell that shows in words what the figure before it shows

LINKS = 'class="rru-downloads"'  # of the output of `figures.show` that saves the figure


def move_links(cells):
    """Return the cells with the links of each figure in a cell of their own below it.

    The book takes all that a figure's cell shows for the figure, above the caption.

    Args:
        cells: of an executed notebook, dicts; those of figures are changed in place.
    """
    moved = []
    for cell in cells:
        moved.append(cell)
        if "figure" not in cell["metadata"].get("mystnb", {}):
            continue
        links = [output for output in cell["outputs"] if LINKS in _html_of(output)]
        if links:
            cell["outputs"] = [output for output in cell["outputs"] if output not in links]
            moved.append(
                cell
                | {
                    "id": f"{cell['id']}-files",
                    "metadata": {"tags": ["remove-input"]},
                    "source": "# The files of the figure above",  # without a source it is left out
                    "outputs": links,
                }
            )
    return moved


def say_findings(cells):
    """Puts the first sentence of each finding in front of the caption of the figure before it.

    A finding with no text between it and its figure goes on where the caption leaves off.

    Args:
        cells: of an executed notebook, dicts; captions are changed in place. A cell of a finding
            has the tag `TAG` and one output in Markdown; the figure is the last one above it.
    """
    figure, adjacent = None, False
    for cell in cells:
        if "figure" in cell["metadata"].get("mystnb", {}):
            figure, adjacent = cell["metadata"]["mystnb"]["figure"], True
            if TOP in cell["metadata"].get("tags", []):  # it stands below the verdict
                figure = None
        adjacent = adjacent and cell["cell_type"] == "code"
        if TAG not in cell["metadata"].get("tags", []):
            continue
        output = _markdown_of(cell)
        if output and figure:
            told, rest = first_sentence("".join(output["data"]["text/markdown"]))
            figure["caption"] = f"{told} {figure['caption']}".strip()
            if adjacent and rest:
                output["data"]["text/markdown"] = rest
            elif adjacent:
                cell["outputs"].remove(output)
        figure = None


def first_sentence(text):
    """The first sentence, without emphasis, and the rest; `8.19` and `et al.` end none."""
    text = text.strip()
    end = re.search(r"(?<!et al)[.!?](\*\*)?(?=\s+[A-Z*(]|\s*\n\s*\n|\s*$)", text)
    first, rest = (text[: end.end()], text[end.end() :].strip()) if end else (text, "")
    return re.sub(r"\*\*(.+?)\*\*", r"\1", first), rest


def _markdown_of(cell):
    """The cell's output in Markdown, if it says anything."""
    for output in cell.get("outputs", []):
        if output.get("data", {}).get("text/markdown"):
            return output
    return None


def _html_of(output):
    return "".join(output.get("data", {}).get("text/html", ""))
