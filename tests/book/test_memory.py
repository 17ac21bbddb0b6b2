"""How far back a gradient reaches, against Jacobians by finite differences."""

import json
import re
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from book.tools import memory
from book.tools.generate import Context
from rru_nb import GRUCell, RRUCell, paper_config


def step_by_step(cell, x, h):
    for x_t in x:
        _, h = cell(x_t[None], h)
        h = h[0] if isinstance(h, list | tuple) else h
    return keras.ops.convert_to_numpy(h)[0].astype(np.float64)


@pytest.mark.parametrize("make", [RRUCell, GRUCell])
def test_the_reach_is_that_of_finite_differences(make):
    keras.utils.set_random_seed(3)
    cell, x = make(4), np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    cell.build((None, 3))
    if make is RRUCell:
        cell.rezero_scale.assign([0.5, -0.4, 0.3, 0.8])  # else nothing but the line is left
    start = cell.get_initial_state(batch_size=1)
    states = [step_by_step(cell, x[:t], start) for t in range(1, 6)]
    reach = memory.reach(cell, x)
    for k in range(5):
        h, after = states[4 - k], x[5 - k :]
        columns = [
            step_by_step(cell, after, np.float32(h + e)[None])
            - step_by_step(cell, after, np.float32(h - e)[None])
            for e in 1e-2 * np.eye(4)
        ]
        assert reach[k] == pytest.approx(np.linalg.norm(columns) / 2e-2 / 2, rel=0.01)


def test_an_untrained_rru_has_its_line_alone():
    keras.utils.set_random_seed(3)
    cell, x = RRUCell(6), np.ones((8, 3), np.float32)
    cell.build((None, 3))
    line = memory.reach_of_line(np.asarray(cell.residual_scale()), 7)
    assert memory.reach(cell, x) == pytest.approx(line, rel=1e-5)


def test_half_lives_are_of_powers():
    lives = memory.half_life(np.array([0.5, 0.5**0.25, 1.0]))
    assert lives[:2] == pytest.approx([1, 4]) and 1e7 < lives[2] < np.inf


def test_many_features_are_taken_in_groups(monkeypatch):
    keras.utils.set_random_seed(3)
    cell, x = GRUCell(7), np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    cell.build((None, 3))
    whole = memory.reach(cell, x)
    monkeypatch.setattr(memory, "AT_ONCE", 3)
    assert memory.reach(cell, x) == pytest.approx(whole, rel=1e-6)


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "outcome_file", lambda: tmp_path / "memory.json")
    return tmp_path / "memory.json"


def test_the_page_says_how_to_measure(outcome):
    text = memory.memory(Context(outcome.parent, None))
    assert "make memory" in text and "figure}" not in text


def test_what_is_measured_is_drawn_and_told(outcome, monkeypatch):
    monkeypatch.setattr(memory, "DATASET", "chorales")
    measured = memory.measure("smoke", back=24, say=lambda line: None)
    assert json.loads(outcome.read_text()) == measured
    assert {len(curve) for curve in measured["reach"].values()} == {25}
    start, end = (measured["half_lives"][when] for when in ("start", "end"))
    assert start == sorted(start) and start != end
    # At the start sigma(S) is spread evenly over 0.01 to 0.99.
    assert 0.5 < start[50] < 2 and 10 < start[100] < 69
    text = memory.memory(Context(outcome.parent, None))
    shares = [int(share) for share in re.findall(r"(\d+) %", text)]
    kept = [round(100 * 0.5 ** (1 / lives[50])) for lives in (end, start)]
    assert shares == [round(100 * left[20]) for left in measured["reach"].values()] + kept
    ElementTree.parse(outcome.parent / "book" / "_parts" / "memory.svg")


def test_what_the_page_shows_is_of_full_size():
    """The committed file: both models have the paper's size, and score as its Table 1 says."""
    measured = json.loads(memory.outcome_file().read_text(encoding="utf-8"))
    assert not measured["commit"]["dirty"]
    for cell, published in {"rru": 7.72, "gru": 8.20}.items():
        trained = measured["models"][cell]
        assert trained["id"] == paper_config("jsb", cell).id
        assert trained["test"]["nll_batches"] == pytest.approx(published, abs=0.15)
