"""What the page on the ablation says follows its numbers: the functions of its notebook."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import a_record
from pages import functions_of
from scipy import stats

from rru_nb import figures
from rru_nb.experiments import section
from rru_nb.training.records import write_record

ABLATION = section("ablation")
TITLES = {name: variant["title"] for name, variant in ABLATION.variants.items()}
VARIANTS = [name for name in TITLES if name != "rru"]
P = SimpleNamespace(cells=["rru"], scale="laptop", seeds=[0])
page = functions_of("ablation", P=P, ablation=ABLATION, TITLES=TITLES)


def runs_of(scores, dataset="nottingham", **columns):
    """Rows as of `experiments.results`. scores: {variant: [a score a seed, None for a failed]}."""
    accuracies = dataset in ("imdb", "mnist")
    rows = [
        {"variant": variant, "seed": seed, "test": np.nan if score is None else score}
        | {"status": "failed" if score is None else "ok", "id": f"{variant}{seed}", "cell": "rru"}
        | {"best_epoch": 40 + seed}
        for variant, of in scores.items()
        for seed, score in enumerate(of)
    ]
    runs = pd.DataFrame(rows).assign(dataset=dataset, scale="laptop", cut_off=False)
    runs = runs.assign(metric="accuracy" if accuracies else "nll_window", baseline=10.0)
    return runs.assign(loss=100 - runs.test if accuracies else runs.test, **columns)


def judged(runs):
    return page.verdict(runs, page.differences(runs))


def every(*scores, rru=(3.9, 4.0, 4.1), **others):
    """All variants with the same scores, some with others."""
    return {"rru": list(rru)} | dict.fromkeys(VARIANTS, list(scores)) | others


def reach(losses):
    """How far from their mean one more of them lies, 19 times of 20."""
    n = len(losses)
    return stats.t.ppf(0.975, n - 1) * np.std(losses, ddof=1) * np.sqrt(1 + 1 / n)


# Differences, intervals, p values


def test_several_seeds_are_independent_samples_of_their_own_variances():
    rru = [4.0, 4.1, 4.3]
    scores = {"identity": [5.0, 5.4, 5.1], "no_normalization": [3.6, 3.61, 3.62]}
    table = page.differences(runs_of(every(3.0, 8.5, 15.0, rru=rru, **scores)))
    assert list(table.index) == list(TITLES), "as in Table 2"
    for name, of in scores.items():
        a, b = (np.var(sample, ddof=1) / 3 for sample in (of, rru))
        freedom = (a + b) ** 2 / ((a**2 + b**2) / 2)  # Welch and Satterthwaite
        difference, half = np.mean(of) - np.mean(rru), stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
        row = table.loc[name]
        assert row[["difference", "low", "high"]].tolist() == pytest.approx(
            [difference, difference - half, difference + half]
        )
        p = 2 * stats.t.sf(abs(difference) / np.sqrt(a + b), freedom)
        assert row.p == pytest.approx(p)
    # The smallest of five p values counts five times, the next four times, after Holm.
    assert table.p_holm["identity"] == pytest.approx(5 * table.p["identity"])
    assert table.p_holm["no_normalization"] == pytest.approx(4 * table.p["no_normalization"])
    assert (
        table.loss["rru"] == pytest.approx(12.4 / 3)
        and table.loc["rru", ["difference", "p"]].isna().all()
    )


def test_runs_that_failed_have_no_loss():
    table = page.differences(runs_of(every(5.0, 5.5, 6.0, rru=[4.0, 4.2, None])))
    assert table.difference["identity"] == pytest.approx(1.4)
    assert (table.seeds["identity"], table.seeds["rru"], table.failed["rru"]) == (3, 2, 1)
    assert table.best_epoch["rru"] == 40.5, "of those that did not fail"


def test_one_seed_is_compared_with_where_one_more_run_of_the_rru_is_expected():
    rru = [3.9, 4.0, 4.1, 4.2]
    edge = 4.05 + reach(rru)
    table = page.differences(runs_of(every(4.0, rru=rru, identity=[6.0], constant_start=[edge])))
    row = table.loc["identity"]
    wanted = [1.95, 1.95 - reach(rru), 1.95 + reach(rru)]
    assert row[["difference", "low", "high"]].tolist() == pytest.approx(wanted)
    spread = np.std(rru, ddof=1) * np.sqrt(1 + 1 / 4)
    assert row.p == pytest.approx(2 * stats.t.sf(1.95 / spread, 3))
    assert table.p["constant_start"] == pytest.approx(0.05)
    assert table.low["constant_start"] == pytest.approx(0)


@pytest.mark.parametrize("rru", [[4.0], [4.0, 4.1]])
def test_fewer_than_three_seeds_of_the_rru_tell_nothing_of_one_more(rru):
    runs = runs_of(every(6.0, rru=rru))
    table = page.differences(runs)
    assert table.difference["identity"] == pytest.approx(6 - np.mean(rru))
    assert table[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    verdict = judged(runs)
    assert verdict.held == "inconclusive" and np.isnan(verdict.p)


def test_accuracies_are_error_rates_and_their_intervals_end_at_no_error():
    rru = np.array([90.5, 91.3, 94.2])
    assert rru.mean() + reach(rru) > 100, "by points of accuracy nothing could be better"
    table = page.differences(runs_of(every(99.9, rru=rru, identity=[90.0]), "mnist"))
    assert table.paper["identity"] == pytest.approx(1.57), "98.43 % are right"
    assert table.paper_difference["identity"] == pytest.approx(0.31)
    assert table.loss["rru"] == pytest.approx(8.0) and table.difference["identity"] > 0
    better = table.loc["scalar_rezero"]
    odds = np.log((100 - rru) / rru)
    bounds = [100 / (1 + np.exp(-(odds.mean() + side * reach(odds)))) for side in (1, -1)]
    assert [better.low, better.high] == pytest.approx([0.1 - bound for bound in bounds])
    t = (odds.mean() - np.log(0.1 / 99.9)) / (np.std(odds, ddof=1) * np.sqrt(4 / 3))
    assert better.p == pytest.approx(2 * stats.t.sf(t, 2)) and better.p < 0.05
    perfect = page.differences(runs_of(every(100.0, rru=rru), "mnist")).loc["identity"]
    assert np.isfinite(perfect[["low", "high", "p"]].astype(float)).all(), "finite odds"


# The verdict


def shifted(shift, jitter=0.01):
    return [x + shift + jitter * seed for seed, x in enumerate((3.9, 4.0, 4.1))]


def test_the_claim_holds_if_every_variant_is_worse():
    runs = runs_of(every(*shifted(1.0)))
    verdict = judged(runs)
    told = "5 variants, beyond chance: 5 worse, 0 better; seeds: 3"
    assert verdict.held == "holds" and verdict.note.startswith(told)
    rru = [3.9, 4.0, 4.1]
    welch = stats.ttest_ind(shifted(1.0), rru, equal_var=False)
    assert verdict.p == pytest.approx(welch.pvalue)
    for shift in (0.0, -0.001):  # one that is as good, or better by chance
        chance = judged(runs_of(every(*shifted(1.0), identity=shifted(shift, jitter=0.1)[::-1])))
        assert chance.held == "inconclusive" and chance.p > 0.05
    cut_off = judged(runs.assign(cut_off=np.arange(len(runs)) < 4))
    assert cut_off.limits == ("the limit of epochs ended 4 of 18 trainings",)
    missing = judged(runs.assign(status=["missing", *["ok"] * 17]))
    assert missing.limits == ("1 of 18 runs is not measured",)


def test_it_does_not_hold_if_one_is_better_also_among_five():
    runs = runs_of(every(4.0, identity=[6.0], scalar_rezero=[2.0]))
    verdict = judged(runs)
    p = 2 * stats.t.sf(2 / (0.1 * np.sqrt(4 / 3)), 2)
    assert (verdict.held, verdict.limits) == ("does not hold", ()), "the test counts the seeds"
    assert verdict.p == pytest.approx(5 * p)
    told = "1 (S = 1) worse, 1 (single scalar ReZero) better; seeds: 3"
    assert told in verdict.note
    wide = judged(runs_of(every(4.0, rru=[2.0, 4.0, 6.0], scalar_rezero=[2.0])))
    assert wide.held == "inconclusive"


def test_one_that_is_picked_out_is_corrected_for_the_others():
    """With p = 0.03 alone of five it is no find; that all five are worse needs no correction."""
    far = 4 + stats.t.isf(0.015, 2) * 0.1 * np.sqrt(4 / 3)
    for one in (far, 8 - far):
        verdict = judged(runs_of(every(4.0, identity=[one])))
        assert verdict.held == "inconclusive" and ": 0 worse, 0 better;" in verdict.note
    verdict = judged(runs_of(every(far)))
    assert verdict.held == "holds" and verdict.p == pytest.approx(0.03)


@pytest.mark.parametrize("failed", ["identity", "rru", "every variant"])
def test_what_failed_everywhere_is_not_shown_to_be_worse(failed):
    of = [None] * 3
    scores = every(*shifted(1.0)) | ({failed: of} if failed in TITLES else {})
    scores = every(*of) if failed == "every variant" else scores
    verdict = judged(runs_of(scores))
    assert verdict.held == "inconclusive"
    assert verdict.p == 1 if failed == "identity" else np.isnan(verdict.p)


# Runs, table, figure


def test_the_rrus_other_seeds_are_read_where_they_are_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    points = ABLATION.points("imdb", seeds=[0], variant=["identity", "rru"])
    assert page.with_more_seeds(points) == points
    for seed in (0, 2, 5):
        (config,) = ABLATION.runs("imdb", seeds=[seed], variant=["rru"])
        write_record(a_record(config, test={"accuracy": 80.0}))
    more = page.with_more_seeds(points)
    assert more[:2] == points
    assert [(p.coordinates["variant"], p.config.seed) for p in more[2:]] == [("rru", 2), ("rru", 5)]


def test_at_full_size_every_recorded_seed_counts_and_what_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    monkeypatch.setattr(P, "variants", None, raising=False)
    assert {*page.at_full_size("nottingham").status} == {"missing"}
    for variant, seed in (("rru", 0), ("rru", 3), ("identity", 1)):
        (config,) = ABLATION.runs("nottingham", scale="paper", seeds=[seed], variant=[variant])
        write_record(a_record(config))
    (config,) = ABLATION.runs("nottingham", seeds=[0], variant=["scalar_rezero"])
    write_record(a_record(config))  # at scale laptop
    runs = page.at_full_size("nottingham")
    verdict = page.verdict(runs, page.differences(runs))
    assert verdict.limits[0] == "5 of 8 runs are not measured" and verdict.held == "inconclusive"
    runs = runs[runs.status == "ok"]
    there = list(zip(runs.variant, runs.seed))
    assert there == [("rru", 0), ("rru", 3), ("identity", 1)] and {*runs.scale} == {"paper"}


def test_the_table_ends_with_the_baseline(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "table", lambda name, table: shown.append(table))
    runs = runs_of(every(80.0, rru=[86.0, 85.0, 87.0]), "imdb", baseline=50.0)
    page.show_table(runs, page.differences(runs))
    assert shown[0].index[-1] == "baseline" and shown[0].ours["baseline"] == "50.00"
    assert shown[0].loc["S = 1", "ours, less the RRU's"] == "+6.00"
    assert shown[0].loc["S = 1", "paper, less the RRU's"] == "+0.67"
    assert shown[0].loc["RRU", "ours, less the RRU's"] == ""
    assert shown[0].index.name == "Sentiment analysis IMDB, scale laptop: errors in %"


def test_the_figure_has_a_place_for_each_variant():
    runs = runs_of(every(*shifted(1.0), relu_outputs=[None] * 3))
    runs.loc[runs.variant == "scalar_rezero", ["loss", "status"]] = [np.nan, "missing"]
    _, ax = plt.subplots()
    page.draw(ax, runs, page.differences(runs))
    titles = [label.get_text() for label in ax.get_yticklabels()]
    assert titles == [TITLES[name] for name in VARIANTS]
    paper, ours = (line.get_xdata() for line in ax.lines[1:3])
    at = titles.index("S = 1")
    assert paper[at] == pytest.approx(3.56 - 2.92) and ours[at] == pytest.approx(1.01)
    notes = {text.get_text().strip(): round(text.get_position()[1]) for text in ax.texts}
    places = [titles.index(title) for title in ("single scalar ReZero", "ReLU over c and o")]
    assert notes == dict(zip(("not measured", "failed"), places))
    bars = ax.collections[0].get_segments()[at]
    welch = stats.ttest_ind(shifted(1.0), [3.9, 4.0, 4.1], equal_var=False)
    assert [x for x, _ in bars] == pytest.approx([*welch.confidence_interval(0.95)])
    plt.close()


def test_best_and_worst_are_by_loss_and_the_first_in_a_tie():
    runs = runs_of(every(80.0, rru=[80.0], identity=[85.0], constant_start=[70.0]), "imdb")
    assert list(page.best_and_worst(page.differences(runs)).values()) == [
        *("S = 1", "S starts at 0.95"),
        *("RRU", "S starts at 0.95"),
    ]
    nothing = runs_of(every(None, rru=[None]))
    assert list(page.best_and_worst(page.differences(nothing)).values())[:2] == ["", ""]
    assert page.best_and_worst(page.differences(nothing))["best, paper, full size"] == "RRU"
