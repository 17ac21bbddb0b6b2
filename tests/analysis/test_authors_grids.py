"""The authors' own trainings are read as their figures show them, and stay apart from records."""

import numpy as np
import pandas as pd
import pytest
from helpers import a_record

from rru_nb.analysis import findings
from rru_nb.analysis.replication import mean_differences, replication
from rru_nb.analysis.robust import grid_table, paired, run_spread, share_difference
from rru_nb.analysis.section_tables import shown_replication
from rru_nb.errors import UserError
from rru_nb.experiments import GRIDS, authors_grid, section
from rru_nb.training.records import load_records, write_record

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
    "dataset, worst, best", [(NOTTINGHAM, 3.141, 3.253), (WORDS, 124.3, 128.5)]
)
def test_the_worst_rru_is_better_than_the_best_gated_cell(dataset, worst, best):
    assert table_of(dataset, "rru").max() == worst
    assert min(table_of(dataset, cell).min() for cell in ("gru", "lstm", "mogrifier")) == best
    said = findings.robustness(authors_grid("robustness", dataset), "there")
    assert f"{worst}, is better than the best of every gated cell, {best}" in said
    assert "holds there**" in said and "At each of the 100 squares" in said


def test_on_words_the_claim_holds_by_the_best_of_all_and_not_by_each_cells_own():
    frame = authors_grid("robustness", WORDS)
    table = grid_table(frame)
    for cell, own in {"rru": 38, "gru": 43, "lstm": 50, "mogrifier": 47}.items():
        scores = table_of(WORDS, cell)
        assert table.loc[cell, "own_10"] == own == np.sum(scores <= 1.1 * scores.min())
    assert list(table.all_10) == [38, 0, 0, 0]
    difference = share_difference(paired(frame), "rru", "lstm", own=True)
    assert difference.points == -12 and difference.low < -12 < 0 < difference.high
    both = findings.robustness_verdicts(frame)
    assert [verdict.held for verdict in both.values()] == ["holds", "inconclusive"]
    assert "claim fails on these squares" in findings.robustness(frame)


def test_the_spread_from_run_to_run_is_what_rate_and_size_leave():
    """By a regression on dummies of both axes."""
    frame = authors_grid("robustness", NOTTINGHAM)
    rru = frame[frame.cell == "rru"]
    dummies = pd.get_dummies(rru[["learning_rate", "n_params"]].astype(str), dtype=float)
    fit = dummies.to_numpy() @ np.linalg.lstsq(dummies.to_numpy(), rru.test.to_numpy())[0]
    assert run_spread(rru) == pytest.approx(np.sqrt(((rru.test - fit) ** 2).sum() / 81))
    assert run_spread(rru) == pytest.approx(0.022, abs=0.001)
    assert "mean 3.031 and the best 2.961" in findings.best_of_grid(frame)


# The replication


def measure(cells, offset, average="nll_batches"):
    """A made-up record at each declared point of some cells, `offset` above the authors'."""
    declared = replication(NOTTINGHAM)
    for row in declared[declared.cell.isin(cells)].itertuples():
        point = {"learning_rate": [row.learning_rate], "n_params": [row.n_params]}
        (config,) = section("robustness").runs(NOTTINGHAM, [row.cell], "paper", **point)
        scores = {"nll_window": 9.0, average: row.theirs + offset[row.learning_rate]}
        write_record(a_record(config, test=scores, best_epoch=7))


def test_eight_points_and_three_are_declared(results):
    frame = replication(NOTTINGHAM)
    assert list(frame.cell) == ["rru"] * 4 + ["lstm"] * 2 + ["mogrifier"] * 2
    assert set(frame.n_params) == {1_000_000} and (frame.status == "missing").all()
    assert list(frame.theirs) == [2.969, 3.008, 3.038, 3.081, 3.300, 3.307, 3.316, 3.303]
    assert list(frame.their_epoch[:4]) == [62, 51, 51, 41]
    assert list(replication(WORDS).theirs) == [106.7, 135.8, 155.7]
    assert findings.replication(frame, NOTTINGHAM) == "Nothing is measured here yet."
    told = findings.to_replicate(frame)
    assert told.count("rru-nb run --dataset nottingham") == 8
    assert "--set rank=40 --set learning_rate=0.006" in told
    assert set(shown_replication(frame).ours) == {"not measured"}


def test_a_mean_within_the_tolerance_acquits_when_all_is_measured(results):
    offset = {1.3e-3: 0.0, 2.2e-3: 0.02, 3.6e-3: 0.0, 6e-3: 0.02, 1e-2: 0.0}
    measure(["rru"], offset)
    said = findings.replication(replication(NOTTINGHAM), NOTTINGHAM)
    assert "+0.010 (standard error 0.006, 4 points)" in said and "acquits" not in said
    measure(["lstm", "mogrifier"], offset)
    frame = replication(NOTTINGHAM)
    means = mean_differences(frame)
    assert list(means.index) == ["rru", "lstm", "mogrifier", "all"]
    assert list(means.points) == [4, 2, 2, 8] and means["mean"].to_numpy() == pytest.approx(0.01)
    assert means.error["all"] == pytest.approx(0.02 * np.sqrt(2 / 7) / np.sqrt(8))
    assert "acquits the implementation" in findings.replication(frame, NOTTINGHAM)
    assert "not measured" not in shown_replication(frame).to_string()


def test_a_cell_beyond_the_tolerance_is_named_though_the_mean_is_within(results):
    measure(["rru", "lstm"], dict.fromkeys([1.3e-3, 2.2e-3, 3.6e-3, 6e-3, 1e-2], 0.0))
    measure(["mogrifier"], {6e-3: 0.09, 1e-2: 0.06})
    said = findings.replication(replication(NOTTINGHAM), NOTTINGHAM)
    assert "but not that of Mogrifier LSTM: a cause is to be found" in said
    assert "acquits" not in said and "Mogrifier LSTM +0.075" in said


def test_an_old_record_without_the_authors_average_says_so(results):
    measure(["lstm"], {6e-3: 0.5, 1e-2: 0.5}, average="nll_frame")
    frame = replication(NOTTINGHAM)
    assert list(frame.average.dropna()) == ["nll_window"] * 2
    assert list(frame.ours.dropna()) == [9.0, 9.0]
    said = findings.replication(frame, NOTTINGHAM)
    assert (
        "does not lie within" in said and "2 of our numbers lack the authors' own average" in said
    )
