"""What the page on dropout says follows its numbers: the functions of its notebook."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import a_record
from pages import functions_of
from scipy import stats

from rru_nb import figures, paper_config
from rru_nb.experiments import results, section
from rru_nb.training.records import write_record

CELLS = ["rru", "gru"]
page = functions_of("dropout", P=SimpleNamespace(cells=CELLS))


def frame_of(scores, metric="nll_window", seeds=(0,)):
    """Rows as of `experiments.results`. scores: {(cell, rate): (valid, test), or None: failed}."""
    rows = []
    for seed in seeds:
        for (cell, rate), pair in scores.items():
            valid, test = pair or (np.nan, np.nan)
            test += 1e-3 * (seed - seeds[0]) * rate  # several seeds scatter
            error = metric == "accuracy"
            rows.append(
                {"cell": cell, "dropout": rate, "seed": seed, "valid": valid, "test": test}
                | {"valid_loss": 100 - valid if error else valid}
                | {"loss": 100 - test if error else test}
                | {"status": "ok" if pair else "failed", "cut_off": False, "metric": metric}
                | {"dataset": "nottingham", "scale": "laptop", "id": f"{cell}{rate}{seed}"}
            )
    return pd.DataFrame(rows)


SCORES = {
    ("rru", 0.0): (4.0, 4.0),
    ("rru", 0.3): (3.5, 3.0),  # the better test score, which must not choose
    ("rru", 0.6): (3.0, 3.8),
    ("gru", 0.0): (4.0, 4.0),
    ("gru", 0.2): (3.5, 3.9),
    ("gru", 0.5): None,
}


def test_the_best_epoch_of_a_rate_is_the_mean_of_its_seeds():
    frame = frame_of(SCORES, seeds=(0, 1)).assign(best_epoch=[10, 20, 30, 11, 21, None] * 2)
    frame.loc[frame.seed == 1, "best_epoch"] += 4
    table = page.epochs_table(frame)
    assert list(table.loc["RRU", ["0", "0.3", "0.6"]]) == ["12", "22", "32"]
    assert list(table.loc["GRU", ["0", "0.2", "0.5", "0.6"]]) == ["13", "23", "–", "–"]
    assert (page.epochs_table(frame.assign(best_epoch=None)) == "–").all(axis=None)


def test_the_rate_is_chosen_by_validation_and_its_gain_told_by_test():
    best = page.best_rates(frame_of(SCORES))
    assert list(best.index) == CELLS and list(best.dropout) == [0.6, 0.2]
    assert list(best.test) == [3.8, 3.9]
    assert list(best.gain) == pytest.approx([5.0, 2.5])


def test_seeds_are_averaged_before_the_choice():
    lucky = SCORES | {("rru", 0.3): (1.0, 1.0)}
    unlucky = SCORES | {("rru", 0.3): (7.0, 7.0)}
    both = pd.concat([frame_of(lucky), frame_of(unlucky, seeds=[1])], ignore_index=True)
    assert page.best_rates(both).dropout["rru"] == 0.6


def test_of_accuracies_the_gain_is_in_errors():
    best = page.best_rates(
        frame_of({("rru", 0.0): (90, 90), ("rru", 0.5): (95, 92)}, metric="accuracy")
    )
    assert best.dropout["rru"] == 0.5 and best.gain["rru"] == pytest.approx(20.0)


def test_the_claim_holds_if_the_rru_gains_most_and_not_by_one_seed():
    one, two = frame_of(SCORES), frame_of(SCORES, seeds=(0, 1))
    assert page.verdict(one, page.best_rates(one)).held == "inconclusive"
    holds = page.verdict(two, page.best_rates(two))
    said = "with dropout the RRU's loss is 5.0 % lower, a gated cell's up to 2.5 %; p = "
    assert holds.held == "holds" and holds.note.startswith(said)
    behind = frame_of(SCORES | {("gru", 0.2): (3.5, 3.0)}, seeds=(0, 1))
    assert page.verdict(behind, page.best_rates(behind)).held == "does not hold"


@pytest.mark.parametrize(
    "rru, held",
    [
        ((5.0, 5.4, 4.9), "holds"),
        ((9.0, 1.0, 5.0), "inconclusive"),  # a lead that the seeds' spread may make
        ((0.1, 0.0, -0.2), "does not hold"),
    ],
)
def test_the_gains_are_compared_across_seeds_by_welchs_test(rru, held):
    gru = (2.4, 2.6, 2.2)
    frames = [
        frame_of(
            SCORES
            | {("rru", 0.0): (4.0, level), ("rru", 0.6): (3.0, level * (1 - one / 100))}
            | {("gru", 0.2): (3.5, 4.0 * (1 - other / 100))},
            seeds=[seed],
        )
        for seed, (level, one, other) in enumerate(zip((3.9, 4.0, 4.3), rru, gru, strict=True))
    ]
    frame = pd.concat(frames, ignore_index=True)
    verdict = page.verdict(frame, page.best_rates(frame))
    p = stats.ttest_ind(rru, gru, equal_var=False).pvalue
    assert verdict.held == held and not verdict.limits
    assert np.isnan(verdict.p) if held == "inconclusive" else verdict.p == pytest.approx(p)


@pytest.mark.parametrize(
    "rru, held, said",
    [
        (
            (3.0, 3.01, 3.02),
            "holds",
            "3.010 against 3.910 of the best, GRU: 23.0 % lower; p < 0.0001",
        ),
        (
            (4.0, 4.01, 4.02),
            "does not hold",
            "4.010 against 3.910 of the best, GRU: 2.6 % higher; p = ",
        ),
        ((3.8, 3.9, 4.0), "inconclusive", "3.900 against 3.910 of the best, GRU: 0.3 % lower"),
    ],
)
def test_the_losses_at_the_best_rates_are_compared_across_seeds(rru, held, said):
    frames = [
        frame_of(SCORES | {("rru", 0.6): (3.0, one), ("gru", 0.2): (3.5, other)}, seeds=[seed])
        for seed, (one, other) in enumerate(zip(rru, (3.9, 3.91, 3.92), strict=True))
    ]
    frame = pd.concat(frames, ignore_index=True)
    verdict = page.verdict_on_results(frame, page.best_rates(frame))
    assert verdict.held == held
    assert verdict.note.startswith(f"loss (NLL, mean of windows) {said}")
    alone = frame[frame.cell == "gru"]
    assert page.verdict_on_results(alone, page.best_rates(alone)).held == "inconclusive"


def test_other_seeds_judge_the_rates_that_the_first_choose(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    dropout, chosen = section("dropout"), {"rru": 0.5, "gru": 0.0}
    P = SimpleNamespace(cells=CELLS, scale="smoke", seeds=[3, 0], judges=2, engine="local")
    judged = functions_of("dropout", P=P, dropout=dropout).judged
    best = pd.DataFrame({"dropout": chosen}).rename_axis("cell")

    def record(cell, rate, seed):
        (point,) = dropout.points("chorales", [cell], "smoke", [seed], dropout=[rate])
        write_record(a_record(point.config))

    first = results(dropout, dropout.points("chorales", CELLS, "smoke", P.seeds))
    assert judged(first, best) is first, "without records the first seeds judge"
    wanted = {(c, r, s) for s in (4, 5) for c, r in [("rru", 0.0), ("rru", 0.5), ("gru", 0.0)]}
    for one in wanted - {("rru", 0.5, 5)}:
        record(*one)
    record("rru", 0.5, 0)  # a seed that chose
    runs = judged(first, best)
    assert set(zip(runs.cell, runs.dropout, runs.seed)) == wanted and len(runs) == len(wanted)
    assert runs.status.value_counts().to_dict() == {"ok": 5, "missing": 1}
    P.judges = 0
    assert judged(first, best) is first


def test_a_seed_without_one_of_its_runs_has_no_gain():
    frame = frame_of(SCORES, seeds=(0, 1))
    frame.loc[(frame.cell == "rru") & (frame.dropout == 0.6) & (frame.seed == 1), "status"] = (
        "failed"
    )
    table = page.gains_table(frame, page.best_rates(frame_of(SCORES)))
    assert list(table.RRU.isna()) == [False, True] and table.RRU[0] == 5.0
    assert list(table.GRU) == [2.5, 2.5]
    assert (
        page.gains_table(frame[frame.cell == "rru"], page.best_rates(frame_of(SCORES)))
        .GRU.isna()
        .all()
    )


def test_a_gain_without_another_to_compare_it_with_decides_nothing():
    alone = {place: pair for place, pair in SCORES.items() if place[0] == "rru"}
    for scores in (alone, SCORES | {("gru", 0.0): None}, SCORES | {("rru", 0.0): None}):
        frame = frame_of(scores, seeds=(0, 1))
        verdict = page.verdict(frame, page.best_rates(frame))
        assert (verdict.held, verdict.note) == ("inconclusive", "")


@pytest.mark.parametrize(
    "change, why",
    [
        ({"status": "missing"}, "1 of 12 runs is not measured"),
        ({"cut_off": True}, None),
    ],
)
def test_what_is_missing_or_cut_off_decides_nothing(change, why):
    frame = frame_of(SCORES, seeds=(0, 1))
    frame.loc[[3], list(change)] = list(change.values())
    verdict = page.verdict(frame, page.best_rates(frame))
    assert verdict.held == ("inconclusive" if why else "holds"), "one of twelve is not too many"
    assert why is None or why in verdict.limits
    if "cut_off" in change:
        frame.loc[:2, "cut_off"] = True
        verdict = page.verdict(frame, page.best_rates(frame))
        assert verdict.limits == ("the limit of epochs ended 4 of 12 trainings",)


def test_the_table_has_means_over_seeds_and_what_became_of_the_rest():
    lucky = frame_of(SCORES | {("rru", 0.3): (3.5, 5.0)}, seeds=[1])
    frame = pd.concat([frame_of(SCORES), lucky], ignore_index=True)
    frame.loc[frame.dropout == 0.2, ["status", "test"]] = ["missing", np.nan]
    table = page.rates_table(frame)
    assert list(table.index) == ["RRU", "GRU"] and list(table.columns)[:2] == ["0", "0.2"]
    seeds = "../book/records.html?ids=rru0.30,rru0.31"
    assert table.loc["RRU", "0.3"] == f'<a href="{seeds}">4.00</a>'
    assert (table.loc["GRU", "0.5"], table.loc["GRU", "0.2"]) == ("failed", "not measured")


def test_the_figure_has_a_point_for_each_rate_a_ring_and_a_cross(monkeypatch):
    monkeypatch.setattr(figures, "show", lambda *arguments: None)
    frame = frame_of(SCORES)
    page.draw(frame, page.best_rates(frame), "dropout")
    (ax,) = plt.gcf().axes
    drawn = {tuple(line.get_xdata()) for line in ax.lines if line.get_marker() != "x"}
    assert {(0.0, 0.3, 0.6), (0.0, 0.2)} <= drawn, "a failed rate is no point of the line"
    assert [tuple(at) for at in ax.collections[-1].get_offsets()] == [(0.6, 3.8), (0.2, 3.9)]
    crosses = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "x"]
    assert (0.5,) in crosses
    assert [text.get_text() for text in ax.get_legend().texts] == ["RRU", "GRU"]
    plt.close()


def test_without_a_run_the_figure_says_so(monkeypatch):
    monkeypatch.setattr(figures, "show", lambda *arguments: None)
    frame = frame_of(dict.fromkeys(SCORES)).assign(status="missing")
    page.draw(frame, page.best_rates(frame), "dropout")
    assert [text.get_text() for text in plt.gcf().axes[0].texts] == ["not measured"]
    plt.close()


def test_at_full_size_the_tuned_rates_stand_beside_none_seed_by_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    page = functions_of("dropout", P=SimpleNamespace(cells=CELLS), dropout=section("dropout"))
    assert page.without_dropout().empty

    def record(cell, seed, loss, **changes):
        config = paper_config("jsb", cell, seed=seed, **changes)
        ended = [{"epoch": n + 1, "valid_nll_window": 9.0} for n in range(8)]  # by its patience
        write_record(a_record(config, test={"nll_window": loss}, epochs=ended))
        return config

    for seed in (0, 1):
        for cell, none, tuned in (("rru", 10.0, 8.0), ("gru", 10.0, 9.0)):
            record(cell, seed, none + seed / 100, dropout=0.0)
            rate = record(cell, seed, tuned).dropout
    record("rru", 2, 1.0)  # without dropout there is none of this seed
    record("rru", 3, 1.0, dropout=0.0, learning_rate=1e-3)  # nothing else may differ
    record("rru", 4, 1.0, dropout=0.1)
    assert set(page.without_dropout().seed) == {0, 1}
    assert page.without_dropout("nottingham").empty
    runs = page.with_and_without("jsb")
    assert len(runs) == 8 and set(runs.status) == {"ok"} and set(runs.seed) == {0, 1}
    tuned = runs[runs.dropout > 0].groupby("cell").dropout.first()
    assert tuned["gru"] == rate
    table = page.full_size_table(runs, tuned)
    assert list(table["gain, %"]) == ["10.0", "20.0"] and list(table.seeds) == [2, 2]
    assert ">8.00</a>" in table.loc["RRU", "with it"]
    best = tuned.to_frame()
    gains = page.verdict(runs, best, ", at Table 1's sizes")
    assert gains.held == "holds" and gains.claim.endswith("the RRU, at Table 1's sizes.")
    level = page.verdict_on_results(runs, best.assign(dropout=0.0), "Without dropout")
    assert level.held == "inconclusive" and "against 10.005 of the best" in level.note
