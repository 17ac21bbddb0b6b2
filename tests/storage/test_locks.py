"""Processes that start the same runs at once do each once, and a killed one blocks nobody."""

import errno
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import forked
import pytest

from rru_nb import load_records, paper_config
from rru_nb.storage import files as locks
from rru_nb.training.files import RunFiles

fcntl = pytest.importorskip("fcntl")
CONFIG = paper_config("chorales", "gru", "smoke")
RUN = RunFiles(CONFIG)
fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def files(folder):
    return [p.name for p in Path(folder).rglob("*") if p.is_file()]


def _hold(mine):
    with RUN.alone():
        mine.send("held")
        mine.recv()


@pytest.fixture
def holder():
    """A process that is in the run: `(process, release)`."""
    here, there = fork.Pipe()
    process = fork.Process(target=_hold, args=(there,))
    process.start()
    assert here.recv() == "held"
    yield process, lambda: here.send("release")
    process.kill()
    process.join()


def _enter(queue):
    with RUN.alone():
        queue.put(time.monotonic())


@pytest.fixture
def said(monkeypatch):
    """What is told on standard error from here on, by processes forked from this one as well."""
    lines = fork.Queue()
    monkeypatch.setattr("rru_nb.storage.streams.tell", lines.put)
    return lines


def test_who_comes_second_waits_and_says_so(holder, tmp_path, said):
    _, release = holder
    queue = fork.Queue()
    second = fork.Process(target=_enter, args=(queue,))
    second.start()
    told = said.get(timeout=60)
    assert told.startswith("waiting") and CONFIG.id in told
    assert RUN.is_running() and queue.empty()
    released = time.monotonic()
    release()
    assert queue.get(timeout=30) >= released
    second.join()
    assert not RUN.is_running()


def test_a_killed_process_leaves_no_lock(holder, tmp_path):
    process, _ = holder
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert files(tmp_path), "its file is still there"
    assert not RUN.is_running()
    with RUN.alone():
        assert RUN.is_running()
    assert not RUN.is_running()


def test_other_runs_are_not_held_up(holder, capfd):
    other = RunFiles(paper_config("chorales", "gru", "smoke", seed=1))
    assert RUN.is_running() and not other.is_running()
    with other.alone():
        pass
    assert capfd.readouterr().err == ""


def test_an_error_within_frees_the_lock():
    with pytest.raises(ZeroDivisionError), RUN.alone():
        raise ZeroDivisionError
    assert not RUN.is_running()


@pytest.mark.parametrize("broken", ["no folder", errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_in_the_state_folder_those_of_the_machine_serve(
    tmp_path, monkeypatch, broken
):
    state = tmp_path / "state"
    if broken == "no folder":
        state.write_text("a file where the folder should be")
    else:
        _refuse_flock_below(monkeypatch, state, broken)
    with RUN.alone():
        assert RUN.is_running()
        (lock,) = tmp_path.glob("rru_nb-*.lock")
        assert lock.stat().st_size == 0
    assert not RUN.is_running()


def _refuse_flock_below(monkeypatch, folder, number):
    flock = fcntl.flock

    def refusing(handle, operation):
        if str(folder) in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(number, os.strerror(number))
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", refusing)


def test_no_lock_anywhere_is_a_warning_and_not_an_error(monkeypatch):
    def refuse(handle, operation):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match="no lock, another.*: .*not supported"), RUN.alone():
        assert not RUN.is_running()


def _many_times(counter, wrong, n):
    for _ in range(n):
        with RUN.alone():
            counter.value += 1  # not atomic: lost where two are inside
            wrong.value |= counter.value != 1
            counter.value -= 1


def test_never_two_at_a_time():
    counter, wrong = fork.Value("i", 0, lock=False), fork.Value("b", 0, lock=False)
    processes = [fork.Process(target=_many_times, args=(counter, wrong, 300)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0] * 4
    assert not wrong.value and counter.value == 0


SWEEP = """
import sys, time
from helpers import a_record
from rru_nb.cli import main
from rru_nb.training import trainer as training

def logged(config, *args, **kwargs):
    with open(sys.argv[1], "a") as log:
        log.write(config.id + "\\n")
    time.sleep(3)  # as a training that the others meet
    return a_record(config)

training.train = logged
sys.exit(main("sweep dropout --dataset chorales --scale smoke --cells gru".split()))
"""


def test_processes_that_sweep_the_same_section_do_each_run_once(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)  # a test's own is too long for a socket's name
    log, outputs = tmp_path / "log", [tmp_path / str(number) for number in range(3)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        forked.Popen([sys.executable, "-c", SWEEP, log], environment, tmp_path, output, output)
        for output in outputs
    ]
    codes = [process.wait() for process in processes]
    said = [output.read_text() for output in outputs]
    assert codes == [0] * 3, said
    frame = load_records(dataset="chorales")
    assert len(frame) == 2 and set(frame.status) == {"ok"}
    assert Counter(log.read_text().split()) == dict.fromkeys(frame.id, 1), said
    assert len(files(tmp_path / "results")) == 2
    assert not [name for name in files(tmp_path / "state") if not name.endswith(".lock")]


def test_a_link_in_the_temporary_folder_is_not_followed(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    _, place = locks._places(RUN.lock)
    target = tmp_path / "of somebody else"
    place.symlink_to(target)
    with pytest.warns(UserWarning, match="no lock"), RUN.alone():
        assert not target.exists()


def test_who_has_waited_has_a_lock_that_others_see(holder, said):
    _, release = holder
    here, there = fork.Pipe()
    second = fork.Process(target=_hold, args=(there,))
    second.start()
    assert said.get(timeout=60).startswith("waiting")
    time.sleep(0.3)  # from what it says to the lock itself
    release()
    assert here.poll(30) and here.recv() == "held"
    assert RUN.is_running()
    here.send("release")
    second.join()
    assert not RUN.is_running()
