"""How far our cells and optimizer are from the authors' own, run beside them from equal weights.

`python scripts/compare_with_authors.py CLONE` measures it and writes `book/authors_code.json`;
nothing else writes it.
"""

import json
import math

from rru_nb.storage import paths
from rru_nb.training.config import CELL_TITLES

from .render import listed


def outcome_file():
    """Return the path of what was measured, in the checkout."""
    return paths.checkout() / "book" / "authors_code.json"


def substitutions():
    """`{"authors_code": Markdown}` for `{{ authors_code }}` in a page."""
    path = outcome_file()
    if not path.is_file():
        return {"authors_code": "this is not measured yet"}
    outcome = json.loads(path.read_text(encoding="utf-8"))
    cells = listed([CELL_TITLES[cell] for cell in outcome["music"]])
    text = (
        f"in {outcome['steps']} steps of {cells} as on music no two losses were further apart than "
        f"{_furthest(outcome['music'])} of themselves; as on text, than "
        f"{_furthest(outcome['text'])}, or "
        f"{_furthest(outcome['text'], 'apart_v_read_first')} where "
        "their clipping of the embedding is made to come before the decay of its second moments, "
        "an order that their code leaves open; and all "
        f"{sum(outcome['windows'].values()):,} windows of the four music sets are equal, as are "
        f"all {sum(outcome['tokens'].values()):,} tokens of Penn Treebank, read by words and by "
        "characters, and the windows that train on them; made-up losses on these texts give scores "
        f"that are {_power(outcome['scores_apart'])} of themselves apart at most "
        f"({outcome['started'][:10]}, their commit {outcome['authors'][:7]})"
    )
    return {"authors_code": text}


def _furthest(rows, key="apart"):
    return _power(max(row[key] for row in rows.values()))


def _power(number):
    """Write a bound on how far numbers are apart, rounded up to one digit."""
    if number == 0:
        return "0"
    exponent = math.floor(math.log10(number))
    digit = math.ceil(round(number / 10**exponent, 6))
    if digit == 10:
        digit, exponent = 1, exponent + 1
    return f"${digit} \\cdot 10^{{{exponent}}}$"
