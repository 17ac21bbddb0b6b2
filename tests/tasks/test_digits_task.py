"""The task of the digits: pixels one by one, permutations, the head, loss and metrics."""

import classification_oracle as oracle
import keras
import numpy as np
import pytest

from rru_nb import paper_config
from rru_nb.data import Labelled, Splits
from rru_nb.data.mnist import permutation
from rru_nb.errors import UserError
from rru_nb.tasks import digits
from rru_nb.tasks.digits import DigitsTask
from rru_nb.training.config import CELLS
from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress

OWN = {"rru": {"output_size": 4}, "mogrifier": {"rounds": 3, "rank": 3}}


def images(n, seed):
    """Noise in which the place of a bright stretch is the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.int32)
    pixels = rng.integers(0, 60, [n, 784]).astype(np.uint8)
    pixels[np.arange(n)[:, None], 78 * labels[:, None] + np.arange(78)] += 190
    return Labelled(pixels, labels)


@pytest.fixture(scope="module", autouse=True)
def made_up_digits():
    parts = {"train": images(160, 0), "valid": images(37, 1), "test": images(30, 2)}
    splits = Splits("mnist", **parts, digest="0" * 64, source="made up")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "load_dataset", lambda *_: splits)
        yield splits


def task_of(cell, **changes):
    settings = {"units": 5, "batch_size": 8, "window": 14, "dropout": 0.0} | OWN.get(cell, {})
    return DigitsTask(paper_config("mnist", cell, **settings | changes))


def network_of(task, seed=1):
    """A network with random weights all over: an untrained RRU starts with Z = 0."""
    keras.utils.set_random_seed(seed)
    model, rng = task.network(5), np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign_add(rng.normal(size=weight.shape))
    return model


@pytest.fixture(scope="module")
def task():
    return task_of("gru")


@pytest.fixture(scope="module")
def model(task):
    return network_of(task)


def test_the_permutations_by_value():
    everywhere, in_rows = permutation("authors"), permutation("paper")
    assert everywhere[:6].tolist() == [693, 85, 647, 392, 765, 14]
    assert in_rows[:6].tolist() == [2, 22, 14, 17, 5, 11]
    for order in (everywhere, in_rows):
        assert sorted(order) == list(range(784))
    assert (in_rows // 28 == np.arange(784) // 28).all(), "no pixel leaves its row"
    assert (in_rows.reshape(28, 28) % 28 == in_rows[:28]).all(), "every row in the same order"


def test_the_task_asks_for_its_dataset_and_protocol(monkeypatch, made_up_digits):
    asked = []
    monkeypatch.setattr(digits, "load_dataset", lambda *a: asked.append(a) or made_up_digits)
    DigitsTask(paper_config("pmnist", "gru"))
    DigitsTask(paper_config("pmnist", "gru", protocol="paper"))
    DigitsTask(paper_config("mnist", "gru"))
    assert asked == [("pmnist", "authors"), ("pmnist", "paper"), ("mnist", "authors")]


def test_an_epoch_has_every_digit_once_with_its_label(task, made_up_digits):
    def epoch(number):
        batches = list(task.train_batches(number))
        assert {batch["x"].dtype for batch in batches} == {np.dtype(np.uint8)}
        rows = [tuple(row) for batch in batches for row in batch["x"]]
        return list(zip(rows, np.concatenate([batch["label"] for batch in batches])))

    train = made_up_digits.train
    expected = [(tuple(row), label) for row, label in zip(train.inputs, train.labels)]
    assert sorted(epoch(1)) == sorted(expected)
    assert sorted(epoch(2)) == sorted(expected) and epoch(2) != epoch(1)


def test_the_paper_reads_one_pixel_a_step():
    model = DigitsTask(paper_config("mnist", "gru", units=2)).network(2)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.RNN))
    assert first.input.shape == (None, 784, 1)


@pytest.mark.parametrize("window, below", [(785, 784), (100, 98), (783, 392)])
def test_steps_that_do_not_divide_the_pixels_are_refused(window, below):
    with pytest.raises(UserError, match=rf"window = {window} .* The nearest below is {below}\."):
        task_of("gru", window=window)


def test_limits_take_the_first_digits(made_up_digits):
    limited = task_of("gru", train_limit=9, eval_limit=4)
    assert [len(p.labels) for p in limited._examples.values()] == [9, 4, 4]
    assert (limited._examples["test"].inputs == made_up_digits.test.inputs[:4]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_the_classifier_reads_the_last_layers_final_state(cell, made_up_digits):
    """14 steps of 56 pixels / 255; by the cells, step by step."""
    model, pixels = network_of(task_of(cell)), made_up_digits.valid.inputs[:3]
    expected = [oracle.logits_of_one(model, row.reshape(14, 56) / 255) for row in pixels]
    np.testing.assert_allclose(model(pixels), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3, "digits that look alike show nothing"


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_by_definition(model, smoothing):
    task = task_of("gru", label_smoothing=smoothing)
    batch = next(iter(task.train_batches(1)))
    expected = oracle.smoothed_loss(np.asarray(model(batch["x"])), batch["label"], smoothing)
    assert float(task.loss(model, batch)) == pytest.approx(expected, rel=1e-5)


def test_metrics_by_definition_and_without_smoothing(task, model, made_up_digits):
    valid = made_up_digits.valid  # 37 digits: two full batches of 16 and a part of one
    logits = np.asarray(model(valid.inputs))
    expected = oracle.scores(logits, valid.labels)
    assert task.evaluate(model, "valid") == pytest.approx(expected, rel=1e-5)
    assert 0 < expected["accuracy"] < 100


@pytest.mark.parametrize("cell", CELLS)
def test_parameters_are_those_of_the_network(cell):
    task = task_of(cell)
    assert task.parameters(7) == task.network(7).count_params()


def test_it_learns():
    task = task_of("gru", units=24, max_epochs=12, patience=12, learning_rate=0.01)
    keras.utils.set_random_seed(0)
    fit = Fit(task.config, task, task.network(24))
    with Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    losses = [epoch["train_loss"] for epoch in fit.history]
    assert losses[0] > 2.0 and losses[-1] < 1.2  # log 10 = 2.30 by chance; 0.50 at the least
    assert fit.final_scores()["test"]["accuracy"] > 70
