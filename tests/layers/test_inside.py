"""What the page on normalization computes inside the RRU, beside its equations in NumPy."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import functions_of

from rru_nb.layers.rru import RRU

UNITS, STEPS = 6, 12
TITLES = {True: "with normalization", False: "without normalization"}
page = functions_of("normalization", TITLES=TITLES)


@pytest.fixture(params=[True, False], ids=["normalized", "plain"])
def model(request):
    import keras

    keras.utils.set_random_seed(3)
    x = keras.Input([None, 88])
    layer = RRU(UNITS, output_size=5, normalize=request.param, return_sequences=True)
    model = keras.Model(x, keras.layers.Dense(88)(layer(x)))
    # Z starts at zero, which would hide mistakes in the recurrence.
    layer.cell.rezero_scale.assign(np.random.default_rng(0).normal(size=UNITS))
    return model


def music(n_sequences=2, n_steps=STEPS):
    rolls = np.random.default_rng(1).random([n_sequences, n_steps + 1, 88]) < 0.05
    return rolls.astype(np.float32)


def oracle(cell, x):
    """The states by equations 1, 4 and 5 in float64, a list over time."""
    weight = {w.name: w.numpy().astype(np.float64) for w in cell.weights}
    keep = 1 / (1 + np.exp(-10 * weight["residual_logits"]))
    h = np.zeros([len(x), UNITS])
    h[:, 0] = np.sqrt(UNITS) / 4
    states = []
    for t in range(x.shape[1]):
        z = x[:, t] @ weight["kernel"] + h @ weight["recurrent_kernel"] + weight["bias"]
        scale = np.sqrt(np.mean(z**2, axis=-1, keepdims=True) + 1e-6) if cell.normalize else 1.0
        c = np.maximum(z / scale, 0) @ weight["candidate_kernel"] + weight["candidate_bias"]
        h = keep * h + weight["rezero_scale"] * c
        states.append(h)
    return states


def test_states_and_their_size_are_those_of_the_equations(model):
    sequences = music()
    states = oracle(model.layers[1].cell, sequences[:, :-1])
    computed = page.states_over_time(model.layers[1].cell, sequences[:, :-1])
    assert np.allclose(computed, states, rtol=1e-4, atol=1e-5)
    frame = page.look_inside(model, sequences, n_gradients=3)
    assert np.allclose(frame["size"], np.sqrt(np.mean(np.square(states), -1)).mean(-1), rtol=1e-4)
    assert list(frame.step) == list(range(1, STEPS + 1))


def test_gradients_are_finite_differences(model):
    """The norm at step t is that of moving h_t by a little, in each of its directions."""
    sequences = music(n_sequences=1)
    cell, head = model.layers[1].cell, model.layers[2]
    norms = page.gradients_over_time(cell, head, sequences[:, :-1], sequences[:, -1])
    weight = {w.name: w.numpy().astype(np.float64) for w in cell.weights}
    dense, bias = (w.numpy().astype(np.float64) for w in (head.kernel, head.bias))
    keep = 1 / (1 + np.exp(-10 * weight["residual_logits"]))
    x, target = sequences[0, :-1].astype(np.float64), sequences[0, -1]

    def loss_from(h, t):
        for step in range(t, STEPS):
            z = x[step] @ weight["kernel"] + h @ weight["recurrent_kernel"] + weight["bias"]
            scale = np.sqrt(np.mean(z**2) + 1e-6) if cell.normalize else 1.0
            j = np.maximum(z / scale, 0)
            c = j @ weight["candidate_kernel"] + weight["candidate_bias"]
            output = j @ weight["output_kernel"] + weight["output_bias"]
            h = keep * h + weight["rezero_scale"] * c
        logits = output @ dense + bias
        return np.sum(np.logaddexp(0, logits) - target * logits)

    states = oracle(cell, sequences[:, :-1])
    for t in (3, STEPS - 1):
        h = states[t - 1][0]
        nudges = 1e-5 * np.eye(UNITS)
        gradient = [(loss_from(h + d, t) - loss_from(h - d, t)) / 2e-5 for d in nudges]
        assert norms[t - 1] == pytest.approx(np.linalg.norm(gradient), rel=2e-3)
    assert norms[STEPS - 1] == 0.0, "the last output comes from the state before"
    frame = page.look_inside(model, sequences, n_gradients=STEPS)
    assert list(frame.back[:-1]) == list(range(STEPS - 1, 0, -1)) and np.isnan(frame.back.iloc[-1])
    assert np.allclose(frame.gradient[:-1], norms[:-1] / norms[-2], rtol=1e-4)


def test_joined_pieces_keep_their_order():
    pieces = [np.eye(88)[:5], np.eye(88)[10:17]]
    sequences = page.joined(pieces, n_sequences=2, n_steps=4)
    assert sequences.shape == (2, 5, 88)
    assert list(sequences.reshape(-1, 88).argmax(axis=1)) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    again = page.joined(pieces, n_sequences=4, n_steps=4).reshape(-1, 88)
    assert list(again.argmax(axis=1)[12:15]) == [0, 1, 2], "round and round"


@pytest.mark.parametrize("normalize", [True, False])
def test_a_brief_training_ends_in_weights_that_have_moved(normalize):
    model, failure = page.train_briefly(normalize, "smoke", seed=0, epochs=1)
    cell = model.layers[1].cell
    assert failure is None and cell.normalize == normalize
    assert np.abs(cell.rezero_scale).max() > 0


def views(growth, gradient):
    """A made-up frame. growth, gradient: {normalize: factor after 200, share 50 steps back}."""
    steps = np.arange(1, 401)
    frames = []
    for normalize in (True, False):
        back = np.where(steps < 100, 100.0 - steps, np.nan)
        frame = {"step": steps, "size": np.where(steps > 200, growth[normalize], 1.0) * 0.5}
        frame |= {"back": back, "gradient": np.where(back == 50, gradient[normalize], 1.0)}
        frames.append(pd.DataFrame(frame | {"normalize": normalize}))
    return pd.concat(frames)


@pytest.mark.parametrize(
    "growth, steady", [((0.9, 1.4), True), ((3.0, 1.4), False), ((1.2, np.nan), True)]
)
def test_what_is_said_of_the_views_follows_them(growth, steady):
    both = (True, False)
    frame = views(dict(zip(both, growth)), {True: 0.13, False: 0.28})
    text = page.tell_inside(frame, dict.fromkeys(both))
    assert f"steadier {TITLES[steady]}" in text and "failed" not in text
    assert f"{growth[0]:.2f} with and {growth[1]:.2f} without" in text
    assert "further back without normalization" in text and "13 %" in text and "28 %" in text
    text = page.tell_inside(frame, {True: None, False: {"epoch": 3}})
    assert "The training without normalization failed in epoch 3" in text


def test_each_line_of_the_figure_is_seen_and_named():
    page.draw_inside(views({True: 0.9, False: 1.4}, {True: 0.13, False: 0.28}))
    size, gradient = plt.gcf().axes
    with_it, without = size.lines[:2]
    assert with_it.get_ydata()[-1] == 0.45 and without.get_ydata()[-1] == 0.7
    looks = {(line.get_color(), line.get_linestyle()) for line in (with_it, without)}
    assert len(looks) == 2 == len({line.get_color() for line in gradient.lines})
    assert [text.get_text() for text in gradient.get_legend().texts] == list(TITLES.values())
    plt.close()
