"""How far back a gradient reaches, against Jacobians by finite differences."""

import re
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from book.tools import memory
from book.tools.generate import Context
from rru_nb import GRUCell, RRUCell


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


def test_the_page_says_how_to_make_missing_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(memory.models, "find", lambda config: None)
    text = memory.memory(Context(tmp_path, None))
    assert "rru-nb weights --dataset jsb --cell gru" in text and "figure}" not in text


def test_the_figure_is_of_the_models_that_listen_plays(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "BACK", 24)
    text = memory.memory(Context(tmp_path, None))
    ids = [memory.models.listen_config("jsb", cell).id for cell in ("rru", "gru")]
    assert all(f"records.html#{run}" in text for run in ids)
    shares = [int(share) for share in re.findall(r"(\d+) %", text)]
    assert len(shares) == 3 and shares[1] <= shares[0] < shares[2] < 100
    ElementTree.parse(tmp_path / "book" / "_parts" / "memory.svg")
