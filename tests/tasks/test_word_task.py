"""The word task: windows, both perplexities by definition, the head, what it learns."""

import keras
import numpy as np
import pytest
import text_oracle as oracle

from rru_nb import UserError, paper_config
from rru_nb.data import Splits
from rru_nb.tasks import word
from rru_nb.tasks.text import half_window_mean, window_starts
from rru_nb.tasks.word import WordTask
from rru_nb.training.config import CELLS
from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress

N_WORDS, WINDOW, BATCH = 12, 8, 4
SMALL = {"n_params": None, "units": 5, "embedding_size": 3, "vocabulary_size": N_WORDS}
SMALL |= {"window": WINDOW, "batch_size": BATCH, "dropout": 0.0}
OWN = {"rru": {"output_size": 4}, "mogrifier": {"rank": 3}}


def stream(n, seed):
    return np.random.default_rng(seed).integers(1, N_WORDS, n).astype(np.int32)


@pytest.fixture(scope="module", autouse=True)
def made_up_text():
    parts = {"train": stream(203, 0), "valid": stream(59, 1), "test": stream(61, 2)}
    splits = Splits("ptb-word", **parts, digest="0" * 64, source="made up", vocabulary="?" * 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word, "load_dataset", lambda *_: splits)
        yield splits


def task_of(cell="gru", **changes):
    return WordTask(paper_config("ptb-word", cell, **SMALL | OWN.get(cell, {}) | changes))


def network_of(task, seed=1):
    """A network with random weights all over: an untrained RRU starts with Z = 0."""
    keras.utils.set_random_seed(seed)
    model, rng = task.network(5), np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign_add(rng.normal(size=weight.shape))
    return model


@pytest.mark.parametrize("n", [9, 10, 12, 13, 16, 17, 59])
def test_windows_start_every_half_window_while_their_targets_are_there(n):
    expected = [s for s in range(0, 1000, 4) if s + WINDOW + 1 <= n]
    assert window_starts(n, WINDOW, 4).tolist() == expected


def test_training_reads_each_window_once_an_epoch_in_another_order(made_up_text):
    task = task_of()
    windows = [
        np.concatenate([batch["tokens"] for batch in task.train_batches(epoch)]) for epoch in (1, 2)
    ]
    text = made_up_text.train
    expected = {tuple(text[s : s + WINDOW + 1]) for s in range(0, 203 - WINDOW, 4)}
    for found in windows:
        assert {tuple(w) for w in found} == expected and len(found) == len(expected)
    assert windows[0].tolist() != windows[1].tolist()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_perplexities_by_definition(cell, split, made_up_text):
    task = task_of(cell)
    model, text = network_of(task), getattr(made_up_text, split)

    def losses(start):
        logits = model(text[None, start : start + WINDOW])[0]
        return oracle.nll(logits, text[start + 1 : start + WINDOW + 1])

    starts = range(0, len(text) - WINDOW, WINDOW // 2)
    by_window = [losses(start) for start in starts]
    n_batches = len(by_window) // BATCH
    batches = [list(range(BATCH * i, BATCH * (i + 1))) for i in range(n_batches)]
    batches[-1] += range(BATCH * n_batches, len(by_window))
    scores = task.evaluate(model, split)
    mean = oracle.authors_mean(by_window, batches, WINDOW // 2)
    assert scores["perplexity"] == pytest.approx(np.exp(mean), rel=1e-5)

    # Each word by the first window that has half a window of words before it.
    once = np.full(len(text), np.nan)
    for start, found in zip(starts, by_window):
        begin = 0 if start == 0 else WINDOW // 2
        once[start + 1 + begin : start + 1 + WINDOW] = found[begin:]
    unscored = np.flatnonzero(np.isnan(once))[1:]
    once[unscored] = losses(len(text) - 1 - WINDOW)[WINDOW - len(unscored) :]
    assert np.isnan(once).sum() == 1, "all words but the first are scored"
    expected = np.exp(np.nanmean(once))
    assert scores["perplexity_words"] == pytest.approx(expected, rel=1e-5)
    assert scores["perplexity"] != pytest.approx(expected, rel=1e-3)


def test_the_first_batch_counts_twice():
    assert half_window_mean([1.0, 4.0, 6.0]) == pytest.approx((2 * 1 + 4 + 6) / 4)


def test_the_loss_is_the_mean_over_all_positions(made_up_text):
    task = task_of()
    model = network_of(task)
    batch = next(iter(task.train_batches(1)))
    by_window = [oracle.nll(model(w[None, :-1])[0], w[1:]) for w in batch["tokens"]]
    assert float(task.loss(model, batch)) == pytest.approx(np.mean(by_window), rel=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_parameters_by_formula(cell):
    task = task_of(cell)
    assert task.parameters(5) == task.network(5).count_params()


def test_it_learns_a_text_that_repeats(made_up_text):
    task = task_of("rru", learning_rate=0.01, max_epochs=6)
    period = np.tile(np.arange(1, N_WORDS, dtype=np.int32), 40)
    task._streams = dict.fromkeys(task._streams, period)
    task._starts = dict.fromkeys(task._starts, window_starts(len(period), WINDOW, 4))
    keras.utils.set_random_seed(0)
    fit = Fit(task.config, task, task.network(5))
    with Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    perplexities = [epoch["valid_perplexity_words"] for epoch in fit.history]
    assert perplexities[-1] < 2 < perplexities[0]


def test_protocols_differ_in_text_and_in_what_stops_training():
    authors, standard = (
        paper_config("ptb-word", "gru", protocol=p) for p in ("authors", "standard")
    )
    assert (authors.metric, authors.vocabulary_size) == ("perplexity", 9650)
    assert (standard.metric, standard.vocabulary_size) == ("perplexity_words", 10_000)
    assert set(standard.differences) == {"protocol", "vocabulary_size"}


@pytest.mark.parametrize(
    "dataset, protocol",
    [("jsb", "standard"), ("mnist", "paper"), ("imdb", "standard"), ("ptb-word", "paper")],
)
def test_a_protocol_that_a_dataset_lacks_is_named(dataset, protocol):
    with pytest.raises(UserError, match=f"'{protocol}'.*'authors'"):
        paper_config(dataset, "rru", protocol=protocol)


def test_too_short_a_text_is_named(made_up_text):
    with pytest.raises(UserError, match="gives 0 windows of 100"):
        task_of(window=100)


def test_the_batches_of_an_epoch_depend_on_the_runs_seed(made_up_text):
    mine, others = (next(iter(task_of(seed=s).train_batches(1)))["tokens"] for s in (0, 1))
    assert not np.array_equal(mine, others)


def test_limits_are_counted_in_windows(made_up_text):
    task = task_of(train_limit=5, eval_limit=3)
    assert {split: len(starts) for split, starts in task._starts.items()} == {
        "train": 5,
        "valid": 3,
        "test": 3,
    }
    np.testing.assert_array_equal(task._streams["train"], made_up_text.train[: 4 * 4 + 8 + 1])
