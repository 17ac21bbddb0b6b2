"""Every dataset, protocol, and kind of task with every cell through the whole trainer.

On real data where it is at hand.
"""

import itertools
import math

import pytest

from rru_nb import DATASETS, paper_config
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.training.config import CELLS, KINDS
from rru_nb.training.metrics import METRICS
from rru_nb.training.trainer import train

# The trainer knows no task and no cell, a task knows no cell, and datasets of one kind differ in
# what is loaded alone. So each dataset trains once by each of its protocols, with one cell or
# another, and each kind of task with each cell, on one dataset or another.
TRAININGS = [
    *[("jsb", "rru", "authors"), ("nottingham", "gru", "authors"), ("musedata", "lstm", "authors")],
    *[("piano-midi", "mogrifier", "authors"), ("chorales", "gru", "authors")],
    *[("ptb-word", "rru", "authors"), ("ptb-word", "gru", "standard")],
    *[("ptb-word", "lstm", "authors"), ("ptb-word", "mogrifier", "authors")],
    *[("ptb-char", "rru", "authors"), ("ptb-char", "gru", "standard")],
    *[("enwik8", "gru", "authors"), ("enwik8", "lstm", "standard")],
    *[("text8", "lstm", "authors"), ("text8", "mogrifier", "standard")],
    *[("imdb", "rru", "authors"), ("imdb", "lstm", "authors")],
    *[("imdb", "gru", "final"), ("imdb", "mogrifier", "authors")],
    *[("mnist", "rru", "authors"), ("mnist", "lstm", "authors")],
    *[("pmnist", "gru", "paper"), ("pmnist", "mogrifier", "authors")],
]


def test_no_protocol_and_no_pair_of_a_kind_and_a_cell_is_left_out():
    protocols = {(d.name, p) for d in DATASETS_BY_NAME.values() for p in d.protocols}
    assert {(dataset, protocol) for dataset, _, protocol in TRAININGS} == protocols
    pairs = {(KINDS[dataset], cell) for dataset, cell, _ in TRAININGS}
    assert pairs == set(itertools.product(KINDS.values(), CELLS))
    assert {dataset for dataset, _, _ in TRAININGS} == set(DATASETS)


@pytest.mark.parametrize("dataset, cell, protocol", TRAININGS)
def test_trains_validates_and_tests(dataset, cell, protocol, any_data):
    check(paper_config(dataset, cell, scale="smoke", max_epochs=1, protocol=protocol))


def check(config):
    record = train(config, progress=False)
    assert record["status"] == "ok" and len(record["epochs"]) == 1
    assert len(record["test"]) == (3 if config.kind == "music" else 2)
    assert set(record["valid"]) == set(record["test"])
    assert config.metric in record["test"] and set(record["test"]) <= set(METRICS)
    assert all(math.isfinite(score) for score in record["test"].values())
    assert f"valid_{config.metric}" in record["epochs"][0]
    assert record["n_params"] <= config.n_params
    assert record["recurrence"] == ["fused"]
    assert record["data"]["name"] == config.dataset and len(record["data"]["digest"]) == 64
