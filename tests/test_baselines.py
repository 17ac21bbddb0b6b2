"""Baselines against counts by hand, and their values on the real sets."""

import math

import numpy as np
import pytest

from rru_nb import load_dataset
from rru_nb.baselines import class_frequencies, symbol_frequencies
from rru_nb.data import Labelled, Splits


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
