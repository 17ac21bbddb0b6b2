"""Table 1 says what the records say, and nothing where there is no record."""

import pytest
from helpers import a_record

from rru_nb import paper_config
from rru_nb.analysis import tables
from rru_nb.experiments import results as results_of
from rru_nb.experiments import section
from rru_nb.training.config import command
from rru_nb.training.records import write_record


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    device = {"gpu": None, "cpu": "a processor", "cores": 2}
    commit = {"sha": "0123456789abcdef", "dirty": False}
    origin = {"device": device, "commit": commit, "versions": {"tensorflow": "2"}}
    for seed, score in ((0, 7.0), (1, 9.0)):
        scores = {"nll_window": score, "nll_frame": score + 0.5}
        config = paper_config("jsb", "rru", seed=seed)
        write_record(a_record(config, test=scores, **origin))
    changed = paper_config("jsb", "rru", dropout=0.5)
    write_record(a_record(changed, test={"nll_window": 1.0, "nll_frame": 1.0}, **origin))
    smoke = paper_config("jsb", "gru", scale="smoke")
    write_record(a_record(smoke, test={"nll_window": 2.0, "nll_frame": 2.0}, **origin))
    failed = paper_config("jsb", "lstm")
    failure = {"epoch": 4, "step": 2, "loss": "nan"}
    write_record(a_record(failed, status="failed", failure=failure, test={}, valid={}, **origin))


def row(table, dataset, cell):
    (found,) = table[(table.dataset == dataset) & (table.cell == cell)].itertuples()
    return found


def test_table_1_averages_seeds_and_never_mixes_settings_or_scales():
    table = tables.table_1()
    assert len(table) == 44
    rru = row(table, "jsb", "rru")
    assert (rru.paper, rru.measured, rru.low, rru.high, rru.runs) == (7.72, 8.0, 7.0, 9.0, 2)
    assert rru.difference_percent == pytest.approx(100 * (8.0 / 7.72 - 1))
    assert row(table, "jsb", "gru").runs == 0, "a smoke run is no measurement at paper scale"
    assert row(table, "jsb", "lstm").runs == 0, "a failed run has no score"
    assert row(tables.table_1(scale="smoke"), "jsb", "gru").measured == 2.0
    assert row(tables.table_1(seeds=[1]), "jsb", "rru").measured == 9.0


def test_accuracies_differ_from_the_papers_by_their_errors():
    write_record(a_record(paper_config("imdb", "rru"), test={"accuracy": 80.0}))
    rru = row(tables.table_1("imdb"), "imdb", "rru")
    assert rru.difference_percent == pytest.approx(100 * (20.0 / (100 - rru.paper) - 1))
    assert rru.difference_percent > 50, "half as many errors again, though 80 % is near"


def test_a_run_in_tf32_stands_for_a_cell_that_has_no_other():
    in_tf32 = {"precision": "tf32"}
    for seed, changes, score in (
        (0, in_tf32, 100.0),
        (1, in_tf32, 110.0),
        (0, in_tf32 | {"dropout": 0.1}, 1.0),
        (0, {"precision": "bfloat16"}, 2.0),
    ):
        config = paper_config("ptb-word", "gru", seed=seed, **changes)
        write_record(a_record(config, test={"perplexity": score}))
    gru = row(tables.table_1(), "ptb-word", "gru")
    assert (gru.scores, gru.stands_in) == ([100.0, 110.0], "tf32")
    write_record(a_record(paper_config("ptb-word", "gru", seed=2), test={"perplexity": 90.0}))
    gru = row(tables.table_1(), "ptb-word", "gru")
    assert (gru.scores, gru.stands_in) == ([90.0], ""), "a mean never mixes the two"


def test_imdb_by_the_last_script_stands_in_only_while_no_cell_has_another():
    for cell, changes, score in (
        ("rru", {}, 87.0),
        ("gru", {}, 86.0),
        ("gru", {"dropout": 0.1}, 99.0),
    ):
        config = paper_config("imdb", cell, protocol="final", **changes)
        assert config.n_params == 2_000_000
        write_record(a_record(config, test={"accuracy": score}))
    table = tables.table_1("imdb")
    assert [list(scores) for scores in table.scores] == [[87.0], [86.0], [], []]
    assert list(table.stands_in) == ["final", "final", "", ""]
    write_record(a_record(paper_config("imdb", "lstm"), test={"accuracy": 80.0}))
    table = tables.table_1("imdb")
    assert [list(scores) for scores in table.scores] == [[], [], [80.0], []], "no row mixes sizes"


def test_a_row_has_the_authors_average_only_where_all_its_records_have_it():
    for cell, batches in (("rru", 3.0), ("gru", 4.0)):
        test = {"nll_window": 3.5, "nll_batches": batches}
        write_record(a_record(paper_config("nottingham", cell), test=test))
    table = tables.table_1("nottingham")
    assert set(table.metric) == {"nll_batches"}
    assert list(table.measured[:2]) == [3.0, 4.0]
    write_record(a_record(paper_config("nottingham", "lstm"), test={"nll_window": 3.75}))
    table = tables.table_1("nottingham")
    assert set(table.metric) == {"nll_window"} and list(table.measured[:3]) == [3.5, 3.5, 3.75]
    assert set(tables.table_1("nottingham", cells=["rru", "gru"]).metric) == {"nll_batches"}


def test_the_command_measures_that_run():
    config = paper_config("jsb", "rru", scale="smoke", seed=2, dropout=0.5)
    assert command(config) == (
        "rru-nb run --dataset jsb --cell rru --scale smoke --seed 2 --set dropout=0.5"
    )
    by_script = paper_config("imdb", "rru", protocol="final", dropout=0.25)
    assert command(by_script) == (
        "rru-nb run --dataset imdb --cell rru --set protocol=final --set dropout=0.25"
    )


def test_hyphens_before_numbers_turn_into_minus_signs_and_no_others():
    assert tables.minus("-0.5 to -.2 (-3 %)") == "−0.5 to −.2 (−3 %)"
    same = "2026-11-25, --set x=-1, 1e-4, a-1 <i>- 5</i>"
    assert tables.minus(same) == same
    assert tables.minus("<td>-1</td>") == "<td>−1</td>"


def test_results_have_the_authors_average_only_where_all_records_have_it():
    main = section("main_results")
    for cell in ("rru", "gru"):
        scores = {"nll_window": 7.5, "nll_batches": 7.4}
        write_record(a_record(paper_config("piano-midi", cell), test=scores))
    runs = results_of(main, main.points("piano-midi", ["rru", "gru", "lstm"], "paper"))
    both = tables.in_one_average(runs)
    assert list(both.test[:2]) == list(both.loss[:2]) == [7.4, 7.4] and both.test[2:].isna().all()
    assert set(both.metric) == {"nll_batches"}
    write_record(a_record(paper_config("piano-midi", "lstm"), test={"nll_window": 7.6}))
    runs = results_of(main, main.points("piano-midi", ["rru", "gru", "lstm"], "paper"))
    assert list(tables.in_one_average(runs).test) == [7.5, 7.5, 7.6]
