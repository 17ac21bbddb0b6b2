"""The authors' own trainings are read as their figures show them, and stay apart from records."""

import numpy as np
import pytest

from rru_nb.analysis import findings
from rru_nb.analysis.robust import grid_table, paired, share_difference
from rru_nb.errors import UserError
from rru_nb.experiments import GRIDS, authors_grid, section
from rru_nb.training.records import load_records

NOTTINGHAM, WORDS = "nottingham", "ptb-word"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))


@pytest.mark.parametrize(
    "dataset, cell, rate, size, test, epoch",
    [  # typed from the lists of the authors' plot_colors.py
        (NOTTINGHAM, "rru", 1e-4, 1_000_000, 3.069, 162),
        (NOTTINGHAM, "rru", 8e-4, 2_600_000, 2.961, 43),
        (NOTTINGHAM, "gru", 1e-2, 13_400_000, 3.814, 17),
        (NOTTINGHAM, "lstm", 6e-3, 4_100_000, 3.253, 19),
        (NOTTINGHAM, "mogrifier", 3.6e-3, 15_000_000, 3.390, 8),
        (WORDS, "rru", 6e-3, 12_200_000, 104.5, None),
        (WORDS, "gru", 1e-4, 10_000_000, 128.5, None),
    ],
)
def test_a_training_is_where_the_authors_have_it(dataset, cell, rate, size, test, epoch):
    frame = authors_grid("robustness", dataset).set_index(["cell", "learning_rate", "n_params"])
    row = frame.loc[(cell, rate, size)]
    assert row.test == test and (epoch is None or row.best_epoch == epoch)


@pytest.mark.parametrize("name", GRIDS)
def test_each_grid_is_the_papers_with_a_hundred_points(name):
    for dataset in GRIDS[name]:
        frame = authors_grid(name, dataset)
        by = "cell" if name == "robustness" else "normalize"
        assert set(frame.groupby(by).size()) == {100}
        declared = section(name).grid(dataset, "paper")
        for axis in ("learning_rate", "n_params"):
            assert sorted(set(frame[axis])) == declared[axis]
        kinds = section(name).cells if name == "robustness" else declared["normalize"]
        assert list(frame[by].unique()) == list(kinds)


def test_nine_trainings_failed_all_without_normalization():
    frame = authors_grid("normalization", NOTTINGHAM)
    failed = frame[frame.status == "failed"]
    assert len(failed) == 9 and not failed.normalize.any()
    assert set(failed.learning_rate) == {6e-3, 1e-2} and failed.test.isna().all()
    for dataset in GRIDS["robustness"]:
        assert (authors_grid("robustness", dataset).status == "ok").all()


def test_what_the_pages_say_beside_the_papers_captions():
    both = paired(authors_grid("normalization", NOTTINGHAM), by="normalize")
    lower = both[False] < both[True]
    assert 40 <= lower.sum() < 50 and both[False].min() < both[True].min()
    middle = lower[lower.index.get_level_values("learning_rate").isin([5e-4, 8e-4, 1.3e-3, 2.2e-3])]
    assert middle.mean() > 0.75
    words = authors_grid("robustness", WORDS)
    stuck = words[words.test >= words.baseline].groupby("cell").learning_rate.agg(["min", "max"])
    assert stuck.T.to_dict("list") == {
        "gru": [6e-3, 1e-2],
        "lstm": [1e-4, 3e-4],
        "mogrifier": [1e-4, 2e-4],
    }


def test_a_grid_that_is_not_known_is_refused():
    with pytest.raises(UserError, match="ptb-word"):
        authors_grid("normalization", WORDS)


def test_they_are_no_records(results):
    authors_grid("robustness", NOTTINGHAM)
    assert load_records().empty and "id" not in authors_grid("robustness", NOTTINGHAM)


def table_of(dataset, cell):
    frame = authors_grid("robustness", dataset)
    return frame[frame.cell == cell].test.to_numpy()


@pytest.mark.parametrize(
    "dataset, worst, best, verdict",
    [(NOTTINGHAM, 3.141, 3.253, "holds"), (WORDS, 124.3, 128.5, "is inconclusive")],
)
def test_the_worst_rru_is_better_than_the_best_gated_cell(dataset, worst, best, verdict):
    assert table_of(dataset, "rru").max() == worst
    assert min(table_of(dataset, cell).min() for cell in ("gru", "lstm", "mogrifier")) == best
    said = findings.robustness(authors_grid("robustness", dataset), "there")
    assert f"{worst}, is better than the best of every gated cell, {best}" in said
    assert f"{verdict} there**" in said and "At each of the 100 squares" in said


def test_on_words_the_claim_is_inconclusive_by_either_measure():
    """By the best of all, too: the RRU alone comes near it, but at four of ten rates."""
    frame = authors_grid("robustness", WORDS)
    table = grid_table(frame)
    for cell, own in {"rru": 38, "gru": 43, "lstm": 50, "mogrifier": 47}.items():
        scores = table_of(WORDS, cell)
        assert table.loc[cell, "own_10"] == own == np.sum(scores <= 1.1 * scores.min())
    assert list(table.all_10) == [38, 0, 0, 0]
    difference = share_difference(paired(frame), "rru", "lstm", own=True)
    assert difference.points == -12 and difference.low < -12 < 0 < difference.high
    both = findings.robustness_verdicts(frame)
    assert [verdict.held for verdict in both.values()] == ["inconclusive", "inconclusive", "holds"]
    assert both["by the best of all cells"].p == 2 / 2**4
    said = findings.robustness(frame)
    assert (
        "is inconclusive, and the RRU's share is the smaller one" in said and "−12 points" in said
    )
