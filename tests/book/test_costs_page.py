"""The table of costs: a schedule within its bounds, a roofline by hand, no guess."""

import numpy as np
import pandas as pd
import pytest
from helpers import a_record

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


def test_every_row_counts_all_of_its_runs():
    rows = {(what, scale): configs for what, scale, configs in costs.groups()}
    assert sum(len(c) for (what, _), c in rows.items() if "100 trials" in what) == 5 * 4 * 100
    text = costs.costs(None)
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    runs = [int(row[2].split(" ")[0].replace(",", "")) for row in cells]
    assert runs == [len(c) for c in rows.values()]


def test_what_is_like_no_record_is_estimated_at_the_speed_of_the_records():
    known = costs.Costs({"cpu": "another", "cores": 1})
    config = paper_config("jsb", "rru", n_params=1_000_000, max_epochs=10)
    assert costs.expected([config], known) == ([], 0)
    assert "not known" in costs._row("x", "paper", [config], known, 1, [1.0])
    epochs = [{"seconds": 60.0}] * 10
    known.add(config, a_record(config, n_params=1_000_000, seconds=600.0, epochs=epochs))
    twice = paper_config("nottingham", "rru", n_params=2_000_000, max_epochs=10)
    (measured, estimated), n = costs.expected([config, twice], known)
    per_step = 600.0 / costs.time_steps(config)
    assert (measured, n) == (pytest.approx(600.0), 1)
    assert estimated == pytest.approx(2 * per_step * costs.time_steps(twice))
    row = costs._row("x", "paper", [config, twice], known, 1, [1.0])
    assert f"| 2 (1) | {(measured + estimated) / 3600:.1f} |" in row


def test_without_records_there_is_no_table(monkeypatch):
    empty = pd.DataFrame(columns=["device", "epochs", "path"])
    monkeypatch.setattr(costs, "load_records", lambda: empty)
    assert "|" not in costs.costs(None)
