"""The digest of the source: what a reader sees of the code is not in it, what it computes is."""

import ast

import pytest

from rru_nb.training import provenance
from rru_nb.training.provenance import tree_digest

CELL = '''"""A cell."""

import numpy as np

from ..errors import UserError
from ._checks import check_count, check_rate


class Cell:
    """h' = h + 0.5 x."""

    def __init__(self, units=3):
        """Take `units`."""
        self.units = check_count("units", units)

    def call(self, x, h):
        from ._dropout import drop

        return h + 0.5 * drop(np.tanh(x))
'''
OTHER = '"""Another module."""\n\nLIMIT = 7\n'
SAME = {
    "a comment": ("        return h", "        # Equation 5.\n        return h"),
    "the module's docstring": ('"""A cell."""', '"""Hold a cell\'s equations."""'),
    "no docstring": ('        """Take `units`."""\n', ""),
    "another layout": ("def call(self, x, h):", "def call(\n        self, x,\n        h,\n    ):"),
    "other quotes": ('"units", units', "'units', (units)"),
    "another level of imports": ("from ..errors", "from ...storage.errors"),
    "the package by its name": ("from ._dropout", "from rru_nb.cells._dropout"),
    "imports in another order": (
        "from ..errors import UserError\nfrom ._checks import check_count, check_rate",
        "from ..a import check_rate\nfrom ..z import UserError\nfrom .y import check_count",
    ),
}
CHANGED = {
    "a constant": ("0.5 *", "0.6 *"),
    "a whole number for a real one": ("0.5 *", "1 *"),
    "an operator": ("return h +", "return h -"),
    "a default": ("units=3", "units=4"),
    "a text that is no docstring": ('"units"', '"unit"'),
    "another function of the package": ("import drop\n", "import split as drop\n"),
    "another package": ("import numpy as np", "import jax.numpy as np"),
    "a statement": ("        return h", "        h = x\n        return h"),
}


def edited(edits):
    (old, new) = edits
    assert CELL.count(old) == 1
    return CELL.replace(old, new)


@pytest.mark.parametrize("what", SAME)
def test_what_only_looks_different_has_the_same_digest(what):
    assert tree_digest([edited(SAME[what]), OTHER]) == tree_digest([CELL, OTHER])


@pytest.mark.parametrize("what", CHANGED)
def test_what_computes_something_else_has_another_digest(what):
    assert tree_digest([edited(CHANGED[what]), OTHER]) != tree_digest([CELL, OTHER])


def test_neither_the_order_of_modules_nor_an_empty_one_counts():
    digest = tree_digest([CELL, OTHER])
    assert tree_digest([OTHER, CELL, '"""A folder of cells."""\n', ""]) == digest
    assert tree_digest([CELL]) != digest != tree_digest([CELL, OTHER, "x = 1"])


def test_the_package_written_anew_from_its_syntax_tree_has_its_digest():
    texts = [path.read_text(encoding="utf-8") for path in provenance._deciding_files()]
    assert len(texts) > 40
    anew = [ast.unparse(ast.parse(text)) for text in texts]
    assert anew != texts
    assert tree_digest(anew) == provenance.source_tree() != tree_digest(texts[:-1])


@pytest.mark.parametrize("pattern", provenance._DECIDING)
def test_every_pattern_of_deciding_files_finds_some(pattern):
    assert list(provenance.paths.PACKAGE.glob(pattern))


@pytest.mark.parametrize("change", [("0.5", "0.6"), ("h +", "h -"), ("sinh", "tanh")])
def test_methods_whose_text_is_lost_are_told_apart_by_their_code(change, tmp_path):
    """As of a class compiled from a file that holds something else."""
    page = tmp_path / "page.md"
    page.write_text("It's no Python.\n" * 9, encoding="utf-8")
    cell = "class Cell:\n    def call(self, x, h):\n        return h + 0.5 * x.sinh()\n"

    def digest(text):
        names = {"__name__": "page"}
        exec(compile(text, str(page), "exec"), names)
        return provenance.methods_digest([names["Cell"]])

    assert digest(cell) == digest("\n\n" + cell) != digest(cell.replace(*change))
