"""The box at the top of a page: what its verdicts say, what they rest on, what corrects them."""

import math

import pytest
from bs4 import BeautifulSoup

from book.tools import verdicts
from rru_nb.analysis.verdicts import Verdict


def box(*shown):
    """Return the text of the box above a page that shows the verdicts of one claim."""
    outputs = [{"data": one._repr_mimebundle_()} for one in shown]
    claim = {"cell_type": "markdown", "source": "# A page"}
    cells = [claim, {"cell_type": "code", "source": "", "outputs": outputs, "metadata": {}}]
    verdicts.lift(cells)
    (output,) = cells[1]["outputs"]
    soup = BeautifulSoup(output["data"]["text/html"], "html.parser")
    return " ".join(soup.get_text(" ").split())


def verdict(dataset, basis, p=math.nan, held="inconclusive"):
    return Verdict("It is better.", dataset, held, basis, "7.8 against 8.2", p=p)


@pytest.mark.parametrize(
    "bases, said",
    [
        (["8 trainings of ours"] * 3, "8.2. Each: 8 trainings of ours."),
        (
            ["8 trainings", "9 trainings", "9 trainings"],
            "8.2. 8, 9 and 9 trainings, in this order.",
        ),
        (["8 trainings of ours", "9 of theirs", "9 of theirs"], "8.2. 9 of theirs."),
    ],
)
def test_what_verdicts_rest_on_is_told_once_where_it_is_of_one_kind(bases, said):
    text = box(*map(verdict, ["jsb", "imdb", "mnist"], bases))
    assert text.endswith(said)
    assert text.count("8 trainings of ours") <= 1


def test_the_front_page_is_named_where_a_p_value_decides_and_nowhere_else():
    corrected = "The front page corrects p for the number of claims."
    assert corrected in box(
        verdict("jsb", "8 trainings", 0.049, "holds"), verdict("imdb", "8 trainings")
    )
    assert corrected not in box(
        verdict("jsb", "8 trainings", 0.051), verdict("imdb", "8 trainings")
    )
