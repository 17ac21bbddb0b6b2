"""What happens inside the RRU over time: the sizes of state and pre-activation, gradients."""

import keras
import numpy as np
import pandas as pd
from keras import ops

from ..layers.backend import backend
from ..tasks import task_for
from ..tasks.budget import units_within
from ..training.config import paper_config
from ..training.loop import Fit
from ..training.progress import Progress

STEPS = 400  # twice the window of training
GRADIENT_STEPS = 100
SEQUENCES = 8
EPOCHS = 10  # of training, at most


def inside_views(scale="laptop", seed=0):
    """Trains the RRU with and without normalization on the embedded chorales and looks inside.

    Briefly: `EPOCHS` epochs at most, so that a page can do it while it is built. Both see the
    same sequences: validation pieces, joined until they have `STEPS` time steps.

    Args:
        scale: `"laptop"` or `"smoke"`. seed: int.

    Returns:
        A frame with a row for each time step, with the columns `normalize`, `when` ("untrained" or
        "trained"), `step` (from 1), `h` and `z` (root mean square of the state's features, and of
        the pre-activation W^x x + W^h h + B^j of equation 1, mean over the sequences), and
        `gradient` (norm of the gradient of the last step's loss by the state at `step`; of a run
        over the first `GRADIENT_STEPS` steps, NaN after them). `attrs["failed"]` lists the
        values of `normalize` whose training failed; their best weights are looked at.
    """
    frames, failed = [], []
    for normalize in (True, False):
        config = paper_config(
            "chorales", "rru", scale, seed, normalize=normalize, max_epochs=EPOCHS
        )
        task = task_for(config)
        keras.utils.set_random_seed(seed)
        model = task.network(config.units or units_within(task.parameters, config.n_params))
        sequences = joined(task.splits.valid)
        place = {"normalize": normalize}
        frames.append(look_inside(model, sequences).assign(when="untrained", **place))
        fit = Fit(config, task, model)
        with Progress(config, enabled=False) as bar:
            fit.run(bar)
        model.set_weights(fit.best_weights)
        failed += [normalize] if fit.failure else []
        frames.append(look_inside(model, sequences).assign(when="trained", **place))
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["failed"] = failed
    return frame


def joined(pieces, n_sequences=SEQUENCES, n_steps=STEPS):
    """Pieces one after the other, cut into equally long sequences.

    Args:
        pieces: list of arrays [T, 88]; taken round and round if they are too short together.

    Returns:
        float32 array [n_sequences, n_steps + 1, 88], the last step a target only.
    """
    flat = np.concatenate(pieces)
    length = n_sequences * (n_steps + 1)
    flat = np.resize(flat, [length, flat.shape[1]])
    return flat.reshape(n_sequences, n_steps + 1, -1).astype(np.float32)


def look_inside(model, sequences, gradient_steps=GRADIENT_STEPS):
    """Sizes over time of one model, see `inside_views`.

    Args:
        model: of `MusicTask.network` with one RRU layer.
        sequences: array [B, T + 1, 88]. gradient_steps: int, at most T.
    """
    cell, head = model.layers[1].cell, model.layers[-1]
    states = _states(cell, sequences[:, :-1])  # T + 1 of [B, n], h_0 first
    before = np.stack([np.asarray(h) for h in states[:-1]], axis=1)  # [B, T, n]
    after = np.stack([np.asarray(h) for h in states[1:]], axis=1)
    kernel, recurrent, bias = (
        np.asarray(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    z = sequences[:, :-1] @ kernel + before @ recurrent + bias
    n_steps = after.shape[1]
    gradient = np.full(n_steps, np.nan)
    gradient[:gradient_steps] = _gradients(cell, head, sequences[:, : gradient_steps + 1])
    return pd.DataFrame(
        {"step": np.arange(1, n_steps + 1), "h": _size(after), "z": _size(z), "gradient": gradient}
    )


def _size(features):
    """Root mean square over features, mean over sequences: [T]."""
    return np.sqrt(np.mean(features.astype(np.float64) ** 2, axis=-1)).mean(axis=0)


def _states(cell, x):
    states = list(cell.get_initial_state(batch_size=len(x)))
    for t in range(x.shape[1]):
        _, [h] = cell(x[:, t], states[-1:], training=False)
        states.append(h)
    return states


def _gradients(cell, head, sequences):
    """‖∂ℓ_T / ∂h_t‖ for t = 1 .. T, mean over the sequences."""
    x, target = sequences[:, :-1], sequences[:, -1]

    def loss(shifts):
        """Of the last step, were each state a little another: its gradient is the state's."""
        h = cell.get_initial_state(batch_size=len(x))
        for t, shift in enumerate(shifts):
            output, (h,) = cell(x[:, t], h, training=False)
            h = [h + shift]
        return ops.sum(ops.binary_crossentropy(target, head(output), from_logits=True))

    # The last output comes from the last state but one: the last state has no gradient.
    shifts = [np.zeros([len(x), cell.units], np.float32)] * x.shape[1]
    return [float(np.linalg.norm(g, axis=-1).mean()) for g in backend().gradients(loss, shifts)]
