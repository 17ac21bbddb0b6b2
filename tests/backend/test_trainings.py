"""Trainings of every kind of task on any backend: records, padding, failure, kills."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import warnings
from importlib.metadata import version

import keras
import numpy as np
import pytest
from helpers import without_times

from rru_nb import UserError, paper_config, run
from rru_nb.data.splits import Splits
from rru_nb.layers.backend import PACKAGES, backend
from rru_nb.storage import paths
from rru_nb.tasks import base, task_for
from rru_nb.training import checkpoints, provenance
from rru_nb.training.config import CELLS, KINDS
from rru_nb.training.loop import TrainingLoop
from rru_nb.training.trainer import train

BACKEND = keras.backend.backend()
SMALL = {"units": 4, "batch_size": 4}
TRAININGS = {  # of each kind: dataset, cell, settings; no number of examples is a whole of batches
    "music": ("jsb", "rru", {"window": 40, "batch_size": 2, "train_limit": 25, "eval_limit": 5}),
    "word": ("ptb-word", "lstm", {"window": 8, "train_limit": 14, "eval_limit": 9}),
    "char": ("ptb-char", "mogrifier", {"window": 8, "train_limit": 18, "eval_limit": 15}),
    "sentiment": ("imdb", "gru", {"window": 60, "train_limit": 23, "eval_limit": 9}),
    "digits": ("pmnist", "gru", {"window": 28, "train_limit": 21, "eval_limit": 9}),
}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="module", autouse=True)
def quickly_compiled():
    """What is compiled here runs for milliseconds; unoptimized, it is there in half the time."""
    if BACKEND != "jax":
        yield
        return
    import jax

    name = "jax_disable_most_optimizations"
    before = jax.config.values[name]
    jax.config.update(name, True)
    yield
    jax.config.update(name, before)


def config_of(kind, **changes):
    dataset, cell, settings = TRAININGS[kind]
    return paper_config(dataset, cell, "smoke", **SMALL | settings | changes)


def test_no_kind_and_no_cell_is_left_out():
    assert TRAININGS.keys() == set(KINDS.values())
    assert {cell for _, cell, _ in TRAININGS.values()} == set(CELLS)


# Records, and how often anything is compiled


@pytest.fixture
def traces(monkeypatch):
    """Grows when a training step or a scorer is traced; JAX compiles after each trace."""
    found, compiled = [], backend().compiled

    def counted(function):
        def traced(*arguments):
            found.append(function)
            return function(*arguments)

        return traced

    def fit_counted(fit):
        fit.task.loss = counted(fit.task.loss)
        original(fit)

    original = TrainingLoop.__post_init__
    monkeypatch.setattr(TrainingLoop, "__post_init__", fit_counted)
    monkeypatch.setattr(
        backend(), "compiled", lambda model, f, spec=None: compiled(model, counted(f), spec)
    )
    return found


@pytest.mark.parametrize("kind", TRAININGS)
def test_a_training_and_its_record(kind, fake_data, traces, monkeypatch):
    monkeypatch.setattr(provenance, "_git", lambda *_: None)
    monkeypatch.setenv("RRU_NB_COMMIT", "ab" * 20 + "-dirty")
    record = run(config_of(kind), progress=False)
    assert 2 <= len(traces) <= 4, "of a training with two epochs, on JAX one for each shape"
    assert record["status"] == "ok" and len(record["epochs"]) == 2
    assert record["device"]["backend"] == BACKEND and record["recurrence"] == ["fused"]
    for name in (*PACKAGES[BACKEND], "keras", "numpy"):
        assert record["versions"][name] == version(name)
    assert record["commit"] == {"sha": "ab" * 20, "dirty": True}
    assert all(np.isfinite(score) for score in record["test"].values())


@pytest.mark.parametrize("kind", ["music", "sentiment"])
def test_without_padding_there_would_be_more_shapes(kind, fake_data, monkeypatch):
    def shapes():
        task = task_for(config_of(kind))
        return {batch["x"].shape for epoch in (1, 2) for batch in task.train_batches(epoch)}

    monkeypatch.setattr(backend(), "PADDED_LENGTHS", True)
    assert 2 <= len(shapes()) <= 3
    monkeypatch.setattr(backend(), "PADDED_LENGTHS", False)
    assert len(shapes()) > 4


@pytest.mark.parametrize("given", ["abc", "main", "AB" * 20, "ab" * 20 + "-changed"])
def test_a_commit_that_is_none_is_one_error(given, monkeypatch):
    monkeypatch.setenv("RRU_NB_COMMIT", given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "_git", lambda *_: None)
        with pytest.raises(UserError, match=f"RRU_NB_COMMIT = '{given}' is no commit"):
            train(config_of("music"), progress=False)
    assert provenance.commit()["sha"] not in (None, given), "git knows better where there is one"


def test_a_copy_within_another_repository_has_no_commit_of_its_own(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    commit = ["commit", "--quiet", "--allow-empty", "--message=another"]
    subprocess.run(["git", "-C", tmp_path, *author, *commit], check=True)
    (tmp_path / "copy").mkdir()
    monkeypatch.delenv("RRU_NB_COMMIT", raising=False)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "copy/src/rru_nb")
    assert provenance.commit() == {"sha": None, "dirty": None}
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "src/rru_nb")
    assert provenance.commit()["sha"]
    # An installed package that runs in a checkout is not that checkout's code.
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "site-packages/rru_nb")
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    assert provenance.commit() == {"sha": None, "dirty": None}


def test_a_package_of_another_distribution_has_a_version(monkeypatch):
    real, missing = importlib.metadata.version, importlib.metadata.PackageNotFoundError

    def version(name):
        if name == "keras":
            raise missing(name)
        return real("keras" if name == "keras-nightly" else name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    named = {"keras": ["keras-nightly"]}
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: named)
    assert provenance.version("keras") == keras.__version__
    with pytest.raises(missing):
        provenance.version("no-such-package")


@pytest.mark.parametrize("folder, dirty", [("src", True), ("params", True), ("book", False)])
def test_changed_code_and_changed_values_of_the_paper_are_told(
    folder, dirty, tmp_path, monkeypatch
):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "file").write_text("before")
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "src/rru_nb")
    assert provenance.commit()["dirty"] is False
    (tmp_path / folder / "file").write_text("after")
    assert provenance.commit()["dirty"] is dirty


# Padding


@pytest.fixture(scope="module")
def networks():
    """A task with a network of random weights for each kind: an untrained RRU has Z = 0."""
    made = {}

    def network_of(kind):
        if kind not in made:
            task = task_for(config_of(kind, dropout=0.0))
            keras.utils.set_random_seed(1)
            made[kind] = task, task.network(4)
            rng = np.random.default_rng(1)
            for weight in made[kind][1].trainable_variables:
                weight.assign_add(0.3 * rng.normal(size=weight.shape))
        return made[kind]

    return network_of


def loss_and_gradients(task, model, batch):
    """The loss is the gradient of a factor that it is multiplied by."""
    variables = model.trainable_variables

    def loss(values):
        factor, *values = values
        with keras.StatelessScope(state_mapping=list(zip(variables, values))):
            return factor * task.loss(model, batch)

    return backend().gradients(loss, [np.float32(1), *(np.asarray(v) for v in variables)])


def padded(name, array, n_steps):
    if name not in ("x", "y"):
        return array
    return np.pad(array, [(0, 0), (0, n_steps)] + [(0, 0)] * (array.ndim - 2))


@pytest.mark.parametrize("kind", ["music", "sentiment"])
def test_padding_changes_neither_loss_nor_gradients(kind, fake_data, networks, monkeypatch):
    monkeypatch.setattr(backend(), "PADDED_LENGTHS", False)
    task, model = networks(kind)
    batch = next(iter(task.train_batches(1)))
    longer = {name: padded(name, array, n_steps=3) for name, array in batch.items()}
    found = [loss_and_gradients(task, model, each) for each in (batch, longer)]
    for trimmed, full in zip(*found, strict=True):
        np.testing.assert_allclose(trimmed, full, rtol=1e-4, atol=1e-6)
    assert all(np.any(g) for g in found[0])


@pytest.mark.parametrize("kind", TRAININGS)
def test_scores_do_not_depend_on_padding(kind, fake_data, networks, monkeypatch):
    task, model = networks(kind)
    scores = []
    for flag in (True, False):
        monkeypatch.setattr(backend(), "PADDED_LENGTHS", flag)
        scores.append(task.evaluate(model, "valid"))
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


@pytest.mark.parametrize("kind", TRAININGS)
def test_a_training_drops_out_and_a_scoring_does_not(kind, fake_data, networks):
    """Beside a network of the same weights that has no dropout."""
    plain, without = networks(kind)
    task = task_for(config_of(kind, dropout=0.5))
    model = task.network(4)
    model.set_weights(without.get_weights())
    expected = plain.evaluate(without, "valid")
    assert task.evaluate(model, "valid") == pytest.approx(expected, rel=1e-5)
    batch = next(iter(task.train_batches(1)))
    losses = [float(t.loss(m, batch)) for t, m in ((plain, without), (task, model))]
    assert losses[1] != pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize("kind", ["word", "char", "sentiment"])
def test_of_a_networks_weights_the_table_alone_takes_lius_form(kind, fake_data):
    task = task_for(config_of(kind))
    fit = TrainingLoop(task.config, task, task.network(4))
    marked = zip(fit.model.trainable_variables, fit.optimizer._liu_form, strict=True)
    assert [variable.name for variable, liu in marked if liu] == ["embeddings"]


# Failure


def test_a_number_that_is_not_finite_ends_the_training_as_failed(monkeypatch):
    config = paper_config("chorales", "gru", "smoke", **SMALL, window=8, train_limit=12)
    task = task_for(config)
    batches = task.train_batches

    def poisoned(epoch):
        for i, batch in enumerate(batches(epoch)):
            # A window of no time steps has no mean: the loss of this batch is not a number.
            yield batch | {"length": 0 * batch["length"]} if i == 1 else batch

    monkeypatch.setattr(task, "train_batches", poisoned)
    monkeypatch.setattr("rru_nb.training.trainer.task_for", lambda _: task)
    record = run(config, progress=False)
    assert record["status"] == "failed" and record["test"] == {} and record["epochs"] == []
    assert {"epoch": 1, "step": 2, "loss": "nan"}.items() <= record["failure"].items()


# Kills


def text():
    rng = np.random.default_rng(0)
    parts = {name: rng.integers(2, 9, 120).astype(np.uint8) for name in ("train", "valid", "test")}
    return Splits("ptb-char", **parts, digest="0" * 64, source="made up", vocabulary="?" * 9)


KILLED = paper_config(
    "ptb-char", "gru", "smoke", window=6, units=4, batch_size=3, dropout=0.5
)  # with a state that goes from batch to batch
KILL_AT = 3  # within this step of the first epoch


def train_and_watch(kill_at=None):
    """Run a training; how many steps it took, and all that it had in its arrays at the end."""
    steps, ends = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "load_dataset", lambda *_: text())
        patch.setattr(checkpoints, "SECONDS_BETWEEN", 0)  # after every step
        post_init, final_scores = TrainingLoop.__post_init__, TrainingLoop.final_scores

        def with_kill(fit):
            post_init(fit)
            take_step = fit.take_step

            def step(batch):
                steps.append(batch)
                result = take_step(batch)
                if len(steps) == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            fit.take_step = step

        def with_end(fit):
            ends.append(fit.state()[0])
            return final_scores(fit)

        patch.setattr(TrainingLoop, "__post_init__", with_kill)
        patch.setattr(TrainingLoop, "final_scores", with_end)
        record = run(KILLED, progress=False)
    return record, steps, ends[0]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_training_ends_as_an_undisturbed_one_bit_for_bit(
    tmp_path, monkeypatch, real_graphs
):
    code = "import test_trainings as t; t.train_and_watch(kill_at=t.KILL_AT)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": BACKEND}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # as here
    killed = subprocess.run([sys.executable, "-c", code], env=environment)
    assert killed.returncode == -signal.SIGKILL
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "checkpoint")  # that one is not used
        record, later_steps, ends = train_and_watch()
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "undisturbed"))
    expected, all_steps, expected_ends = train_and_watch()
    assert len(later_steps) == len(all_steps) - KILL_AT + 1, "it went on from its last checkpoint"
    assert not later_steps[0]["reset"], "a reset hides what is carried"
    assert without_times(record) == without_times(expected)
    assert ends.keys() == expected_ends.keys()
    for name, array in ends.items():
        np.testing.assert_array_equal(array, expected_ends[name])
