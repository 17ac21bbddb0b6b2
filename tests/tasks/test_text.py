"""The tasks over words and characters: windows, the state that goes on, averages by definition."""

from functools import cache

import numpy as np
import pytest
import text_oracle as oracle
from task_helpers import fit_of, random_network

from rru_nb import UserError, paper_config
from rru_nb.data.splits import Splits
from rru_nb.tasks import char
from rru_nb.tasks.char import CharTask
from rru_nb.tasks.text import half_window_mean, window_starts, zeros
from rru_nb.tasks.word import WordTask
from rru_nb.training.config import CELLS

UNITS = 5
OWN = {"rru": {"output_size": 4, "hidden_multiplier": 1.0}, "mogrifier": {"rank": 3}}
N_WORDS, N_CHARACTERS, WINDOW = 12, 9, {"word": 8, "char": 6}
BATCH = {"word": 4, "char": 3}
TASKS = {
    "word": (WordTask, "ptb-word", {"vocabulary_size": N_WORDS}),
    "char": (CharTask, "ptb-char", {}),
}


def stream(kind, n, seed):
    rng = np.random.default_rng(seed)
    if kind == "word":
        return rng.integers(1, N_WORDS, n).astype(np.int32)
    return rng.integers(2, N_CHARACTERS, n).astype(np.uint8)


@cache
def splits_of(kind):
    lengths = {"word": (203, 59, 61), "char": (131, 50, 53)}[kind]
    parts = [stream(kind, n, seed) for seed, n in enumerate(lengths)]
    size = {"word": N_WORDS, "char": N_CHARACTERS}[kind]
    return Splits(TASKS[kind][1], *parts, digest="0" * 64, source="made up", vocabulary="?" * size)


def task_of(kind, cell="gru", splits=None, **changes):
    task, dataset, settings = TASKS[kind]
    settings = settings | {"units": UNITS, "embedding_size": 3, "dropout": 0.0}
    settings |= {"window": WINDOW[kind], "batch_size": BATCH[kind]} | OWN.get(cell, {}) | changes
    return task(paper_config(dataset, cell, **settings), splits or splits_of(kind))


@pytest.mark.parametrize("n", [9, 10, 12, 13, 16, 17, 59])
def test_windows_start_every_half_window_while_their_targets_are_there(n):
    expected = [s for s in range(0, 1000, 4) if s + 8 + 1 <= n]
    assert window_starts(n, 8, 4).tolist() == expected


def test_the_first_batch_counts_twice():
    assert half_window_mean([1.0, 4.0, 6.0]) == pytest.approx((2 * 1 + 4 + 6) / 4)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", TASKS)
def test_parameters_by_formula(kind, cell):
    task = task_of(kind, cell)
    weights = task.network(UNITS).trainable_variables  # what is carried is none
    assert task.parameters(UNITS) == sum(np.prod(v.shape) for v in weights)


@pytest.mark.parametrize("kind, epochs", [("word", 6), ("char", 8)])
def test_it_learns_a_text_that_repeats(kind, epochs):
    period = np.unique(splits_of(kind).train)
    text = np.tile(period, 60)[: BATCH[kind] * WINDOW[kind] * 20 + 1]
    splits = Splits("mine", text, text, text, "", "made up", splits_of(kind).vocabulary)
    fit = fit_of(task_of(kind, "rru", splits, layers=1), UNITS, epochs, learning_rate=0.01)
    name = {"word": "valid_perplexity_words", "char": "valid_bpc_contiguous"}[kind]
    certain = {"word": 2, "char": 1}[kind]  # as if between two tokens
    losses = [epoch[name] for epoch in fit.history]
    assert losses[-1] < certain < losses[0]


def test_protocols_differ_in_text_and_in_what_stops_training():
    authors, standard = (
        paper_config("ptb-word", "gru", protocol=p) for p in ("authors", "standard")
    )
    assert (authors.metric, authors.vocabulary_size) == ("perplexity", 9650)
    assert (standard.metric, standard.vocabulary_size) == ("perplexity_words", 10_000)
    assert set(standard.differences) == {"protocol", "vocabulary_size"}
    assert paper_config("text8", "gru").metric == "bpc"
    assert paper_config("text8", "gru", protocol="standard").metric == "bpc_contiguous"


@pytest.mark.parametrize(
    "dataset, protocol",
    [("jsb", "standard"), ("mnist", "paper"), ("imdb", "standard"), ("ptb-word", "paper")],
)
def test_a_protocol_that_a_dataset_lacks_is_named(dataset, protocol):
    with pytest.raises(UserError, match=f"'{protocol}'.*'authors'"):
        paper_config(dataset, "rru", protocol=protocol)


@pytest.mark.parametrize("kind, window, n, least", [("word", 100, 0, 1), ("char", 30, 2, 3)])
def test_too_short_a_text_is_named(kind, window, n, least):
    with pytest.raises(UserError, match=f"gives {n} windows of {window}, .* needs {least}"):
        task_of(kind, window=window)


@pytest.mark.parametrize("limit", ["train_limit", "eval_limit"])
def test_a_limit_that_leaves_too_little_is_named(limit):
    with pytest.raises(UserError, match=f"needs 3. .* smaller, or {limit} larger"):
        task_of("char", **{limit: 2})


@pytest.mark.parametrize("kind, key", [("word", "tokens"), ("char", "reset")])
def test_the_batches_depend_on_the_runs_seed(kind, key):
    mine, others = (
        [
            b[key].tolist()
            for epoch in range(1, 40)
            for b in task_of(kind, seed=s).train_batches(epoch)
        ]
        for s in (0, 1)
    )
    assert mine != others


# Words


def test_training_reads_each_window_once_an_epoch_in_another_order():
    task, text = task_of("word"), splits_of("word").train
    windows = [
        np.concatenate([batch["tokens"] for batch in task.train_batches(epoch)]) for epoch in (1, 2)
    ]
    expected = {tuple(text[s : s + 8 + 1]) for s in range(0, 203 - 8, 4)}
    for found in windows:
        assert {tuple(w) for w in found} == expected and len(found) == len(expected)
    assert windows[0].tolist() != windows[1].tolist()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_perplexities_by_definition(cell, split):
    task, window, batch = task_of("word", cell), WINDOW["word"], BATCH["word"]
    model, text = random_network(task, UNITS), getattr(splits_of("word"), split)

    def losses(starts):
        logits = model(np.stack([text[s : s + window] for s in starts]))
        return [oracle.nll(x, text[s + 1 : s + window + 1]) for s, x in zip(starts, logits)]

    starts = range(0, len(text) - window, window // 2)
    by_window = losses(starts)
    n_batches = len(by_window) // batch
    batches = [list(range(batch * i, batch * (i + 1))) for i in range(n_batches)]
    batches[-1] += range(batch * n_batches, len(by_window))
    scores = task.evaluate(model, split)
    mean = oracle.authors_mean(by_window, batches, window // 2)
    assert scores["perplexity"] == pytest.approx(np.exp(mean), rel=1e-5)

    # Each word by the first window that has half a window of words before it.
    once = np.full(len(text), np.nan)
    for start, found in zip(starts, by_window):
        begin = 0 if start == 0 else window // 2
        once[start + 1 + begin : start + 1 + window] = found[begin:]
    unscored = np.flatnonzero(np.isnan(once))[1:]
    once[unscored] = losses([len(text) - 1 - window])[0][window - len(unscored) :]
    assert np.isnan(once).sum() == 1, "all words but the first are scored"
    expected = np.exp(np.nanmean(once))
    assert scores["perplexity_words"] == pytest.approx(expected, rel=1e-5)
    assert scores["perplexity"] != pytest.approx(expected, rel=1e-3)


def test_the_loss_is_the_mean_over_all_positions():
    task = task_of("word")
    model = random_network(task, UNITS)
    batch = next(iter(task.train_batches(1)))
    by_window = [oracle.nll(model(w[None, :-1])[0], w[1:]) for w in batch["tokens"]]
    assert float(task.loss(model, batch)) == pytest.approx(np.mean(by_window), rel=1e-5)


def test_limits_are_counted_in_windows():
    task = task_of("word", train_limit=5, eval_limit=3)
    lengths = {split: len(starts) for split, starts in task._starts.items()}
    assert lengths == {"train": 5, "valid": 3, "test": 3}
    np.testing.assert_array_equal(task._streams["train"], splits_of("word").train[: 4 * 4 + 8 + 1])


# Characters


def losses_in_one_go(model, text):
    """The losses of a text read from zero states: [len(text) - 1]."""
    logits, *_ = model([np.int32(text[None, :-1]), *zeros(model, 1)])
    return oracle.nll(logits[0], text[1:])


def test_a_row_of_batches_is_a_contiguous_piece_of_the_text():
    window, n_rows, text = WINDOW["char"], BATCH["char"], splits_of("char").train
    batches = [batch["tokens"] for batch in task_of("char").train_batches(1)]
    n_windows = len(range(0, 131 - window, window))
    assert len(batches) == n_windows // n_rows
    for row in range(n_rows):
        read = np.concatenate([batch[row, :-1] for batch in batches])
        begin = row * len(batches) * window
        np.testing.assert_array_equal(read, text[begin : begin + len(read)])
        assert batches[0][row, -1] == batches[1][row, 0], "a target is the next input"


def test_resets_at_the_epochs_start_and_at_a_tenth_of_the_batches():
    task = task_of("char")
    resets = [[bool(b["reset"]) for b in task.train_batches(epoch)] for epoch in range(1, 401)]
    assert all(of_epoch[0] for of_epoch in resets)
    later = np.array([of_epoch[1:] for of_epoch in resets])
    assert abs(later.mean() - 0.1) < 4 * np.sqrt(0.1 * 0.9 / later.size)
    again = [bool(b["reset"]) for b in task.train_batches(7)]
    assert again == resets[6], "an epoch's batches depend on seed and epoch alone"


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_goes_on_from_batch_to_batch_and_a_reset_is_zeros(cell):
    task = task_of("char", cell)
    model = random_network(task, UNITS)
    batches = [batch | {"reset": np.bool_(False)} for batch in task.train_batches(1)]
    rows = np.concatenate([batch["tokens"][:, :-1] for batch in batches[:2]], 1)
    rows = np.concatenate([rows, batches[1]["tokens"][:, -1:]], 1)
    for state in model.carried:
        state.assign(np.full(state.shape, 7.0))
    first = float(task.loss(model, batches[0] | {"reset": np.bool_(True)}))
    second = float(task.loss(model, batches[1]))
    by_row = np.array([losses_in_one_go(model, row) for row in rows])  # both windows
    assert first == pytest.approx(by_row[:, : WINDOW["char"]].mean(), rel=1e-5)
    assert second == pytest.approx(by_row[:, WINDOW["char"] :].mean(), rel=1e-5)
    from_zeros = float(task.loss(model, batches[1] | {"reset": np.bool_(True)}))
    assert from_zeros != pytest.approx(second, rel=1e-3)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("split, rows", [("valid", 1), ("test", 2 * BATCH["char"] + 1)])
def test_both_averages_by_definition(cell, split, rows, monkeypatch):
    monkeypatch.setattr(char, "ROWS", rows)  # how batches are joined changes no average
    task, window, n_rows = task_of("char", cell), WINDOW["char"], BATCH["char"]
    model, text = random_network(task, UNITS), getattr(splits_of("char"), split)
    scores = task.evaluate(model, split)

    starts = range(0, len(text) - window, window // 2)
    windows = np.int32([text[s : s + window] for s in starts])
    logits, *_ = model([windows, *zeros(model, len(starts))])
    by_window = [oracle.nll(x, text[s + 1 : s + window + 1]) for s, x in zip(starts, logits)]
    n = len(by_window) // n_rows
    batches = [[i + n * row for row in range(n_rows)] for i in range(n)]
    expected = oracle.authors_mean(by_window, batches, window // 2) / np.log(2)
    assert scores["bpc"] == pytest.approx(expected, rel=1e-5)

    length = -(-(len(text) - 1) // n_rows)
    pieces = [text[length * r : length * (r + 1) + 1] for r in range(n_rows)]
    every = np.concatenate([losses_in_one_go(model, piece) for piece in pieces])
    assert len(every) == len(text) - 1, "every character but the first is scored once"
    assert scores["bpc_contiguous"] == pytest.approx(every.mean() / np.log(2), rel=1e-5)
    assert scores["bpc"] != pytest.approx(scores["bpc_contiguous"], rel=1e-3)


def test_evaluation_leaves_the_carried_state_alone():
    task = task_of("char")
    model = random_network(task, UNITS)
    for state in model.carried:
        state.assign(np.full(state.shape, 0.5))
    task.evaluate(model, "valid")
    for state in model.carried:
        np.testing.assert_array_equal(state, 0.5)
