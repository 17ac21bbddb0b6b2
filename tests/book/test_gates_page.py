"""The page "What a gate is": equations, drawings and table count the same, and its bounds hold."""

import re
from pathlib import Path

import numpy as np
import pytest

from rru_nb import GRUCell, MogrifierLSTMCell, RRUCell

BOOK = Path(__file__).parents[2] / "book"
TEXT = (BOOK / "gates.md").read_text(encoding="utf-8")
ITEMS = re.findall(r":::\{grid-item\}\n\*\*(.*?)\*\*(.*?)\n:::\n", TEXT, re.DOTALL)
TABLE = re.findall(r"^\| ([\w ]+) \| (\d+) \| (\d+) \|", TEXT, re.MULTILINE)
ROUNDS = 5


@pytest.mark.parametrize("item, row", list(zip(ITEMS, TABLE)), ids=[row[0] for row in TABLE])
def test_equations_drawing_and_table_agree(item, row):
    (title, body), (cell, gates, constants) = item, row
    assert title == cell
    drawing = (BOOK / re.search(r"\{image\} (\S+)", body)[1]).read_text(encoding="utf-8")
    assert drawing.count('class="gate"') == int(gates)
    assert drawing.count(">×<") == int(gates) + int(constants)
    in_equations = body.count(r"\overset{\text{gate}}")
    if cell == "Mogrifier LSTM":
        in_equations += ROUNDS - 2  # two lines of equations for five rounds
        assert MogrifierLSTMCell(1).rounds == ROUNDS
    assert in_equations == int(gates)
    assert body.count(r"\overset{\text{const}}") == int(constants)


def draw_weights(cell, rng, inputs):
    cell.build((None, inputs))
    for weight in cell.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    return cell


def states_of(cell, rng, size, steps=60):
    states = cell.get_initial_state(1)
    for _ in range(steps):
        _, states = cell(size * rng.normal(size=(1, 3)).astype("float32"), states)
        yield [np.asarray(state)[0] for state in states]


@pytest.mark.parametrize("size", [1, 1e4])
def test_the_bound_of_the_state_holds_and_needs_the_normalization(size):
    rng = np.random.default_rng(0)
    cell = draw_weights(RRUCell(4), rng, inputs=3)
    kernel, bias = np.asarray(cell.candidate_kernel, float), np.asarray(cell.candidate_bias, float)
    keep, z = np.asarray(cell.residual_scale(), float), np.asarray(cell.rezero_scale, float)
    largest = np.sqrt(len(kernel)) * np.linalg.norm(kernel, axis=0) + np.abs(bias)
    first = np.asarray(cell.get_initial_state(1)[0])[0]
    for t, [h] in enumerate(states_of(cell, rng, size), start=1):
        bound = keep**t * np.abs(first) + np.abs(z) * largest / (1 - keep)
        assert (np.abs(h) <= bound * (1 + 1e-5)).all()
    bare = draw_weights(RRUCell(4, normalize=False), np.random.default_rng(0), inputs=3)
    *_, [h] = states_of(bare, rng, size)
    assert not (np.abs(h) <= bound).all()


@pytest.mark.parametrize("cell, of_state", [(GRUCell, 0), (MogrifierLSTMCell, 1)])
def test_gates_that_share_a_step_keep_the_state_below_one(cell, of_state):
    rng = np.random.default_rng(0)
    for states in states_of(draw_weights(cell(4), rng, inputs=3), rng, size=100):
        assert (np.abs(states[of_state]) <= 1 + 1e-6).all()
