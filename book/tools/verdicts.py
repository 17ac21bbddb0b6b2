"""Verdicts in executed notebooks: each page begins with its own, the front page gathers all."""

import json

from rru_nb.analysis.verdicts import MIME


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
            lifted.append(output)
    if lifted:
        top = {"cell_type": "code", "id": "verdicts", "metadata": {"tags": ["remove-input"]}}
        source = "# The verdicts of this page"  # a cell without a source is left out
        cells.insert(1, top | {"execution_count": None, "source": source, "outputs": lifted})


def of_page(path):
    """Return `{dataset: the fields of its Verdict}` of an executed notebook, or of none."""
    if not path.is_file():
        return {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = (output.get("data", {}) for cell in cells for output in cell.get("outputs", ()))
    shown = [data[MIME] for data in outputs if MIME in data]
    return {verdict["dataset"]: verdict for verdict in shown}
