"""Verdicts in executed notebooks: each page begins with its own, the front page gathers all."""

import json

from rru_nb.analysis.verdicts import MIME

_FIELDS = "verdict"  # of a lifted output's metadata


def lift(cells):
    """Move the verdicts of a page to its top, below the claim.

    A notebook shows a verdict where it is computed; a reader of the page wants it first.

    Args:
        cells: of an executed notebook, dicts, changed in place. The first one states the claim.
    """
    lifted = []
    for cell in cells:
        for output in [o for o in cell.get("outputs", ()) if MIME in o.get("data", {})]:
            cell["outputs"].remove(output)
            # Where Jupyter Book does not look for something to show, and `of_page` finds it.
            data = {kind: shown for kind, shown in output["data"].items() if kind != MIME}
            lifted.append(output | {"data": data, "metadata": {_FIELDS: output["data"][MIME]}})
    if lifted:
        top = {"cell_type": "code", "id": "verdicts", "metadata": {"tags": ["remove-input"]}}
        source = "# The verdicts of this page"  # a cell without a source is left out
        cells.insert(1, top | {"execution_count": None, "source": source, "outputs": lifted})


def of_page(path):
    """Return `{dataset: the fields of its Verdict}` of a page after `lift`, or of none."""
    if not path.is_file():
        return {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    notes = (output.get("metadata", {}) for cell in cells for output in cell.get("outputs", ()))
    return {note[_FIELDS]["dataset"]: note[_FIELDS] for note in notes if _FIELDS in note}
