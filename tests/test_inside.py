"""The views inside the RRU agree with its equations, written down in NumPy."""

import numpy as np
import pandas as pd
import pytest

from rru_nb.analysis import findings
from rru_nb.analysis.inside import GRADIENT_STEPS, inside_views, joined, look_inside
from rru_nb.layers.rru import RRU

UNITS, STEPS = 6, 12


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
    """State and pre-activation by equations 1, 4 and 5 in float64: two lists over time."""
    weight = {w.name: w.numpy().astype(np.float64) for w in cell.weights}
    keep = 1 / (1 + np.exp(-10 * weight["residual_logits"]))
    h = np.zeros([len(x), UNITS])
    h[:, 0] = np.sqrt(UNITS) / 4
    states, pre = [], []
    for t in range(x.shape[1]):
        z = x[:, t] @ weight["kernel"] + h @ weight["recurrent_kernel"] + weight["bias"]
        scale = np.sqrt(np.mean(z**2, axis=-1, keepdims=True) + 1e-6) if cell.normalize else 1.0
        c = np.maximum(z / scale, 0) @ weight["candidate_kernel"] + weight["candidate_bias"]
        h = keep * h + weight["rezero_scale"] * c
        states.append(h)
        pre.append(z)
    return states, pre


def size(features):
    return np.sqrt(np.mean(features**2, axis=-1)).mean()


def test_sizes_are_those_of_the_equations(model):
    sequences = music()
    frame = look_inside(model, sequences, gradient_steps=3)
    states, pre = oracle(model.layers[1].cell, sequences[:, :-1])
    assert np.allclose(frame.h, [size(h) for h in states], rtol=1e-4)
    assert np.allclose(frame.z, [size(z) for z in pre], rtol=1e-4)
    assert list(frame.step) == list(range(1, STEPS + 1))


def test_gradients_are_finite_differences(model):
    """The norm at step t is that of moving h_t by a little, in each of its directions."""
    sequences = music(n_sequences=1)
    frame = look_inside(model, sequences, gradient_steps=STEPS)
    cell, head = model.layers[1].cell, model.layers[2]
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

    states, _ = oracle(cell, sequences[:, :-1])
    for t in (3, STEPS - 1):
        h = states[t - 1][0]
        nudges = 1e-5 * np.eye(UNITS)
        gradient = [(loss_from(h + d, t) - loss_from(h - d, t)) / 2e-5 for d in nudges]
        assert frame.gradient[t - 1] == pytest.approx(np.linalg.norm(gradient), rel=2e-3)
    assert frame.gradient[STEPS - 1] == 0.0, "the last output comes from the state before"


def test_joined_pieces_keep_their_order():
    pieces = [np.eye(88)[:5], np.eye(88)[10:17]]
    sequences = joined(pieces, n_sequences=2, n_steps=4)
    assert sequences.shape == (2, 5, 88)
    assert list(sequences.reshape(-1, 88).argmax(axis=1)) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert joined(pieces, n_sequences=4, n_steps=4).shape == (4, 5, 88), "round and round"


def test_views_at_smoke_scale_and_what_is_said_of_them():
    frame = inside_views("smoke")
    assert len(frame) == 4 * 400
    untrained = frame[frame.when == "untrained"]
    sizes = untrained.pivot(index="step", columns="normalize", values="h")
    assert np.allclose(sizes[True], sizes[False]), "Z is zero: the state decays alike"
    trained = frame[frame.when == "trained"]
    assert not np.allclose(trained[trained.normalize].h, untrained[untrained.normalize].h)
    said = findings.inside(frame)
    assert "After training with normalization" in said and "without normalization" in said
    frame.attrs["failed"] = [False]
    assert "The training without normalization failed" in findings.inside(frame)


def test_what_is_said_of_the_views_follows_them():
    steps = np.arange(1, 401)
    frame = pd.DataFrame(
        {
            "when": "trained",
            "normalize": True,
            "step": steps,
            "h": np.where(steps > 200, 3.0, 1.5),
            "z": 1.0,
            "gradient": np.where(steps == GRADIENT_STEPS - 1, 8.0, 2.0),
        }
    )
    said = findings.inside(frame)
    assert "its size by a factor of 2;" in said
    assert "50 steps back the gradient has 25 % of the size" in said
