"""Ctrl-C and SIGTERM: exit codes, what is said, and the same command goes on."""

import os
import signal

import pytest

from rru_nb.cli import main
from rru_nb.fit import Fit

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


@SIGNALS
def test_within_a_training(signum, code, monkeypatch, capsys):
    original = Fit.__post_init__

    def with_signal(fit):
        original(fit)
        compiled = fit._step

        def step(batch):
            if len(fit.losses) == 1:
                signal.raise_signal(signum)
            return compiled(batch)

        fit._step = step

    with monkeypatch.context() as patch:
        patch.setattr(Fit, "__post_init__", with_signal)
        assert main(RUN) == code
    told = capsys.readouterr()
    assert told.err.endswith(
        "rru-nb: saved at step 2 of epoch 1; the same command goes on from there\n"
    )
    assert "record" not in told.out
    assert main(RUN) == 0
    assert "new record" in capsys.readouterr().out


@SIGNALS
@pytest.mark.parametrize(
    "command", [RUN, ["sweep", "dropout", "--dataset", "jsb", "--scale", "smoke"]]
)
def test_outside_of_a_training(signum, code, command, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("rru_nb.training.run", lambda *_, **__: signal.raise_signal(signum))
    assert main(command) == code
    told = capsys.readouterr().err
    if command is RUN:
        assert "interrupted; the records and checkpoints that are there stay" in told
    else:
        assert "0 of 8 runs are recorded\nThe same command goes on." in told
    assert "Traceback" not in told
    assert signal.getsignal(signal.SIGTERM) is before
