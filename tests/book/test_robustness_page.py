"""The shares that the page on robustness counts in the open, against a count without pandas."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import a_record
from pages import functions_of
from scipy import stats

from rru_nb.experiments import authors_grid, section
from rru_nb.training.records import load_records, write_record

GRIDS = Path(__file__).parents[2] / "params" / "paper" / "grids" / "trainings.csv"
DECLARED = yaml.safe_load((GRIDS.parent / "replication.yml").read_text())
SCRIPT = {}  # no training by the authors' script, unless a test puts some there
page = functions_of(
    "robustness",
    DECLARED=DECLARED,
    SCRIPT=SCRIPT,
    robustness=section("robustness"),
    authors={name: authors_grid("robustness", name) for name in DECLARED},
    PATIENCE=7,
    MORE_PATIENCE=100,
    FREQUENCIES=238.0,
)


def scores_of(dataset, column="test"):
    """Return {cell: [scores]} with normalization, failed trainings as None."""
    scores = {}
    with GRIDS.open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            if row["dataset"] == dataset and row["normalize"] == "true":
                score = float(row[column])
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
        epochs = float(np.median(scores_of(dataset, "best_epoch")[cell]))
        assert list(table.loc[cell]) == [*near, min(ends[cell]), max(ends[cell]), epochs]


def test_the_strongest_sentence_for_the_paper_holds_in_both_grids():
    for dataset in ("nottingham", "ptb-word"):
        table = page.shares(authors_grid("robustness", dataset))
        assert table["max"]["rru"] < table.drop("rru")["min"].min()


def test_the_rru_does_not_need_the_fewest_epochs():
    """The captions say "within a small number of epochs"; the page says whose are smaller."""
    smaller = {"nottingham": {"mogrifier"}, "ptb-word": {"gru", "lstm", "mogrifier"}}
    for dataset, cells in smaller.items():
        epochs = page.shares(authors_grid("robustness", dataset)).epochs
        assert set(epochs.index[epochs < epochs.rru]) == cells


def test_the_gated_trainings_that_learned_nothing_were_stopped_before_the_others_were_best():
    """Counted from the file; the front page repeats the numbers."""
    with GRIDS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    rows = [r for r in rows if r["dataset"] == "ptb-word" and r["cell"] in ("lstm", "mogrifier")]
    epochs = {True: [], False: []}
    for row in rows:
        if float(row["learning_rate"]) <= 3e-4:
            epochs[float(row["test"]) < 708.37].append(int(row["best_epoch"]))
    learned, stuck = epochs[True], epochs[False]
    assert stuck and sum(float(row["test"]) >= 708.37 for row in rows) == len(stuck)
    assert max(stuck) + 7 < min(learned)
    low = page.at_low_rates(authors_grid("robustness", "ptb-word"))
    assert low.learning_rate.max() == 3e-4
    said = page.stopped(page.by_outcome(low), patience=7)
    numbers = [len(stuck), len(stuck + learned), max(stuck) + 7, len(learned)]
    assert re.findall(r"\d+", said) == [str(n) for n in [*numbers, min(learned), max(learned)]]
    front = " ".join((Path(__file__).parents[2] / "book" / "index.md").read_text().split())
    assert f"{len(rows)} full-size trainings of LSTM and Mogrifier LSTM on words" in front
    assert f"{len(stuck)} were stopped by epoch {max(stuck) + 7}, no better than" in front
    assert f"the other {len(learned)} trainings of these two cells learned" in front


def trained(curves, first=0):
    """Rows of trainings of the LSTM, {rate: [validation perplexity by epoch]}; test 5 above."""
    rows = [
        {
            "learning_rate": rate,
            "id": f"{first + k:012x}",
            "status": "ok" if curve else "missing",
            "test": min(curve) + 5 if curve else np.nan,
            "baseline": 243.0,
            "n_epochs": len(curve) or None,
            "best_epoch": curve.index(min(curve)) + 1 if curve else None,
            "epochs": [{"epoch": e, "valid_perplexity": v} for e, v in enumerate(curve, 1)],
        }
        for k, (rate, curve) in enumerate(curves.items())
    ]
    return pd.DataFrame(rows)


def test_more_patience_counts_where_the_lstm_began():
    stay, rru = [248.0] * 8, trained({1e-3: [120.0], 2e-3: [130.0]})
    short = trained({1e-3: stay, 2e-3: stay, 3e-3: [250.0, 160.0], 4e-3: stay})
    long = trained({1e-3: [248.0] * 101, 2e-3: [*stay, 237.0, 150.0], 3e-3: [250.0, 160.0],
                    4e-3: [*stay, 239.0, 230.0, 141.0]}, first=9)  # fmt: skip
    table = page.patience_table(short, long)
    assert [None if np.isnan(e) else e for e in table.begun] == [None, 9, 2, 10]
    said = page.patience_finding(table, rru)
    numbers = " ".join(re.findall(r"[\d.]*\d", said))
    assert numbers == "3 4 100 2 3 9 10 146.0 155.0 7 125.0 135.0"
    told = page.shown(table)
    assert list(told.iloc[:, 2]) == ["–", "9", "2", "10"] and "#00000000000a" in told.iloc[1, 4]
    none = page.patience_finding(table[table.learning_rate == 1e-3], rru)
    assert none.endswith("it began at 0 of the 1 tried.**")
    assert page.patience_finding(table[table.learning_rate == 3e-3], rru) == ""


def test_more_patience_that_is_not_measured_is_told_by_dashes():
    short, long = trained({1e-3: [248.0] * 8}), trained({1e-3: []})
    table = page.patience_table(short, long)
    assert page.patience_finding(table, short) == ""
    assert list(page.shown(table).iloc[0][2:]) == ["–"] * 3


def test_a_failed_training_is_near_nothing():
    frame = pd.DataFrame({"cell": ["rru"] * 4, "test": [1.0, 1.05, 1.2, float("nan")]})
    assert list(page.shares(frame.assign(best_epoch=3)).loc["rru"]) == [50, 50, 1.0, 1.2, 3]


def test_the_spread_from_run_to_run_is_what_rate_and_size_leave():
    """By a regression on dummies of both axes."""
    frame = authors_grid("robustness", "nottingham")
    rru = frame[frame.cell == "rru"]
    dummies = pd.get_dummies(rru[["learning_rate", "n_params"]].astype(str), dtype=float)
    fit = dummies.to_numpy() @ np.linalg.lstsq(dummies.to_numpy(), rru.test.to_numpy())[0]
    row = page.chance_of_the_best(frame)
    assert row["spread"] == pytest.approx(np.sqrt(((rru.test - fit) ** 2).sum() / 81))
    assert (round(row["mean"], 3), row["best"]) == (3.031, 2.961)
    assert row["best of 100, by chance"] == pytest.approx(2.508 * row["spread"], rel=0.01)
    assert row["±"] == pytest.approx(0.429 * row["spread"], rel=0.02)


# The replication


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))


def measure(cells, offset, average="nll_batches"):
    """Write a record at each declared point of some cells, `offset` above the authors'."""
    points = page.replicate("nottingham")
    for row in points[points.cell.isin(cells)].itertuples():
        point = {"learning_rate": [row.learning_rate], "n_params": [row.n_params]}
        (config,) = section("robustness").runs(
            "nottingham", [row.cell], "paper", [row.seed], **point
        )
        scores = {"nll_window": 9.0, average: row.theirs + offset[row.learning_rate]}
        write_record(a_record(config, test=scores, best_epoch=7))


def test_eight_points_and_three_are_declared(results):
    points = page.replicate("nottingham")
    added, points = points[8:], points[:8]
    assert list(added.cell) == ["mogrifier"] * 5 and list(added.seed) == [1, 1, 0, 0, 0]
    assert list(added.theirs) == [3.316, 3.303, 3.422, 3.355, 3.402]
    assert list(points.cell) == ["rru"] * 4 + ["lstm"] * 2 + ["mogrifier"] * 2
    assert set(points.n_params) == {1_000_000} and (points.status == "missing").all()
    assert list(points.theirs) == [2.969, 3.008, 3.038, 3.081, 3.300, 3.307, 3.316, 3.303]
    assert list(points["best_epoch of the authors"][:4]) == [62, 51, 51, 41]
    words = page.replicate("ptb-word")
    assert list(words.theirs) == [106.7, 135.8, 155.7]
    assert page.findings.missing_points(words).count("--set precision=tf32") == 3
    assert page.mean_differences(points).empty
    assert page.judge_agreement(points, 0.03) == page.findings.NOTHING
    told = page.findings.missing_points(points)
    assert told.count("rru-nb run --dataset nottingham") == 8
    assert told.count("--set learning_rate=0.006") == 3 and told.count("--set rank=40") == 2


def test_means_within_the_tolerance_acquit_when_all_is_measured(results):
    offset = {1.3e-3: 0.0, 2.2e-3: 0.02, 3.6e-3: 0.0, 6e-3: 0.02, 1e-2: 0.0}
    measure(["rru"], offset)
    means = page.mean_differences(page.replicate("nottingham"))
    assert list(means.index) == ["rru", "all"] and means["count"]["all"] == 4
    assert (means["mean"]["all"], means["sem"]["all"]) == pytest.approx((0.01, 0.00577), rel=1e-3)
    assert "agree" not in page.judge_agreement(page.replicate("nottingham"), 0.03)
    measure(["lstm", "mogrifier"], offset)
    points = page.replicate("nottingham")
    means = page.mean_differences(points)
    assert list(means.index) == ["rru", "lstm", "mogrifier", "all"]
    assert list(means["count"]) == [4, 2, 5, 11]
    assert means["mean"].to_numpy() == pytest.approx([0.01, 0.01, 0.008, 0.1 / 11])
    assert "agree" in page.judge_agreement(points, 0.03)
    assert "agree" not in page.judge_agreement(points, 0.009)


def test_a_cell_beyond_the_tolerance_is_named_though_the_mean_is_within(results):
    measure(["rru", "lstm"], dict.fromkeys([1.3e-3, 2.2e-3, 3.6e-3, 6e-3, 1e-2], 0.0))
    measure(["mogrifier"], {1.3e-3: 0.0, 2.2e-3: 0.05, 3.6e-3: 0.0, 6e-3: 0.09, 1e-2: 0.06})
    points = page.replicate("nottingham")
    assert page.judge_agreement(points, 0.03).startswith("Beyond 0.03: Mogrifier LSTM. ")
    assert "All points together are within it (+0.018)." in page.judge_agreement(points, 0.03)
    assert list(page.mean_differences(points)["count"]) == [4, 2, 5, 11], "points, not seeds"
    assert page.mean_differences(points)["mean"]["mogrifier"] == pytest.approx(0.04)


def test_an_old_record_without_the_authors_average_says_so(results):
    measure(["lstm"], {6e-3: 0.5, 1e-2: 0.5}, average="nll_frame")
    lstm = page.replicate("nottingham").set_index("cell").loc["lstm"]
    assert list(lstm.average) == ["NLL, mean of windows"] * 2 and list(lstm.ours) == [9.0, 9.0]


def test_the_authors_script_is_compared_with_ours_and_with_their_file(results, monkeypatch):
    """By point: two seeds of one are averaged first."""
    measure(["mogrifier"], {1.3e-3: 0.0, 2.2e-3: 0.0, 3.6e-3: 0.0, 6e-3: 0.05, 1e-2: 0.03})
    points = page.replicate("nottingham")
    assert points.script.isna().all() and "script" not in page.replication_table(points)
    ran = points[(points.cell == "mogrifier") & points.learning_rate.isin([6e-3, 1e-2])]
    above = dict(zip(ran.id, [0.02, 0.03, 0.04, 0.05]))  # their file: 6e-3, 1e-2, and seeds 1
    for row in ran.itertuples():
        test = {"nll_batches": row.theirs + above[row.id]}
        monkeypatch.setitem(SCRIPT, row.id, {"test": test, "best_epoch": 19})
    points = page.replicate("nottingham")
    assert points.script.notna().sum() == 4
    means = page.by_their_script(points)
    assert list(means["count"]) == [2, 2, 2, 2], "points of the cell, and of all"
    ours, theirs = 0.02 / 2 - 0.01 / 2, 0.035  # 0.05 - 0.03 and 0.03 - 0.04; 0.03 and 0.04
    assert list(means["mean"]) == pytest.approx([ours, ours, theirs, theirs])
    said = page.script_sentence(means)
    assert "Over 2 points our loss ends +0.005 from that" in said and "ends +0.035 from" in said
    assert "(95 % interval −0.186 to +0.196; p = 0.8)" in said, "12.706 standard errors of 0.015"
    assert list(page.replication_table(points)["their script's"])[6:8] == ["19", "19"]


def test_the_pages_say_of_the_authors_script_what_its_trainings_give(monkeypatch):
    """Where ours ends, and above their file."""
    files = list((GRIDS.parent / "authors_script").glob("*.json"))
    for path in files:
        monkeypatch.setitem(SCRIPT, path.stem, json.loads(path.read_text(encoding="utf-8")))
    points = page.replicate("nottingham")
    ran = points.dropna(subset=["script"])
    assert len(ran) == len(files) == 8, "each at settings of a record of ours"
    declared = {
        (row["cell"], rate, seed)
        for row in DECLARED["nottingham"]["authors_script"]
        for rate in row["learning_rate"]
        for seed in row["seeds"]
    }
    assert set(zip(ran.cell, ran.learning_rate, ran.seed)) == declared
    means = page.by_their_script(points)
    ours, theirs = means.loc[(page.OURS, "all")], means.loc[(page.THEIRS, "all")]
    assert abs(ours["mean"]) < ours["sem"] and ours.p > 0.5
    assert theirs["mean"] > 0.03 and theirs.p < 0.05
    half = stats.t.ppf(0.975, 5) * ours["sem"]
    assert f"{half:.2f}" == "0.03", "as on the front page"
    for record in load_records(id=list(ran.id)).to_dict("records"):
        by = [[e[f"valid_nll_{kind}"] for e in record["epochs"]] for kind in ("window", "batches")]
        assert np.argmin(by[0]) == np.argmin(by[1])
