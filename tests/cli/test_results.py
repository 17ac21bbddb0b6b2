"""Records as a person, a pipe and a program read them."""

import json
import os
import re

import numpy as np
import pytest
from helpers import a_record

from rru_nb import DATASETS, paper_config
from rru_nb.analysis.tables import table_1
from rru_nb.cli import data, main, options, output
from rru_nb.training.records import write_record
from rru_nb.training.settings import changeable

SCORES = (7.7, 7.75, 7.9)


def epochs(*scores):
    return [{"epoch": i, "valid_nll_window": s, "seconds": 1.0} for i, s in enumerate(scores, 1)]


def record(score, cell="rru", curve=(9.0, 8.5), **settings):
    config = paper_config("jsb", cell, **settings)
    scores = {"nll_window": score, "nll_frame": score + 0.1}
    write_record(a_record(config, valid=scores, test=scores, epochs=epochs(*curve)))
    return config


@pytest.fixture(autouse=True)
def configs(tmp_path, monkeypatch):
    """Three seeds of the RRU at the paper's setting, another dropout, and a failed GRU."""
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    made = [record(score, seed=seed) for seed, score in enumerate(SCORES)]
    made.append(record(8.5, dropout=0.5, curve=(9.0, 8.5, 8.4)))
    failed = paper_config("jsb", "gru")
    outcome = {"status": "failed", "failure": {"epoch": 3}, "test": {}, "valid": {}, "epochs": []}
    write_record(a_record(failed, **outcome, best_epoch=None))
    return [*made, failed]


@pytest.fixture(params=[60, 80, 120])
def terminal(request, monkeypatch):
    """Have the commands write as to a terminal of so many columns."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def answer(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def cells_of(out):
    head, *lines = (re.split("  +", line.strip()) for line in out.splitlines())
    return [dict(zip(head, line)) for line in lines]


def test_a_pipe_gets_a_line_for_each_cell_and_nothing_else(capsys):
    told = answer(capsys, "results")
    rru, gru = told.out.splitlines()[1:]
    mean, sd = np.mean(SCORES), np.std(SCORES, ddof=1)
    numbers = [f"{mean:.4f}", f"{sd:.4f}", "3", "0", "7.72"]
    assert rru.split() == ["paper", "jsb", "rru", "nll_window", *numbers]
    assert gru.split() == ["paper", "jsb", "gru", "nll_window", "-", "-", "0", "1", "8.2"]
    assert "1 more" in told.err, "the one with another dropout"


@pytest.mark.parametrize("metric, mean", [("nll_batches", "7.4500"), ("nll_window", "7.5000")])
def test_a_row_has_the_average_of_table_1(capsys, metric, mean):
    """The authors' own where all records of a dataset have it, of whatever cell one asks for."""
    scores = {"nll_window": 7.5, "nll_frame": 7.4, "nll_batches": 7.45}
    write_record(a_record(paper_config("piano-midi", "lstm"), test=scores, epochs=epochs(9.0)))
    if metric == "nll_window":
        del scores["nll_batches"]
    write_record(a_record(paper_config("piano-midi", "rru"), test=scores, epochs=epochs(9.0)))
    rows = cells_of(answer(capsys, "results", "--dataset", "piano-midi").out)
    assert [(row["metric"], row["mean"]) for row in rows] == [(metric, mean)] * 2
    lstm = cells_of(answer(capsys, "results", "--dataset", "piano-midi", "--cell", "lstm").out)
    assert lstm == rows[1:]
    paper = table_1("piano-midi").set_index("cell").loc["lstm"]
    assert (paper.metric, f"{paper.measured:.4f}") == (metric, mean)


def test_a_terminal_gets_a_table_of_its_width(capsys, terminal):
    told = answer(capsys, "results")
    assert max(map(len, (told.out + told.err).splitlines())) <= terminal
    shown = " ".join(told.out.split())
    assert "JSB Chorales" in shown and "Mogrifier LSTM" in shown
    assert f"{np.mean(SCORES):.2f} ± {np.std(SCORES, ddof=1):.2f}" in shown
    assert "failed" in shown and "7.72" in shown


@pytest.mark.parametrize("arguments", ["results --runs", "show {}", "compare {} {}", "settings"])
def test_no_line_is_longer_than_the_terminal(arguments, capsys, terminal, configs):
    told = answer(capsys, *arguments.format(configs[0].id, configs[3].id).split())
    assert told.out and max(map(len, (told.out + told.err).splitlines())) <= terminal


@pytest.mark.parametrize("arguments", [["--help"], ["data", "--help"]])
def test_no_line_of_help_is_cut_off(arguments, capsys):
    usage, *lines = answer(capsys, *arguments).out.splitlines()
    assert usage.endswith("...") and not any(line.endswith("...") for line in lines)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_fits_the_terminal_too(arguments, capsys, terminal):
    assert max(map(len, answer(capsys, *arguments).out.splitlines())) <= terminal


def test_lines_of_a_sweep_fit_the_terminal_and_are_whole_in_a_pipe(capsys, monkeypatch):
    arguments = ("sweep", "main_results", "--dataset", "jsb", "--scale", "paper", "--cells", "rru")
    monkeypatch.setattr("rru_nb.experiments.sweep.by_usefulness", lambda *_: [])
    (line,) = answer(capsys, *arguments).out.splitlines()
    assert "1 runs are recorded; nothing is left to do" in line and len(line) > 60
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    lines = answer(capsys, *arguments).out.splitlines()
    assert " ".join(lines).split() == line.split() and max(map(len, lines)) <= 60


def test_runs_are_listed_with_what_tells_them_apart(capsys, configs):
    told = answer(capsys, "results", "--runs")
    assert "All at scale paper." in told.err
    rows = cells_of(told.out)
    of_seed_0 = sorted([configs[0].id, configs[3].id])
    assert [row["id"] for row in rows] == [*of_seed_0, *(configs[i].id for i in (1, 2, 4))]
    assert not {"dataset", "scale", "metric"} & set(rows[0]), "the same for all"
    (changed,) = (row for row in rows if row["id"] == configs[3].id)
    assert changed["changes"] == "dropout=0.5" and float(changed["test"]) == 8.5


def test_a_run_is_a_line_of_the_terminal_too(capsys, configs, terminal):
    record(8.6, dropout=0.25, learning_rate=0.001, patience=11, clip_multiplier=None)
    told = answer(capsys, "results", "--runs").out
    ids = [config.id[:6] for config in configs]
    assert len(told.splitlines()) == 2 + len(configs) + 1 and all(i in told for i in ids)
    assert "dropout=0.5" in told


def test_a_program_gets_json(capsys, configs):
    records = json.loads(answer(capsys, "results", "--json", "--cell", "RRU").out)
    assert {r["id"] for r in records} == {config.id for config in configs[:4]}
    assert sorted(r["epochs"] for r in records) == [2, 2, 2, 3]


def test_without_a_record_there_is_no_answer_but_a_way_to_one(capsys):
    told = answer(capsys, "results", "--dataset", "mnist")
    assert told.out == "" and "rru-nb run" in told.err


def test_a_record_of_a_setting_to_come_is_listed(capsys, tmp_path):
    (path,) = (tmp_path / "results").rglob("gru-*.json")
    content = json.loads(path.read_text())
    content["config"]["of_a_later_version"] = 1
    path.write_text(json.dumps(content))
    told = answer(capsys, "results", "--runs", "--cell", "gru")
    assert "of_a_later_version=1" in told.out


def test_a_record_is_found_by_the_first_digits_of_its_id(capsys, configs):
    told = answer(capsys, "show", configs[3].id[:6].upper()).out
    assert configs[3].id in told and "--set dropout=0.5" in told
    assert "dropout 0.79362 -> 0.5" in told and "8.5000" in told and "+10.1 %" in told
    told = answer(capsys, "show", configs[4].id).out
    assert "failed: epoch 3" in told and "curve" not in told
    assert "''" in answer(capsys, "show", "", code=2).err


def test_digits_that_several_ids_begin_with_are_not_guessed(capsys, configs):
    ids = [configs[0].id]
    while not [i for i in ids[1:] if i[0] == ids[0][0]]:
        ids.append(record(8.0, seed=len(ids) + 10).id)
    told = answer(capsys, "show", ids[0][0], code=2).err
    assert ids[0] in told and ids[-1] in told and "more digits" in told


def test_a_record_is_not_compared_with_itself(capsys, configs):
    given = configs[0].id, configs[0].id[:6]
    told = answer(capsys, "compare", *given, code=2)
    assert told.out == "" and "are the same record" in told.err
    assert all(text in told.err for text in given)


def test_two_records_are_compared_in_what_differs(capsys, configs):
    told = answer(capsys, "compare", configs[0].id, configs[3].id)
    rows = {line.split()[0]: line.split()[1:] for line in told.out.splitlines()[1:] if line.strip()}
    names = [name for name in rows if name in configs[0].as_dict()]
    assert names == ["dropout"] and rows["dropout"] == ["0.79362", "0.5", "-0.2936"]
    assert rows["epochs"] == ["2", "3", "+1"]
    assert (rows["1"], rows["2"], rows["3"]) == (["9.0", "9.0"], ["8.5", "8.5"], ["-", "8.4"])


def test_a_setting_added_after_a_record_is_no_difference(capsys, configs, tmp_path):
    path = next((tmp_path / "results").rglob(f"*{configs[0].id}.json"))
    content = json.loads(path.read_text())
    assert content["config"].pop("loss_average")
    path.write_text(json.dumps(content))
    told = answer(capsys, "compare", configs[0].id, configs[1].id).out
    assert "seed" in told and "loss_average" not in told


def test_two_curves_lie_over_one_another_in_a_terminal(capsys, terminal):
    """Both share 9.0, the highest value, and 8.5; the second alone has 8.4, the lowest."""
    first = record(7.0, seed=7, curve=(9.0, 8.5))
    second = record(7.0, seed=8, curve=(9.0, 8.5, 8.4))
    third = record(7.0, seed=9, curve=(8.4, 8.4, 9.0))

    def marks(*pair):
        shown = answer(capsys, "compare", *(c.id for c in pair)).out
        assert "o first, valid_nll_window" in shown and "x second, valid" in shown
        lines = shown[shown.index("9.000") :].splitlines()[:12]
        assert lines[-1].startswith("8.400")
        places = ((x, y, m) for y, line in enumerate(lines) for x, m in enumerate(line))
        return sorted(place for place in places if place[2] in output.MARKS)

    left, right = len("9.000 "), terminal - 1
    middle = (left + right) // 2
    between = round(11 * (9.0 - 8.5) / (9.0 - 8.4))
    same = [(left, 0, "#"), (middle, between, "#"), (right, 11, "x")]
    assert marks(first, second) == same
    crossed = [(left, 0, "o"), (left, 11, "x"), (middle, between, "o"), (middle, 11, "x")]
    assert marks(first, third) == [*crossed, (right, 0, "x")]


def test_the_beginning_of_a_curve_does_not_flatten_the_rest(capsys, terminal):
    late = [8.0 + 0.1 * i for i in range(10)]
    pair = [record(7.0, seed=n, curve=(99.0, *late, late[-1])) for n in (7, 8)]
    shown = answer(capsys, "compare", *(config.id for config in pair)).out
    lines = shown[shown.index("8.900") :].splitlines()[:12]
    assert "#" in lines[0] and sum("#" in line for line in lines) == 10


def test_a_curve_keeps_order_and_ends():
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    bars = output.sparkline(list(np.sort(values)), 40)
    assert len(bars) == 40 and sorted(bars) == list(bars)
    assert bars[0] == output.BARS[0] and bars[-1] == output.BARS[-1]
    assert output.sparkline([2.0, 1.0], 40) == output.BARS[-1] + output.BARS[0]
    assert output.sparkline([3.0] * 5, 40) == output.BARS[0] * 5


def test_what_differs_is_said_of_the_papers_setting_as_it_is_known_now(capsys):
    config = paper_config("pmnist", "gru", protocol="authors")
    test = {"accuracy": 80.0}
    write_record(a_record(config, test=test, valid=test, differences={"window": {}}))
    told = answer(capsys, "show", config.id).out
    assert "protocol paper -> authors" in told and "window" not in told


def test_every_setting_is_listed(capsys):
    rows = cells_of(answer(capsys, "settings").out)
    assert [row["setting"] for row in rows] == list(changeable())


def test_the_shell_completes_names_and_ids(configs, capsys, monkeypatch):
    monkeypatch.setenv("_RRU_NB_COMPLETE", "complete_bash")

    def completed(words):
        monkeypatch.setenv("COMP_WORDS", f"rru-nb {words}")
        monkeypatch.setenv("COMP_CWORD", str(1 + words.count(" ")))
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out.split()

    assert completed("run --dataset ") == list(DATASETS)
    assert completed("run --dataset pm") == ["pmnist"]
    assert completed("sweep n") == ["normalization"]
    assert completed("results --scale l") == ["laptop"]
    assert completed(f"show {configs[4].id[:8]}") == [configs[4].id]
    assert (configs[4].id, "jsb gru-paper-s0") in options.ids()
    assert completed("run --set drop") == ["dropout="]


def test_the_shell_completes_no_file_that_is_no_record(tmp_path):
    trials = tmp_path / "results" / "trials" / "jsb-rru-smoke-valid-s0.json"
    trials.parent.mkdir()
    trials.write_text("{}")
    assert len(options.ids()) == 5


def test_the_doctor_names_what_mends(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(data.provenance, "device", lambda: None)
    monkeypatch.setattr(data.provenance, "device_name", lambda device: "a processor")
    monkeypatch.setenv("RRU_NB_DATA", str(tmp_path))
    monkeypatch.setenv("RRU_NB_CACHE", str(tmp_path))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    (tmp_path / "file").touch()
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "file" / "state"))
    told = answer(capsys, "doctor").out
    missing = [name for name in DATASETS if name not in ("chorales", "imdb")]
    assert "rru-nb data fetch " + " ".join(missing[:3]) in told
    assert "unset TF_ENABLE_ONEDNN_OPTS" in told
    assert "export RRU_NB_STATE=" in told and "export RRU_NB_RESULTS=" not in told
    assert os.path.basename(tmp_path) in told


def test_the_doctor_advises_bfloat16_where_the_processor_multiplies_it(capsys, monkeypatch):
    monkeypatch.setattr(data.provenance, "device", lambda: None)
    monkeypatch.setattr(data.provenance, "device_name", lambda device: "a processor")
    for flags, advised in (["avx2", "amx_bf16"], True), (["avx2"], False):
        monkeypatch.setattr(data, "_cpu_flags", lambda flags=flags: flags)
        assert ("--set precision=bfloat16" in answer(capsys, "doctor").out) == advised
