"""What the page on the main results says follows its numbers: the functions of its notebook."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import a_record
from pages import functions_of
from scipy import stats

from rru_nb import figures, load_records, paper_config
from rru_nb.experiments import section, tuning
from rru_nb.experiments.tuning import Search
from rru_nb.training.config import CELL_TITLES
from rru_nb.training.records import as_frame, write_record

CELLS = ["rru", "gru", "lstm", "mogrifier"]
RRU, GRU = [7.7, 7.8, 7.9], [8.1, 8.2, 8.5]


def page_of(cells=CELLS, scale="paper", seeds=(0,)):
    parameters = SimpleNamespace(cells=list(cells), scale=scale, seeds=list(seeds))
    return functions_of(
        "main_results", P=parameters, main=section("main_results"), TITLES=CELL_TITLES
    )


page = page_of()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))


def runs_of(dataset="jsb", **scores):
    """Rows as of `experiments.results`. scores: {cell: [a score a seed, None for a failed]}."""
    rows = [
        {"cell": cell, "seed": seed, "test": np.nan if score is None else score}
        | {"status": "failed" if score is None else "ok", "id": f"{cell}{seed}"}
        for cell, of in scores.items()
        for seed, score in enumerate(of)
    ]
    accuracies = dataset in ("imdb", "mnist")
    runs = pd.DataFrame(rows).assign(dataset=dataset, scale="paper", cut_off=False, command="")
    runs = runs.assign(metric="accuracy" if accuracies else "nll_window")
    return runs.assign(loss=100 - runs.test if accuracies else runs.test)


def every(gated=GRU, dataset="jsb", **others):
    return runs_of(dataset, **(dict.fromkeys(CELLS, gated) | {"rru": RRU} | others))


# The verdict


def test_the_claim_holds_where_the_rru_is_better_than_all_by_welchs_test():
    verdict = page.verdict(every(gated=[8.5, 8.51, 8.52], gru=[8.4, 8.41, 8.45]))
    ps = [
        stats.ttest_ind(gated, RRU, equal_var=False).pvalue
        for gated in ([8.4, 8.41, 8.45], [8.5, 8.51, 8.52], [8.5, 8.51, 8.52])
    ]
    assert verdict.held == "holds" and verdict.dataset == "jsb"
    assert max(ps) <= verdict.p <= 3 * max(ps), "after Holm"
    assert (
        "loss (NLL, mean of windows) 7.800 against 8.420 of the best, GRU: 7.4 % lower"
        in verdict.note
    )
    assert "seeds: 3 of each cell" in verdict.note
    assert "seeds: RRU 3, GRU 2, LSTM 3" in page.verdict(every(gru=[8.4, 8.41])).note
    assert "single seed" not in page.verdict(every(gru=[8.4, 8.41])).note
    assert "a single seed decides nothing" in page.verdict(every(gru=[8.4])).note
    assert "that failed" not in verdict.note
    assert "; without 1 that failed" in page.verdict(every(gru=[8.4, 8.41, None])).note


@pytest.mark.parametrize(
    "others, held",
    [
        ({"gru": [7.1, 7.11, 7.12]}, "does not hold"),
        ({"gru": [7.7, 7.8, 8.0]}, "inconclusive"),
        ({"gru": [8.4]}, "inconclusive"),
        ({"gru": [None, 8.4, None]}, "inconclusive"),
        ({"rru": [7.7]}, "inconclusive"),
    ],
)
def test_one_gated_cell_that_is_not_beaten_decides(others, held):
    verdict = page.verdict(every(gated=[8.5, 8.51, 8.52], **others))
    assert verdict.held == held
    assert (held == "does not hold") == (verdict.p < 0.05)


def test_one_seed_of_each_and_a_missing_run_are_named_as_limits():
    runs = every(gated=[8.0], rru=[7.0])
    assert page.verdict(runs).limits == ("one seed only",)
    runs.loc[runs.cell == "lstm", ["status", "test", "loss"]] = ["missing", np.nan, np.nan]
    verdict = page.verdict(runs)
    assert verdict.limits[0] == "1 of 4 runs is not measured" and verdict.held == "inconclusive"
    nothing = runs.assign(status="missing", test=np.nan, loss=np.nan)
    assert page.verdict(nothing).held == "inconclusive" and page.verdict(nothing).note == ""


def test_of_accuracies_the_errors_are_compared():
    runs = every(gated=[80.0, 80.1, 80.2], rru=[90.0, 90.1, 90.2], dataset="mnist")
    verdict = page.verdict(runs)
    assert verdict.held == "holds"
    assert "error rate 9.900 % against 19.900 %" in verdict.note and "50.3 % lower" in verdict.note


def test_a_page_without_the_rru_has_no_verdict_but_says_so():
    gated = page_of(["gru", "lstm"])
    verdict = gated.verdict(runs_of(gru=GRU, lstm=GRU))
    assert verdict.held == "inconclusive" and verdict.note == ""


# Tables


def test_table_1_has_means_and_deviations_beside_the_papers_numbers():
    table = page.table_1(every(gru=[None, 8.4, 8.6])).loc["jsb"]
    assert list(table.index) == CELLS
    assert list(table.paper) == [7.72, 8.20, 8.33, 8.18]
    assert list(table.seeds) == [3, 2, 3, 3]
    assert list(table["mean"][:2]) == pytest.approx([7.8, 8.5])
    assert table.deviation["rru"] == pytest.approx(0.1)
    assert table["to the paper"]["rru"] == "+1.0 %"
    assert page_of(scale="laptop").table_1(every()).paper.isna().all(), "another scale"


def test_all_seeds_recorded_are_read_and_missing_ones_only_if_asked_for(store):
    for cell, seed in (("rru", 0), ("rru", 3), ("gru", 3)):
        config = paper_config("jsb", cell, seed=seed)
        write_record(a_record(config, test={"nll_window": 8.0 + seed}))
    write_record(a_record(paper_config("jsb", "rru", seed=5, dropout=0.1)))
    runs = page.every_seed("jsb")
    told = set(zip(runs.cell, runs.seed, runs.status))
    measured = {("rru", 0, "ok"), ("rru", 3, "ok"), ("gru", 3, "ok")}
    assert told == measured | {(cell, 0, "missing") for cell in CELLS[1:]}


def test_imdb_by_the_last_script_is_read_and_told_while_table_5s_is_not_measured(store):
    for cell in CELLS:
        config = paper_config("imdb", cell, protocol="final")
        write_record(a_record(config, test={"accuracy": 85.0}, valid={"accuracy": 86.0}))
    runs = page.every_seed("imdb")
    assert list(runs.test) == [85.0] * 4
    assert page.verdict(runs).note.endswith("2M parameters where Table 5 says 20M")
    assert "of the best measured, GRU:" in page.verdict(runs[:2]).note
    one = {"accuracy": 80.0}
    write_record(a_record(paper_config("imdb", "gru"), test=one, valid=one))
    runs = page.every_seed("imdb")
    assert list(runs.test.dropna()) == [80.0] and "2M" not in page.verdict(runs).note


def test_words_products_in_tf32_stand_in_for_a_cell_that_has_no_other_training(store):
    scores = {"test": {"perplexity": 110.0}, "valid": {"perplexity": 112.0}}
    write_record(a_record(paper_config("ptb-word", "lstm", precision="tf32"), **scores))
    runs = page_of(seeds=[0, 1]).every_seed("ptb-word")
    lstm = runs[runs.cell == "lstm"].set_index("seed").command
    assert "tf32" in lstm[0] and "tf32" not in lstm[1], "what is to be trained has its own setting"
    runs = page.every_seed("ptb-word")
    assert list(runs.test.dropna()) == [110.0] and list(runs.cell[runs.status == "ok"]) == ["lstm"]
    write_record(a_record(paper_config("ptb-word", "rru"), **scores))
    assert page.verdict(page.every_seed("ptb-word")).note.endswith("products in TF32")
    write_record(a_record(paper_config("ptb-word", "lstm"), **scores))
    assert "TF32" not in page.verdict(page.every_seed("ptb-word")).note


def test_figures_7_and_8_are_at_full_size_where_every_cell_is_measured_there(store):
    page = page_of()
    page.P.also_scale = "laptop"
    scores = {"test": {"accuracy": 85.0}, "valid": {"accuracy": 86.0}}
    for cell in CELLS:
        assert list(page.largest_measured("imdb").scale.unique()) == ["laptop"]
        write_record(a_record(paper_config("imdb", cell, protocol="final"), **scores))
    assert {*page.largest_measured("chorales").scale} == {"laptop"}, "the paper does not have it"
    full = page.largest_measured("imdb")
    assert list(full.scale) == ["paper"] * 4 and list(full.status) == ["ok"] * 4


def test_each_score_links_to_its_record_and_what_has_none_says_why():
    runs = runs_of(rru=[7.7, None], gru=[8.1])
    table = page.by_seed(runs)
    assert list(table.RRU) == [
        '<a href="../book/records.html#rru0">7.700</a>',
        '<a href="../book/records.html#rru1">failed</a>',
    ]
    assert table.GRU[1] == "", "the GRU has one seed"


def test_a_p_value_is_told_before_it_is_rounded():
    rru, gru = [7.7, 7.72, 7.75], [8.0, 8.03, 8.06]
    table = page.tests_table({"jsb": runs_of(rru=rru, gru=gru)})
    p = stats.ttest_ind(gru, rru, equal_var=False).pvalue
    assert 1e-4 < p < 5e-4 and list(table.p) == [f"p = {p:.2g}"], "three decimals leave nothing"
    assert list(table.difference) == [0.307]


# Figures


def test_each_seed_is_a_point_with_a_link_beside_the_papers_ring(monkeypatch):
    monkeypatch.setattr(figures, "show", lambda *arguments: None)
    runs = pd.concat([every(gru=[8.1, None]), every(dataset="imdb")], ignore_index=True)
    page.draw(runs)
    first, second = plt.gcf().axes
    points, rings = first.collections[0::2], first.collections[1::2]
    assert [[x for x, _ in ring.get_offsets()] for ring in rings] == [[7.72], [8.2], [8.33], [8.18]]
    assert [x for x, _ in points[0].get_offsets()] == RRU
    links = [url.partition("|")[0] for url in points[0].get_urls()]
    assert links == [f"../book/records.html#rru{seed}" for seed in range(3)]
    crosses = [line for line in first.lines if len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in crosses] == [[-1]], "the GRU's row"
    assert [text.get_text() for text in first.get_yticklabels()] == [CELL_TITLES[c] for c in CELLS]
    assert second.get_xlabel() == "test accuracy in %"
    plt.close()


# Convergence


def curves(store, metric="nll_window", dataset="nottingham", **by_cell):
    for cell, curve in by_cell.items():
        config = paper_config(dataset, cell)
        scores = epochs(*curve, metric=metric)
        best = {"best_epoch": len(curve), "test": {metric: 1.0}, "valid": {metric: 1.0}}
        write_record(a_record(config, epochs=scores, **best))
    return load_records(dataset=dataset)


def test_convergence_names_the_first_epoch_ahead_of_every_gated_cell(store):
    records = curves(store, rru=[9.0, 8.5, 7.9, 8.2], gru=[9.0, 8.4, 8.0], lstm=[9.5, 8.1])
    assert page.first_ahead(records) == (3, 4)
    assert page.convergence(records) == [
        "In epoch 3 of 4 the RRU first gets ahead of the best epoch of all gated cells",
        "The RRU's own best epoch is 4, those of others: GRU 3, LSTM 2",
        "The RRU took 30 s to the end of epoch 3, others to their best epochs: GRU 30 s, LSTM 20 s",
    ]
    records.at[0, "device"] = {"cpu": "another"}
    assert len(page.convergence(records)) == 2, "their seconds do not compare"
    assert page.convergence(records[records.cell != "rru"]) == []
    assert page.convergence(records[records.cell == "rru"]) == []
    records = curves(store, mogrifier=[7.9])
    assert page.first_ahead(records) == (None, 4)
    assert page.convergence(records)[0].startswith("In its 4 epochs the RRU never")
    assert page.convergence(records[:0]) == []


def test_of_accuracies_the_higher_is_ahead(store):
    records = curves(store, "accuracy", "imdb", rru=[60.0, 90.0], gru=[60.0, 80.0])
    assert page.first_ahead(records) == (2, 2)


# The curves


def run_of(name, cell, **outcome):
    return a_record(paper_config(name, cell), **outcome)


def epochs(*scores, metric="nll_window"):
    return [{"epoch": i, "seconds": 10, f"valid_{metric}": s} for i, s in enumerate(scores, 1)]


def drawn(*records, metric="nll_window"):
    frame = as_frame(list(records))
    name = frame.dataset.iloc[0]
    return page.draw_curves({name: frame}, {name: metric}).axes[0]


def test_failed_trainings_are_curves_too():
    failure = {"status": "failed", "failure": {"epoch": 3}, "test": {}, "valid": {}}
    ax = drawn(
        run_of("jsb", "rru", epochs=epochs(9.0, 8.0), best_epoch=2),
        run_of("jsb", "gru", epochs=epochs(9.5, 9.0), **failure),
        run_of("jsb", "lstm", epochs=[], best_epoch=None, **failure),
    )
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["RRU", "GRU, failed in epoch 3", "LSTM, failed in epoch 3"]


def test_curves_of_accuracies_cut_off_the_low_end():
    scores = epochs(*([10.0] + [90.0 + i for i in range(10)]), metric="accuracy")
    run = run_of("mnist", "gru", epochs=scores, best_epoch=11)
    low, high = drawn(run, metric="accuracy").get_ylim()
    assert low == 90.0 and high > 99.0


def test_each_dataset_has_its_own_axes_and_metric():
    scores = epochs(9.0, 8.0), epochs(90.0, 95.0, metric="accuracy")
    by_dataset = {
        name: as_frame([run_of(name, "rru", epochs=of, best_epoch=2)])
        for name, of in zip(("jsb", "mnist"), scores, strict=True)
    }
    metrics = {"jsb": "nll_window", "mnist": "accuracy"}
    axes = page.draw_curves(by_dataset, metrics).axes
    titles = ["JSB Chorales, scale paper", "Sequential MNIST, scale paper"]
    assert [ax.get_title() for ax in axes] == titles
    assert [ax.lines[-1].get_ydata()[-1] for ax in axes] == [8.0, 95.0]
    numbers = page.by_epoch(pd.concat(by_dataset.values()))
    assert list(numbers.dataset) == ["jsb", "jsb", "mnist", "mnist"]
    assert set(numbers.cell) == {"rru"} and "valid_nll_window" in numbers


# The search


def test_the_search_shows_every_trial_and_the_best_so_far():
    trials = trials_of(gru=[(9.0, 9.5), None, (8.0, 8.5)]).assign(id=list("abc"))
    figure = page.draw_search(trials, ["learning_rate"])
    assert list(figure.axes[0].lines[0].get_ydata()) == [9.0, 8.0]
    points, ring = figure.axes[1].collections
    assert list(points.get_offsets()[:, 0]) == [0.001, 0.003]
    assert [url.partition("|")[0] for url in points.get_urls()] == [
        figures.address([name]) for name in "ac"
    ]
    said = [url.rpartition(" ")[2] for url in points.get_urls()]
    assert said == ["9.000", "8.000"], "the validation scores, as on the axis"
    assert list(ring.get_offsets()[:, 0]) == [0.003]


def trials_of(**trials):
    """trials: {cell: [(valid, test), None for a failed one]}."""
    rows = [
        {"dataset": "jsb", "cell": cell, "trial": number, "metric": "nll_window"}
        | {"status": "ok" if pair else "failed", "learning_rate": number / 1000}
        | {"cut_off": number == 2}
        | dict(zip(("valid", "test"), pair or (None, None)))
        for cell, of in trials.items()
        for number, pair in enumerate(of, 1)
    ]
    return pd.DataFrame(rows)


def test_the_search_reports_the_choice_by_validation_and_what_choosing_by_test_would():
    trials = trials_of(rru=[(8.0, 8.5), (7.9, 8.6), None], gru=[(8.2, 8.1)])
    table = page.search_table(trials)
    assert list(table.trials) == [3, 1] and list(table.failed) == [1, 0]
    assert list(table["cut off"]) == [1, 0]
    assert list(table["test, best by valid"]) == [8.6, 8.1]
    assert list(table["test, best by test"]) == [8.5, 8.1]


def test_tuned_values_stand_beside_those_of_table_4():
    ranges = {"learning_rate": None}
    search = SimpleNamespace(dataset="jsb", cell="rru", scale="paper", ranges=lambda: ranges)
    table = page.tuned_table(trials_of(rru=[(8.0, 8.5), (7.9, 8.6)]), [search])
    assert table.loc[("RRU", "learning_rate"), "best trial"] == 0.002
    paper = paper_config("jsb", "rru").learning_rate
    assert table.loc[("RRU", "learning_rate"), "without a search"] == paper


def test_each_cells_best_trial_is_trained_again_with_other_seeds(store):
    page = page_of()
    page.P.train, page.P.n_trials, page.P.engine = False, 0, "local"
    searches = [Search("jsb", cell, "laptop") for cell in ("rru", "mogrifier")]
    for search, own in zip(searches, ({"hidden_multiplier": 2.0}, {"rounds": 5, "rank": 50})):
        for rate, loss in ((1e-3, 9.0), (3e-3, 8.0), (1e-2, 8.5)):
            values = {"learning_rate": rate, "dropout": 0.3, "n_params": 400_000} | own
            config = search.config(values)
            by_test = {"nll_window": 17.0 - loss}  # which would choose another
            write_record(a_record(config, valid={"nll_window": loss}, test=by_test))
            search.add({"id": config.id, "values": values, "loss": loss})
    again = Search("jsb", "mogrifier", "laptop", seed=2).config(searches[1].trials()[1]["values"])
    write_record(a_record(again, test={"nll_window": 8.8}, valid={"nll_window": 8.0}))
    runs = page.tuned_again(tuning.trials_frame(searches), searches)
    assert list(zip(runs.cell, runs.seed)) == [
        (cell, seed) for cell in ("rru", "mogrifier") for seed in range(1, 5)
    ], "not the trial itself"
    assert list(runs.test.dropna()) == [8.8]
    assert list(runs.status == "missing") == [True] * 5 + [False, True, True]
    assert "--set learning_rate=0.003" in runs.command[0] and "--seed 1" in runs.command[0]
    assert page.verdict(runs, "Another claim.").claim == "Another claim."


def epochs_of(*losses):
    return [{"epoch": n + 1, "valid_nll_window": loss} for n, loss in enumerate(losses)]


def test_an_rru_is_ahead_when_it_passes_every_gated_training(store):
    P = SimpleNamespace(cells=["rru", "gru"], scale="paper")
    page = functions_of("main_results", P=P)
    configs = []

    def record(cell, seed, best_epoch, *losses):
        config = paper_config("jsb", cell, seed=seed)
        write_record(a_record(config, epochs=epochs_of(*losses), best_epoch=best_epoch))
        configs.append(config)
        return page.when_ahead(pd.DataFrame({"id": [one.id for one in configs]}))

    assert record("rru", 0, 3, 9.0, 8.0, 7.0).empty, "no gated cell"
    assert record("gru", 0, 1, 8.5, 8.6).loc["JSB Chorales", "RRU ahead in epoch"] == "2"
    table = record("gru", 1, 2, 9.0, 8.0)  # a second seed, which is better
    assert table.loc["JSB Chorales", "RRU ahead in epoch"] == "3"
    assert table.loc["JSB Chorales", "best epoch: GRU"] == "1 to 2"
    table = record("rru", 1, 1, 8.0)  # no better than the GRU
    assert table.loc["JSB Chorales", "RRU ahead in epoch"] == "3, never"
    assert table.loc["JSB Chorales", "best epoch: RRU"] == "1 to 3"


def test_time_steps_are_averaged_over_seeds_where_all_cells_are_measured(store):
    P = SimpleNamespace(cells=["rru", "gru"], scale="paper")
    page = functions_of("main_results", P=P)
    configs = []
    for name, cell, seed, loss in [
        ("jsb", "rru", 0, 7.0),
        ("jsb", "rru", 1, 8.0),
        ("jsb", "gru", 0, 10.0),
        ("nottingham", "rru", 0, 3.0),
    ]:
        configs.append(paper_config(name, cell, seed=seed))
        write_record(a_record(configs[-1], test={"nll_window": 1.0, "nll_frame": loss}))
    table = page.over_time_steps(pd.DataFrame({"id": [config.id for config in configs]}))
    assert list(table.index) == ["JSB Chorales"]
    row = table.loc["JSB Chorales"]
    assert ">7.500</a>" in row["RRU"] and ">10.000</a>" in row["GRU"]
    assert (row["best gated cell"], row["RRU lower by, %"]) == ("GRU", "25.0")
