"""The first screen of a page: its verdicts and what carries them; its set-up last."""

import json
import math

from rru_nb.analysis.seeds import SURE
from rru_nb.analysis.verdicts import FAILS, HOLDS, INCONCLUSIVE, MIME, Verdict

from .captions import TOP
from .render import listed, render

_FIELDS = "verdicts"  # of a lifted output's metadata
_SET_UP = "## How the page begins\n\nThe notebook runs these cells first."


def lift(cells):
    """Put what a page found below its claim: a box for each claim, and a figure or players.

    A notebook shows a verdict where it is computed, and begins with its parameters and imports; a
    reader of the page wants the verdict first and the others last.

    Args:
        cells: of an executed notebook, dicts, changed in place. The first one states the claim.
    """
    boxes = {}
    for cell in cells:
        for output in [o for o in cell.get("outputs", ()) if MIME in o.get("data", {})]:
            cell["outputs"].remove(output)
            fields = output["data"][MIME]
            boxes.setdefault(fields["claim"], []).append(fields)
    top = _first_screen(cells, boxes.values()) if boxes else []
    set_up = []
    while len(cells) > 1 and _is_set_up(cells[1]):
        set_up.append(cells.pop(1))
    cells[1:1] = top
    if set_up:
        title = {"cell_type": "markdown", "id": "set-up", "metadata": {}, "source": _SET_UP}
        cells += [title, *set_up]


def _first_screen(cells, boxes):
    """Take the figure that carries the verdicts out of the page; return it below their boxes."""
    figure = _figure(cells)
    first, *others = [[verdict_of(one) for one in fields] for fields in boxes]
    # A second box would push the figure out of the first screen: it stands below, announced above.
    outputs = [_box(first, others if figure else ())]
    below = [_box(verdicts, announced=bool(figure)) for verdicts in others]
    if not figure:
        outputs, below = outputs + below, []
    top = [_hidden("verdicts", "# The verdicts of this page", outputs), *figure]
    if below:
        top.append(_hidden("other-verdicts", "# The other verdicts of this page", below))
    return top


def of_page(path, claim=None):
    """Return `{dataset: its Verdict}` of a claim of a page, its first by default; of no page {}."""
    if not path.is_file():
        return {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    notes = (output.get("metadata", {}) for cell in cells for output in cell.get("outputs", ()))
    shown = [verdict_of(fields) for note in notes for fields in note.get(_FIELDS, ())]
    return {one.dataset: one for one in shown if one.claim == (claim or shown[0].claim)}


def verdict_of(fields):
    """Return the `Verdict` whose fields a notebook holds; JSON has no NaN."""
    return Verdict(**fields | {"p": math.nan if fields["p"] is None else fields["p"]})


def _box(verdicts, below=(), announced=False):
    """Return the box of a claim's verdicts, and of other claims' how they end, in a line each."""
    html = render(
        "verdicts.html",
        verdicts=verdicts,
        groups=_by_kind(verdicts),
        basis=_common_basis(verdicts),
        announced=announced,
        tested=not announced and any(verdict.p < SURE for verdict in verdicts),
        below=[(others[0].claim, _by_kind(others)) for others in below],
    )
    # Jupyter Book does not look for something to show in the metadata, and `of_page` finds it.
    return _output(html, **{_FIELDS: [verdict._repr_mimebundle_()[MIME] for verdict in verdicts]})


def _common_basis(verdicts):
    """Return in a line what all verdicts rest on; None where they differ in more than a number."""
    bases = [verdict.rests_on for verdict in verdicts]
    if len(set(bases)) == 1:
        return f"Each: {bases[0]}"
    numbers, _, of = zip(*(basis.partition(" ") for basis in bases), strict=True)
    return f"{listed(numbers)} {of[0]}, in this order" if len(set(of)) == 1 else None


def _by_kind(verdicts):
    return {
        held: [verdict.where for verdict in verdicts if verdict.held == held]
        for held in (HOLDS, FAILS, INCONCLUSIVE)
    }


def _figure(cells):
    """Take what carries the verdict, and the links that save it as a figure, out of the page."""
    for place, cell in enumerate(cells):
        if TOP not in cell.get("metadata", {}).get("tags", ()) or not cell["outputs"]:
            continue
        figure = _hidden("figure", "# The figure of the verdict", cell["outputs"])
        options = cell["metadata"].pop("mystnb", None)
        if options is None:  # players have no caption and no links
            cell["outputs"] = [
                _output('<p class="rru-where">They stand at the top of the page.</p>')
            ]
            return [figure]
        figure["metadata"]["mystnb"] = options
        link = f'<a href="#{options["figure"]["name"]}">above</a>'
        cell["outputs"] = [_output(f'<p class="rru-where">The figure stands {link}.</p>')]
        return [figure, cells.pop(place + 1)]
    return []


def _output(html, **metadata):
    return {"output_type": "display_data", "data": {"text/html": html}, "metadata": metadata}


def _hidden(name, source, outputs):
    """Return a cell that shows its outputs alone; Jupyter Book leaves out one without a source."""
    cell = {"cell_type": "code", "id": name, "metadata": {"tags": ["remove-input"]}}
    return cell | {"execution_count": None, "source": source, "outputs": outputs}


def _is_set_up(cell):
    tags = cell.get("metadata", {}).get("tags", ())
    return cell["cell_type"] == "code" and {"hide-input", "remove-cell"} & {*tags} != set()
