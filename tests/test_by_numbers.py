"""The page of numbers inside the cell: the step by hand, half-lives, the watched training."""

import numpy as np
import pytest

from rru_nb.analysis import by_numbers, findings
from rru_nb.cells.rru import RRUCell
from rru_nb.errors import UserError
from rru_nb.training.parameters import numbers


def numbers_of(text):
    return [float(n) for n in text.split(",")]


@pytest.mark.parametrize("x, h", [([1, 0], [0.35, -0.2]), ([-3, 2.5], [0, 4]), ([0, 0], [0, 0])])
def test_by_hand_and_by_the_cell_agree(x, h):
    shown = by_numbers.one_step(x, h)
    both = shown[shown.RRUCell != ""]
    assert list(both.index) == ["5", "6"]
    for row in both.itertuples():
        assert numbers_of(row[2]) == pytest.approx(numbers_of(row[3]), abs=1e-4)


def test_the_step_on_the_page_by_a_pocket_calculator():
    shown = by_numbers.one_step().set_index("quantity")["by hand"]
    assert shown["W^x x + W^h h + B^j"] == "0.8500, -0.7000, 0.7750"
    size = np.sqrt((0.85**2 + 0.7**2 + 0.775**2) / 3 + 1e-6)
    j = [0.85 / size, 0, 0.775 / size]
    assert numbers_of(shown["j = d: normalized, then ReLU"]) == pytest.approx(j, abs=1e-4)
    c = [j[0] + 0.5 * j[2], 0.1 - 0.5 * j[2]]
    after = [0.5 * 0.35 + 0.1 * c[0], 0.9 * -0.2 + 0.5 * c[1]]
    assert numbers_of(shown["h, the state after"]) == pytest.approx(after, abs=1e-4)


def test_half_of_what_a_feature_holds_is_left_after_its_half_life():
    cell = RRUCell(50, seed=0)
    cell.build((None, 3))
    kept = np.asarray(cell.residual_scale(), np.float64)
    assert kept ** by_numbers.half_lives(cell) == pytest.approx(np.full(50, 0.5), rel=1e-5)
    forever = RRUCell(2, residual="identity")
    forever.build((None, 3))
    assert np.isinf(by_numbers.half_lives(forever)).all()


def test_watching_sees_zero_first_and_then_each_update():
    steps, lives = by_numbers.watch_training("smoke", n_steps=2)
    assert list(steps.step) == [0, 1, 2]
    assert steps.largest[0] == 0 and (steps.largest[1:] > 0).all()
    assert (steps.low <= steps["median"]).all() and (steps.high <= steps.largest).all()
    assert np.isnan(steps.loss[0]) and np.isfinite(steps.loss[1:]).all()
    assert lives["before"].shape == lives["after"].shape
    assert not np.array_equal(lives["before"], lives["after"])


@pytest.mark.parametrize("value", [[1.0], "1, a", [1, True], [float("nan"), 0], 3, None])
def test_two_numbers_are_wanted(value):
    with pytest.raises(UserError, match="must be a list of 2 numbers"):
        numbers("x", 2)(value)


def test_numbers_as_papermill_gives_them():
    assert numbers("x", 2)("1, -0.5") == [1.0, -0.5]


def test_what_is_said_of_half_lives_follows_them():
    before = np.arange(1.0, 11.0)
    after = before + np.where(before <= 3, 5.0, -0.5)
    said = findings.memory({"before": before, "after": after})
    assert "Training made 30 % of the features forget more slowly." in said
    assert "Before training half of the features forget half of what they hold within 5.5" in said
