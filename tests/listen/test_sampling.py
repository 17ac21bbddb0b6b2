"""Sampling: the same logits as the whole sequence gives, temperature, seeds, refusals."""

import numpy as np
import pytest

from rru_nb import load_dataset, paper_config
from rru_nb.errors import UserError
from rru_nb.listen.sampling import Stepper, continue_pieces, opening, probabilities
from rru_nb.tasks import task_for

RNG = np.random.default_rng(0)


def untrained(cell, **changes):
    """A network whose weights are all random, so that nothing of it is zero."""
    config = paper_config("chorales", cell, "smoke", **changes)
    model = task_for(config).network(12)
    model.set_weights([RNG.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module", params=["rru", "gru", "lstm", "mogrifier"])
def model(request):
    return untrained(request.param)


@pytest.fixture(scope="module")
def pieces():
    return np.stack([piece[:20] for piece in load_dataset("chorales").test[:3]])


def test_step_by_step_gives_the_logits_of_the_whole_sequence(model, pieces):
    whole = model(pieces.astype("float32"), training=False).numpy()
    stepper = Stepper(model)
    for n in (3, 3, 2, 3):  # `start` forgets what was before, and may change the number of pieces
        stepper.start(n)
        steps = [stepper(frame) for frame in pieces[:n].transpose(1, 0, 2)]
        np.testing.assert_allclose(np.stack(steps, axis=1), whole[:n], atol=1e-5)


def test_a_step_needs_a_frame_for_each_sequence(model):
    stepper = Stepper(model)
    stepper.start(2)
    stepper(np.zeros([2, 88]))
    for n in (1, 3):
        with pytest.raises(UserError, match=f"{n} time steps for 2 sequences"):
            stepper(np.zeros([n, 88]))


def test_two_layers_carry_two_states(pieces):
    model = untrained("rru", layers=2)
    whole = model(pieces.astype("float32"), training=False).numpy()
    stepper = Stepper(model)
    stepper.start(len(pieces))
    steps = [stepper(frame) for frame in pieces.transpose(1, 0, 2)]
    np.testing.assert_allclose(np.stack(steps, axis=1), whole, atol=1e-5)


def test_what_is_played_has_the_probability_that_the_network_gives_it(model, pieces):
    """Of many draws of the first frame, each key sounds as often as σ(logit / 2) says."""
    n = 4000
    primes = np.repeat(pieces[:1, :5], n, axis=0)
    played = continue_pieces(model, primes, 1, temperature=2.0, seed=3)
    logits = model(pieces[:1, :5].astype("float32"), training=False).numpy()[0, -1]
    expected = 1 / (1 + np.exp(-logits.astype(np.float64) / 2.0))
    deviation = np.sqrt(expected * (1 - expected) / n)
    assert np.all(np.abs(played[:, 0].mean(axis=0) - expected) < 5 * deviation + 1e-9)


def test_near_temperature_zero_every_frame_is_the_likeliest(model, pieces):
    """Teacher forcing on what was played: its keys are those with a positive logit."""
    prime = pieces[:1, :6]
    played = continue_pieces(model, prime, 8, temperature=1e-6)
    whole = np.concatenate([prime, played], axis=1)
    logits = model(whole[:, :-1].astype("float32"), training=False).numpy()[:, 5:]
    sure = np.abs(logits) > 1e-4
    np.testing.assert_array_equal(played[sure], (logits > 0)[sure])


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 3.0])
def test_temperature_keeps_the_likelier_side_and_pulls_towards_one_half(temperature):
    logits = np.linspace(-900, 900, 181)
    p = probabilities(logits, temperature)
    assert np.all((p >= 0) & (p <= 1)) and np.all(np.diff(p) >= 0)
    np.testing.assert_array_equal(np.sign(p - 0.5), np.sign(logits))
    np.testing.assert_allclose(p + p[::-1], 1.0)
    hotter = probabilities(logits, 2 * temperature)
    assert np.all(np.abs(hotter - 0.5) <= np.abs(p - 0.5))


def test_odds_are_raised_to_the_power_of_one_over_the_temperature():
    p = probabilities(np.log(9.0), 2.0)
    assert p / (1 - p) == pytest.approx(3.0)


def test_seed_and_place_alone_decide_the_draws(model, pieces):
    together = continue_pieces(model, pieces[:, :4], 6, seed=1)
    np.testing.assert_array_equal(together, continue_pieces(model, pieces[:, :4], 6, seed=1))
    alone = continue_pieces(model, pieces[:1, :4], 6, seed=1)
    np.testing.assert_array_equal(together[:1], alone)
    np.testing.assert_array_equal(together[:, :3], continue_pieces(model, pieces[:, :4], 3, seed=1))
    assert (together != continue_pieces(model, pieces[:, :4], 6, seed=2)).any()


@pytest.mark.parametrize(
    "changes, fragments",
    [
        ({"temperature": 0}, ["temperature = 0", "above 0"]),
        ({"temperature": -1.5}, ["-1.5"]),
        ({"temperature": float("nan")}, ["nan"]),
        ({"temperature": "hot"}, ["'hot'"]),
        ({"n_frames": 0}, ["n_frames = 0"]),
        ({"n_frames": 2.0}, ["2.0"]),
        ({"seed": -1}, ["seed = -1"]),
        ({"primes": []}, ["one at least"]),
        ({"primes": [np.zeros([3, 88]), np.zeros([4, 88])]}, ["[3, 4]"]),
        ({"primes": np.zeros([1, 0, 88])}, ["[0]"]),
        ({"primes": np.zeros([1, 3, 87])}, ["[3, 87]"]),
        ({"primes": [np.zeros([5, 88]), np.zeros([5, 5])]}, ["not [5, 5]"]),
        ({"primes": np.zeros([3, 88])}, ["not [88]"]),
        ({"temperature": True}, ["temperature = True"]),
        ({"primes": np.full([1, 3, 88], 0.5)}, ["0 and 1"]),
    ],
)
def test_a_mistake_is_one_error_that_quotes_the_value(changes, fragments):
    given = {"primes": np.zeros([1, 3, 88]), "n_frames": 2} | changes
    with pytest.raises(UserError) as error:
        continue_pieces(None, **given)  # refused before the model is touched
    for fragment in fragments:
        assert fragment in str(error.value)


def test_numbers_of_numpy_are_numbers(model, pieces):
    mine = continue_pieces(model, pieces[:1, :4], 2, temperature=0.5, seed=3)
    numpys = {"n_frames": np.int64(2), "temperature": np.float32(0.5), "seed": np.int32(3)}
    np.testing.assert_array_equal(mine, continue_pieces(model, pieces[:1, :4], **numpys))


def test_no_step_before_the_start(model):
    with pytest.raises(UserError, match=r"call start\(batch_size\) first"):
        Stepper(model)(np.zeros([1, 88]))


def test_an_opening_longer_than_the_piece_says_how_long_it_is():
    piece = np.ones([7, 88])
    assert len(opening(piece, 7)) == 7
    with pytest.raises(UserError, match="8 is more than the 7 time steps"):
        opening(piece, 8)
    with pytest.raises(UserError, match="prime_frames = 0"):
        opening(piece, 0)
