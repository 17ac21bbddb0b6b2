"""The music task: windows, padding, and both averages, against loops from the definition."""

from types import SimpleNamespace

import attrs
import keras
import numpy as np
import pytest

from rru_nb import UserError, paper_config
from rru_nb.data.splits import Splits
from rru_nb.tasks.base import shuffled_batches
from rru_nb.tasks.music import MusicTask, averages, batch_of, windows, without_silences


def numbered(n_rows):
    """A piece whose rows spell their own number, so that rows can be told apart."""
    return ((np.arange(n_rows)[:, None] >> np.arange(88) % 12) & 1).astype(np.uint8)


def rows(window):
    return [int(sum(int(b) << i for i, b in enumerate(row[:12]))) for row in window]


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 9, 10, 11, 12, 15, 16, 20, 21, 22, 31, 64])
@pytest.mark.parametrize("step", [5, 10])
def test_windows_by_the_authors_rule(n_rows, step):
    """Full windows start at 0, step, ... while more than `length` rows are left; then one tail."""
    length, start, expected = 10, 0, []
    while n_rows - start > length:
        expected.append(list(range(start, start + length + 1)))
        start += step
    if n_rows - start >= 2:
        expected.append(list(range(start, n_rows)))
    assert [rows(w) for w in windows(numbered(n_rows), length, step)] == expected


def test_evaluation_windows_predict_every_step_once():
    cut = windows(numbered(1793), 200, 200)
    targets = [row for window in cut for row in rows(window)[1:]]
    assert targets == list(range(1, 1793))


def test_silences_are_dropped_and_nothing_else():
    piece = numbered(40)
    piece[[3, 4, 39]] = 0
    kept = without_silences(piece)
    assert rows(kept) == [r for r in rows(piece) if r]
    assert not any(r == 0 for r in rows(kept))


@pytest.mark.parametrize("pieces", [[], [np.zeros([9, 88])], [np.ones([1, 88])]])
def test_a_part_without_a_window_is_named_at_once(pieces):
    whole = [numbered(20)]
    own = Splits("mine", whole, pieces, whole, digest="", source="here")
    with pytest.raises(UserError, match=rf"the valid pieces of 'mine' \({len(pieces)}\) give"):
        MusicTask(paper_config("chorales", "rru", scale="smoke"), own)


def test_padding_keeps_inputs_and_targets():
    examples = [numbered(5), numbered(3)]
    batch = batch_of(examples)
    assert batch["length"].tolist() == [4, 2]
    for i, example in enumerate(examples):
        t = len(example) - 1
        assert (batch["x"][i, :t] == example[:-1]).all()
        assert (batch["y"][i, :t] == example[1:]).all()
        assert not batch["x"][i, t:].any()
    assert batch["x"].shape == (2, 4, 88)


def test_averages_against_their_definitions():
    per_step = [np.array([1.0, 2.0, 6.0]), np.array([10.0])]
    per_step += [np.array([4.0, 8.0]), np.array([7.0]), np.array([2.0, 1.0])]
    totals = np.array([s.sum() for s in per_step])
    means = [s.mean() for s in per_step]
    got = averages(totals, np.array([len(s) for s in per_step]), batch_size=2)
    assert got["nll_window"] == pytest.approx(np.mean(means))
    # Two batches, of two windows and of three, which count alike.
    assert got["nll_batches"] == pytest.approx((np.mean(means[:2]) + np.mean(means[2:])) / 2)
    assert got["nll_batches"] != pytest.approx(got["nll_window"])
    assert got["nll_frame"] == pytest.approx(np.concatenate(per_step).mean())


@pytest.fixture(scope="module")
def task():
    config = paper_config("chorales", "rru", "smoke", batch_size=4, window=20, dropout=0.0)
    return MusicTask(config)


@pytest.fixture(scope="module")
def model(task):
    keras.utils.set_random_seed(1)
    model = task.network(5)
    model.layers[-1].kernel.assign(np.random.default_rng(0).normal(size=[16, 88]))
    return model


def nll_by_loop(model, window):
    """The summed NLL of one unpadded window, key by key, in float64."""
    logits = np.float64(model(window[None, :-1].astype(np.float32)))[0]
    total = 0.0
    for step, target in zip(logits, window[1:]):
        for logit, sounds in zip(step, target):
            p = 1 / (1 + np.exp(-logit))
            total -= np.log(p if sounds else 1 - p)
    return total


def test_nll_against_a_loop_from_the_definition(task, model):
    cut = task._cut("valid", 20)[:16]
    by_window = [nll_by_loop(model, w) for w in cut]
    lengths = [len(w) - 1 for w in cut]
    scores = task.evaluate(model, "valid")
    assert len(set(lengths)) > 1, "windows of one length cannot tell the averages apart"
    assert scores["nll_window"] == pytest.approx(np.mean(np.divide(by_window, lengths)), rel=1e-5)
    assert scores["nll_frame"] == pytest.approx(sum(by_window) / sum(lengths), rel=1e-5)
    assert scores["nll_frame"] != pytest.approx(scores["nll_window"], rel=1e-5)


def test_the_authors_batches_are_in_the_order_of_the_data(task, model):
    """Of 14 windows in batches of four the last batch has six, whatever their lengths."""
    limited = MusicTask(attrs.evolve(task.config, eval_limit=14))
    cut = limited._windows["valid"]
    means = np.array([nll_by_loop(model, w) / (len(w) - 1) for w in cut])

    def of_batches(means):
        return np.mean([means[:4].mean(), means[4:8].mean(), means[8:].mean()])

    found = limited.evaluate(model, "valid")["nll_batches"]
    assert found == pytest.approx(of_batches(means), rel=1e-5)
    by_length = means[np.argsort([len(w) for w in cut], kind="stable")]
    assert found != pytest.approx(of_batches(by_length), rel=1e-4)


def test_the_frame_average_weighs_every_step_alike(task, model):
    batch = batch_of([numbered(n) for n in (3, 9, 30)])
    per_window = [
        float(task.loss(model, {k: v[i : i + 1] for k, v in batch.items()})) for i in range(3)
    ]
    lengths = batch["length"]
    assert float(task.loss(model, batch)) == pytest.approx(np.mean(per_window), rel=1e-5)
    frame = MusicTask(attrs.evolve(task.config, loss_average="frame"))
    expected = np.average(per_window, weights=lengths)
    assert float(frame.loss(model, batch)) == pytest.approx(expected, rel=1e-5)
    assert abs(expected - np.mean(per_window)) > 1e-3


@pytest.mark.parametrize("n, size, sizes", [(10, 4, [4, 6]), (8, 4, [4, 4]), (3, 4, [3])])
def test_the_last_batch_takes_the_remainder(n, size, sizes):
    batches = shuffled_batches(n, size, seed=0, epoch=1)
    assert [len(b) for b in batches] == sizes
    assert sorted(np.concatenate(batches)) == list(range(n))


def test_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return np.concatenate(shuffled_batches(50, 7, seed, epoch)).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_training_windows_overlap_by_half_and_the_others_do_not(task):
    piece = numbered(65)
    piece[10] = 0  # and so is row 0
    splits = SimpleNamespace(train=[piece], valid=[piece], test=[piece])
    for silences, used in (("removed", without_silences(piece)), ("kept", piece)):
        config = attrs.evolve(task.config, silences=silences)
        cut = MusicTask(config, splits)._windows
        for split, step in (("train", 10), ("valid", 20), ("test", 20)):
            expected = [rows(w) for w in windows(used, 20, step)]
            assert [rows(w) for w in cut[split]] == expected


def test_the_batches_of_an_epoch_depend_on_the_runs_seed(task):
    other = MusicTask(attrs.evolve(task.config, seed=1))
    mine, others = (next(iter(t.train_batches(1)))["x"] for t in (task, other))
    assert not np.array_equal(mine, others)
