"""The front page by its numbers, and each of its fragments as a whole, from made-up records."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from helpers import a_record
from scipy import stats

from book.tools import claims, deviations, dots, front, generate, small_scale
from book.tools.prediction import expected_run
from rru_nb import paper_config
from rru_nb.analysis import tables
from rru_nb.analysis.verdicts import Verdict
from rru_nb.storage import paths
from rru_nb.training.config import CELLS
from rru_nb.training.records import write_record

FAILURE = {"status": "failed", "failure": {"epoch": 4, "step": 2, "loss": "nan"}, "valid": {}}


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))


@pytest.fixture
def context(tmp_path):
    return generate.Context(tmp_path, None)


def record(dataset, cell, *scores, scale="paper", **settings):
    """Write a record of each score, seed 0 first; one that failed for None."""
    for seed, score in enumerate(scores):
        config = paper_config(dataset, cell, scale=scale, seed=seed, **settings)
        outcome = {"test": {config.metric: score}} if score else FAILURE | {"test": {}}
        write_record(a_record(config, **outcome))
    return paper_config(dataset, cell, scale=scale, **settings).id


def row(table, dataset, cell):
    (found,) = table[(table.dataset == dataset) & (table.cell == cell)].itertuples()
    return found


def of(table, dataset):
    return table[table.dataset == dataset]


# The first rows of Table 1 in one state each: best of four over seeds, worst of four, a cell that
# failed beside one that is open, and accuracies.
STATES = {
    "jsb": {
        "rru": (7.80, 7.76, 7.78, 7.78, 7.76),
        "gru": (8.19, 8.27, 8.14, 8.22, 8.36),
        "lstm": (8.50, 8.51, 8.49),
        "mogrifier": (8.10, 8.30),
    },
    "nottingham": {"rru": (3.4, 3.41), "gru": (3.2, 3.21), "lstm": (3.3,), "mogrifier": (3.35,)},
    "musedata": {"rru": (7.1,), "gru": (None,)},
    "imdb": {cell: (score,) for cell, score in zip(CELLS, (88.0, 86.0, 85.0, 87.0))},
}


@pytest.fixture
def measured():
    for dataset, cells in STATES.items():
        for cell, scores in cells.items():
            record(dataset, cell, *scores)
    record("nottingham", "lstm", None, dropout=0.1)  # not the paper's setting
    record("piano-midi", "rru", 1.0, scale="smoke")
    return front.compare()


def test_without_a_record_nothing_is_measured_best_or_judged(context):
    table = front.compare()
    assert len(table) == 44 and not table.runs.any() and not table.best.any()
    said = front.summarize(table)
    assert (said["n_exact"], said["complete"], said["furthest"]) == (0, [], None)
    assert all(front.judge(group) is None for _, group in table.groupby("dataset"))
    assert all(not row["measured"] for row in dots.rows(table))
    assert deviations.deviating(table) == []
    for fragment in (front.answer, front.verdict, front.table_1, front.small_table, dots.dots):
        assert not re.search(r"\b(nan|None)\b", fragment(context))


def test_table_1_has_what_its_own_settings_gave_and_names_what_is_open(measured, context):
    assert measured.runs.sum() == 5 + 5 + 3 + 2 + 2 + 2 + 1 + 1 + 1 + 4
    assert row(measured, "musedata", "gru").failed == paper_config("musedata", "gru").id
    assert (measured.failed != "").sum() == 1, "a failure at another setting is none of its cells"
    assert row(measured, "musedata", "lstm").command == "rru-nb run --dataset musedata --cell lstm"
    html = front.table_1(context)
    assert f'<a href="records.html#{paper_config("imdb", "rru").id}">88.00</a>' in html
    for seed, score in enumerate(STATES["jsb"]["rru"]):
        link = f'"records.html#{paper_config("jsb", "rru", seed=seed).id}">{score:.2f}</a>'
        assert link in html, "a mean has no record, its seeds have"
    commands = re.findall(r"rru-nb run --dataset (\S+) --cell (\w+)", html)
    assert len(commands) == 44 - 13 - 1 and ("musedata", "gru") not in commands
    saved = pd.read_csv(context.folder / "book" / "_parts" / "table_1.csv")
    assert len(saved) == 44 and saved.runs.sum() == measured.runs.sum()


def test_the_best_of_a_row_is_known_where_all_four_are_and_of_accuracies_the_highest(measured):
    best = measured[measured.best].set_index("dataset").cell.to_dict()
    assert best == {"jsb": "rru", "nottingham": "gru", "imdb": "rru"}
    in_paper = measured[measured.best_of_paper].set_index("dataset").cell
    assert len(in_paper) == 11 and (in_paper == "rru").sum() == 9
    assert (in_paper["enwik8"], in_paper["pmnist"]) == ("mogrifier", "gru")


def test_the_first_sentences_count_what_is_complete_and_name_the_furthest(measured):
    said = front.summarize(measured)
    assert (said["n"], said["n_exact"], said["n_stand_in"]) == (44, 13, 0)
    assert said["complete"] == ["JSB Chorales", "Nottingham", "Sentiment analysis IMDB"]
    assert said["won"] == ["JSB Chorales", "Sentiment analysis IMDB"]
    furthest = said["furthest"]
    assert (furthest.dataset, furthest.cell) == ("nottingham", "rru")
    assert furthest.difference_percent == pytest.approx(100 * (3.405 / 2.92 - 1))


def test_on_which_side_of_the_paper_ours_are_is_told_in_deviations_of_seeds(context):
    record("jsb", "rru", 7.80, 7.84)  # 0.10 above 7.72; squares 0.0008, one degree
    record("jsb", "gru", 8.10, 8.14, 8.18)  # 0.06 below 8.20; squares 0.0032, two degrees
    record("nottingham", "gru", 3.23)  # 0.01 above, without a deviation
    found = front.side(front.compare())
    assert (found["n"], found["n_worse"]) == (3, 2)
    assert found["low"] == pytest.approx(100 * 0.01 / 3.22) and found["high"] == pytest.approx(
        100 * 0.10 / 7.72
    )
    pooled = np.sqrt((0.0008 + 0.0032) / 3)
    assert found["deviations"] == pytest.approx((0.10 - 0.06) / 2 / pooled)
    assert "<p>2 of our 3 numbers at the paper’s own settings are worse" in front.table_1(context)


@pytest.mark.parametrize(
    "dataset, cell, scores, mark",
    [
        ("jsb", "gru", (8.19, 8.27, 8.14, 8.22, 8.36), "within"),  # 8.20 is one of many like these
        ("jsb", "lstm", (8.50, 8.51, 8.49), "outside"),  # 8.33
        ("jsb", "mogrifier", (8.10, 8.30), "single"),  # two runs say nothing
        ("jsb", "rru", (7.80, 7.76, 7.78, 7.78, 7.76), "best"),  # 7.72: that of 100 is 2.5 SD off
        ("jsb", "lstm", (8.38, 8.40, 8.42), "within"),  # 8.33 is 3.5 SD off, with 2 deg of freedom
        ("jsb", "mogrifier", (7.98, 8.00, 8.02), "outside"),  # 8.18 is above: no best of any
        ("imdb", "rru", (86.8, 86.7, 86.75), "outside"),  # 87.20 is one run, no best of trials
    ],
)
def test_a_sign_says_whether_another_run_or_the_best_of_many_may_give_the_papers_number(
    dataset, cell, scores, mark
):
    record(dataset, cell, *scores)
    assert row(front.compare(), dataset, cell).mark == mark


def test_a_number_of_two_decimals_may_be_any_that_rounds_to_it():
    scores = [7.4617, 7.4624, 7.4371]
    low, _ = expected_run(scores)
    (cell,) = tables.table_1("piano-midi", cells=["rru"]).itertuples()
    cell = cell._replace(scores=scores, tuned="-")
    assert front.mark(cell._replace(paper=low - 0.004)) == "within"
    assert front.mark(cell._replace(paper=low - 0.006)) == "outside"


@pytest.mark.parametrize(
    "rru, others, held",
    [
        ((7.0, 7.1, 7.05), (8.0, 8.1, 8.05), "holds"),
        ((9.0, 9.1, 9.05), (8.0, 8.1, 8.05), "does not hold"),
        ((8.0, 8.2, 8.1), (8.0, 8.1, 8.05), "inconclusive"),
        ((7.0, 7.1, 7.05), (8.0,), "inconclusive"),  # one seed has no spread
        ((7.0,), (8.0, 8.1), "inconclusive"),
        ((7.0, 7.1), (), None),  # nothing to compare with
    ],
)
def test_the_verdict_on_a_dataset_is_no_surer_than_its_seeds(rru, others, held):
    for cell in CELLS:
        record("jsb", cell, *(rru if cell == "rru" else others))
    judged = front.judge(of(front.compare(), "jsb"))
    assert (judged and judged.held) == held
    if held in ("holds", "does not hold"):
        apart = 1.0 / (0.05 * math.sqrt(2 / 3))  # Welch's t with 4 degrees of freedom
        assert judged.p == pytest.approx(3 * 2 * stats.t.sf(apart, 4)), "Holm, three alike"
    elif judged:
        assert math.isnan(judged.p)


def test_what_the_page_of_the_main_results_shows_comes_before_our_own_judgement(measured):
    page = Verdict("It is better.", "jsb", "does not hold", "20 trainings", "7.8")
    assert front.judge(of(measured, "jsb"), {"jsb": page}) == page
    assert front.judge(of(measured, "imdb"), {"jsb": page}).held == "inconclusive"
    partly = of(measured, "jsb").assign(runs=[1, 0, 0, 0])
    assert front.judge(partly, {"jsb": page}) is None, "three cells are not measured"


def test_imdb_by_the_authors_last_script_is_told_wherever_it_stands_in(context):
    for cell in CELLS:
        record("imdb", cell, 86.0, protocol="final")
    table = front.compare()
    said = front.answer(context)
    assert (
        said.startswith("The paper")
        and "on IMDB, by the authors' [last script](which-imdb)" in said
    )
    assert "0 of the 44 numbers of Table 1 are measured at these settings; 4 more have" in said
    assert front.side(table) is None
    assert "2M parameters, the authors" in front.table_1(context)
    assert "20M" in front.judge(of(table, "imdb")).limits[-1]
    record("imdb", "rru", 87.0)
    assert "script" not in front.answer(context) and "2M" not in front.table_1(context)


def test_a_verdict_without_numbers_is_shown_without_them(context, monkeypatch):
    for cell in CELLS:
        record("jsb", cell, 8.0)
    shown = {"jsb": Verdict("It is better.", "jsb", "inconclusive", "4 trainings")}
    monkeypatch.setattr(front.verdicts, "of_page", lambda path, claim=None: shown)
    assert "<strong>inconclusive</strong>. 4 trainings." in front.verdict(context)


@pytest.mark.parametrize(
    "ps, where",
    [
        ((0.001, 0.02, 0.02), "JSB Chorales, Nottingham and MuseData."),
        ((0.001, 0.03, 0.04), "JSB Chorales alone."),
        ((0.03, 0.03, np.nan), "none."),  # a test that decides nothing is one of three
    ],
)
def test_what_remains_after_the_correction_for_all_datasets_is_told(
    ps, where, context, monkeypatch
):
    names = ("jsb", "nottingham", "musedata")
    for name in names:
        for cell in CELLS:
            record(name, cell, 8.0)
    shown = {
        name: Verdict("Better.", name, "inconclusive" if math.isnan(p) else "holds", "8", p=p)
        for name, p in zip(names, ps)
    }
    monkeypatch.setattr(front.verdicts, "of_page", lambda path, claim=None: shown)
    said = front.verdict(context)
    assert f"Corrected for the 3 datasets as well (Holm), the claim holds on {where}" in said


def test_the_dots_lie_where_their_losses_do(measured):
    plot = {line["title"]: line for line in dots.rows(measured)}
    assert len(plot) == 11
    jsb, imdb = plot["JSB Chorales"], plot["Sentiment analysis IMDB"]
    for line, group, loss in (
        (jsb, of(measured, "jsb"), lambda score: score),
        (imdb, of(measured, "imdb"), lambda score: 100 - score),
    ):
        labels = np.array([float(label) for label in line["ticks"]])
        slope, start = np.polyfit(labels, list(line["ticks"].values()), 1)
        for cell, numbers in zip(line["cells"], group.itertuples()):
            assert cell["cell"] == numbers.cell
            assert cell["paper"] == pytest.approx(start + slope * loss(numbers.paper), abs=1e-3)
            assert cell["mean"] == pytest.approx(start + slope * loss(numbers.measured), abs=1e-3)
            assert 0 <= cell["paper"] <= 1 and 0 <= cell["mean"] <= 1
        assert slope > 0, "better is left"
    assert imdb["unit"] == "errors in %" and imdb["measured"] == "1 seed"
    rru = "Sentiment analysis IMDB, RRU: measured 12.00 % errors, the paper 12.80 % errors"
    assert imdb["cells"][0]["says_mean"] == rru, "as on the axis"
    assert [seed["id"] for seed in jsb["cells"][2]["seeds"]] == [
        paper_config("jsb", "lstm", seed=seed).id for seed in range(3)
    ]
    assert imdb["cells"][0]["id"] == paper_config("imdb", "rru").id
    assert jsb["cells"][0]["id"] is None and imdb["cells"][0]["seeds"] == []
    assert plot["MuseData"]["measured"] == "1 seed, 1 of 4"
    assert [cell["mean"] for cell in plot["MuseData"]["cells"]][1:] == [None] * 3


def test_the_readmes_drawing_is_of_the_committed_records(monkeypatch):
    monkeypatch.delenv("RRU_NB_RESULTS")
    committed = (paths.checkout() / dots.README_DRAWING).read_text(encoding="utf-8")
    assert committed == dots.drawing(), "stale: python -m book.tools --drawing"
    assert "<a " not in committed, "links of a picture lead nowhere"
    said = front.summarize(front.compare())
    readme = (paths.checkout() / "README.md").read_text(encoding="utf-8")
    words = "no", "one", "two", "three", "four", "five", "six", "seven", "eight"
    won, complete = (words[len(said[name])] for name in ("won", "complete"))
    on = f"all {won}" if won == complete else f"{won} of the {complete}"
    first = f"the RRU has the lowest loss on {on} datasets measured with"
    assert first in " ".join(readme.split())


def small(dataset, cell, *scores, **settings):
    return record(dataset, cell, *scores, scale="laptop", **settings)


def summarized():
    rows = small_scale.small_rows()
    return front.summarize_small(rows.assign(beaten=small_scale.beaten(rows)))


def test_in_small_models_a_dataset_counts_where_every_cell_beats_the_baseline():
    for cell, score in zip(CELLS, (90.0, 91.0, 83.5, 10.0)):
        small("mnist", cell, score)
    assert summarized()["learned"] == [], "10.00 % is worse than 11.35 %"
    for cell, score in zip(CELLS, (95.0, 91.0, 83.5, 80.0)):
        small("pmnist", cell, score)
    small("mnist", "mogrifier", 50.0)
    assert summarized()["learned"] == ["Sequential MNIST"], "one of two readings is not measured"
    for cell, score in zip(CELLS, (95.0, 91.0, 83.5, 80.0)):
        small("pmnist", cell, score, protocol="authors")
    said = summarized()
    assert said["learned"] == ["Sequential MNIST", "Permuted MNIST"]
    assert (said["won"], said["lost"]) == (["Permuted MNIST"], ["Sequential MNIST"])
    assert said["leads"] == [] and said["seeds"] == "one seed of each cell"


def test_a_small_lead_is_held_against_the_seeds_of_the_rru():
    for cell, score in zip(CELLS, (95.0, 91.0, 83.5, 80.0)):
        for protocol in ("paper", "authors"):
            small("pmnist", cell, score, protocol=protocol)
    small("pmnist", "rru", 95.0, 95.5, 94.5)
    (lead,) = summarized()["leads"]
    # Log odds of an error: -2.944 ± 4.303 · 0.105 · √(4/3).
    assert lead["low"] == pytest.approx(91.86, abs=0.1) and lead["apart"]
    assert lead["high"] == pytest.approx(96.97, abs=0.1)
    small("pmnist", "rru", 95.0, 95.5, 94.5, 88.0)
    assert not summarized()["leads"][0]["apart"]


def test_a_number_that_deviates_is_shown_with_what_was_tried():
    record("jsb", "rru", 7.80)
    assert deviations.deviating(front.compare()) == [], "1 %"
    record("nottingham", "gru", 3.25)
    record("nottingham", "rru", 3.04)
    (cell,) = deviations.deviating(front.compare())
    assert (cell["row"].dataset, cell["row"].cell) == ("nottingham", "rru")
    assert [other.cell for other in cell["beside"]] == ["gru"]
    assert (cell["alike"], cell["trials"], cell["longer"]) == (None, None, {})
    assert cell["command"] == "rru-nb run --dataset nottingham --cell rru --set patience=20"
    record("nottingham", "rru", 2.95, None, patience=20)
    epochs = [{"epoch": k, "valid_nll_window": v} for k, v in enumerate((9.5, 9.25, 8.75), 1)]
    second = paper_config("nottingham", "rru", seed=1)
    write_record(a_record(second, test={"nll_window": 2.92}, epochs=epochs, best_epoch=3))
    (cell,) = deviations.deviating(front.compare())
    assert [run["score"] for run in cell["runs"]] == [3.04, 2.92], "the mean does not hide a run"
    alike = {"epoch": 1, "then": {0: 9.0, 1: 9.5}, "end": {0: 9.0, 1: 8.75}}
    assert cell["alike"] == alike
    assert cell["longer"][0]["score"] == 2.95 and cell["longer"][1] is None
    # The spread of the two is 0.085: the best of 100 lies 2.508 of these below 2.98.
    assert cell["trials"]["shift"] == pytest.approx(2.508 * 0.0849, abs=0.002)
    assert cell["trials"]["best"] == pytest.approx(2.98 - 2.508 * 0.0849, abs=0.002)


def test_better_than_the_paper_deviates_too_and_so_do_gated_cells_and_accuracies():
    record("jsb", "lstm", 8.00)
    record("pmnist", "gru", 92.0)
    found = deviations.deviating(front.compare())
    assert [cell["row"].dataset for cell in found] == ["jsb", "pmnist"]
    assert found[1]["row"].away == "8.00 % errors, the paper 1.32 %"


def test_cells_that_are_not_looked_at_are_not_counted(context):
    record("jsb", "rru", 7.80)
    record("imdb", "gru", 80.0, protocol="final")
    assert "None of the 1 cells measured" in deviations.deviations(context)


def words(cell, *scores):
    config = paper_config("ptb-word", cell, scale="laptop")
    epochs = [{"epoch": i, "valid_perplexity": v} for i, v in enumerate(scores, 1)]
    write_record(a_record(config, test={"perplexity": 600.0}, epochs=epochs))


NAMES = ("answer", "dots", "verdict", "table_1", "small_table", "claims", "plateau", "deviations")
FRAGMENTS = {f"{name}.md": generate.FRAGMENTS[f"{name}.md"] for name in NAMES}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_looks_as_it_was_looked_at(name, measured, context, golden):
    for cell, score in zip(CELLS, (95.0, 91.0, 83.5, 10.0)):
        small("pmnist", cell, score)
    small("mnist", "rru", 90.0, 91.0, None)
    small("imdb", "gru", None)
    # Baseline of the validation text: 760.82.
    words("rru", 760.0, 650.0)
    words("gru", 770.0, 761.0, 760.5)
    words("lstm", 900.0)
    golden(name, FRAGMENTS[name](context))


def test_the_correction_for_all_claims_undoes_a_verdict():
    rows = [("holds", 0.001), ("does not hold", 0.04), ("–", np.nan)]
    answers = claims.corrected(pd.DataFrame(rows, columns=["held", "p"]))
    assert list(answers.held) == ["holds", "does not hold", "–"]
    # What no test decided is one of three all the same.
    for another in (rows[1], ("inconclusive", np.nan)):
        answers = claims.corrected(pd.DataFrame([*rows, another], columns=["held", "p"]))
        assert list(answers.held[:3]) == ["holds", "inconclusive", "–"]
        assert answers.held[3] == "inconclusive"
        assert list(answers.p_holm.isna()) == list(answers.p.isna())


def test_claims_on_grids_rest_on_the_authors_trainings_where_these_are_known(context):
    answers = claims.answers(context.folder)
    on_grids = answers[answers.claim == "robustness"]
    held = list(on_grids.held)
    by = ["by the best of all cells", "by each cell's own best", "lowest loss throughout"]
    assert list(on_grids.measure) == 2 * by
    undecided = "inconclusive"
    assert held == ["holds", undecided, "holds", undecided, undecided, "holds"]
    assert set(on_grids.basis) == {"400 trainings of the authors, full size, 1 seed"}
    normalization = answers[answers.claim == "normalization"]
    assert list(normalization.held) == ["inconclusive"] * 3 + ["–"]
    assert list(normalization.alone[:3]) == ["inconclusive", "does not hold", "inconclusive"]
    assert normalization.note.iloc[3] == "14 of 14 runs are not measured yet.", "on words only ours"
    assert claims.count(answers) == {
        "holds": 3,
        "fails": 0,
        "inconclusive": 6,
        "judged": 9,
        "holds_alone": 0,
        "fails_alone": 1,
    }
