"""One task of each kind gives the same record twice, also when the second training is stopped.

That each of the four cells does is in `test_checkpoints`.
"""

import signal

import pytest
from helpers import without_times

from rru_nb import paper_config
from rru_nb.training.config import KINDS
from rru_nb.training.interrupts import Stopped
from rru_nb.training.loop import TrainingLoop
from rru_nb.training.trainer import run, train

TASKS = {"word": "ptb-word", "char": "ptb-char", "sentiment": "imdb", "digits": "pmnist"}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize("kind", TASKS)
def test_the_same_record_twice(kind, any_data, monkeypatch):
    config = paper_config(TASKS[kind], "gru", "smoke", max_epochs=1)
    first = train(config, progress=False)
    with monkeypatch.context() as patch:
        _stop_within_second_step(patch)
        with pytest.raises(Stopped, match="saved at step 2 of epoch 1"):
            run(config, progress=False)
    second = run(config, progress=False)
    assert without_times(second) == without_times(first)
    assert first["status"] == "ok" and all(first["test"].values())


def _stop_within_second_step(patch):
    original = TrainingLoop.__post_init__

    def with_signal(fit):
        original(fit)
        compiled = fit.take_step

        def step(batch):
            if len(fit.losses) == 1:
                signal.raise_signal(signal.SIGTERM)
            return compiled(batch)

        fit.take_step = step

    patch.setattr(TrainingLoop, "__post_init__", with_signal)


def test_no_kind_of_task_is_left_out():
    assert {KINDS[dataset] for dataset in TASKS.values()} | {"music"} == set(KINDS.values())
