"""The shares that the page on robustness counts in the open, against a count without pandas."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from pages import functions_of

from rru_nb.experiments import authors_grid

GRIDS = Path(__file__).parents[2] / "params" / "paper" / "grids" / "trainings.csv"
page = functions_of("robustness")


def scores_of(dataset):
    """Return {cell: [scores]} with normalization, failed trainings as None."""
    scores = {}
    with GRIDS.open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            if row["dataset"] == dataset and row["normalize"] == "true":
                score = float(row["test"])
                scores.setdefault(row["cell"], []).append(None if score == 9.999 else score)
    return scores


@pytest.mark.parametrize("dataset", ["nottingham", "ptb-word"])
def test_shares_and_levels_are_those_of_the_file(dataset):
    scores = scores_of(dataset)
    ends = {cell: [s for s in found if s is not None] for cell, found in scores.items()}
    best = min(min(found) for found in ends.values())
    table = page.shares(authors_grid("robustness", dataset))
    assert list(table.index) == list(scores)
    for cell, found in scores.items():
        near = [sum(s is not None and s <= 1.1 * limit for s in found)
                for limit in (best, min(ends[cell]))]  # fmt: skip
        assert list(table.loc[cell]) == [*near, min(ends[cell]), max(ends[cell])]


def test_the_strongest_sentence_for_the_paper_holds_in_both_grids():
    for dataset in ("nottingham", "ptb-word"):
        table = page.shares(authors_grid("robustness", dataset))
        assert table["max"]["rru"] < table.drop("rru")["min"].min()


def test_a_failed_training_is_near_nothing():
    frame = pd.DataFrame({"cell": ["rru"] * 4, "test": [1.0, 1.05, 1.2, float("nan")]})
    assert list(page.shares(frame).loc["rru"]) == [50, 50, 1.0, 1.2]
