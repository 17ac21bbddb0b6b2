"""Polyphonic music: which of the 88 keys sound at the next time step? (section 4.1)"""

import functools

import keras
import numpy as np
from keras import ops

from ..data.music import KEYS
from ..errors import UserError
from ..layers.sizes import dense_parameters
from .base import ExamplesTask, in_batches, pad
from .network import output_features, recurrent_layer, recurrent_parameters


class MusicTask(ExamplesTask):
    """Next-step prediction of piano rolls by 88 independent Bernoulli distributions.

    The negative log-likelihood (NLL) of a time step sums the cross-entropies of the 88 keys,
    in nats. Three averages are reported:

    - `nll_window`: each window's mean over its own time steps, then the mean over windows, so
      that a short last window counts as much as a full one;
    - `nll_batches`, the authors' own: the same, but the mean of the means of batches in the order
      of the data, of which the last, with the remainder, has up to twice the windows;
    - `nll_frame`, the field's: the mean over all time steps.
    """

    batch_spec = {
        "x": keras.InputSpec("uint8", shape=(None, None, KEYS)),
        "y": keras.InputSpec("uint8", shape=(None, None, KEYS)),
        "length": keras.InputSpec("int32", shape=(None,)),
    }

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
        self._lengths = {}
        steps = {"train": config.window // 2, "valid": config.window, "test": config.window}
        self._windows = {
            split: self._cut(split, steps[split])[:limit] for split, limit in self.limits.items()
        }
        for split, cut in self._windows.items():
            if not cut:
                raise UserError(
                    f"the {split} pieces of {self.splits.name!r} "
                    f"({len(getattr(self.splits, split))}) give no window. "
                    "Give that split a piece of two sounding time steps or more."
                )
            self._lengths[split] = np.array([len(window) - 1 for window in cut])

    def _cut(self, split, step):
        return [
            window
            for piece in getattr(self.splits, split)
            for window in windows(
                without_silences(piece) if self.config.silences == "removed" else piece,
                self.config.window,
                step,
            )
        ]

    # Batches

    def _batch(self, split, picked, n_steps):
        return batch_of([self._windows[split][i] for i in picked], n_steps)

    # Head, loss, metrics

    def network(self, units):
        x = keras.Input([None, KEYS])
        h = x
        for _ in range(self.config.layers):
            h = recurrent_layer(self.config, units, return_sequences=True)(h)
        return keras.Model(x, keras.layers.Dense(KEYS)(h))

    def parameters(self, units):
        head = dense_parameters(output_features(self.config, units), KEYS)
        return recurrent_parameters(self.config, units, KEYS) + head

    def loss(self, model, batch):
        total = _window_nll(model, batch, training=True)
        length = ops.cast(batch["length"], total.dtype)
        if self.config.loss_average == "frame":
            return ops.sum(total) / ops.sum(length)
        return ops.mean(total / length)

    def evaluate(self, model, split):
        lengths, score = self._lengths[split], self.scorer(model)
        totals = np.zeros(len(lengths))
        for picked, batch in self._evaluation_batches(split):
            totals[picked] = score(batch)[: len(picked)]
        return averages(totals, lengths, self.config.batch_size)

    def scoring(self, model):
        return functools.partial(_window_nll, model, training=False), [self.batch_spec]


def without_silences(piece):
    """Return the time steps of a piece [T, 88] at which at least one key sounds."""
    return piece[piece.any(axis=1)]


def windows(piece, length, step):
    """Cut a piece [T, 88] into windows, views [t + 1, 88] with 1 <= t <= length.

    Inputs are the rows but the last, targets the rows but the first. Windows start every `step`
    time steps while a full one fits; what begins at the next start is one more, shorter window,
    if it has an input and a target.
    """
    n_full = max(0, -(-(len(piece) - length) // step))  # starts with more than `length` rows left
    cut = [piece[i * step : i * step + length + 1] for i in range(n_full)]
    tail = piece[n_full * step :]
    return [*cut, tail] if len(tail) >= 2 else cut


def batch_of(examples, n_steps=None):
    """Return the batch of windows [t + 1, 88], see `MusicTask.batch_spec` and `base.pad`."""
    return {
        "x": pad([window[:-1] for window in examples], np.uint8, n_steps),
        "y": pad([window[1:] for window in examples], np.uint8, n_steps),
        "length": np.array([len(window) - 1 for window in examples], np.int32),
    }


def averages(totals, lengths, batch_size):
    """Compute all averages, in float64, from each window's summed NLL and time steps.

    `totals` and `lengths` are arrays [W] in the data's order; `batch_size` is of `nll_batches`.
    """
    totals = totals.astype(np.float64)
    means = totals / lengths
    return {
        "nll_window": float(np.mean(means)),
        "nll_batches": float(np.mean([b.mean() for b in in_batches(means, batch_size)])),
        "nll_frame": float(totals.sum() / lengths.sum()),
    }


def _window_nll(model, batch, training):
    """Return the NLL of each window summed over its own time steps: [B]."""
    logits = model(ops.cast(batch["x"], model.compute_dtype), training=training)
    target = ops.cast(batch["y"], "float32")
    per_key = ops.binary_crossentropy(target, ops.cast(logits, "float32"), from_logits=True)
    per_step = ops.sum(per_key, -1)  # [B, T]
    mask = ops.arange(ops.shape(per_step)[1]) < batch["length"][:, None]
    return ops.sum(per_step * ops.cast(mask, per_step.dtype), -1)
