"""The sentiment task: cutting, padding, masking, the head, loss and metrics by definition."""

import classification_oracle as oracle
import keras
import numpy as np
import pytest

from rru_nb import paper_config
from rru_nb.data import Labelled, Splits
from rru_nb.tasks import sentiment
from rru_nb.tasks.sentiment import SentimentTask, pad
from rru_nb.training.config import CELLS
from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress

BAD, GOOD = 10, 11
SMALL = {"n_params": None, "vocabulary_size": 50, "embedding_size": 6, "dropout": 0.0}
OWN = {"rru": {"output_size": 4}, "mogrifier": {"rank": 3}}


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


@pytest.fixture(scope="module", autouse=True)
def made_up_reviews():
    parts = {"train": reviews(120, 0), "valid": reviews(21, 1), "test": reviews(60, 2)}
    splits = Splits("imdb", **parts, digest="0" * 64, source="made up")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentiment, "load_dataset", lambda *_: splits)
        yield splits


def task_of(cell, **changes):
    settings = SMALL | OWN.get(cell, {}) | {"units": 5, "batch_size": 8} | changes
    return SentimentTask(paper_config("imdb", cell, **settings))


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


def test_reviews_are_cut_to_their_last_words(made_up_reviews):
    cut = task_of("gru", window=7)._examples["train"].inputs
    for short, whole in zip(cut, made_up_reviews.train.inputs, strict=True):
        assert short.tolist() == whole.tolist()[-7:]
    assert {len(review) for review in cut} >= {3, 7}


def test_padding_comes_last():
    got = pad([np.int32([1, 5, 6]), np.int32([1]), np.int32([1, 9])])
    assert got.tolist() == [[1, 5, 6], [1, 0, 0], [1, 9, 0]]


def unpadded(batch):
    return [tuple(row[row > 0]) for row in batch["x"]]


def test_an_epoch_has_every_review_once_with_its_label(task, made_up_reviews):
    def epoch(number):
        batches = list(task.train_batches(number))
        labels = np.concatenate([batch["label"] for batch in batches])
        return list(zip([r for batch in batches for r in unpadded(batch)], labels, strict=True))

    train = made_up_reviews.train
    assert sorted(epoch(1)) == sorted(zip(map(tuple, train.inputs), train.labels))
    assert sorted(epoch(2)) == sorted(epoch(1)) and epoch(2) != epoch(1)
    assert all((GOOD in review) == label for review, label in epoch(1))


def test_evaluation_has_every_review_once_and_little_padding(task, made_up_reviews):
    batches = list(task._evaluation_batches("valid", size=16))
    seen = [
        (review, label) for b in batches for review, label in zip(unpadded(b), b["label"].tolist())
    ]
    valid = made_up_reviews.valid
    assert sorted(seen) == sorted(zip(map(tuple, valid.inputs), valid.labels.tolist()))
    lengths = [len(review) for review, _ in seen]
    assert lengths == sorted(lengths)


def test_limits_take_the_first_reviews(made_up_reviews):
    limited = task_of("gru", train_limit=9, eval_limit=4)
    assert [len(p.labels) for p in limited._examples.values()] == [9, 4, 4]
    assert (limited._examples["valid"].labels == made_up_reviews.valid.labels[:4]).all()


def embedded(model, review):
    return np.asarray(model.layers[1].embeddings)[review]


@pytest.mark.parametrize("cell", CELLS)
def test_the_classifier_reads_the_last_layers_state_at_the_last_word(cell, made_up_reviews):
    """Whatever the batch and however much padding follows; by the cells, step by step."""
    model = network_of(task_of(cell))
    some = made_up_reviews.valid.inputs[:5]
    assert len({len(review) for review in some}) > 3
    expected = [oracle.logits_of_one(model, embedded(model, review)) for review in some]
    together = model(np.pad(pad(some), [(0, 0), (0, 9)]))
    np.testing.assert_allclose(together, expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).min() > 1e-2, "reviews that look alike show nothing"


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_loss_by_definition(model, smoothing):
    task = task_of("gru", label_smoothing=smoothing)
    batch = next(iter(task.train_batches(1)))
    expected = oracle.smoothed_loss(np.asarray(model(batch["x"])), batch["label"], smoothing)
    assert float(task.loss(model, batch)) == pytest.approx(expected, rel=1e-5)


def test_metrics_by_definition_and_without_smoothing(task, model, made_up_reviews):
    valid = made_up_reviews.valid
    logits = [np.asarray(model(review[None]))[0] for review in valid.inputs]
    expected = oracle.scores(logits, valid.labels)
    assert task.evaluate(model, "valid") == pytest.approx(expected, rel=1e-5)
    assert 0 < expected["accuracy"] < 100
    assert set(expected) == set(task.metrics) and task.better == "higher"


def test_another_model_is_scored_by_its_own_weights(task, model):
    other = network_of(task, seed=2)
    assert task.evaluate(other, "test") != task.evaluate(model, "test")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_parameters_are_those_of_the_network(cell, layers):
    task = task_of(cell, layers=layers)
    assert task.parameters(7) == task.network(7).count_params()


def test_it_learns_and_only_the_last_output_matrix_stays(made_up_reviews):
    task = task_of("rru", layers=1, units=12, max_epochs=12, patience=12, learning_rate=0.01)
    keras.utils.set_random_seed(0)
    fit = Fit(task.config, task, task.network(12))
    before = [v.numpy() for v in fit.model.trainable_variables]
    with Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    losses = [epoch["train_loss"] for epoch in fit.history]
    assert losses[0] > 0.6 and losses[-1] < 0.45  # log 2 = 0.69 by chance; 0.1985 at the least
    assert fit.final_scores()["test"]["accuracy"] > 75
    *_, last, _ = fit.model.layers
    unread = {id(last.cell.output_kernel), id(last.cell.output_bias)}
    for variable, old in zip(fit.model.trainable_variables, before):
        assert np.array_equal(variable, old) == (id(variable) in unread), variable.path
