"""A sweep runs what is missing, can be stopped and started, and says what is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import numpy as np
import pytest
from helpers import a_record

from rru_nb import paper_config
from rru_nb.cli import main
from rru_nb.data.splits import Splits
from rru_nb.experiments import costs as costs_module
from rru_nb.experiments import section
from rru_nb.experiments.costs import (
    ASSUMED_EPOCHS,
    EVALUATION,
    SHARE,
    Costs,
    duration,
    operations,
    speed,
    time_steps,
)
from rru_nb.experiments.engines import InProcess
from rru_nb.experiments.sweep import status, sweep
from rru_nb.tasks import task_class
from rru_nb.training import provenance
from rru_nb.training.files import RunFiles
from rru_nb.training.records import write_record


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


def test_a_sweep_runs_what_is_missing_and_only_that(monkeypatch):
    found = section("dropout")
    done = []

    def run(config, progress):
        record = a_record(config, n_params=100, **({} if len(done) else FAILED))
        done.append(config)
        write_record(record)
        return record

    monkeypatch.setattr("rru_nb.training.trainer.run", run)
    said = []
    assert sweep(found, "chorales", "smoke", cells=["rru", "gru"], say=said.append) == 4
    assert "0 of 4 runs are recorded; 4 left, about " in said[0]
    assert "[1/4]" in said[1] and "failed in epoch 3" in said[1], "a failure is a result"
    assert "nll_window 8.000" in said[2] and "done in" in said[-1]
    assert sweep(found, "chorales", "smoke", cells=["rru", "gru"], say=said.append) == 0
    assert len(done) == 4 and "nothing is left" in said[-1]


FAILED = {"status": "failed", "failure": {"epoch": 3}, "test": {}, "valid": {}}


def test_an_interrupted_sweep_says_what_is_there_and_goes_on(monkeypatch, capsys):
    calls = []

    def run(config, progress):
        calls.append(config.id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        record = a_record(config)
        write_record(record)
        return record

    monkeypatch.setattr("rru_nb.training.trainer.run", run)
    arguments = ["sweep", "dropout", "--dataset", "chorales", "--scale", "smoke", "--cells", "gru"]
    assert main(arguments) == 130
    assert "1 of 2 runs are recorded" in capsys.readouterr().err
    assert main(arguments) == 0
    assert calls[2] == calls[1] and len(calls) == 3, "the run that was under way comes first"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_parallel_runs_too(tmp_path, interruptible):
    """The processes of the runs save and end, and the sweep's exit code is 130."""
    arguments = ["sweep", "dropout", "--dataset", "chorales", "--scale", "smoke", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rru_nb.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if line.startswith("[1/"):
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    recorded = len(list(Path(tmp_path, "results", "chorales").glob("*.json")))
    assert 1 <= recorded < 8
    assert f"{recorded} of 8 runs are recorded" in errors
    assert "Traceback" not in errors
    deadline = time.monotonic() + 60
    while _alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _alive(process.pid), "no run is left behind"


def _alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# Costs


def costs(*runs):
    """Costs learnt from (config, parameters, seconds, epochs of a record)."""
    learnt = Costs()
    for config, n_params, seconds, epochs in runs:
        record = a_record(config, n_params=n_params, seconds=seconds, epochs=epochs)
        learnt.add(config, record)
    return learnt


def test_costs_follow_size_and_epochs():
    sizes = {"learning_rate": [1e-3], "n_params": [40_000, 220_000]}
    slow, big = section("robustness").runs("nottingham", ["rru"], **sizes)
    known = costs((slow, 40_000, 50.0, [{}] * 25), (slow, 80_000, 100.0, [{}] * 25))
    assert known.seconds(slow) == pytest.approx(50.0)
    assert known.seconds(big) == pytest.approx(100.0 * 220 / 80), "above the largest: in proportion"
    halfway = section("robustness").runs("nottingham", ["rru"], n_params=[60_000])[0]
    assert known.seconds(halfway) == pytest.approx(75.0)
    other_data = section("robustness").runs("jsb", ["rru"])[0]
    assert known.seconds(other_data) is None
    other_cell = section("robustness").runs("nottingham", ["gru"])[0]
    assert known.seconds(other_cell) == pytest.approx(50.0), "for want of better, another cell's"


def test_a_computer_that_slept_during_a_run_tells_of_the_other_epochs():
    config = section("robustness").runs("nottingham", ["rru"])[0]
    epochs = [{"seconds": 20.0}, *[{"seconds": 10.0}] * 23, {"seconds": 5000.0}]
    steady = costs((config, 40_000, 265.0, epochs[:-1])).seconds(config)
    assert steady == pytest.approx(265.0), "starting and the test count"
    slept = costs((config, 40_000, 5265.0, epochs)).seconds(config)
    assert slept == pytest.approx(1.5 * 10.0 * 25)


def test_records_of_other_machines_tell_nothing_of_this_one():
    (config,) = section("main_results").runs("jsb", ["gru"])[:1]
    there = {"gpu": None, "cpu": "another", "cores": 64}
    write_record(a_record(config, device=there))
    assert Costs().seconds(config) is None
    write_record(a_record(config, device={"gpu": None, **provenance.machine()}, n_params=250))
    assert Costs().seconds(config) == pytest.approx(1.0 * config.n_params / 250)


def test_what_cannot_be_read_tells_nothing_and_breaks_nothing(recwarn):
    (config,) = section("main_results").runs("jsb", ["gru"])[:1]
    path = write_record(a_record(config, device={"gpu": None, **provenance.machine()}))
    record = json.loads(path.read_text())
    record["config"]["of_a_later_version"] = 1
    path.write_text(json.dumps(record))
    assert Costs().seconds(config) is None and not recwarn.list


def test_what_is_named_twice_or_by_a_title_is_one_run(capsys):
    (config,) = section("main_results").runs("chorales", ["gru"], "smoke")
    write_record(a_record(config))
    arguments = ["--scale", "smoke", "--cells", "gru,GRU", "--seeds", "0,0"]
    assert main(["sweep", "main_results", "--dataset", "Bach chorales", *arguments]) == 0
    assert "chorales, scale smoke: 1 of 1 runs are recorded" in capsys.readouterr().out
    twice = section("dropout").points("nottingham", ["rru"], dropout=[0.5, 0.5])
    assert len(twice) == 1


def test_epochs_without_limit_are_those_of_the_same_task():
    free = paper_config("jsb", "rru")
    assert Costs().epochs(free) == ASSUMED_EPOCHS
    elsewhere = {"gpu": None, "cpu": "another", "cores": 64}
    for seed, n in enumerate((3, 5, 90)):
        done = paper_config("jsb", "gru", seed=seed)
        write_record(a_record(done, device=elsewhere, epochs=[{}] * n))
    assert Costs().epochs(free) == 5


def test_epochs_of_a_run_with_a_limit_tell_nothing_of_one_without():
    elsewhere = {"gpu": None, "cpu": "another", "cores": 64}
    limited = paper_config("jsb", "gru", max_epochs=3)
    write_record(a_record(limited, device=elsewhere, epochs=[{}] * 3))
    assert Costs().epochs(paper_config("jsb", "rru")) == ASSUMED_EPOCHS


@pytest.mark.parametrize(
    "dataset, n_tokens, times", [("ptb-word", 929_589, 2), ("ptb-char", 5_017_483, 1)]
)
def test_words_are_read_twice_in_an_epoch_and_characters_once(dataset, n_tokens, times):
    """Of a made-up text; only windows of words overlap by half."""
    config = paper_config(dataset, "gru", **{"vocabulary_size": 20} if times == 2 else {})
    text = np.arange(512 * 64 * 2 + 1, dtype=np.uint8) % 20
    made_up = Splits("mine", text, text, text, "", "made up", vocabulary=range(20))
    task = task_class(config.kind)(config, made_up)
    read = sum(batch["tokens"][:, :-1].size for batch in task.train_batches(1))
    assert read / len(text) == pytest.approx(times, rel=0.02)
    assert time_steps(config) / n_tokens == pytest.approx(times, rel=0.02)


def test_durations_as_people_say_them():
    assert [duration(s) for s in (50, 700, 12_240)] == ["50 s", "12 min", "3.4 h"]


def test_status_counts_and_tells_the_hours_left(capsys):
    first, second = section("main_results").runs("nottingham", ["rru", "gru"])
    here = {"gpu": None, **provenance.machine()}
    write_record(a_record(first, device=here, n_params=first.n_params, seconds=7200.0))
    table = status(["main_results"], ["laptop"], ["nottingham", "jsb"]).set_index("dataset")
    columns = ["runs", "recorded", "failed", "hours left", "estimated"]
    assert list(table.loc["nottingham", columns]) == [4, 1, 0, 6.0, 0]
    assert list(table.loc["jsb", ["runs", "recorded", "estimated"]]) == [4, 0, 4]
    write_record(a_record(second, device=here, **FAILED))
    assert main(["status", "main_results", "--scale", "laptop", "--dataset", "nottingham"]) == 0
    shown = capsys.readouterr().out.splitlines()[1].split()
    assert shown == ["main_results", "laptop", "nottingham", "4", "2", "1", "4.0", "0"]


def test_what_nothing_tells_of_is_estimated_from_operations(monkeypatch, capsys):
    monkeypatch.setattr(costs_module, "speed", lambda: 1e9)
    config = paper_config("jsb", "gru")
    in_an_epoch = 6 * 1_800_000 * 13_807 * EVALUATION / SHARE / 1e9
    expected = costs_module.STARTING + ASSUMED_EPOCHS * in_an_epoch
    assert Costs().estimate(config) == pytest.approx(expected)
    assert main(["status", "main_results", "--scale", "paper", "--dataset", "jsb"]) == 0
    shown = capsys.readouterr().out.splitlines()[1].split()
    four_cells = 4 * ASSUMED_EPOCHS * in_an_epoch / 3600
    assert float(shown[-2]) > four_cells / 2 and shown[-1] == "4"
    limited = paper_config("ptb-char", "rru", "laptop")
    assert time_steps(limited) == limited.train_limit * limited.window
    assert operations(paper_config("imdb", "gru")) == 6 * (20_000_000 - 640_000) * 25_000 * 512


def test_the_speed_is_that_of_products(monkeypatch):
    """A tenth of a billion operations a second is little for a core, ten thousand are too many."""
    monkeypatch.setattr(costs_module, "SECONDS", 0.25)
    assert 1e8 < speed.__wrapped__() < 1e13


def recorded_runs(monkeypatch):
    """The configs in the order in which a sweep runs them, without any training."""
    done = []

    def run(config, progress):
        done.append(config)
        record = a_record(config)
        write_record(record)
        return record

    monkeypatch.setattr("rru_nb.training.trainer.run", run)
    return done


def test_what_another_process_is_in_comes_last(monkeypatch):
    done = recorded_runs(monkeypatch)
    busy = section("dropout").runs("chorales", ["gru"], "smoke")[0]
    monkeypatch.setattr(RunFiles, "is_running", lambda run: run.config == busy)
    assert sweep(section("dropout"), "chorales", "smoke", cells=["gru"], say=list) == 2
    assert done[1] == busy


def test_the_most_telling_runs_come_first(monkeypatch):
    done = recorded_runs(monkeypatch)
    sweep(section("dropout"), "chorales", "smoke", cells=["gru"], seeds=[1, 0], say=list)
    assert [config.seed for config in done] == [0, 0, 1, 1]


def test_the_rest_is_shared_among_jobs(monkeypatch):
    """Of four runs of an hour each, three are left after the first: 90 minutes in two processes."""
    recorded_runs(monkeypatch)
    monkeypatch.setattr(Costs, "estimate", lambda *_: 3600.0)
    said, engine = [], InProcess()
    engine.slots = 2
    sweep(section("main_results"), "nottingham", "laptop", engine=engine, say=said.append)
    assert said[0].endswith("; 4 left, about 2.0 h") and said[1].endswith("; 3 left, about 1.5 h")


def test_a_run_takes_no_more_epochs_than_it_may():
    config = section("robustness").runs("nottingham", ["rru"])[0]
    known = costs((config, 40_000, 50.0, [{}] * 25))
    assert known.seconds(attrs.evolve(config, max_epochs=7)) == pytest.approx(14.0)
