"""The character task: rows, the state that goes on, resets, both averages by definition."""

import keras
import numpy as np
import pytest
import text_oracle as oracle

from rru_nb import UserError, paper_config
from rru_nb.data import Splits
from rru_nb.tasks import char
from rru_nb.tasks.char import CharTask, zeros
from rru_nb.training.config import CELLS
from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress

N_SYMBOLS, WINDOW, BATCH = 9, 6, 3
SMALL = {"n_params": None, "units": 5, "embedding_size": 3, "window": WINDOW}
SMALL |= {"batch_size": BATCH, "dropout": 0.0}
OWN = {"rru": {"output_size": 4, "hidden_multiplier": 1.0}, "mogrifier": {"rank": 3}}


def stream(n, seed):
    return np.random.default_rng(seed).integers(2, N_SYMBOLS, n).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def made_up_text():
    parts = {"train": stream(131, 0), "valid": stream(50, 1), "test": stream(53, 2)}
    splits = Splits("ptb-char", **parts, digest="0" * 64, source="made up", vocabulary="?" * 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(char, "load_dataset", lambda *_: splits)
        yield splits


def task_of(cell="gru", **changes):
    return CharTask(paper_config("ptb-char", cell, **SMALL | OWN.get(cell, {}) | changes))


def network_of(task, seed=1):
    """A network with random weights all over: an untrained RRU starts with Z = 0."""
    keras.utils.set_random_seed(seed)
    model, rng = task.network(5), np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign_add(rng.normal(size=weight.shape))
    return model


def losses(model, text):
    """The losses of a text read in one go from zero states: [len(text) - 1]."""
    logits, *_ = model([np.int32(text[None, :-1]), *zeros(model, 1)])
    return oracle.nll(logits[0], text[1:])


def test_a_row_of_batches_is_a_contiguous_piece_of_the_text(made_up_text):
    batches = [batch["tokens"] for batch in task_of().train_batches(1)]
    n_windows = len(range(0, 131 - WINDOW, WINDOW))
    assert len(batches) == n_windows // BATCH
    for row in range(BATCH):
        read = np.concatenate([batch[row, :-1] for batch in batches])
        begin = row * len(batches) * WINDOW
        np.testing.assert_array_equal(read, made_up_text.train[begin : begin + len(read)])
        assert batches[0][row, -1] == batches[1][row, 0], "a target is the next input"


def test_resets_at_the_epochs_start_and_at_a_tenth_of_the_batches(made_up_text):
    task = task_of()
    resets = [[bool(b["reset"]) for b in task.train_batches(epoch)] for epoch in range(1, 401)]
    assert all(of_epoch[0] for of_epoch in resets)
    later = np.array([of_epoch[1:] for of_epoch in resets])
    assert abs(later.mean() - 0.1) < 4 * np.sqrt(0.1 * 0.9 / later.size)
    again = [bool(b["reset"]) for b in task.train_batches(7)]
    assert again == resets[6], "an epoch's batches depend on seed and epoch alone"


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_goes_on_from_batch_to_batch_and_a_reset_is_zeros(cell, made_up_text):
    task = task_of(cell)
    model = network_of(task)
    batches = [batch | {"reset": np.bool_(False)} for batch in task.train_batches(1)]
    rows = np.concatenate([batch["tokens"][:, :-1] for batch in batches[:2]], 1)
    rows = np.concatenate([rows, batches[1]["tokens"][:, -1:]], 1)
    for state in model.carried:
        state.assign(np.full(state.shape, 7.0))
    first = float(task.loss(model, batches[0] | {"reset": np.bool_(True)}))
    second = float(task.loss(model, batches[1]))
    by_row = np.array([losses(model, row) for row in rows])  # both windows in one go
    assert first == pytest.approx(by_row[:, :WINDOW].mean(), rel=1e-5)
    assert second == pytest.approx(by_row[:, WINDOW:].mean(), rel=1e-5)
    from_zeros = float(task.loss(model, batches[1] | {"reset": np.bool_(True)}))
    assert from_zeros != pytest.approx(second, rel=1e-3)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("split, rows", [("valid", 1), ("test", 2 * BATCH + 1)])
def test_both_averages_by_definition(cell, split, rows, made_up_text, monkeypatch):
    monkeypatch.setattr(char, "ROWS", rows)  # how batches are joined changes no average
    task = task_of(cell)
    model, text = network_of(task), getattr(made_up_text, split)
    scores = task.evaluate(model, split)

    starts = range(0, len(text) - WINDOW, WINDOW // 2)
    by_window = [losses(model, text[s : s + WINDOW + 1]) for s in starts]
    n = len(by_window) // BATCH
    batches = [[i + n * row for row in range(BATCH)] for i in range(n)]
    expected = oracle.authors_mean(by_window, batches, WINDOW // 2) / np.log(2)
    assert scores["bpc"] == pytest.approx(expected, rel=1e-5)

    length = -(-(len(text) - 1) // BATCH)
    rows = [text[length * r : length * (r + 1) + 1] for r in range(BATCH)]
    every = np.concatenate([losses(model, row) for row in rows])
    assert len(every) == len(text) - 1, "every character but the first is scored once"
    assert scores["bpc_contiguous"] == pytest.approx(every.mean() / np.log(2), rel=1e-5)
    assert scores["bpc"] != pytest.approx(scores["bpc_contiguous"], rel=1e-3)


def test_evaluation_leaves_the_carried_state_alone(made_up_text):
    task = task_of()
    model = network_of(task)
    for state in model.carried:
        state.assign(np.full(state.shape, 0.5))
    task.evaluate(model, "valid")
    for state in model.carried:
        np.testing.assert_array_equal(state, 0.5)


@pytest.mark.parametrize("cell", CELLS)
def test_parameters_by_formula(cell):
    task = task_of(cell)
    weights = task.network(5).trainable_variables  # what is carried is none
    assert task.parameters(5) == sum(np.prod(v.shape) for v in weights)


def test_it_learns_a_text_that_repeats(made_up_text):
    task = task_of("rru", learning_rate=0.01, max_epochs=8)
    period = np.tile(np.arange(2, N_SYMBOLS, dtype=np.uint8), 60)[: BATCH * WINDOW * 20 + 1]
    task._streams = dict.fromkeys(task._streams, period)
    starts = task._in_rows(np.arange(0, len(period) - WINDOW, WINDOW))
    task._starts = dict.fromkeys(task._starts, starts)
    keras.utils.set_random_seed(0)
    fit = Fit(task.config, task, task.network(5))
    with Progress(task.config, enabled=False) as bar:
        fit.run(bar)
    bits = [epoch["valid_bpc_contiguous"] for epoch in fit.history]
    assert bits[-1] < 1 < bits[0]


def test_protocols_differ_in_what_stops_training():
    assert paper_config("text8", "gru").metric == "bpc"
    assert paper_config("text8", "gru", protocol="standard").metric == "bpc_contiguous"


def test_too_short_a_text_is_named(made_up_text):
    with pytest.raises(UserError, match="gives 2 windows of 30, and a batch needs 3"):
        task_of(window=30)


def test_the_resets_of_an_epoch_depend_on_the_runs_seed(made_up_text):
    mine, others = (
        [bool(b["reset"]) for epoch in range(1, 40) for b in task_of(seed=s).train_batches(epoch)]
        for s in (0, 1)
    )
    assert mine != others
