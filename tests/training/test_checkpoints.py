"""Checkpoints: a stopped training ends in the same record; nothing foreign is ever used."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import a_record, without_times

from rru_nb import paper_config, run
from rru_nb.storage import paths
from rru_nb.training import provenance
from rru_nb.training import trainer as training
from rru_nb.training.checkpoints import Checkpoint
from rru_nb.training.config import CELLS
from rru_nb.training.files import RunFiles
from rru_nb.training.interrupts import Stopped, sigterm_raises, stop_request
from rru_nb.training.loop import TrainingLoop
from rru_nb.training.records import find_record, write_record


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


def files():
    """Names of all files of the state but locks, which stay."""
    found = (p.name for p in paths.state_dir().rglob("*") if p.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


STEPS_OF_EPOCH = 3  # 48 windows in batches of 16
IN_SECOND_EPOCH = STEPS_OF_EPOCH + 2
STOPS = dict.fromkeys(CELLS, (IN_SECOND_EPOCH,))  # after these steps, each time in a new training
STOPS |= {"gru": (1, STEPS_OF_EPOCH, IN_SECOND_EPOCH)}


@pytest.mark.parametrize("cell", CELLS)
def test_a_training_stopped_at_any_step_ends_in_the_same_record(cell, monkeypatch):
    config = paper_config("chorales", cell, "smoke")
    undisturbed = without_times(training.train(config, progress=False))
    assert undisturbed["status"] == "ok" and len(undisturbed["epochs"]) == 2
    for n_steps in STOPS[cell]:
        with monkeypatch.context() as patch:
            _stop_within_step(patch, n_steps)
            with pytest.raises(Stopped, match="saved at step") as stopped:
                run(config, progress=False)
        assert stopped.value.signum == signal.SIGTERM
        assert files(), "a state is kept"
    record = run(config, progress=False)
    assert without_times(record) == undisturbed
    assert not files(), "a run with its record needs no state"


def test_the_best_weights_and_the_time_of_before_a_stop_count(monkeypatch):
    config = paper_config("chorales", "gru", "smoke", learning_rate=0.2)
    undisturbed = without_times(training.train(config, progress=False))
    assert undisturbed["best_epoch"] == 1, "so large a step makes the second epoch worse"
    with monkeypatch.context() as patch:
        patch.setattr(training._Clock, "seconds", lambda clock: 1000.0)
        _stop_within_step(patch, IN_SECOND_EPOCH)
        with pytest.raises(Stopped):
            run(config, progress=False)
    record = run(config, progress=False)
    assert 1000 < record["seconds"] < 2000
    assert without_times(record) == undisturbed


def _stop_within_step(patch, number):
    """SIGTERM arrives while the step with this number, over all epochs, computes."""
    original = TrainingLoop.__post_init__

    def with_alarm(fit):
        original(fit)
        compiled = fit.take_step

        def step(batch):
            # Steps taken by earlier processes count: the state knows them.
            if STEPS_OF_EPOCH * len(fit.history) + len(fit.losses) + 1 == number:
                signal.raise_signal(signal.SIGTERM)
            return compiled(batch)

        fit.take_step = step

    patch.setattr(TrainingLoop, "__post_init__", with_alarm)


def test_a_second_signal_stops_at_once_and_handlers_come_back(monkeypatch):
    monkeypatch.setattr(
        "rru_nb.training.interrupts.SAME_WISH", -1.0
    )  # a wish of its own, however soon
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped, match="second"), stop_request() as request:
        signal.raise_signal(signal.SIGINT)
        assert request.signum == signal.SIGINT
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


CONFIG = paper_config("chorales", "gru", "smoke")


def test_the_newest_two_are_kept_and_the_newest_is_loaded():
    checkpoint = Checkpoint(CONFIG, "digest")
    for i in range(5):
        assert checkpoint.save({"a": np.full([3], i)}, {"i": i})
        assert len(files()) == min(i + 1, 2)
    arrays, meta = Checkpoint(CONFIG, "digest").load()
    assert meta == {"i": 4}
    np.testing.assert_array_equal(arrays["a"], [4, 4, 4])
    written = time.time()
    older, newer = sorted(paths.state_dir().rglob("*.npz"))
    os.utime(older, (written - 1, written - 1))
    os.utime(newer, (written + 1, written + 1))
    RunFiles(CONFIG).forget(until=written)
    assert checkpoint.load()[1] == {"i": 4}, "saved after the record: of another training"
    assert len(files()) == 1
    RunFiles(CONFIG).forget()
    assert files() == [] and checkpoint.load() is None


def encrypted(content):
    """With the bit of the zip directory set that says that the first array is encrypted."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


def of_a_later_version(content):
    at = content.index(b"PK\x01\x02") + 6
    return content[:at] + b"\xff" + content[at + 1 :]


def with_another_name(content):
    return content.replace(b"a.npy", b"b.npy")


DAMAGES = [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[::-1]]
DAMAGES += [encrypted, of_a_later_version, with_another_name]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_the_one_before_serves(damage):
    checkpoint = Checkpoint(CONFIG, "digest")
    for i in range(2):
        checkpoint.save({"a": np.arange(100)}, {"i": i})
    newest = max(paths.state_dir().rglob("*.npz"))
    newest.write_bytes(damage(newest.read_bytes()))
    with pytest.warns(UserWarning, match=newest.name):
        assert checkpoint.load()[1] == {"i": 0}


COMPUTES = ["backend", "gpu", "onednn", "switches"]  # of a device


@pytest.mark.parametrize("what", ["settings", "data", "source", "versions", *COMPUTES])
def test_a_checkpoint_of_something_else_is_not_used(what, monkeypatch):
    checkpoint = Checkpoint(CONFIG, "digest")
    checkpoint.save({"a": np.arange(3)}, {"i": "before"})
    with monkeypatch.context() as patch:
        device = provenance.device() | ({what: "other"} if what in COMPUTES else {})
        patch.setattr(provenance, "device", lambda: device)
        if what in ("source", "versions"):
            name = {"source": "source_tree"}.get(what, what)
            patch.setattr(provenance, name, lambda: "other")
        other = Checkpoint(CONFIG, "other" if what == "data" else "digest")
    if what == "settings":  # else they have other names, and are never met
        other.identity |= {"settings": paper_config("chorales", "gru", "smoke", 1).as_dict()}
    named = "computes" if what in COMPUTES else what
    with pytest.warns(UserWarning, match=f"not used: other {named}$"):
        assert other.load() is None
    for i in range(3):
        other.save({"a": np.arange(3)}, {"i": i})
    assert len(files()) == 1 + 2, "whoever goes on with other code deletes nothing of before"
    assert other.load()[1] == {"i": 2}
    with pytest.warns(UserWarning, match=f"stays, and is not used: other {named}$"):
        assert checkpoint.load()[1] == {"i": "before"}


def test_a_checkpoint_from_before_a_part_of_its_identity_is_not_used():
    checkpoint = Checkpoint(CONFIG, "digest")
    checkpoint.save({"a": np.arange(3)}, {})
    checkpoint.identity["later"] = "a part that older files do not have"
    with pytest.warns(UserWarning, match="not used: other later$"):
        assert checkpoint.load() is None


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    checkpoint = Checkpoint(CONFIG, "digest")
    checkpoint.save({"a": np.arange(3)}, {})
    path = next(paths.state_dir().rglob("*.npz"))
    np.savez(path, a=np.array([{}], dtype=object), meta=np.array("{}"))
    with pytest.warns(UserWarning, match="damaged"):
        assert checkpoint.load() is None


def test_a_folder_that_cannot_be_written_costs_the_checkpoint_not_the_training(
    tmp_path, monkeypatch
):
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="no checkpoint could be written"):
        record = run(CONFIG, progress=False)
    assert record["status"] == "ok"


def test_one_that_cannot_be_deleted_ends_no_training(monkeypatch):
    checkpoint = Checkpoint(CONFIG, "digest")

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    assert all(checkpoint.save({}, {"i": i}) for i in range(4))
    assert len(files()) == 4 and checkpoint.load()[1] == {"i": 3}


def test_copies_that_a_synced_drive_adds_are_let_alone():
    checkpoint = Checkpoint(CONFIG, "digest")
    checkpoint.save({}, {"i": 0})
    (path,) = paths.state_dir().rglob("*.npz")
    copy = path.with_name(f"{path.stem} (1).npz")
    copy.write_bytes(path.read_bytes())
    assert checkpoint.save({}, {"i": 1}) and checkpoint.load()[1] == {"i": 1}
    RunFiles(CONFIG).forget()
    assert files() == [copy.name]


def test_within_a_long_epoch_every_few_minutes_at_short_ones_seldom(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("rru_nb.training.checkpoints.time.monotonic", lambda: now[0])
    checkpoint = Checkpoint(CONFIG, "digest")
    assert checkpoint.due(epoch_ends=True) and not checkpoint.due(epoch_ends=False)
    now[0] = 181.0
    assert checkpoint.due(epoch_ends=False)
    writing = "rru_nb.training.checkpoints.files.write_whole"
    monkeypatch.setattr(writing, lambda *_: now.__setitem__(0, now[0] + 1.0))
    checkpoint.save({}, {})
    now[0] += 19.0
    assert not checkpoint.due(epoch_ends=True), "a second of writing for 19 of training"
    now[0] += 2.0
    assert checkpoint.due(epoch_ends=True)


def test_outside_the_main_thread_nothing_asks_and_nothing_breaks():
    def entered():
        with stop_request() as request, sigterm_raises():
            return request.signum

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(entered).result() is None


def test_a_handler_of_a_program_around_python_stays(monkeypatch):
    """Python knows none of it, and could not put it back."""
    monkeypatch.setattr(signal, "getsignal", lambda signum: None)
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("it is replaced"))
    with stop_request() as request, sigterm_raises():
        assert request.signum is None


def test_what_a_killed_writer_left_goes_with_the_checkpoints():
    Checkpoint(CONFIG, "digest").save({"a": np.arange(3)}, {})
    (path,) = paths.state_dir().rglob("*.npz")
    path.with_name(f".{path.name}-a.part").write_bytes(b"half")
    RunFiles(CONFIG).forget()
    assert files() == []


def test_a_state_older_than_the_record_goes_when_the_record_is_found():
    """As after a kill between the writing of the record and the deleting of the state."""
    checkpoint = Checkpoint(CONFIG, "digest")
    for i in range(2):
        checkpoint.save({"a": np.arange(3)}, {"i": i})
    path = write_record(a_record(CONFIG))
    written = path.stat().st_mtime
    older, newer = sorted(paths.state_dir().rglob("*.npz"))
    os.utime(older, (written - 9, written - 9))
    os.utime(newer, (written + 9, written + 9))
    assert run(CONFIG, progress=False) == find_record(CONFIG)
    assert files() == [newer.name], "a later one is of another training of the run"
