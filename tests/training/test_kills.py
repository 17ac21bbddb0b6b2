"""A training killed at any moment ends, when run again, in the record of an undisturbed one."""

import hashlib
import json
import os
import random
import signal
import sys

import numpy as np
import pytest
from forked import PRELOADED, server
from helpers import without_times

from rru_nb import paper_config
from rru_nb.layers.tensorflow import over_time
from rru_nb.tasks.music import MusicTask
from rru_nb.training import checkpoints, loop
from rru_nb.training import trainer as training
from rru_nb.training.files import RunFiles

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

server.set_forkserver_preload([*PRELOADED, "test_kills"])

PHASES = {  # of a training: the functions that make it up
    "start": [
        (training, "task_for"),
        (loop.TrainingLoop, "__post_init__"),
        (checkpoints.Checkpoint, "load"),
    ],
    "step": [(loop.TrainingLoop, "_step")],
    "validation": [(MusicTask, "evaluate")],
    "checkpoint": [(checkpoints.Checkpoint, "save")],
    "record": [(training, "make_room"), (training, "write_record"), (RunFiles, "forget")],
}


class Moments:
    """Counts what happens within the functions of each phase, and kills the process at a moment.

    Calls of C functions count as they begin and as they end, so that moments lie between any
    two of opening, writing, renaming and deleting a file.

    Attributes:
        counts: `{phase: moments in each call of its functions}`.
    """

    def __init__(self, kill_at=None):
        self.counts = {phase: [] for phase in PHASES}
        self.phase, self.kill_at = None, kill_at
        for phase, functions in PHASES.items():
            for owner, name in functions:
                if name == "_step":
                    self._wrap_step(phase, owner)
                else:
                    setattr(owner, name, self._counted(phase, getattr(owner, name)))

    def _wrap_step(self, phase, owner):
        original = owner.__post_init__

        def with_step(training_under_way):
            original(training_under_way)
            training_under_way.take_step = self._counted(phase, training_under_way.take_step)

        owner.__post_init__ = with_step

    def _counted(self, phase, function):
        def counted(*args, **kwargs):
            if self.phase:
                return function(*args, **kwargs)
            self.phase, before = phase, sys.getprofile()
            self.counts[phase].append(0)
            sys.setprofile(self._event)
            try:
                return function(*args, **kwargs)
            finally:
                sys.setprofile(before)
                self.phase = None

        return counted

    def _event(self, frame, event, argument):
        counts = self.counts[self.phase]
        counts[-1] += 1
        if self.kill_at == (self.phase, len(counts) - 1, counts[-1]):
            os.kill(os.getpid(), signal.SIGKILL)


def _train(environment, digest, config, watched, kill_at=None, counts=None):
    os.environ.update(environment)
    over_time.UNROLL = 2  # a smaller graph; `conftest.py` has no say in this process
    _write_digest_at_the_end(digest)
    if watched:
        checkpoints.SECONDS_BETWEEN = 0  # after every step, as within long epochs
        moments = Moments(kill_at)
    training.run(config, progress=False)
    if counts:
        counts.send(moments.counts)


def _write_digest_at_the_end(path):
    """The record holds no weights: the best ones, and all that the optimizer kept, go here."""
    final_scores = loop.TrainingLoop.final_scores

    def with_digest(under_way):
        digest = hashlib.sha256()
        for array in (*under_way.best_weights, *under_way.optimizer.variables):
            digest.update(np.asarray(array).tobytes())
        path.write_text(digest.hexdigest())
        return final_scores(under_way)

    loop.TrainingLoop.final_scores = with_digest


def in_a_child(folder, config, watched=False, kill_at=None, counts=None):
    """Runs a training in a process of its own, with places of its own; returns its exit code."""
    environment = {
        "RRU_NB_RESULTS": str(folder / "results"),
        "RRU_NB_STATE": str(folder / "state"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    arguments = (environment, _digest_of(folder), config, watched, kill_at, counts)
    process = server.Process(target=_train, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def _digest_of(folder):
    return folder.with_name(f"{folder.name}.sha256")


def record_in(folder, config):
    """What is recorded, but for times and the commit, and the digest of weights and optimizer.

    Nothing else may lie around but the lock's file.
    """
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert files == [folder / "results" / config.dataset / RunFiles(config).record.name]
    return without_times(json.loads(files[0].read_text())), _digest_of(folder).read_text()


class Victim:
    """A config, the record of an undisturbed training, and the moments that it has."""

    def __init__(self, config, folder):
        self.config, self.folder = config, folder
        assert in_a_child(folder / "undisturbed", config) == 0
        self.record = record_in(folder / "undisturbed", config)
        here, there = server.Pipe()
        assert in_a_child(folder / "counted", config, True, None, there) == 0
        self.counts = here.recv()
        assert record_in(folder / "counted", config) == self.record, "counting changes nothing"

    def kill_and_go_on(self, phase, rng):
        """Kills a training at a random moment of a random call of the phase, and runs it again."""
        calls = self.counts[phase]
        call = rng.randrange(len(calls))
        at = phase, call, rng.randint(1, calls[call])
        folder = self.folder / f"{phase}-{call}-{at[2]}"
        assert in_a_child(folder, self.config, True, at) == -signal.SIGKILL, f"not killed at {at}"
        assert in_a_child(folder, self.config) == 0
        assert record_in(folder, self.config) == self.record, f"killed at {at} of {calls[call]}"
        print(f"{self.config.cell}: killed at moment {at} of {calls[call]}: the record is the same")


@pytest.fixture(scope="module")
def gru(tmp_path_factory):
    return Victim(paper_config("chorales", "gru", "smoke"), tmp_path_factory.mktemp("gru"))


@pytest.fixture(scope="module")
def rru(tmp_path_factory):
    return Victim(paper_config("chorales", "rru", "smoke"), tmp_path_factory.mktemp("rru"))


@pytest.mark.parametrize("phase", ["step", "checkpoint", "record"])
def test_a_killed_training_ends_in_the_same_record(phase, gru):
    gru.kill_and_go_on(phase, random.Random(phase))


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(2))
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("cell", ["gru", "rru"])
def test_twenty_kills(cell, phase, nth, request):
    request.getfixturevalue(cell).kill_and_go_on(phase, random.Random(f"{phase} {cell} {nth}"))
