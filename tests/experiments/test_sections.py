"""Sections: the paper's grids as data, the order to run them in, records beside the grid."""

from dataclasses import replace

import attrs
import keras
import numpy as np
import pytest
from helpers import a_record

from rru_nb import UserError, paper_config
from rru_nb.analysis import findings
from rru_nb.analysis.section_tables import run_summary
from rru_nb.cli import main
from rru_nb.experiments import SECTIONS, results, section
from rru_nb.experiments.baselines import baseline
from rru_nb.experiments.sweep import by_usefulness
from rru_nb.layers.sizes import dense_parameters
from rru_nb.tasks import task_for
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import output_features, recurrent_parameters
from rru_nb.training.config import command
from rru_nb.training.records import write_record


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))


def points(name, dataset="nottingham", scale="laptop", **options):
    return section(name).points(dataset, scale=scale, **options)


def first_weights(config):
    keras.utils.set_random_seed(config.seed)
    model = task_for(config).network(8)
    return {variable.path.partition("/")[2]: variable for variable in model.trainable_variables}


def test_variants_of_a_seed_start_from_the_same_weights():
    """So that their differences to the RRU may be taken in pairs, seed by seed."""
    points = section("ablation").points("chorales", scale="smoke", seeds=[3])
    configs = {point.coordinates["variant"]: point.config for point in points}
    rru = first_weights(configs.pop("rru"))
    for name, config in configs.items():
        mine = first_weights(config)
        changed = {
            "constant_start": {"rru_cell/residual_logits"},
            "scalar_rezero": {"rru_cell/rezero_scale"},
            "identity": {"kernel"},  # of the layer after: there is no draw for S' before it
        }.get(name, set())
        same = rru.keys() & mine.keys() - changed
        assert len(same) >= len(rru) - 2
        for path in same:
            np.testing.assert_array_equal(rru[path], mine[path], err_msg=f"{name}: {path}")


def test_every_grid_of_words_has_the_score_of_the_answer_without_input():
    """It depends on the vocabulary, which a section may make smaller."""
    for name in (name for name in SECTIONS if "ptb-word" in section(name).datasets):
        for config in section(name).runs("ptb-word", scale="laptop"):
            assert np.isfinite(baseline(config)), (name, config.vocabulary_size)


# The paper's grids


@pytest.mark.parametrize("dataset, low, high", [("nottingham", 1, 15), ("ptb-word", 10, 30)])
def test_robustness_has_the_papers_grid(dataset, low, high):
    grid = section("robustness").grid(dataset, "paper")
    rates, sizes = np.array(grid["learning_rate"]), np.array(grid["n_params"]) / 1e6
    assert len(rates) == len(sizes) == 10
    # Appendix A.2: ten values in logarithmic and in uniform scale, rounded as printed.
    assert np.allclose(rates, np.geomspace(1e-4, 1e-2, 10), rtol=0, atol=0.5e-4)
    assert np.allclose(sizes, np.linspace(low, high, 10), atol=0.06)
    configs = section("robustness").runs(dataset, scale="paper")
    assert len({c.id for c in configs}) == 400
    assert {c.dropout for c in configs} == {0.5}
    assert {c.hidden_multiplier for c in configs if c.cell == "rru"} == {2.0}
    allowed = {"learning_rate", "n_params", "dropout", "hidden_multiplier"}
    allowed |= {"forget_bias", "rounds", "rank"}
    assert all(set(c.differences) <= allowed for c in configs), "no other setting is touched"


def test_nothing_that_was_tuned_is_left_in_the_untuned_grids():
    """Each cell's own setting is one for all data, not what tuning found for this one."""
    tuned = {
        name: {getattr(paper_config("nottingham", cell), name)}
        for cell, name in (("lstm", "forget_bias"), ("mogrifier", "rank"))
    }
    for name in ("robustness", "dropout"):
        configs = section(name).runs("nottingham", scale="paper")
        for setting, values in tuned.items():
            here = {getattr(c, setting) for c in configs} - {None}
            assert len(here) == 1 and here != values


def test_what_a_scale_says_of_a_cell_replaces_what_the_section_says():
    found = section("robustness")
    for name, cell, wanted in (
        ("rank", "mogrifier", {"paper": 40, "laptop": 10, "smoke": 4}),
        ("hidden_multiplier", "rru", {"paper": 2.0, "laptop": 2.0, "smoke": 1.0}),
    ):
        for scale, value in wanted.items():
            configs = found.runs("nottingham", [cell], scale)
            assert {getattr(config, name) for config in configs} == {value}, (name, scale)


def test_dropout_has_ten_rates_and_the_papers_sizes():
    configs = section("dropout").runs("nottingham", scale="paper")
    assert sorted({c.dropout for c in configs}) == [round(0.1 * i, 1) for i in range(10)]
    assert {(c.n_params, c.learning_rate) for c in configs} == {(5_000_000, 1e-3)}
    of_characters = section("dropout").runs("ptb-char", ["rru"], "paper")
    assert {frozenset(c.differences) for c in of_characters} == {
        frozenset(["dropout"]),
        frozenset(),
    }


def test_ablation_has_the_five_variants_of_table_2():
    runs = {p.coordinates["variant"]: p.config for p in points("ablation", scale="paper")}
    assert [set(c.differences) for c in runs.values()] == [
        set(),
        {"normalize"},
        {"rezero"},
        {"relu_outputs"},
        {"residual"},
        {"residual"},
    ]
    assert (runs["identity"].residual, runs["constant_start"].residual) == ("identity", 0.95)
    for dataset, numbers in section("ablation").declared["published"].items():
        assert len(numbers) == 6, dataset
    assert {c.dropout for c in section("ablation").runs("ptb-char", scale="paper")} == {0.3}


def test_normalization_is_the_robustness_grid_twice():
    with_it = [p.config.id for p in points("normalization") if p.coordinates["normalize"]]
    assert with_it == [c.id for c in section("robustness").runs("nottingham", ["rru"])]
    without = [p.config for p in points("normalization") if not p.coordinates["normalize"]]
    assert len(without) == len(with_it) and not any(c.normalize for c in without)


# Choices and mistakes


def test_axes_cells_and_seeds_can_be_chosen():
    chosen = points("dropout", cells=["GRU"], seeds=[3, 4], dropout=[0.25])
    assert [(p.config.cell, p.config.seed, p.config.dropout) for p in chosen] == [
        ("gru", 3, 0.25),
        ("gru", 4, 0.25),
    ]
    assert chosen[0].coordinates == {"dropout": 0.25}


@pytest.mark.parametrize(
    "name, options, fragments",
    [
        ("dropout", {"rates": [0.1]}, ["'rates'", "'dropout'"]),
        ("dropout", {"dropout": 0.1}, ["dropout = 0.1", "list"]),
        ("dropout", {"dropout": [1.5]}, ["1.5"]),
        ("dropout", {"dataset": "imdb"}, ["'imdb'", "nottingham"]),
        ("ablation", {"variant": ["no_normalisation"]}, ["'no_normalization'"]),
        ("ablation", {"cells": ["gru"]}, ["'gru'", "'rru'"]),
    ],
)
def test_mistakes_name_the_fix(name, options, fragments):
    with pytest.raises(UserError) as error:
        points(name, **options)
    for fragment in fragments:
        assert fragment in str(error.value)


def test_an_unknown_section_names_the_nearest(capsys):
    assert main(["sweep", "robustnes", "--dataset", "jsb"]) == 2
    assert "'robustness'" in capsys.readouterr().err


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("scale", ["paper", "laptop", "smoke"])
def test_every_budget_is_large_enough_for_its_model(name, scale):
    for config in section(name).runs("nottingham", scale=scale):

        def size(n, c=config):
            return recurrent_parameters(c, n, 88) + dense_parameters(output_features(c, n), 88)

        # A state of eight: less would be no model to compare.
        assert units_within(size, config.n_params) >= 8, config


@pytest.mark.parametrize("name", SECTIONS)
def test_the_command_of_a_run_makes_that_run(name, monkeypatch):
    """What a page prints for a missing run has to fill exactly that run."""
    from rru_nb.training import trainer as training

    asked = []

    def run(config, progress):
        asked.append(config)
        raise UserError("enough")

    monkeypatch.setattr(training, "run", run)
    configs = section(name).runs("nottingham", scale="laptop")
    for config in configs[:: max(1, len(configs) // 5)]:
        assert main(command(config).split()[1:]) == 2
        assert asked.pop().id == config.id


# Order


def test_corners_come_first_then_the_farthest_places():
    found = section("robustness")
    rates, sizes = (found.grid("ptb-word", "paper")[axis][::3] for axis in found.axes)
    axes = {"learning_rate": rates, "n_params": sizes}
    points = found.points("ptb-word", **axes)
    order = by_usefulness(points, axes)
    assert sorted(p.config.id for p in order) == sorted(p.config.id for p in points)
    places = [tuple(axes[a].index(v) for a, v in p.coordinates.items()) for p in order]
    assert [p.config.cell for p in order[:4]] == ["rru", "gru", "lstm", "mogrifier"]
    assert set(places[:16]) == {(0, 0), (0, 3), (3, 0), (3, 3)}, "corners, four cells each"
    # A quarter of the sweep leaves no place farther than two steps from a measured one.
    for x in range(4):
        for y in range(4):
            near = min(max(abs(x - a), abs(y - b)) for a, b in places[: len(places) // 4 + 8])
            assert near <= 2


def test_between_the_ends_of_an_axis_its_middle_comes_first():
    rates = [0.0, 0.1, 0.2, 0.7, 0.8]
    found = section("dropout").points("nottingham", ["rru"], dropout=rates)
    order = by_usefulness(found, {"dropout": rates})
    assert [rates.index(point.coordinates["dropout"]) for point in order[:3]] == [0, 4, 2]


def test_all_seeds_zero_come_before_any_seed_one_and_switches_stay_together():
    order = by_usefulness(
        points("ablation", seeds=[1, 0]), section("ablation").grid("jsb", "paper")
    )
    assert [p.config.seed for p in order] == [0] * 6 + [1] * 6
    found = section("normalization")
    order = by_usefulness(found.points("nottingham"), found.grid("nottingham", "laptop"))
    pairs = list(zip(order[::2], order[1::2]))
    assert all(a.config.learning_rate == b.config.learning_rate for a, b in pairs)
    assert all(a.config.normalize != b.config.normalize for a, b in pairs)


# Results


def test_results_have_a_row_for_each_point_measured_or_not():
    chosen = points("dropout", cells=["rru", "gru"], dropout=[0.0, 0.5])
    chosen = [replace(p, config=attrs.evolve(p.config, max_epochs=4)) for p in chosen]
    first, failed, best = (p.config for p in chosen[:3])
    epochs = [{"epoch": i, "valid_nll_window": 9.0} for i in range(1, 5)]
    write_record(a_record(first, best_epoch=4, epochs=epochs))
    failure = {"epoch": 3, "step": 1}
    write_record(a_record(failed, status="failed", failure=failure, test={}, valid={}))
    scores = {"nll_window": 3.0, "nll_frame": 3.1}  # epoch 2 was the last one because 3 failed
    write_record(a_record(best, failure=failure, best_epoch=2, epochs=epochs[:2], test=scores))
    frame = results(section("dropout"), chosen)
    assert list(frame.status) == ["ok", "failed", "ok", "missing"]
    assert list(frame.dropout) == [0.0, 0.0, 0.5, 0.5] and list(frame.test[[0, 2]]) == [8.0, 3.0]
    assert frame.test[[1, 3]].isna().all() and frame.best_epoch[[1, 3]].isna().all()
    assert list(frame.at_limit) == [True, False, False, False], "the best epoch was the last"
    assert frame.command[3] == command(chosen[3].config)


def test_results_without_any_record():
    frame = results(section("ablation"), points("ablation"))
    assert set(frame.status) == {"missing"} and len(frame) == 18


@pytest.mark.parametrize(
    ("name", "asked", "options"),
    [
        ("dropout", {}, ""),
        ("dropout", {"cells": ["gru", "rru"]}, " --cells gru,rru"),
        ("ablation", {"seeds": [0, 3]}, " --seeds 0,3"),
        ("dropout", {"cells": ["lstm"], "seeds": [1]}, " --cells lstm --seeds 1"),
        ("dropout", {"dropout": [0.15]}, None),
        ("ablation", {"variant": ["rru"]}, None),
    ],
)
def test_the_sweep_that_a_page_names_measures_what_it_asked_for(name, asked, options, monkeypatch):
    """Read back by the command line itself."""
    said = findings.missing_points(results(section(name), points(name, **asked)))
    sweep = f"rru-nb sweep {name} --dataset nottingham --scale laptop"
    if options is None:
        assert "sweep" not in said and "To measure them, one by one" in said
        return
    assert f"`{sweep}{options}`" in said
    swept = []
    monkeypatch.setattr(
        "rru_nb.experiments.sweep.sweep", lambda *arguments, say: swept.append(arguments)
    )
    assert main(f"{sweep}{options}".split()[1:]) == 0
    ((found, dataset, scale, cells, seeds, _),) = swept
    measured = found.runs(dataset, cells, scale, seeds)
    assert {c.id for c in measured} == {p.config.id for p in points(name, **asked)}


def test_the_box_of_what_was_run_has_a_column_for_each_dataset():
    ablation = section("ablation")
    device = {"gpu": None, "cpu": "a chip", "cores": 1}
    versions, commit = {"python": "3.11.7"}, {"sha": "0123456789abc", "dirty": True}
    for point, seconds in zip(points("ablation", seeds=[0, 3]), (1800.0, 3600.0)):
        record = a_record(point.config, device=device, versions=versions, commit=commit)
        write_record(record | {"seconds": seconds})
    frames = [
        results(ablation, points("ablation", name, seeds=[0, 3])) for name in ("nottingham", "imdb")
    ]
    box = run_summary(*frames)
    assert list(box.index)[:2] == ["runs", "seeds"] and list(box.index)[-1] == "commits"
    assert box["Nottingham, scale laptop"].to_dict() == {
        "runs": "2 of 12, none failed",
        "seeds": "0, 3",
        "measured (UTC)": "2026-01-01",
        "time of all trainings": "1.5 h",
        "device": "a chip, 1 core",
        "versions": "python 3.11.7",
        "commits": "0123456789 and changes",
    }
    unmeasured = box["Sentiment analysis IMDB, scale laptop"]
    assert unmeasured["runs"] == "0 of 12" and unmeasured["device"] == ""
