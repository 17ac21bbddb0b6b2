"""Character-level Penn Treebank, enwik8, text8: which character comes next? (section 4.1)"""

import keras
import numpy as np
from keras import ops

from .text import TextTask, cut, half_window_mean, next_token_nll, zeros

RESET_PROBABILITY = 0.1  # that a training batch starts from zeros (section 4.1)
ROWS = 256  # of an evaluation that are computed at once


class CharTask(TextTask):
    """Next-character prediction over contiguous streams; the state goes from batch to batch.

    The training text is laid out in `batch_size` rows; each batch is the next window of every
    row. The state goes on from the batch before, except at an epoch's start and, with
    probability 0.1, at any batch: then it is zeros, for the RRU too.

    Two means of the same losses are reported, in bits per character (BPC):

    - `bpc`, the authors': zero state, windows that overlap by half, the second half of each is
      scored; of the first batch all of it, counted twice, see `text.half_window_mean`. What
      fills no whole batch is not scored.
    - `bpc_contiguous`: every character but the first is scored exactly once, in `batch_size`
      rows that start from zeros and carry the state from window to window.

    The first stops training under the protocol "authors", the second under "standard".
    """

    batch_spec = {
        "tokens": keras.InputSpec("uint8", shape=(None, None)),
        "reset": keras.InputSpec("bool", shape=()),
    }

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
        self.vocabulary_size = len(self.splits.vocabulary)
        window, half = config.window, config.window // 2
        steps = {"train": window, "valid": half, "test": half}
        starts = self._lay_out(steps, at_least=config.batch_size)
        # Of each batch, [batches, batch_size]: one window of each row.
        n_rows, self._starts = config.batch_size, {}
        for split, of_split in starts.items():
            in_rows = of_split[: len(of_split) // n_rows * n_rows].reshape(n_rows, -1)
            self._starts[split] = in_rows.T

    # Batches

    def train_batches(self, epoch):
        resets = np.random.default_rng([self.config.seed, epoch]).random(len(self._starts["train"]))
        for i, starts in enumerate(self._starts["train"]):
            reset = np.bool_(i == 0 or resets[i] < RESET_PROBABILITY)
            yield {"tokens": self._windows("train", starts), "reset": reset}

    def _contiguous(self, split):
        """Return all of a split in rows: windows [batch_size, T + 1], and which targets are there.

        The last window is filled up with targets that are not.
        """
        stream, n_rows, window = self._streams[split], self.config.batch_size, self.config.window
        length = -(-(len(stream) - 1) // n_rows)  # targets of a row
        padded = np.pad(stream, (0, n_rows * length + 1 - len(stream)))
        rows = cut(padded, length * np.arange(n_rows), length)
        there = (np.arange(n_rows * length) < len(stream) - 1).reshape(n_rows, length)
        to_window = [(0, 0), (0, -length % window)]
        rows, there = np.pad(rows, to_window), np.pad(there, to_window)
        for start in range(0, length, window):
            end = start + window
            yield rows[:, start : end + 1], there[:, start:end]

    # Head, loss, metrics

    def network(self, units):
        layers = self.recurrent_layers(units)
        sizes = [np.atleast_1d(layer.cell.state_size) for layer in layers]
        tokens = keras.Input([None], dtype="int32")
        states = [[keras.Input([int(n)]) for n in of_layer] for of_layer in sizes]
        x, new = self.embedded(tokens), []
        for layer, state in zip(layers, states):
            x, *after = layer(x, initial_state=state)
            new += after
        before = sum(states, [])
        return CarryingModel([tokens, *before], [self.head(x), *new], self.config.batch_size)

    def loss(self, model, batch):
        tokens = ops.cast(batch["tokens"], "int32")
        carry = 1 - ops.cast(batch["reset"], "float32")
        before = [state * carry for state in model.carried]
        logits, *after = model([tokens[:, :-1], *before], training=True)
        for variable, state in zip(model.carried, after):
            variable.assign(state)
        return ops.mean(next_token_nll(logits, tokens[:, 1:]))

    def evaluate(self, model, split):
        return {
            "bpc": self._half_window_bits(model, split),
            "bpc_contiguous": self._contiguous_bits(model, split),
        }

    def _half_window_bits(self, model, split):
        size, half, starts = self.config.batch_size, self.config.window // 2, self._starts[split]
        first = self._losses(model, split, starts[0], size)
        # Several batches in one call, which takes less time; each still has its own mean.
        n_rows = max(1, ROWS // size) * size
        later = self._losses(model, split, starts[1:].ravel(), n_rows, begin=half)
        losses = [first.mean(), *later.reshape(-1, size * later.shape[1]).mean(1)]
        return float(half_window_mean(losses) / np.log(2))

    def _contiguous_bits(self, model, split):
        score, states = self.scorer(model), zeros(model, self.config.batch_size)
        total, count = 0.0, 0
        for tokens, there in self._contiguous(split):
            nats, *states = score(tokens, 0, *states)
            total, count = total + np.float64(nats)[there].sum(), count + there.sum()
        return float(total / count / np.log(2))


class CarryingModel(keras.Model):
    """A model of tokens and states to logits and states, with the states of a training batch.

    Attributes:
        carried: variables [batch_size, n], one for each state, not trained.
    """

    def __init__(self, inputs, outputs, batch_size):
        super().__init__(inputs, outputs)
        look = {"initializer": "zeros", "trainable": False}
        self.carried = [
            self.add_weight(shape=(batch_size, s.shape[-1]), name=f"carried_{k}", **look)
            for k, s in enumerate(inputs[1:])
        ]
