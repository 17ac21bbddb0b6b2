"""Tables and sentences say what the records say, and nothing where there is no record."""

import pytest
from helpers import a_record

from rru_nb import load_records, paper_config
from rru_nb.analysis import findings, tables
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


def test_measured_table_shows_failed_and_missing_runs():
    missing = [paper_config("jsb", "mogrifier", seed=3)]
    text = tables.measured_table(load_records(dataset="jsb", scale="paper"), missing).to_string()
    assert "failed in epoch 4" in text
    assert "not measured" in text.splitlines()[-1] and "Mogrifier" in text.splitlines()[-1]
    assert "-9.3 %" in text and "7.50" in text, "difference of seed 0, and its frame average"


def test_what_all_rows_share_is_told_once():
    records = load_records(id=[paper_config("jsb", "rru").id])
    table = tables.measured_table(records, [paper_config("jsb", "gru")])
    assert table.index.name == "jsb, scale paper, seed 0"
    assert list(table.index) == ["RRU", "GRU"] and "scale" not in table
    table = tables.measured_table(records, [paper_config("jsb", "gru", seed=3)])
    assert table.index.names == ["jsb, scale paper", "seed"]
    table = tables.measured_table(records, [paper_config("nottingham", "gru", scale="smoke")])
    assert table.index.names == ["dataset", "seed 0", "scale"]
    table = tables.measured_table(records[:0], [paper_config("chorales", "gru", scale="smoke")])
    assert list(table) == ["test"], "the paper has no number for the embedded chorales"


def test_the_overview_has_every_dataset_with_a_number_and_its_spread():
    table = tables.overview(["lstm", "rru"])
    assert list(table.index) == ["Music JSB Chorales (NLL, mean of windows)"]
    assert table.index.name == "test, scale paper"
    assert list(table) == ["LSTM", "RRU"]
    assert table.LSTM.item() == "not measured (paper 8.33)"
    assert table.RRU.item() == "8.00 ± 1.41, 2 seeds (paper 7.72)"
    assert tables.overview(["gru"], "smoke").GRU.item() == "2.00", "no number of the paper beside"
    assert tables.overview(scale="laptop").empty


def test_the_command_measures_that_run():
    config = paper_config("jsb", "rru", scale="smoke", seed=2, dropout=0.5)
    assert command(config) == (
        "rru-nb run --dataset jsb --cell rru --scale smoke --seed 2 --set dropout=0.5"
    )


def test_comparison_follows_the_numbers():
    write_record(a_record(paper_config("jsb", "gru"), test={"nll_window": 10.0, "nll_frame": 1.0}))
    write_record(
        a_record(paper_config("jsb", "mogrifier"), test={"nll_window": 6.4, "nll_frame": 1.0})
    )
    ids = [paper_config("jsb", cell).id for cell in ("rru", "gru", "lstm", "mogrifier")]
    records = load_records(id=ids)
    said = findings.comparison(records)
    assert "RRU: 7.00 measured, 7.72 in the paper (-9.3 %)." in said
    assert "9.4 % worse than the best gated cell here, Mogrifier LSTM (one seed" in said
    better = findings.comparison(records[records.cell != "mogrifier"])
    assert "30.0 % better than the best gated cell here, GRU" in better


def test_nothing_measured_says_so():
    assert findings.comparison(load_records(dataset="musedata")) == "Nothing is measured here yet."


def test_convergence_names_the_first_epoch_ahead_of_every_gated_cell():
    curves = {"rru": [9.0, 8.5, 7.9, 8.2], "gru": [9.0, 8.4, 8.0], "lstm": [9.5, 8.1]}
    for cell, curve in curves.items():
        config = paper_config("nottingham", cell)
        epochs = [{"epoch": i, "valid_nll_window": v} for i, v in enumerate(curve, 1)]
        write_record(a_record(config, epochs=epochs))
    records = load_records(dataset="nottingham")
    assert "In its epoch 3 of 4" in findings.convergence(records)
    assert "(GRU; seed 0)" in findings.convergence(records[records.cell != "lstm"])
    assert findings.convergence(records[records.cell != "rru"]) == ""
    config = paper_config("nottingham", "mogrifier")
    write_record(a_record(config, epochs=[{"epoch": 1, "valid_nll_window": 7.9}]))
    assert "does not pass" in findings.convergence(load_records(dataset="nottingham"))
    both = {"two": records, "four": load_records(dataset="nottingham"), "none": records[:0]}
    assert findings.convergences(both).endswith(
        "two the first time in epoch 3 of its 4 epochs; four in none of its 4 epochs."
    )
    assert findings.convergences({"none": records[:0]}) == ""


def test_comparison_counts_the_seeds_of_each_cell():
    write_record(a_record(paper_config("jsb", "gru"), test={"nll_window": 9.0, "nll_frame": 9.0}))
    records = load_records(dataset="jsb", scale="paper", cell=["rru", "gru"])
    unchanged = records[[not row.differences for row in records.itertuples()]]
    assert "means of 1 to 2 seeds" in findings.comparison(unchanged)


def test_each_run_says_when_on_what_and_with_which_code_it_was_measured():
    table = tables.provenance_table(load_records(scale="paper", dataset="jsb"))
    if "day (UTC)" not in table:  # few runs are columns
        table = table.T
    failed = table.loc["LSTM, scale paper, seed 0"]
    assert failed["epochs (best)"] == "failed in epoch 4"
    assert failed["commit"] == "0123456" and failed["device"] == "a processor, 2 cores"
    assert table["day (UTC)"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    changed = load_records(scale="paper", dataset="jsb", cell="lstm")
    changed["commit"] = [{"sha": "0123456789abcdef", "dirty": True}]
    assert tables.provenance_table(changed).loc["commit"].item() == "0123456 +"
    assert len(tables.provenance_table(load_records(id=[]))) == 0


def test_of_accuracies_the_higher_is_ahead():
    for cell, score in {"rru": 90.0, "gru": 80.0, "lstm": 70.0}.items():
        epochs = [{"epoch": i, "valid_accuracy": v} for i, v in enumerate((60.0, score), 1)]
        config = paper_config("imdb", cell)
        write_record(a_record(config, test={"accuracy": score}, epochs=epochs))
    records = load_records(dataset="imdb")
    said = findings.comparison(records)
    assert "better than the best gated cell here, GRU (10.00 % errors against 20.00 %" in said
    assert "In its epoch 2 of 2" in findings.convergence(records)
