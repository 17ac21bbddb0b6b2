"""Ctrl-C and SIGTERM: exit codes, what is said, and the same command goes on."""

import os
import signal

import pytest

from rru_nb.cli import main
from rru_nb.training.loop import TrainingLoop

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.usefixtures("interruptible"),
]
RUN = ["run", "--dataset", "chorales", "--cell", "gru", "--scale", "smoke", "--quiet"]
SWEEP = ["sweep", "dropout", "--dataset", "jsb", "--scale", "smoke"]
SIGNALS = pytest.mark.parametrize(
    "signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


@pytest.fixture
def in_second_step(monkeypatch):
    """Has a function called within the second step of a training."""
    original = TrainingLoop.__post_init__

    def call(function, result=None):
        def with_call(fit):
            original(fit)
            compiled = fit.take_step

            def step(batch):
                if len(fit.losses) != 1:
                    return compiled(batch)
                function()
                return result or compiled(batch)

            fit.take_step = step

        monkeypatch.setattr(TrainingLoop, "__post_init__", with_call)

    yield call
    monkeypatch.setattr(TrainingLoop, "__post_init__", original)


@SIGNALS
def test_within_a_training(signum, code, in_second_step, monkeypatch, capsys):
    with monkeypatch.context():
        in_second_step(lambda: signal.raise_signal(signum))
        assert main(RUN) == code
    told = capsys.readouterr()
    assert told.err.endswith(
        "rru-nb: saved at step 2 of epoch 1; the same command goes on from there\n"
    )
    assert "record" not in told.out
    in_second_step(lambda: None)
    assert main(RUN) == 0
    assert "new record" in capsys.readouterr().out


def test_within_a_training_of_a_sweep(in_second_step, capsys):
    in_second_step(lambda: signal.raise_signal(signal.SIGTERM))
    assert main(["sweep", "dropout", "--dataset", "chorales", "--scale", "smoke"]) == 143
    told = capsys.readouterr().err
    assert "0 of 8 runs are recorded; saved at step 2 of epoch 1; the same command" in told
    assert told.lower().count("the same command") == 1


def test_several_signals_at_once_are_one_wish(in_second_step, monkeypatch, capsys):
    """A terminal tells all processes of a sweep, and the sweep tells its own again."""

    def both():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    in_second_step(both)
    assert main(RUN) == 130
    assert "saved at step 2 of epoch 1" in capsys.readouterr().err
    monkeypatch.setattr("rru_nb.training.interrupts.SAME_WISH", -1.0)
    assert main(RUN) == 143, "a second wish does not wait for the step"
    assert "stopped at once" in capsys.readouterr().err


def test_a_signal_in_a_step_that_fails_ends_the_run_all_the_same(in_second_step, capsys):
    in_second_step(lambda: signal.raise_signal(signal.SIGINT), result=(float("nan"), 1.0))
    assert main(RUN) == 130
    assert "stopped as the training failed" in capsys.readouterr().err


@SIGNALS
@pytest.mark.parametrize(
    "command", [RUN, ["sweep", "dropout", "--dataset", "jsb", "--scale", "smoke"]]
)
def test_outside_of_a_training(signum, code, command, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("rru_nb.training.trainer.run", lambda *_, **__: signal.raise_signal(signum))
    assert main(command) == code
    told = capsys.readouterr().err
    if command is RUN:
        assert "interrupted; the records and checkpoints that are there stay" in told
    else:
        assert "0 of 8 runs are recorded\nThe same command goes on." in told
    assert "Traceback" not in told
    assert signal.getsignal(signal.SIGTERM) is before
