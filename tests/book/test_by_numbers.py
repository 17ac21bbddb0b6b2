"""The cell in numbers: the step by hand, half-lives and sizes of Z, the first updates."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import functions_of

from rru_nb import RRUCell, UserError, paper_config
from rru_nb.listen.models import load
from rru_nb.listen.settings import listen_config
from rru_nb.training.parameters import numbers

page = functions_of("cell_by_numbers")

RANDOM = np.random.default_rng(0)
SIZES = {"kernel": (4, 6), "recurrent_kernel": (3, 6), "bias": 6, "candidate_kernel": (6, 3)}
SIZES |= {"candidate_bias": 3, "output_kernel": (6, 2), "output_bias": 2, "residual_logits": 3}
SIZES |= {"rezero_scale": 3}


@pytest.mark.parametrize("size", [0, 1, 30])
def test_by_hand_and_by_the_cell_agree(size):
    w = {name: RANDOM.normal(size=shape) for name, shape in SIZES.items()}
    x, h = size * RANDOM.normal(size=4), size * RANDOM.normal(size=3)
    by_hand, by_cell = page.rru_step(x, h, w), page.keras_step(x, h, w)
    assert by_cell["h"] == pytest.approx(by_hand["h"], rel=1e-4, abs=1e-4)
    assert by_cell["o"] == pytest.approx(by_hand["o"], rel=1e-4, abs=1e-4)


def test_a_step_by_a_pocket_calculator():
    w = {
        "kernel": np.array([[0.5, -1.0]]),
        "recurrent_kernel": np.array([[1.0, 0.0]]),
        "bias": np.array([0.25, 0.0]),
        "candidate_kernel": np.array([[2.0], [5.0]]),
        "candidate_bias": np.array([1.0]),
        "output_kernel": np.array([[3.0], [7.0]]),
        "output_bias": np.array([-1.0]),
        "residual_logits": np.array([np.log(4) / 10]),  # σ(S) = 0.8
        "rezero_scale": np.array([0.5]),
    }
    step = page.rru_step(np.array([1.0]), np.array([0.5]), w)
    assert list(step["z"]) == [1.25, -1.0]
    j = 1.25 / np.sqrt((1.25**2 + 1) / 2)
    assert step["j"] == pytest.approx([j, 0])
    assert step["c"] == pytest.approx([2 * j + 1])
    assert step["kept"] == pytest.approx([0.4]) and step["added"] == pytest.approx([j + 0.5])
    assert step["h"] == pytest.approx([j + 0.9]) and step["o"] == pytest.approx([3 * j - 1])


def test_the_steps_by_hand_are_those_of_a_trained_model():
    trained = load(listen_config("jsb", "rru"))
    layer = trained.model.layers[1]
    outputs = page.run_rru(trained.opening, page.weights_of(layer.cell))
    by_layer = np.asarray(layer(np.float32([trained.opening])))[0]
    assert np.abs(by_layer).max() > 1
    assert np.abs(outputs - by_layer).max() < 1e-5


def test_a_model_trained_here_stands_in_for_stored_weights():
    trained = page.train_on_chorales("smoke", seed=1)
    assert trained.config.seed == 1 and trained.opening.shape == (32, 88)
    assert np.abs(trained.model.layers[1].cell.rezero_scale).max() > 0
    assert page.features("chorales", trained).notna().all(axis=None)


def test_half_of_what_a_feature_holds_is_left_after_its_half_life():
    cell = RRUCell(50, seed=0)
    cell.build((None, 3))
    kept = np.asarray(cell.residual_scale(), np.float64)
    assert kept ** page.half_lives(cell) == pytest.approx(np.full(50, 0.5), rel=1e-5)
    forever = RRUCell(2, residual="identity")
    forever.build((None, 3))
    assert np.isinf(page.half_lives(forever)).all()


def test_features_of_one_size_are_of_one_size():
    """Write noise to features of many half-lives, each with its Z: all get the same size."""
    lives = np.array([0.2, 1, 5, 20])
    h = np.zeros([4000, 4])
    for _ in range(200):
        h = 0.5 ** (1 / lives) * h + page.one_size(lives) * RANDOM.normal(size=h.shape)
    variance = np.mean(h**2, axis=0)
    assert variance == pytest.approx(np.ones(4), rel=0.1)


def test_features_are_those_of_the_start_and_of_the_trained_model():
    trained = load(listen_config("jsb", "rru"))
    frame = page.features("JSB", trained)
    assert len(frame) == trained.model.layers[1].cell.units
    assert not np.allclose(frame.untrained, frame["half-life"])
    # The start is that of this training: its features keep their order, roughly.
    assert frame.untrained.corr(frame["half-life"], "spearman") > 0.9
    assert 0.5 ** (1 / frame.untrained.min()) > 0.009 and 0.5 ** (1 / frame.untrained.max()) < 0.991


def memory(slope):
    lives = np.geomspace(0.5, 50, 40)
    size = 0.1 * page.one_size(lives) * lives**slope
    return pd.DataFrame({"half-life": lives, "|Z|": size, "model": "A", "id": "a1b2"})


def test_what_is_said_of_memory_follows_it():
    assert "-1.00 on A" in page.tell_memory(memory(0)) and "of 1.0" in page.tell_memory(memory(0))
    assert "1.00 on A" in page.tell_memory(memory(2)).replace("-1.00", "")


def test_the_curve_of_one_size_goes_through_features_of_one_size():
    page.draw_memory(pd.concat([memory(0), memory(2).assign(model="B")]))
    one, two = plt.gcf().axes
    dots = np.array(one.collections[0].get_offsets())
    assert len(dots) == 40
    curve = np.interp(dots[:, 0], *one.lines[0].get_data())
    assert curve == pytest.approx(dots[:, 1], rel=1e-2)
    assert len(two.collections[0].get_offsets()) == 40
    plt.close()


def test_watching_sees_zero_first_and_then_each_update():
    config = paper_config("chorales", "rru", "smoke")
    frame = page.first_updates(config, 3)
    assert list(frame["update"]) == [0, 1, 2, 3]
    assert frame.largest[0] == 0 and (frame.largest[1:] > 0).all()
    assert (frame.low <= frame["median"]).all() and (frame.high <= frame.largest).all()
    assert np.isnan(frame.loss[0]) and np.isfinite(frame.loss[1:]).all()
    # Each weight moves by the learning rate at first, but for what the optimizer's warm-up does.
    assert frame["median"][1] == pytest.approx(config.learning_rate, rel=0.5)
    assert page.first_updates(config, 2).equals(frame[:3]), "the same seed, the same training"


@pytest.mark.parametrize("value", [[1.0], "1, a", [1, True], [float("nan"), 0], 3, None])
def test_two_numbers_are_wanted(value):
    with pytest.raises(UserError, match="a list of 2 numbers"):
        numbers("x", 2)(value)


def test_numbers_as_papermill_gives_them():
    assert numbers("x", 2)("1, -0.5") == [1.0, -0.5]
