"""The tasks that classify, reviews and digits: examples, head, loss and metrics by definition."""

from functools import cache

import classification_oracle as oracle
import keras
import numpy as np
import pytest
from task_helpers import fit_of, random_network, seeded_network

from rru_nb import UserError, paper_config
from rru_nb.data.mnist import permutation
from rru_nb.data.splits import Labelled, Splits
from rru_nb.tasks import base
from rru_nb.tasks.base import pad
from rru_nb.tasks.digits import DigitsTask
from rru_nb.tasks.sentiment import SentimentTask
from rru_nb.training.config import CELLS

BAD, GOOD = 10, 11  # words
UNITS = 5
OWN = {"rru": {"output_size": 4}, "mogrifier": {"rounds": 3, "rank": 3}}
TASKS = {  # class, dataset, settings
    "sentiment": (SentimentTask, "imdb", {"vocabulary_size": 50, "embedding_size": 6}),
    "digits": (DigitsTask, "mnist", {"window": 14}),
}


def reviews(n, seed):
    """Reviews of a start and 1 to 15 words, of which one tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n).astype(np.int32)
    made = []
    for label in labels:
        words = rng.integers(20, 50, rng.integers(1, 16)).astype(np.int32)
        words[rng.integers(len(words))] = (BAD, GOOD)[label]
        made.append(np.concatenate([np.int32([1]), words]))
    return Labelled(tuple(made), labels)


def images(n, seed):
    """Noise in which the place of a bright stretch is the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.int32)
    pixels = rng.integers(0, 60, [n, 784]).astype(np.uint8)
    pixels[np.arange(n)[:, None], 78 * labels[:, None] + np.arange(78)] += 190
    return Labelled(pixels, labels)


@cache
def splits_of(kind):
    """Numbers of examples that are no whole batches."""
    make = {"sentiment": reviews, "digits": images}[kind]
    parts = {"train": make(150, 0), "valid": make(37, 1), "test": make(60, 2)}
    return Splits(TASKS[kind][1], **parts, digest="0" * 64, source="made up")


def task_of(kind, cell="gru", **changes):
    task, dataset, settings = TASKS[kind]
    common = {"units": UNITS, "batch_size": 8, "dropout": 0.0}
    config = paper_config(dataset, cell, **common | settings | OWN.get(cell, {}) | changes)
    return task(config, splits_of(kind))


@pytest.fixture(scope="module", params=TASKS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def task(kind):
    return task_of(kind)


@pytest.fixture(scope="module")
def model(task):
    return random_network(task, UNITS)


def unpadded(batch):
    """The examples of a batch as tuples; no word has the number 0, and images are not padded."""
    return [tuple(row[row > 0] if row.dtype == np.int32 else row) for row in batch["x"]]


def as_pairs(labelled):
    return sorted(zip(map(tuple, labelled.inputs), labelled.labels.tolist()))


def test_an_epoch_has_every_example_once_with_its_label(kind, task):
    def epoch(number):
        batches = list(task.train_batches(number))
        labels = np.concatenate([batch["label"] for batch in batches]).tolist()
        return list(zip([one for batch in batches for one in unpadded(batch)], labels, strict=True))

    assert sorted(epoch(1)) == sorted(epoch(2)) == as_pairs(splits_of(kind).train)
    assert epoch(2) != epoch(1)


def test_limits_take_the_first_examples(kind):
    limited = task_of(kind, train_limit=9, eval_limit=4)
    assert [len(p.labels) for p in limited._examples.values()] == [9, 4, 4]
    for split, n in (("train", 9), ("test", 4)):
        first = Labelled(*(part[:n] for part in getattr(splits_of(kind), split)))
        assert as_pairs(limited._examples[split]) == as_pairs(first)


def test_an_evaluation_has_every_example_once(kind, task):
    pairs = []
    for picked, batch in task._evaluation_batches("valid"):
        labels = batch["label"][: len(picked)].tolist()
        pairs += zip(unpadded(batch)[: len(picked)], labels, strict=True)
    assert sorted(pairs) == as_pairs(splits_of(kind).valid)


def sequence_of(kind, model, example):
    """What the first recurrent layer reads, [T, m]; of digits 14 steps of 56 pixels / 255."""
    if kind == "digits":
        return example.reshape(14, 56) / 255
    return np.asarray(model.layers[1].embeddings)[example]


@pytest.mark.parametrize("cell", CELLS)
def test_the_classifier_reads_the_last_layers_final_state(cell, kind):
    """At a review's last word, however much padding follows; by the cells, step by step."""
    model, some = random_network(task_of(kind, cell), UNITS), splits_of(kind).valid.inputs[:5]
    expected = [oracle.logits_of_one(model, sequence_of(kind, model, one)) for one in some]
    together = some if kind == "digits" else np.pad(pad(some, "int32"), [(0, 0), (0, 9)])
    np.testing.assert_allclose(model(together), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-2, "examples that look alike show nothing"


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_loss_by_definition(kind, model, smoothing):
    task = task_of(kind, label_smoothing=smoothing)
    batch = next(iter(task.train_batches(1)))
    expected = oracle.smoothed_loss(np.asarray(model(batch["x"])), batch["label"], smoothing)
    assert float(task.loss(model, batch)) == pytest.approx(expected, rel=1e-5)


def test_metrics_by_definition_and_without_smoothing(kind, task, model):
    inputs, labels = splits_of(kind).valid
    logits = model(inputs if kind == "digits" else pad(inputs, "int32"))
    expected = oracle.scores(np.asarray(logits), labels)
    assert task.evaluate(model, "valid") == pytest.approx(expected, rel=1e-5)
    assert 0 < expected["accuracy"] < 100


def test_another_model_is_scored_by_its_own_weights(task, model):
    other = random_network(task, UNITS, seed=2)
    assert task.evaluate(other, "test") != task.evaluate(model, "test")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_parameters_are_those_of_the_network(cell, layers, kind):
    task = task_of(kind, cell, layers=layers)
    assert task.parameters(7) == task.network(7).count_params()


LEARNS = {"epochs": 12, "learning_rate": 0.01}


def test_it_learns_the_digits():
    fit = fit_of(task_of("digits"), units=24, **LEARNS)
    losses = [epoch["train_loss"] for epoch in fit.history]
    assert losses[0] > 2.0 and losses[-1] < 1.2  # log 10 = 2.30 by chance; 0.50 at the least
    assert fit.final_scores()["test"]["accuracy"] > 70


def test_it_learns_reviews_and_only_the_last_output_matrix_stays():
    task = task_of("sentiment", "rru", layers=1)
    before = [v.numpy() for v in seeded_network(task, 12).trainable_variables]
    fit = fit_of(task, units=12, **LEARNS)
    losses = [epoch["train_loss"] for epoch in fit.history]
    assert losses[0] > 0.6 and losses[-1] < 0.45  # log 2 = 0.69 by chance; 0.1985 at the least
    assert fit.final_scores()["test"]["accuracy"] > 75
    *_, last, _ = fit.model.layers
    unread = {id(last.cell.output_kernel), id(last.cell.output_bias)}
    for variable, old in zip(fit.model.trainable_variables, before):
        assert np.array_equal(variable, old) == (id(variable) in unread), variable.path


# Reviews


def test_reviews_are_cut_to_their_last_words():
    cut = task_of("sentiment", window=7)._examples["train"].inputs
    for short, full in zip(cut, splits_of("sentiment").train.inputs, strict=True):
        assert short.tolist() == full.tolist()[-7:]
    assert {len(review) for review in cut} >= {3, 7}


def test_padding_comes_last():
    got = pad([np.int32([1, 5, 6]), np.int32([1]), np.int32([1, 9])], np.int32)
    assert got.tolist() == [[1, 5, 6], [1, 0, 0], [1, 9, 0]]


def test_reviews_are_evaluated_by_length():
    batches = task_of("sentiment")._evaluation_batches("valid")
    lengths = [len(review) for _, batch in batches for review in unpadded(batch)]
    assert lengths == sorted(lengths) and len(set(lengths)) > 3


# Digits


def test_the_permutations_by_value():
    everywhere, in_rows = permutation("authors"), permutation("paper")
    assert everywhere[:6].tolist() == [693, 85, 647, 392, 765, 14]
    assert in_rows[:6].tolist() == [2, 22, 14, 17, 5, 11]
    for order in (everywhere, in_rows):
        assert sorted(order) == list(range(784))
    assert (in_rows // 28 == np.arange(784) // 28).all(), "no pixel leaves its row"
    assert (in_rows.reshape(28, 28) % 28 == in_rows[:28]).all(), "every row in the same order"


def test_a_task_asks_for_its_dataset_and_protocol(monkeypatch):
    asked = []
    monkeypatch.setattr(base, "load_dataset", lambda *a: asked.append(a) or splits_of("digits"))
    DigitsTask(paper_config("pmnist", "gru"))
    DigitsTask(paper_config("pmnist", "gru", protocol="authors"))
    DigitsTask(paper_config("mnist", "gru"))
    assert asked == [("pmnist", p, None) for p in ("paper", "authors")] + [
        ("mnist", "authors", None)
    ]


def test_the_paper_reads_one_pixel_a_step():
    model = task_of("digits", window=784).network(2)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.RNN))
    assert first.input.shape == (None, 784, 1)
    assert paper_config("mnist", "gru").window == 784


@pytest.mark.parametrize("window, below", [(785, 784), (100, 98), (783, 392)])
def test_steps_that_do_not_divide_the_pixels_are_refused(window, below):
    with pytest.raises(UserError, match=rf"window = {window} .* The nearest below is {below}\."):
        task_of("digits", window=window)
