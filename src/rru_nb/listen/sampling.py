"""Music from a trained model, one time step at a time, each note drawn by itself."""

import keras
import numpy as np
from scipy.special import expit

from ..errors import UserError, check_count, check_number
from ..layers.backend import backend
from ..tasks.music import KEYS


class Stepper:
    """Run a model of `MusicTask.network` one time step at a time, and carry its state.

        stepper = Stepper(model)
        stepper.start(batch_size=2)
        logits = stepper(np.zeros([2, 88]))  # of the next time step, [2, 88]

    The first step of a batch size compiles; later ones cost the same however long the sequence is.
    """

    def __init__(self, model):
        self._layers = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]
        self._head = model.layers[-1]
        self._model, self._steps, self._states = model, {}, None  # a step for each batch size

    def start(self, batch_size):
        """Go back to the initial state, for sequences side by side."""
        states = [layer.get_initial_state(batch_size) for layer in self._layers]
        self._states = [list(map(np.asarray, state)) for state in states]

    def __call__(self, frames):
        """Return the logits of the next time step, float32 [B, 88], given this one, [B, 88]."""
        if self._states is None:
            raise UserError("no sequence has begun: call start(batch_size) first.")
        n = len(self._states[0][0])
        if len(frames) != n:
            raise UserError(f"{len(frames)} time steps for {n} sequences: give one for each.")
        arguments = [np.asarray(frames, np.float32), self._states]
        if n not in self._steps:
            specs = keras.tree.map_structure(_spec, arguments)
            self._steps[n] = backend().compiled(self._model, self._advance, specs)
        logits, self._states = self._steps[n](*arguments)
        return np.asarray(logits)

    def _advance(self, x, states):
        after = []
        for layer, state in zip(self._layers, states, strict=True):
            x, state = layer.cell(x, state, training=False)
            after.append(list(state))
        return self._head(x), after


def _spec(array):
    return keras.InputSpec(keras.backend.standardize_dtype(array.dtype), shape=array.shape)


def probabilities(logits, temperature=1.0):
    """Return the probability of each key to sound: σ(logit / temperature).

    Below a temperature of 1 what is likely becomes likelier and what is not, rarer; towards 0
    exactly the keys sound whose probability exceeds one half.
    """
    return expit(np.asarray(logits, np.float64) / temperature)


def continue_pieces(model, primes, n_frames, temperature=1.0, seed=0):
    """Let a model play on after the openings of some pieces.

    Given all time steps before, the model takes the 88 keys of the next for independent, so each is
    drawn by itself, and what is drawn is the next input.

    Args:
        model: `keras.Model` of `MusicTask.network`.
        primes: list of arrays [T, 88] of 0 and 1, equally long, T >= 1; or an array [B, T, 88].
        n_frames: int, time steps to draw. temperature: float above 0, divides the logits.
        seed: int; piece i draws from the random numbers of (seed, i), whatever is beside it.

    Returns:
        uint8 array [B, n_frames, 88], what follows the openings.
    """
    primes = _checked_primes(primes)
    check_count("n_frames", n_frames)
    check_count("seed", seed, at_least=0)
    check_number("temperature", temperature, above=0)
    generators = [np.random.default_rng([seed, i]) for i in range(len(primes))]
    draws = np.stack([rng.random([n_frames, KEYS]) for rng in generators], axis=1)
    stepper = Stepper(model)
    stepper.start(len(primes))
    for frame in primes.transpose(1, 0, 2):
        logits = stepper(frame)
    played = np.empty([n_frames, len(primes), KEYS], np.uint8)
    for t in range(n_frames):
        played[t] = draws[t] < probabilities(logits, temperature)
        if t + 1 < n_frames:
            logits = stepper(played[t])
    return played.transpose(1, 0, 2)


def opening(piece, n_frames):
    """Return the first time steps of a piece [T, 88]; a `UserError` if it is shorter than that."""
    check_count("prime_frames", n_frames)
    if n_frames > len(piece):
        there = f"the {len(piece)} time steps of this piece; give at most {len(piece)}"
        raise UserError(f"prime_frames {n_frames} is more than {there}, or another piece.")
    return piece[:n_frames]


def _checked_primes(primes):
    for shape in map(np.shape, primes):
        if len(shape) != 2 or shape[1] != KEYS:
            raise UserError(f"an opening is [T, {KEYS}] of 0 and 1, not {list(shape)}.")
    lengths = sorted({len(prime) for prime in primes})
    if len(lengths) != 1 or lengths == [0]:
        raise UserError(f"openings of {lengths} time steps: give one at least, equally long.")
    primes = np.asarray(primes)
    if not np.isin(primes, (0, 1)).all():
        raise UserError("an opening holds 0 and 1 only, whether a key sounds.")
    return primes
