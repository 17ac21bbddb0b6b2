"""The table of costs: a schedule within its bounds, a roofline by hand, no guess."""

import numpy as np
import pandas as pd
import pytest

from book.tools import costs
from rru_nb import paper_config


def test_equal_runs_on_several_workers_take_their_rounds():
    assert costs.simulate([2.0] * 16, [1.0], 1) == 32.0
    assert costs.simulate([2.0] * 16, [1.0], 8) == 4.0
    assert costs.simulate([2.0] * 17, [1.0], 8) == 6.0
    assert costs.simulate([2.0] * 3, [1.0], 64) == 2.0


def test_a_schedule_lies_between_the_bounds_of_graham():
    lengths = np.random.default_rng(0).uniform(1, 50, 100)
    for workers in (2, 8, 64):
        least = max(lengths.max(), lengths.sum() / workers)
        took = costs.simulate(lengths, [1.0], workers)
        assert least <= took <= lengths.sum() / workers + lengths.max()


def test_a_spread_of_lengths_makes_a_schedule_longer_than_its_mean():
    steady = costs.simulate([10.0] * 64, [1.0], 64)
    assert costs.simulate([10.0] * 64, [0.5, 1.5], 64) == pytest.approx(1.5 * steady, rel=0.01)
    assert costs.simulate([10.0] * 64, [0.5, 1.5], 1) == pytest.approx(640, rel=0.05)


def test_the_roofline_of_a_small_batch_is_memory_and_of_a_large_one_arithmetic():
    config = paper_config("jsb", "rru", n_params=1_000_000, batch_size=16)
    batches_of_time_steps = 13_807 / 16
    by_memory = 3 * 1_000_000 * 4 / 320e9
    assert costs.gpu_seconds(config, 10, "T4") == pytest.approx(
        10 * batches_of_time_steps * by_memory
    )
    large = paper_config("jsb", "rru", n_params=1_000_000, batch_size=512)
    operations = 3 * 2 * 1_000_000 * 13_807  # whatever the batch
    assert costs.gpu_seconds(large, 10, "T4") == pytest.approx(10 * operations / 8.1e12)
    assert costs.gpu_seconds(paper_config("imdb", "rru"), 10, "T4") is None


def test_every_row_counts_all_of_its_runs_and_guesses_none():
    rows = {(what, scale): configs for what, scale, configs in costs.groups()}
    assert sum(len(c) for (what, _), c in rows.items() if "100 trials" in what) == 5 * 4 * 100
    text = costs.costs(None)
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    assert [int(row[2].replace(",", "")) for row in cells] == [len(c) for c in rows.values()]
    nothing = costs.Costs({"cpu": "another", "cores": 1})
    (row,) = [costs._row("x", "paper", [paper_config("jsb", "rru")], nothing, 1, [1.0])]
    assert "0.0 + 1 run " in row and " h |" not in row


def test_without_records_there_is_no_table(monkeypatch):
    empty = pd.DataFrame(columns=["device", "epochs", "path"])
    monkeypatch.setattr(costs, "load_records", lambda: empty)
    assert "|" not in costs.costs(None)
