"""The training loop: repeatable, stops early, keeps the best weights, survives a divergence."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from helpers import a_record, without_times
from keras import ops

from rru_nb import paper_config, run
from rru_nb.tasks.base import Task
from rru_nb.training import provenance
from rru_nb.training import trainer as training
from rru_nb.training.files import RunFiles
from rru_nb.training.loop import TrainingLoop
from rru_nb.training.metrics import METRICS, Metric
from rru_nb.training.records import find_record
from rru_nb.training.trainer import train


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


ONE_EPOCH = paper_config("chorales", "gru", "smoke", max_epochs=1)


@pytest.fixture(scope="module")
def trained():
    """The record of a training, and the splits that it scored, in their order."""
    asked, task = [], training.task_for(ONE_EPOCH)
    evaluate = task.evaluate
    task.evaluate = lambda model, split: asked.append(split) or evaluate(model, split)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "task_for", lambda _: task)
        return train(ONE_EPOCH, progress=False), asked


def test_another_seed_gives_another_record(trained):
    other = paper_config("chorales", "gru", "smoke", max_epochs=1, seed=1)
    assert train(other, progress=False)["test"] != trained[0]["test"]


def test_training_learns():
    config = paper_config("chorales", "gru", "smoke", max_epochs=8, dropout=0.0)
    epochs = train(config, progress=False)["epochs"]
    untrained = 88 * np.log(2)
    assert epochs[-1]["valid_nll_window"] < 0.75 * untrained
    assert epochs[-1]["valid_nll_window"] < epochs[0]["valid_nll_window"]


def test_a_truncated_record_is_set_aside_and_the_run_done_again(monkeypatch):
    done = []
    monkeypatch.setattr(
        training, "train", lambda config, *_, **__: done.append(config) or a_record(config)
    )
    first, path = run(ONE_EPOCH, progress=False), RunFiles(ONE_EPOCH).record
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match=f"{path.name} is damaged.*the run is done again"):
        assert run(ONE_EPOCH, progress=False) == first
    assert done == [ONE_EPOCH] * 2
    assert path.with_name(f"{path.name}.corrupt").is_file() and find_record(ONE_EPOCH) == first


def test_run_trains_once_and_writes_what_it_returns(trained):
    first = run(ONE_EPOCH, progress=False)
    assert without_times(first) == without_times(trained[0])
    assert find_record(ONE_EPOCH) == first
    assert run(ONE_EPOCH, progress=False) == first, "the second call must not train again"
    assert first["differences"]["max_epochs"] == {"paper": None, "here": 1}
    assert first["n_params"] <= ONE_EPOCH.n_params
    assert set(first["test"]) == {"nll_window", "nll_batches", "nll_frame"}
    assert first["data"]["digest"] and first["versions"]["tensorflow"]


def test_a_training_that_turns_nan_is_tested_with_its_best_weights(monkeypatch, trained):
    config = paper_config("chorales", "gru", "smoke")
    task = training.task_for(config)
    batches = task.train_batches

    def poisoned(epoch):
        for i, batch in enumerate(batches(epoch)):
            # A window of no time steps has no mean: the loss of this batch is not a number.
            yield batch | {"length": 0 * batch["length"]} if (epoch, i) == (2, 1) else batch

    monkeypatch.setattr(task, "train_batches", poisoned)
    monkeypatch.setattr(training, "task_for", lambda _: task)
    record = run(config, progress=False)
    assert record["status"] == "ok" and record["test"] == trained[0]["test"]
    assert record["best_epoch"] == 1
    assert record["failure"] == {
        "epoch": 2,
        "step": 2,
        "loss": "nan",
        "gradient_norm": "nan",
    }
    assert len(record["epochs"]) == 1, "the epochs before the divergence stay"
    assert find_record(config) == record


class Scripted(Task):
    """A task whose validation scores are given, to see what the loop makes of them."""

    batch_spec = {"x": keras.InputSpec("float32", shape=(None, 1))}
    scores: list

    def __init__(self, config):
        super().__init__(config, SimpleNamespace(name="jsb", digest="", source=""))

    def network(self, units):
        return keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])

    def parameters(self, units):
        return 2

    def train_batches(self, epoch):
        self.trained = epoch
        yield {"x": np.ones([2, 1], np.float32)}

    def loss(self, model, batch):
        return ops.mean(model(batch["x"]) ** 2)

    def evaluate(self, model, split):
        weights = [w.copy() for w in model.get_weights()]
        if self.trained > len(self.seen):
            self.seen.append(weights)
        else:
            self.finally_scored = weights
        return {"nll_window": self.scores[self.trained - 1]}


@pytest.mark.parametrize(
    "better, scores, patience, stops_after, best",
    [
        ("lower", [5, 4, 4, 4, 1], 2, 4, 2),  # an equal score is no gain
        ("lower", [5, 4, 6, 3, 9, 9, 9], 2, 6, 4),
        ("higher", [5, 6, 4, 7, 1, 1, 9], 2, 6, 4),
        ("lower", [1, 2, 3, 4], 3, 4, 1),
    ],
)
def test_patience_and_best_weights(monkeypatch, better, scores, patience, stops_after, best):
    config = paper_config("chorales", "gru", "smoke", patience=patience, max_epochs=50)
    task = Scripted(config)
    task.scores, task.seen = scores, []
    monkeypatch.setitem(METRICS, config.metric, Metric("", "", "", better == "higher"))
    monkeypatch.setattr(training, "task_for", lambda _: task)
    fit = TrainingLoop(config, task, task.network(1))
    with training.Progress(config, enabled=False) as bar:
        fit.run(bar)
    fit.final_scores()
    assert (len(fit.history), fit.best_epoch) == (stops_after, best)
    for used, expected in zip(task.finally_scored, task.seen[best - 1]):
        np.testing.assert_array_equal(used, expected)
    assert not np.array_equal(task.seen[best - 1][0], task.seen[-1][0])


def test_the_optimizer_has_the_runs_settings():
    settings = {"learning_rate": 0.125, "clip_multiplier": 2.5, "optimizer": "liu"}
    task = Scripted(paper_config("chorales", "gru", "smoke", **settings))
    found = TrainingLoop(task.config, task, task.network(1)).optimizer.get_config()
    assert found["learning_rate"] == 0.125
    assert (found["clip_multiplier"], found["variant"]) == (2.5, "liu")


def test_the_test_split_is_scored_once(trained):
    assert trained[1].count("test") == 1 and trained[1][-1] == "test"


def test_selection_on_test_is_a_named_difference():
    config = paper_config("chorales", "gru", "smoke", select_on="test", max_epochs=1)
    record = train(config, progress=False)
    assert record["differences"]["select_on"] == {"paper": "valid", "here": "test"}
    assert "test_nll_window" in record["epochs"][0]
    assert "valid_nll_window" not in record["epochs"][0]


class Steep(Scripted):
    """A loss that is finite where its gradient is not."""

    def loss(self, model, batch):
        return ops.sum(ops.sqrt(model.layers[-1].bias))  # the bias is 0 at first


def test_a_gradient_that_is_not_finite_ends_the_training_though_the_loss_is(monkeypatch):
    task = Steep(paper_config("chorales", "gru", "smoke"))
    task.scores, task.seen = [1.0], []
    fit = TrainingLoop(task.config, task, task.network(1))
    with training.Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    assert fit.failure == {"epoch": 1, "step": 1, "loss": "0.0", "gradient_norm": "inf"}
    assert fit.final_scores() == {"valid": {}, "test": {}}


def fitted(task):
    """A `TrainingLoop` of a scripted task, run to its end."""
    task.seen = []
    fit = TrainingLoop(task.config, task, task.network(1))
    with training.Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    return fit


def test_a_restored_training_has_the_best_weights_of_an_epoch_before():
    task = Scripted(paper_config("chorales", "gru", "smoke", patience=2, max_epochs=9))
    task.scores = [4.0, 5.0, 6.0]
    fit = fitted(task)
    again = TrainingLoop(task.config, task, task.network(1))
    again.restore(*fit.state())
    assert again.best_epoch == 1 and len(again.history) == 3
    np.testing.assert_array_equal(again.best_weights[0], task.seen[0][0])
    assert not np.array_equal(again.best_weights[0], again.model.get_weights()[0])


class Uneven(Scripted):
    """Two batches, of one example with loss 1 and of three with loss 5."""

    def train_batches(self, epoch):
        self.trained = epoch
        for n, value in ((1, 1.0), (3, 5.0)):
            yield {"x": np.full([n, 1], value, np.float32)}

    def loss(self, model, batch):
        return ops.mean(batch["x"]) + 0.0 * ops.sum(model(batch["x"]))


def test_the_training_loss_is_the_mean_over_examples():
    task = Uneven(paper_config("chorales", "gru", "smoke", max_epochs=1))
    task.scores = [1.0]
    assert fitted(task).history[0]["train_loss"] == pytest.approx((1 + 3 * 5) / 4)


class TwoMetrics(Scripted):
    def evaluate(self, model, split):
        return {"nll_frame": -self.scores[self.trained - 1]} | super().evaluate(model, split)


def test_the_metric_of_the_config_decides_not_the_first_one():
    task = TwoMetrics(paper_config("chorales", "gru", "smoke", patience=2, max_epochs=9))
    task.scores = [5.0, 4.0, 6.0, 7.0]
    fit = fitted(task)
    assert (fit.best_epoch, fit.best_score, len(fit.history)) == (2, 4.0, 4)


def test_a_validation_score_that_is_not_finite_is_a_failure():
    task = Scripted(paper_config("chorales", "gru", "smoke"))
    task.scores = [5.0, float("nan")]
    fit = fitted(task)
    assert fit.failure == {"epoch": 2, "step": 1, "valid_nll_window": "nan"}
    assert len(fit.history) == 1


class Untestable(Scripted):
    def evaluate(self, model, split):
        found = super().evaluate(model, split)
        return found if split == "valid" else dict.fromkeys(found, float("inf"))


def test_a_test_score_that_is_not_finite_is_a_failure():
    task = Untestable(paper_config("chorales", "gru", "smoke", max_epochs=1))
    task.scores = [5.0]
    fit = fitted(task)
    assert fit.failure is None
    assert fit.final_scores() == {"valid": {}, "test": {}}
    assert fit.failure["test_nll_window"] == "inf"
    task = Untestable(paper_config("chorales", "gru", "smoke"))
    task.scores = [5.0, float("nan")]
    fit = fitted(task)
    assert fit.final_scores() == {"valid": {}, "test": {}}
    assert fit.failure.keys() == {"epoch", "step", "valid_nll_window"}, "the first one stays"


def test_the_seconds_of_an_epoch_are_those_of_all_its_processes():
    task = Scripted(paper_config("chorales", "gru", "smoke", max_epochs=1))
    task.scores, task.seen = [5.0], []
    fit = TrainingLoop(task.config, task, task.network(1))
    fit.seconds = 1000.0  # of a process before
    with training.Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    assert 1000 <= fit.history[0]["seconds"] < 1100


def test_a_restored_training_knows_the_epoch_under_way():
    task = Scripted(paper_config("chorales", "gru", "smoke"))
    task.scores, task.seen = [5.0], []
    fit, again = (TrainingLoop(task.config, task, task.network(1)) for _ in range(2))
    fit.losses, fit.sizes, fit.seconds = [1.0, 2.0], [4, 3], 12.5
    again.restore(*fit.state())
    assert (again.losses, again.sizes, again.seconds) == ([1.0, 2.0], [4, 3], 12.5)


def test_the_clock_of_a_training_that_goes_on_knows_what_was_before():
    there, here = {"gpu": None, "cpu": "another", "cores": 64}, provenance.device()
    commit = {"sha": "0" * 40, "dirty": False}
    started = "2026-01-01T00:00:00+00:00"
    clock = training._Clock(started=started, commit=commit, spent=1000.0, devices=[there])
    assert (clock.started, clock.commit, clock.devices) == (started, commit, [there, here])
    assert 1000 <= clock.seconds() < 1100
    again = training._Clock(**clock.as_dict())
    assert again.devices == [there, here] and again.seconds() >= 1000


def test_the_seed_decides_the_first_weights_too(monkeypatch):
    monkeypatch.setattr(TrainingLoop, "run", lambda *_: None)
    models = []
    for seed in (0, 1, 0):
        config = paper_config("chorales", "gru", "smoke", seed=seed)
        train(config, progress=False, finished=models.append)
    first, second, again = (model.get_weights()[0] for model in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_record_has_the_best_epoch_and_the_papers_number(monkeypatch):
    config = paper_config("jsb", "gru", "smoke", units=1, max_epochs=3, patience=3)
    task = Scripted(config)
    task.scores, task.seen = [5.0, 4.0, 6.0], []
    monkeypatch.setattr(training, "task_for", lambda _: task)
    record = train(config, progress=False)
    assert record["best_epoch"] == 2 and len(record["epochs"]) == 3
    assert record["published"]["value"] == 8.2
