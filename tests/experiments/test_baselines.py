"""Baselines against counts by hand, and their values on the real sets."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from rru_nb import load_dataset
from rru_nb.analysis.datasets import class_frequencies, key_frequencies, symbol_frequencies
from rru_nb.data.splits import Labelled, Splits


def labelled(train, test):
    parts = {"train": train, "valid": train, "test": test}
    parts = {name: Labelled((), np.int32(labels)) for name, labels in parts.items()}
    return Splits("imdb", **parts, digest="", source="")


def test_the_training_set_decides_and_the_test_set_is_scored():
    scores = class_frequencies(labelled(train=[2, 2, 2, 0, 0, 1], test=[0, 0, 1, 2]))
    assert scores["accuracy"] == 25.0
    halves = [-math.log(1 / 3), -math.log(1 / 3), -math.log(1 / 6), -math.log(1 / 2)]
    assert scores["cross_entropy"] == pytest.approx(sum(halves) / 4)


def test_a_class_that_training_lacks_costs_infinitely_much():
    assert class_frequencies(labelled([0, 0], [0, 1]))["cross_entropy"] == math.inf


@pytest.mark.parametrize("name, accuracy, nats", [("imdb", 50.0, 0.6931), ("mnist", 11.35, 2.3010)])
def test_real_sets(name, accuracy, nats, mirror):
    scores = class_frequencies(load_dataset(name))
    assert scores["accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert scores["cross_entropy"] == pytest.approx(nats, abs=2e-4)


def test_symbols_by_hand():
    streams = {"train": [1, 1, 1, 2], "valid": [1, 2], "test": [3, 1, 2, 3, 1]}
    streams = {name: np.int32(symbols) for name, symbols in streams.items()}
    splits = Splits("ptb-word", **streams, digest="", source="", vocabulary="?abc")
    # Seen, plus one: 0 once, 1 four times, 2 twice, 3 once; eight in all.
    scores = symbol_frequencies(splits)
    assert scores["bits"] == pytest.approx((1 + 2 + 3 + 1) / 4)
    assert scores["perplexity"] == pytest.approx((2 * 4 * 8 * 2) ** (1 / 4))
    assert symbol_frequencies(splits, "valid")["bits"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "name, protocol, bits", [("ptb-word", "standard", 9.32144), ("ptb-char", "authors", 4.31185)]
)
def test_real_texts(name, protocol, bits, mirror):
    scores = symbol_frequencies(load_dataset(name, protocol))
    assert scores["bits"] == pytest.approx(bits, abs=1e-5), "counted from the files, word by word"


def test_key_frequencies_by_hand():
    """One key that sounds in half of the training steps: a model that says 1/2 for it, always."""
    rest = 87 * np.log(4 / 3)  # keys never pressed in two steps: 1/4 each, by the smoothing

    def piece(*rows):
        return np.array([[row] + [0] * 87 for row in rows], np.uint8)

    splits = SimpleNamespace(train=[piece(1), piece(0)], test=[piece(1, 1, 0, 1), piece(0, 1)])
    scores = key_frequencies(splits)
    assert scores == {name: pytest.approx(np.log(2) + rest) for name in scores}
    splits.train = [piece(1, 1), piece(1, 0, 1, 1)]  # 6/8 now, and 1/8 for the others
    on, off, rest = -np.log(6 / 8), -np.log(2 / 8), -87 * np.log(7 / 8)
    wanted = {
        "frames": (4 * on + 2 * off) / 6,
        "pieces": ((3 * on + off) / 4 + (on + off) / 2) / 2,
        "sounding": on,
        "windows": on,  # the second piece has one sounding step: no input and target
        "batches": on,  # a single window, so a single batch
    }
    found = key_frequencies(splits)
    assert found == {name: pytest.approx(score + rest) for name, score in wanted.items()}
