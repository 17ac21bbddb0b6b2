"""Sweeps and searches on a real Ray cluster of several processes, started and ended here."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers import without_times

from rru_nb import UserError, load_records, paper_config
from rru_nb.experiments import section
from rru_nb.experiments.engines import InProcess, make_engine
from rru_nb.experiments.sweep import sweep
from rru_nb.experiments.tuning import Search, suggest, tune
from rru_nb.layers import sizes
from rru_nb.layers.registry import register_cell, unregister_cell
from rru_nb.training.records import find_record

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

SEEDS = [0, 1, 2, 3, 4, 5]  # at two rates of dropout: twelve runs
OF_THE_TEST = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # stays on 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # other processes may fill the memory
    "RAY_worker_niceness": "0",  # Ray lets other processes of the machine go first
    "TF_CPP_MIN_LOG_LEVEL": "3",
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
        self.heads = []

    def start_head(self):
        port = self.address.partition(":")[2]
        own = ["--head", "--port", port, "--temp-dir", str(self.folder), "--num-cpus", "2"]
        self.start([*own, "--include-dashboard", "false"])

    def start(self, arguments, **environment):
        """Start a node; again where it took longer than the half minute that Ray allows."""
        while not self._starts(arguments, os.environ | environment):
            assert len(self.heads) < 8, (self.folder / "log").read_text()

    def _starts(self, arguments, environment):
        command = [sys.executable, "-c", START, "start", "--block"]
        command += ["--node-ip-address", "127.0.0.1", *arguments]
        with (self.folder / "log").open("w") as log:
            streams = {"stdout": log, "stderr": log, "start_new_session": True}
            node = subprocess.Popen(command, env=environment, **streams)
        self.heads.append(node)
        while "Ray runtime started" not in (self.folder / "log").read_text():
            if node.poll() is not None:
                self.kill({node.pid})
                return False
            time.sleep(0.3)
        return True

    def processes(self, sessions=None):
        """Yield the process id and the title of each process of the cluster, or of some nodes."""
        sessions = sessions or {node.pid for node in self.heads}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                pid, title = int(folder.name), (folder / "cmdline").read_bytes()
                running = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if running and os.getsid(pid) in sessions:
                    yield pid, title.replace(b"\0", b" ").decode().strip()
            except OSError:  # it has ended
                continue

    def kill(self, sessions):
        """Kill all processes of some nodes at once; a gentler end takes Ray half a minute."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and (left := dict(self.processes(sessions))):
            # First the nodes themselves, which watch the others.
            for pid in sorted(left, key=lambda pid: pid not in sessions):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)

    def stop(self):
        self.kill({node.pid for node in self.heads})
        for node in self.heads:
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


def sweep_dropout(engine, say=list):
    return sweep(section("dropout"), "chorales", "smoke", ["gru"], SEEDS, engine, say)


def records():
    """Return what is recorded by id, but for times, host and commit."""
    configs = section("dropout").runs("chorales", ["gru"], "smoke", SEEDS)
    found = {config.id: without_times(find_record(config)) for config in configs}
    for record in found.values():
        del record["device"]
    return found


def test_a_cluster(cluster, tmp_path, monkeypatch):
    """One test, so that one cluster serves however the tests are spread."""
    check_that_a_killed_worker_changes_nothing(cluster, tmp_path, monkeypatch)
    check_that_a_stopped_search_goes_on(cluster)
    check_registered_cells(cluster)
    check_errors_before_anything_runs(cluster, tmp_path, monkeypatch)


def check_that_a_killed_worker_changes_nothing(cluster, tmp_path, monkeypatch):
    killed = []

    def kill_one(line):
        if "[3/12]" in line:
            pid = next(p for p, title in cluster.processes() if title.startswith("ray::rru-nb run"))
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    engine = make_engine("ray", address=cluster.address)
    assert sweep_dropout(engine, kill_one) == 12
    assert killed and engine.slots == 2
    assert not list((tmp_path / "cluster" / "results").glob(".*")), "nothing is left but records"
    on_ray = records()
    assert sweep_dropout(make_engine("ray", address=cluster.address)) == 0
    use(tmp_path, monkeypatch, "here")
    sweep_dropout(InProcess())
    assert len(on_ray) == 12 and on_ray == records()
    use(tmp_path, monkeypatch, "cluster")


def check_that_a_stopped_search_goes_on(cluster):
    search = Search.of("chorales", "gru", "smoke")
    lines = []

    def stop_after_three(line):
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(search, 8, make_engine("ray", address=cluster.address), stop_after_three)
    assert len(search.trials()) == 3
    trials = tune(search, 8, make_engine("ray", address=cluster.address), say=list)
    # TPE's first twenty points are random: those of a search that runs one after the other.
    anything = {"id": "x", "values": trials[0]["values"], "loss": 1.0}
    alone = [suggest(search, [anything] * k) for k in range(8)]
    assert [trial["values"] for trial in trials] == alone
    scores = load_records(id=[trial["id"] for trial in trials]).set_index("id").valid_nll_window
    assert [trial["loss"] for trial in trials] == [scores[trial["id"]] for trial in trials]


def check_registered_cells(cluster):
    """A cell of a notebook is known on the workers; one that always fails is recorded as failed."""
    from rru_nb.cells.gru import GRUCell

    def no_room(config, n, m):
        raise MemoryError("no room")

    no_room.__module__ = "__main__"  # as if it stood in a notebook: sent as it is
    leaky = type("LeakyCell", (GRUCell,), {"__module__": "__main__"})
    register_cell("leaky", leaky, sizes.gru)
    register_cell("huge", leaky, no_room)
    try:
        configs = [paper_config("chorales", cell, "smoke") for cell in ("leaky", "huge")]
        with make_engine("ray", address=cluster.address) as engine:
            for config in configs:
                engine.submit(config)
            found = {config.cell: record for config, record in engine}
        assert found["leaky"]["status"] == "ok" and found["leaky"]["test"]
        assert found["huge"]["status"] == "failed" and found["huge"]["failure"]["epoch"] is None
        assert "MemoryError: no room" in found["huge"]["failure"]["reason"]
        assert find_record(configs[1]) == found["huge"]
        with pytest.raises(UserError, match="--jobs 2"), make_engine(jobs=2) as engine:
            engine.submit(configs[0])
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
    cluster.start(join, PYTHONPATH=str(without))
    no_data = {"RRU_NB_CACHE": str(without / "cache"), "RRU_NB_DATA": str(without)}
    nobody = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9")
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
