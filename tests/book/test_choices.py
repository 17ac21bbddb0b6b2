"""The implementation details, one change each, beside the seeds of the unchanged run."""

import re

import pytest
from helpers import a_record

from book.tools import choices, generate
from rru_nb.storage import paths
from rru_nb.training.config import paper_config
from rru_nb.training.records import write_record


def test_each_choice_changes_what_it_says_and_nothing_else():
    configs = choices.choice_configs()
    assert configs.pop("unchanged") == paper_config("jsb", "rru")
    for title, config in configs.items():
        assert set(config.differences) == set(choices.CHOICES[title]), title


def test_every_seed_of_the_own_setting_is_there_and_no_other_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    assert choices.of_each_seed().empty
    for score, config in (
        (7.7, paper_config("jsb", "rru", seed=3)),
        (7.9, paper_config("jsb", "rru", seed=8)),
        (7.0, paper_config("jsb", "rru", seed=5, dropout=0.1)),
        (7.0, paper_config("jsb", "gru", seed=3, scale="laptop")),
    ):
        write_record(a_record(config, test={"nll_window": score}))
    assert choices.of_each_seed().to_dict() == {3: 7.7, 8: 7.9}


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
    assert "interval 7.692 to 8.408), 1 is." in said


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
    assert told.what[""] == "unchanged, mean of 3 seeds"
    assert told.nll_window[""] == pytest.approx(8.05)
    assert dict(told.beyond_seeds) == {
        "": "",
        "optimizer": "better",
        "residual_speed": "",
        "silences": "",
        "clip_multiplier": "worse",
        "loss_average": "no",
        "score_average": "",
        "select_on": "",
    }
    shown = generate.substitutions()
    assert shown["effect_optimizer"] == "[−13.0&nbsp;%](choices), one run", "against the mean, 8.05"
    assert shown["effect_loss_average"] == "[none beyond the seeds](choices), one run"
    assert shown["effect_silences"].endswith("one run, other test data")
    assert shown["effect_select_on"] == "–"
    page = (paths.checkout() / "book" / "differences.md").read_text(encoding="utf-8")
    assert set(re.findall(r"{{ (\w+) }}", page)) == set(shown)


def test_the_authors_average_may_choose_another_epoch(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    assert choices.count_other_epochs() == "–"
    by_window = [3.0, 2.0, 1.9, 2.1, 1.8, 2.0, 2.0]  # the fifth is the best, two more pass
    by_batches = {
        "jsb": [3.0, 2.0, 1.9, 2.1, 1.8, 2.0, 2.0],
        "nottingham": [3.0, 1.9, 2.0, 2.0, 1.0, 2.0, 2.0],  # stops at the fourth, before the fifth
        "musedata": None,  # an old record
    }
    for dataset, losses in by_batches.items():
        epochs = [{"epoch": i, "valid_nll_window": w} for i, w in enumerate(by_window, 1)]
        for epoch, loss in zip(epochs, losses or []):
            epoch["valid_nll_batches"] = loss
        config = paper_config(dataset, "rru", patience=2)
        write_record(a_record(config, epochs=epochs, best_epoch=5, test={"nll_window": 1.0}))
    assert choices.count_other_epochs() == (
        "another epoch in 1 of 2 trainings of music at full size"
    )


def test_what_the_authors_average_makes_of_the_test_losses(monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    same = [{"epoch": i, "valid_nll_window": w} for i, w in enumerate((2.0, 1.5, 1.6), 1)]
    same = [epoch | {"valid_nll_batches": epoch["valid_nll_window"]} for epoch in same]
    other = [same[0] | {"valid_nll_batches": 1.0}, *same[1:]]

    def measured(seed, loss, epochs=other, **change):
        config = paper_config("jsb", "gru", seed=seed, **change)
        test = {"nll_window": 9.0, "nll_batches": loss}
        write_record(a_record(config, epochs=epochs, best_epoch=2, test=test))

    measured(0, 8.0)
    measured(1, 5.0)
    measured(0, 7.92, score_average="batches")
    alone = "another epoch in 2 of 2 trainings of music at full size"
    assert choices.count_other_epochs() == alone, "one is no span"
    measured(1, 5.2, score_average="batches")
    measured(2, 5.2, score_average="batches")  # without its twin
    measured(3, 5.2, score_average="batches", patience=20)
    told = "; 2 of them trained so: test losses −1.0 to +4.0 %, in the mean +1.5 %, "
    assert choices.count_other_epochs() == alone + told + "none beyond the seeds"
    measured(1, 8.1)
    measured(3, 8.2, epochs=same)  # 8.1 ± 4.3 · 0.1 · sqrt(4 / 3)
    measured(3, 9.0, score_average="batches")  # of a seed with the same epoch
    told = choices.count_other_epochs()
    assert told.startswith("another epoch in 2 of 3 ") and "; 2 of them trained so" in told
    assert told.endswith(", 1 beyond the seeds")
