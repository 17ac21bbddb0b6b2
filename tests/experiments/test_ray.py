"""Sweeps and searches on a real Ray cluster of several processes, started and ended here."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers import without_times

from rru_nb import UserError, load_records, paper_config
from rru_nb.experiments import section
from rru_nb.experiments.engines import make_engine
from rru_nb.experiments.sweep import sweep
from rru_nb.experiments.tuning import Search, suggest, tune
from rru_nb.layers import sizes
from rru_nb.layers.registry import register_cell, unregister_cell
from rru_nb.storage import paths
from rru_nb.training.files import RunFiles
from rru_nb.training.records import find_record

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

SEEDS = [0, 1, 2, 3]  # at two rates of dropout
N_RUNS = 2 * len(SEEDS)
OF_THE_TEST = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # stays on 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # other processes may fill the memory
    "RAY_worker_niceness": "0",  # Ray lets other processes of the machine go first
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as `rru-nb` sets it
}


# On 127.0.0.1 Ray would have one node alone.
START = """
from ray._private import ray_constants, services
from ray.scripts.scripts import main
ray_constants.ENABLE_RAY_CLUSTER = True
services.resolve_ip_for_localhost = lambda host: host
main()
"""


class Cluster:
    """Nodes of Ray, each in a session of its own, so that all of their processes can be found."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rr", dir="/tmp"))  # sockets want short paths
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.nodes, self.sweeps = [], []

    def start_head(self):
        port = self.address.partition(":")[2]
        own = ["--head", "--port", port, "--temp-dir", str(self.folder), "--num-cpus", "2"]
        self.start([*own, "--include-dashboard", "false"])

    def start(self, arguments, **environment):
        """Start a node; again where it took longer than the half minute that Ray allows.

        One after the other: of two that start at once one often takes that long.
        """
        while not self._starts(arguments, os.environ | environment):
            assert len(self.nodes) < 8, (self.folder / "log").read_text()

    def _starts(self, arguments, environment):
        command = [sys.executable, "-c", START, "start", "--block"]
        command += ["--node-ip-address", "127.0.0.1", *arguments]
        with (self.folder / "log").open("w") as log:
            options = {"stdout": log, "stderr": log, "start_new_session": True}
            node = subprocess.Popen(command, env=environment, **options)
        self.nodes.append(node)
        while "Ray runtime started" not in (self.folder / "log").read_text():
            if node.poll() is not None:
                self.kill([node])
                return False
            time.sleep(0.1)
        return True

    def processes(self, nodes=None):
        """Yield the id and the folder in `/proc` of each process of some nodes, or of all."""
        sessions = {node.pid for node in nodes or self.nodes}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                pid = int(folder.name)
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and os.getsid(pid) in sessions:
                    yield pid, folder

    def kill(self, nodes=None):
        """Kill all processes of nodes at once; a gentler end takes half a minute."""
        first = {node.pid for node in nodes or self.nodes}  # the nodes, which watch the others
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and (left := dict(self.processes(nodes))):
            for pid in sorted(left, key=lambda pid: pid not in first):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)

    def start_sweep(self, *options):
        """Start a sweep in a process of its own, and return it."""
        command = [sys.executable, "-m", "rru_nb.cli", "sweep", "dropout", "--dataset", "chorales"]
        command += ["--scale", "smoke", "--cells", "gru", "--seeds", ",".join(map(str, SEEDS))]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.sweeps.append(subprocess.Popen([*command, *options], **streams))
        return self.sweeps[-1]

    def stop(self):
        self.kill()
        for process in self.sweeps:
            process.kill()
            process.communicate()
        for node in self.nodes:
            node.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return list(self.processes())


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    for name, value in OF_THE_TEST.items():
        monkeypatch.setenv(name, value)
    use(tmp_path, monkeypatch, "cluster")
    cluster = Cluster()
    try:
        cluster.start_head()
        yield cluster
        ray().shutdown()
    finally:
        left = cluster.stop()
    assert left == []


def ray():
    """Return Ray, which reads its environment when it is imported first."""
    import ray

    return ray


def use(tmp_path, monkeypatch, name):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / name / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / name / "state"))


def configs():
    return section("dropout").runs("chorales", ["gru"], "smoke", SEEDS)


def sweep_dropout(engine, say=list):
    return sweep(section("dropout"), "chorales", "smoke", ["gru"], SEEDS, engine, say)


def records():
    """Return what is recorded by id, but for times and commit."""
    return {config.id: without_times(find_record(config)) for config in configs()}


def test_a_cluster(cluster, tmp_path, monkeypatch):
    """One test, so that one cluster serves however the tests are spread."""
    use(tmp_path, monkeypatch, "here")
    in_process = cluster.start_sweep()
    use(tmp_path, monkeypatch, "cluster")
    done, before = check_that_the_end_of_driver_and_cluster_loses_nothing(cluster)
    cluster.start_head()
    # One connection: Ray starts processes anew for each.
    ray().init(cluster.address, log_to_driver=False, logging_level="ERROR")
    check_that_a_killed_worker_changes_nothing(cluster, done, before)
    on_ray = records()
    _, errors = in_process.communicate()
    assert in_process.returncode == 0, errors
    use(tmp_path, monkeypatch, "here")
    assert len(on_ray) == N_RUNS and on_ray == records()
    use(tmp_path, monkeypatch, "cluster")
    check_that_a_stopped_search_goes_on()
    check_registered_cells()
    ray().shutdown()
    check_errors_before_anything_runs(cluster, tmp_path, monkeypatch)


def check_that_the_end_of_driver_and_cluster_loses_nothing(cluster):
    """A sweep is killed; when it goes on, the whole cluster is. It ends in one line.

    Returns:
        The runs that it told of, as it names them, and the contents of its records by path.
    """
    first, done = sweep_until(1, cluster)
    first.kill()
    first.communicate()
    before = contents()
    second, more = sweep_until(3, cluster)
    cluster.kill()
    _, errors = second.communicate()
    assert second.returncode == 2 and len(errors.splitlines()) == 1, errors
    assert "Ray cluster is lost" in errors and "same command goes on" in errors
    after = contents()
    assert 1 <= len(before) < 3 <= len(after) < N_RUNS and before.items() <= after.items()
    return done + more, after


def sweep_until(n_recorded, cluster):
    """Start a sweep on the cluster; return it, and the runs that it did until so many are there."""
    options = ["--engine", "ray", "--address", cluster.address, "--max-concurrent", "1"]
    driver, said = cluster.start_sweep(*options), []
    for line in driver.stdout:
        said.append(line)
        if line.startswith(f"[{n_recorded}/{N_RUNS}]"):
            return driver, runs_in(said)
    raise AssertionError(driver.communicate()[1])


def runs_in(said):
    """Return the runs that a sweep's lines tell of."""
    return [line.partition("] ")[2].partition(":")[0] for line in said if line.startswith("[")]


def contents():
    return {path: path.read_bytes() for path in paths.results_dir().glob("chorales/*.json")}


def check_that_a_killed_worker_changes_nothing(cluster, done, before):
    """The sweep goes on, with a worker killed within a run, as one of a single process would."""
    said, left, ended = [], {}, threading.Event()
    killer = threading.Thread(target=kill_within_a_run, args=(cluster, left, ended))
    killer.start()
    engine = make_engine("ray")
    try:
        assert sweep_dropout(engine, said.append) == N_RUNS - len(before)
    finally:
        ended.set()
        killer.join()
    assert engine.slots == 2
    names = done + runs_in(said)
    assert len(set(names)) == len(names), "none was done a second time"
    assert before.items() <= contents().items()
    ((config, state),) = left.items()
    epochs = state["fit"]["history"]
    record = find_record(config)
    assert epochs and record["epochs"][: len(epochs)] == epochs, "of the checkpoint, with seconds"
    assert record["started"] == state["clock"]["started"]
    assert [path.name for path in paths.results_dir().iterdir()] == ["chorales"], "records alone"


def kill_within_a_run(cluster, left, ended):
    """Kill a worker whose run has saved a checkpoint; put config and state into `left`."""
    runs = [run for run in map(RunFiles, configs()) if find_record(run.config) is None]
    while not ended.wait(0.01):
        # Before there is a checkpoint: a search takes longer than a run goes on after it.
        run, pid = next(under_way(cluster, {run.lock: run for run in runs}), (None, None))
        while run and not (run.checkpoints or run.record.exists() or ended.wait(0.001)):
            pass
        if run and run.checkpoints:
            os.kill(pid, signal.SIGSTOP)  # it saves no other one while this is read
            if run.checkpoints and not run.record.exists():
                with np.load(run.checkpoints[-1]) as arrays:
                    left[run.config] = json.loads(str(arrays["meta"]))["state"]
                os.kill(pid, signal.SIGKILL)
                return
            os.kill(pid, signal.SIGCONT)


def under_way(cluster, runs):
    """Yield each run, of `{lock: run}`, that a worker is in, and the id of that process."""
    for pid, folder in cluster.processes():
        with suppress(OSError):  # it has ended
            for handle in (folder / "fd").iterdir():
                if run := runs.get(handle.readlink()):
                    yield run, pid


def check_that_a_stopped_search_goes_on():
    search = Search("chorales", "gru", "smoke")
    lines = []

    def stop_after_three(line):
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(search, 6, make_engine("ray"), stop_after_three)
    assert len(search.trials()) == 3
    trials = tune(search, 6, make_engine("ray"), say=list)
    # TPE's first twenty points are random: those of a search that runs one after the other.
    anything = {"id": "x", "values": trials[0]["values"], "loss": 1.0}
    alone = [suggest(search, [anything] * k) for k in range(6)]
    assert [trial["values"] for trial in trials] == alone
    scores = load_records(id=[trial["id"] for trial in trials]).set_index("id").valid_nll_window
    assert [trial["loss"] for trial in trials] == [scores[trial["id"]] for trial in trials]


def check_registered_cells():
    """A cell of a notebook is known on the workers; one that always fails is recorded as failed."""
    from rru_nb.cells.gru import GRUCell

    def no_room(config, n, m):
        raise MemoryError("no room")

    no_room.__module__ = "__main__"  # as if it stood in a notebook: sent as it is
    leaky = type("LeakyCell", (GRUCell,), {"__module__": "__main__"})
    register_cell("leaky", leaky, sizes.gru)
    register_cell("huge", leaky, no_room)
    try:
        with make_engine("ray") as engine:
            for cell in ("leaky", "huge"):
                engine.submit(paper_config("chorales", cell, "smoke"))
            found = {config.cell: record for config, record in engine}
        assert found["leaky"]["status"] == "ok" and found["leaky"]["test"]
        assert found["huge"]["status"] == "failed" and found["huge"]["failure"]["epoch"] is None
        assert "MemoryError: no room" in found["huge"]["failure"]["reason"]
        assert find_record(paper_config("chorales", "huge", "smoke")) == found["huge"]
    finally:
        unregister_cell("leaky")
        unregister_cell("huge")


def check_errors_before_anything_runs(cluster, tmp_path, monkeypatch):
    config = paper_config("jsb", "gru", "smoke")
    for options, told in (
        ({"gpus_per_run": 0.25}, "--gpus-per-run 0.25.* GPU"),
        ({"cpus_per_run": 64}, "--cpus-per-run 64"),
    ):
        with pytest.raises(UserError, match=told):
            make_engine("ray", address=cluster.address, **options).__enter__()
        assert not ray().is_initialized()
    without = tmp_path / "without"
    without.mkdir()
    (without / "rru_nb.py").write_text("")  # hides the package
    join = ["--address", cluster.address, "--num-cpus", "1"]
    no_data = {"RRU_NB_CACHE": str(without / "cache"), "RRU_NB_DATA": str(without)}
    nobody = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9")
    cluster.start(join, PYTHONPATH=str(without))
    cluster.start(join, **no_data, **nobody)
    for name in ("RRU_NB_DATA", "RRU_NB_CACHE"):  # of this process they would hold there too
        monkeypatch.delenv(name, raising=False)
    with (
        pytest.raises(UserError) as error,
        make_engine("ray", address=cluster.address) as engine,
    ):
        engine.submit(config)
        list(engine)
    assert "rru_nb, or another version" in str(error.value), "of the node without the package"
    assert "JSB" in str(error.value), "of the node without the data"
    assert find_record(config) is None
