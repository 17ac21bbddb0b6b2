"""The comparison over seeds against its textbook formula; the choices, one change each."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_records import a_record

from book.tools import generate
from rru_nb.analysis import choices, seeds
from rru_nb.storage import paths
from rru_nb.training.config import paper_config
from rru_nb.training.records import write_record

RRU, GRU = [7.7, 7.8, 7.9], [8.1, 8.2, 8.5, 8.0]


def frame(**columns):
    return pd.DataFrame({cell: pd.Series(values, dtype=float) for cell, values in columns.items()})


def test_welch_interval_from_the_textbook():
    scores = frame(rru=RRU, gru=GRU, lstm=[8.0], mogrifier=[])
    (row,) = seeds.against_gates(scores).to_dict("records")  # one seed has no variance
    a, b = np.var(GRU, ddof=1) / 4, np.var(RRU, ddof=1) / 3
    freedom = (a + b) ** 2 / (a**2 / 3 + b**2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
    difference = np.mean(GRU) - np.mean(RRU)
    assert row["difference"] == pytest.approx(difference)
    assert (row["low"], row["high"]) == pytest.approx((difference - half, difference + half))


@pytest.mark.parametrize(
    "gru, words",
    [(GRU, "better than the GRU"), ([7.0, 7.1, 7.05], "worse than"), ([7.7, 7.9], "not told")],
)
def test_the_verdict_says_what_the_interval_says(gru, words):
    scores = frame(rru=RRU, gru=gru, lstm=[], mogrifier=[])
    assert words in seeds.verdict("jsb", scores)


def test_of_accuracies_the_higher_is_better():
    scores = frame(rru=[90.0, 91.0, 90.5], gru=[80.0, 81.0, 80.5], lstm=[], mogrifier=[])
    assert "better than the GRU by 10.000" in seeds.verdict("mnist", scores)
    assert "worse than the GRU by 10.000" in seeds.verdict("jsb", scores)


def test_every_seed_of_the_own_setting_is_there_and_no_other_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    assert seeds.recorded("jsb").empty
    for score, config in (
        (7.7, paper_config("jsb", "rru", seed=3)),
        (7.9, paper_config("jsb", "rru", seed=8)),
        (7.0, paper_config("jsb", "rru", seed=5, dropout=0.1)),
        (7.0, paper_config("jsb", "gru", seed=3, scale="laptop")),
    ):
        write_record(a_record(config, test={"nll_window": score}))
    scores = seeds.recorded("jsb")
    assert scores["rru"].to_dict() == {3: 7.7, 8: 7.9} and scores["gru"].isna().all()
    table = seeds.spread_table("jsb", scores)
    assert list(table["RRU"]) == ["7.700", "7.900", "7.800", "0.141", "7.720"]
    assert list(table["GRU"]) == ["", "", "", "", "8.200"]
    assert "paper" not in seeds.spread_table("chorales", scores, "laptop").index
    assert table.index.name == "jsb, scale paper" and "scale paper" in seeds.spread(scores)
    assert seeds.spread(scores).endswith("RRU 7.800 ± 0.141.")


def test_without_seeds_nothing_is_claimed():
    scores = frame(rru=[7.7], gru=GRU, lstm=[], mogrifier=[])
    assert "Fewer than two seeds" in seeds.verdict("jsb", scores)


def test_each_choice_changes_what_it_says_and_nothing_else():
    configs = choices.choice_configs()
    assert configs.pop("as the code") == paper_config("jsb", "rru")
    for title, config in configs.items():
        assert set(config.differences) == set(choices.CHOICES[title]), title


def test_effects_of_runs_that_are_not_there_are_not_numbers(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    table = choices.effects()
    assert table.nll_window.isna().all() and table.change_percent.isna().all()
    assert set(table.status) == {"not measured"}
    assert all("rru-nb run --dataset jsb --cell rru" in c for c in table.command)


def test_all_effects_at_once_are_judged_by_a_wider_interval(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    assert choices.together(choices.effects()) == ""
    changes = {0: {}, 1: {"optimizer": "liu"}, 2: {"loss_average": "frame"}, 3: {}, 4: {}}
    scores = {0: 8.0, 1: 8.35, 2: 9.0, 3: 8.1, 4: 8.05}
    for seed, change in changes.items():
        config = paper_config("jsb", "rru", seed=0 if change else seed, **change)
        test = {"nll_window": scores[seed], "nll_frame": 8.0}
        write_record(a_record(config, test=test))
    # Three seeds, 8.05 ± t · 0.05 · √(4/3): t is 4.30 for one run, 6.21 for two at once.
    said = choices.together(choices.effects())
    assert "Each line by itself, 2 of 2 are beyond the seeds" in said
    assert "for all 2 at once, 7.692 to 8.408, has 1 of them outside." in said


def test_an_effect_counts_beyond_the_seeds_of_the_unchanged_run(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))

    def measured(score, seed=0, **change):
        config = paper_config("jsb", "rru", seed=seed, **change)
        write_record(a_record(config, test={"nll_window": score, "nll_frame": score}))

    measured(8.0)
    measured(8.1, seed=1)
    measured(9.0, clip_multiplier=None)
    assert set(choices.effects().beyond_seeds) == {""}, "two seeds tell nothing of a third"
    measured(8.05, seed=2)
    measured(7.0, optimizer="liu")
    measured(8.2, loss_average="frame")  # within 8.05 ± 4.3 · 0.05 · sqrt(4 / 3)
    measured(9.0, silences="kept")
    told = choices.effects().set_index("setting")
    assert told.what[""] == "as the code, mean of 3 seeds"
    assert told.nll_window[""] == pytest.approx(8.05)
    assert dict(told.beyond_seeds) == {
        "": "",
        "optimizer": "better",
        "residual_speed": "",
        "silences": "",
        "clip_multiplier": "worse",
        "loss_average": "no",
        "select_on": "",
    }
    shown = generate.substitutions()
    assert shown["effect_optimizer"] == "[-13.0&nbsp;%](choices), one run", "against the mean, 8.05"
    assert shown["effect_loss_average"] == "[none beyond the seeds](choices), one run"
    assert shown["effect_silences"].endswith("one run, other test data")
    assert shown["effect_select_on"] == "not measured"
    page = (paths.checkout() / "book" / "differences.md").read_text(encoding="utf-8")
    assert set(re.findall(r"{{ (\w+) }}", page)) == set(shown)


def test_one_more_run_is_expected_where_it_falls_19_times_of_20():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        *seen, new = rng.normal(8.2, 0.05, size=5)
        low, high = seeds.expected_run(seen)
        hits += low <= new <= high
    assert 0.93 < hits / 2000 < 0.97
    assert seeds.expected_run([8.1, 8.2]) is None


def test_one_seed_has_no_spread():
    scores = frame(rru=[7.7], gru=[8.1], lstm=[], mogrifier=[])
    assert seeds.spread(scores) == ""
