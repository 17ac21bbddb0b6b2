"""What the engines share, and mistakes that are told before anything runs; no cluster is needed."""

import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import fake_worker
import pytest
from helpers import a_record
from pages import functions_of

from rru_nb import UserError, paper_config
from rru_nb.cli import main
from rru_nb.experiments import engines, ray_engine, results, section
from rru_nb.experiments.costs import Costs
from rru_nb.experiments.engines import InProcess, Processes, make_engine
from rru_nb.experiments.tuning import Search, suggest, tune
from rru_nb.layers import sizes
from rru_nb.layers.registry import register_cell, unregister_cell
from rru_nb.training.records import failure_text, find_record, load_records, write_record

SWEEP = ["sweep", "dropout", "--dataset", "chorales", "--scale", "smoke"]


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path / "results"


@pytest.fixture
def http():
    """The address of a server that is not Ray."""

    class Silent(BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed():
    """An address where nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    "options, told",
    [
        (["--engine", "cloud"], "'cloud'"),
        (["--jobs", "0"], "--jobs 0"),
        (["--jobs", "2", "--engine", "ray"], "--max-concurrent 2"),
        (["--gpus-per-run", "0.25"], "--engine ray"),
        (["--engine", "ray", "--gpus-per-run", "-1"], "--gpus-per-run -1"),
        (["--engine", "ray", "--gpus-per-run", "1.5"], "--gpus-per-run 1.5"),
        (["--engine", "ray", "--cpus-per-run", "0"], "--cpus-per-run 0"),
        (["--engine", "ray", "--max-concurrent", "0"], "--max-concurrent 0"),
    ],
)
def test_options_that_do_not_fit_are_one_line(options, told, capsys):
    assert main([*SWEEP, *options]) == 2
    error = capsys.readouterr().err
    assert told in error and len(error.splitlines()) == 1


def test_without_ray_the_option_gives_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*SWEEP, "--engine", "ray"]) == 2
    error = capsys.readouterr().err
    assert 'pip install "rru_nb[ray]"' in error and len(error.splitlines()) == 1


def test_addresses_where_no_cluster_is(http, closed, store, capsys, monkeypatch):
    # Ray itself reads its environment when it is imported first, which is for another test to do.
    ray = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setattr(ray_engine, "_import_ray", lambda: ray)
    for address in (http, closed, "nonsense", "127.0.0.1:port"):
        assert main([*SWEEP, "--engine", "ray", "--address", address]) == 2
        error = capsys.readouterr().err
        assert f"--address {address}" in error and len(error.splitlines()) == 1
    assert not store.exists()


def test_a_cluster_that_does_not_start_is_one_line(store, capsys, monkeypatch):
    def init(*arguments, **options):
        raise Exception("the node timed out during startup.\nmore")

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setattr(ray_engine, "_import_ray", lambda: ray)
    assert main([*SWEEP, "--engine", "ray", "--address", "local"]) == 2
    error = capsys.readouterr().err
    assert "timed out" in error and len(error.splitlines()) == 1 and not store.exists()


def test_who_does_not_ask_for_ray_does_not_import_it():
    code = "import sys, rru_nb.cli, rru_nb.experiments.sweep, rru_nb.experiments.tuning; "
    code += "rru_nb.experiments.engines.make_engine(); sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_a_worker_of_another_version_is_told(monkeypatch):
    wanted = ray_engine.versions()
    ray_engine.prepare((), wanted, pickle.dumps({}))
    with pytest.raises(UserError, match="source 0123"):
        ray_engine.prepare((), wanted | {"source": "0123"}, pickle.dumps({}))


def test_a_registered_cell_whose_module_a_worker_lacks_is_told():
    spec = b"cmodule_of_nobody\nCell\n."  # a pickle that refers to a class by its module
    with pytest.raises(UserError, match="module_of_nobody.*every node"):
        ray_engine.prepare((), ray_engine.versions(), spec)


def test_a_registered_cell_reaches_a_worker_as_it_is():
    from rru_nb.cells.gru import GRUCell

    spec = register_cell("leaky", GRUCell, sizes.gru, title="Leaky")
    unregister_cell("leaky")
    try:
        ray_engine.prepare((), ray_engine.versions(), pickle.dumps({"leaky": spec}))
        assert paper_config("chorales", "leaky", "smoke").cell == "leaky"
    finally:
        unregister_cell("leaky")


def test_other_processes_do_not_know_a_registered_cell():
    from rru_nb.cells.gru import GRUCell

    register_cell("leaky", GRUCell, sizes.gru)
    try:
        with make_engine(jobs=2) as engine, pytest.raises(UserError, match="'leaky'.*--engine ray"):
            engine.submit(paper_config("chorales", "leaky", "smoke"))
    finally:
        unregister_cell("leaky")


def test_the_local_engine_is_this_process_or_others():
    assert isinstance(make_engine(), InProcess) and isinstance(make_engine(jobs=3), Processes)


# Processes of this machine


def do_runs(kinds, jobs=2):
    """Return the records by seed of runs that go as `fake_worker` says."""
    with make_engine(jobs=jobs) as engine:
        for seed in kinds:
            engine.submit(paper_config("chorales", "gru", "smoke", seed))
        return {config.seed: record for config, record in engine}


@pytest.fixture
def fake_runs(monkeypatch):
    monkeypatch.setattr(engines, "_serve", fake_worker.serve)


def test_two_processes_share_the_runs_and_are_replaced_before_they_grow(fake_runs, monkeypatch):
    monkeypatch.setattr(engines.OnWorkers, "runs_of_a_process", 3)
    records = do_runs(range(0, 80, 10))
    by_process = Counter(record["pid"] for record in records.values())
    assert len(records) == 8 and len(by_process) in (3, 4) and max(by_process.values()) == 3
    assert os.getpid() not in by_process and not multiprocessing.active_children()


def test_a_process_that_dies_is_replaced_and_its_run_tried_again(fake_runs):
    dies, raises = fake_worker.DIES, fake_worker.RAISES
    records = do_runs([dies, fake_worker.DIES_ONCE, raises, 10, 20])
    assert [records[seed]["status"] for seed in (10, fake_worker.DIES_ONCE, 20)] == ["ok"] * 3
    reasons = {seed: records[seed]["failure"]["reason"] for seed in (dies, raises)}
    assert reasons[dies].endswith(f"signal {signal.SIGKILL:d} ended its process")
    assert reasons[raises].endswith("MemoryError: no room")
    for seed, record in records.items():
        assert find_record(paper_config("chorales", "gru", "smoke", seed)) == record


@pytest.mark.parametrize(
    "kind, told",
    [(fake_worker.MISTAKE, "^dataset 'x' is not"), (fake_worker.LEAVES, "--jobs 2 .* code 3;")],
)
def test_a_mistake_ends_the_sweep_and_the_other_runs(fake_runs, store, kind, told):
    with pytest.raises(UserError, match=told):
        do_runs([fake_worker.SLEEPS, kind, 10])
    assert not multiprocessing.active_children() and not store.exists()


def test_processes_end_when_the_one_that_started_them_is_killed():
    code = """
from pathlib import Path
import fake_worker
from rru_nb import paper_config
from rru_nb.experiments import engines
engines._serve = fake_worker.serve
with engines.make_engine(jobs=2) as engine:
    for seed in (0, 10):
        engine.submit(paper_config("chorales", "gru", "smoke", seed))
    next(iter(engine))
    print("one is done", flush=True)
    input()
"""
    path = os.pathsep.join(sys.path)
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    driver = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, **streams
    )
    assert driver.stdout.readline()
    driver.kill()
    # Its processes hold the other end of its standard output, as long as they are there.
    assert driver.stdout.read() == "" and driver.wait() == -signal.SIGKILL
    driver.stdin.close()


class OutOfOrder:
    """An engine of four slots that ends the newest run first, with a score of its own."""

    slots = 4

    def __init__(self):
        self.configs, self.most, self.order = [], 0, []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def submit(self, config):
        self.configs.append(config)
        self.most = max(self.most, len(self.configs))

    def __iter__(self):
        while self.configs:
            config = self.configs.pop()
            self.order.append(config.id)
            score = {"nll_window": 8 + config.learning_rate}
            record = a_record(config, valid=score, test=score)
            write_record(record)
            yield config, record


def test_trials_that_end_out_of_order_are_indexed_in_order():
    search, engine = Search("jsb", "gru"), OutOfOrder()
    trials = tune(search, 30, engine, say=list)
    assert len({trial["id"] for trial in trials}) == 30 and engine.most == 4
    ids = [trial["id"] for trial in trials]
    assert ids != engine.order and sorted(ids) == sorted(engine.order)
    unknown = [trial | {"loss": None} for trial in trials]
    for k, trial in enumerate(trials):
        known = max(0, k - 3)  # the three before it may still be running
        assert trial["values"] == suggest(search, trials[:known] + unknown[known:k])


def test_a_search_of_several_at_a_time_goes_on_as_if_undisturbed():
    search = Search("jsb", "rru")
    whole = tune(search, 30, OutOfOrder(), say=list)
    search.path.unlink()
    lines = []

    def stop(line):
        lines.append(line)
        if len(lines) == 23:  # the first twenty are drawn at random
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(search, 30, OutOfOrder(), say=stop)
    assert search.trials() == whole[:23]
    assert tune(search, 30, OutOfOrder(), say=list) == whole


def test_a_run_that_no_worker_could_end_is_a_failed_one_everywhere():
    points = section("dropout").points("chorales", ["gru"], "smoke")
    write_record(engines.failed_record(points[0].config, "3 attempts, the last: lost"))
    (row,) = load_records().itertuples()
    assert (
        row.status == "failed" and failure_text(row.failure) == "failed: 3 attempts, the last: lost"
    )
    assert failure_text({"epoch": 3}) == "failed in epoch 3"
    assert list(results(section("dropout"), points).status) == ["failed", "missing"]
    assert Costs().seconds(points[0].config) is None, "it tells no time"
    by_dataset, metrics = {"chorales": load_records()}, {"chorales": "nll_window"}
    figure = functions_of("main_results").draw_curves(by_dataset, metrics)
    assert "lost" in figure.axes[0].get_legend_handles_labels()[1][0]
