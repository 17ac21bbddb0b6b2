"""Polyphonic music: which of the 88 keys sound at the next time step? (section 4.1)"""

import functools

import keras
import numpy as np
from keras import ops

from ..data.music import KEYS
from ..errors import UserError
from ..layers.sizes import dense_parameters
from .base import Task, in_batches, padded_length, padded_rows, shuffled_batches
from .network import output_features, recurrent_layer, recurrent_parameters


class MusicTask(Task):
    """Next-step prediction of piano rolls by 88 independent Bernoulli distributions.

    The negative log-likelihood (NLL) of a time step sums the cross-entropies of the 88 keys,
    in nats. Three averages are reported:

    - `nll_window`: each window's mean over its own time steps, then the mean over windows, so
      that a short last window counts as much as a full one;
    - `nll_batches`, the authors' own: the same, but the mean of the means of batches in the order
      of the data, of which the last, with the remainder, has up to twice the windows;
    - `nll_frame`, the field's: the mean over all time steps.
    """

    metrics = ("nll_window", "nll_batches", "nll_frame")
    batch_spec = {
        "x": keras.InputSpec("uint8", shape=(None, None, KEYS)),
        "y": keras.InputSpec("uint8", shape=(None, None, KEYS)),
        "length": keras.InputSpec("int32", shape=(None,)),
    }

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
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

    def train_batches(self, epoch):
        examples = self._windows["train"]
        config = self.config
        for picked in shuffled_batches(len(examples), config.batch_size, config.seed, epoch):
            last = len(picked) != config.batch_size
            yield self._padded([examples[i] for i in picked], full=last)

    def _evaluation_batches(self, split):
        """Yield numbers and arrays of batches of windows by length, so that little is padded."""
        examples, size = self._windows[split], 2 * self.config.batch_size
        order = np.argsort([len(e) for e in examples], kind="stable")
        for start in range(0, len(order), size):
            picked = order[start : start + size]
            batch = self._padded([examples[i] for i in picked], full=True)
            yield picked, padded_rows(batch, size)

    def _padded(self, examples, full):
        longest = max(map(len, examples)) - 1
        return pad(examples, padded_length(longest, self.config.window, full))

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
        score, totals = self.scorer(model), np.zeros(len(self._windows[split]))
        for picked, batch in self._evaluation_batches(split):
            totals[picked] = score(batch)[: len(picked)]
        lengths = np.array([len(window) - 1 for window in self._windows[split]])
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


def pad(examples, n_steps=None):
    """Stack windows [t + 1, 88] into a batch as long as its longest, or of `n_steps` time steps.

    How far it is padded leaves the loss and its gradients as they are: padded steps come last,
    and the loss masks them. The batch is as `MusicTask.batch_spec` has it.
    """
    length = np.array([len(e) - 1 for e in examples], np.int32)
    x = np.zeros([len(examples), n_steps or length.max(), KEYS], np.uint8)
    y = np.zeros_like(x)
    for i, example in enumerate(examples):
        x[i, : length[i]] = example[:-1]
        y[i, : length[i]] = example[1:]
    return {"x": x, "y": y, "length": length}


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
