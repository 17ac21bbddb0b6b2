"""What the tasks share that put a whole sequence into one of several classes (section 4.1)."""

import functools

import keras
import numpy as np
from keras import ops

from ..data.splits import Labelled
from ..layers.sizes import dense_parameters
from .base import Task, padded_rows, shuffled_batches
from .network import recurrent_layer, recurrent_parameters


class ClassificationTask(Task):
    """Head, loss and metrics over batches of inputs `x` and class numbers `label`.

    The classifier reads the last layer's final state h_T, not its output o_T; of the LSTMs h,
    not c. So the RRU's last W^o has no part in the classification; it still counts among the
    parameters, as in the authors' code.

    Metrics are exact means over examples, however they are batched:

    - `accuracy`, in percent as in Table 1; of equally probable classes the first is the answer;
    - `cross_entropy`, in nats, without label smoothing.

    A subclass has `_batch(split, picked, full)`, the batch of some of the examples of a split.

    Attributes:
        classes: number of classes.
    """

    metrics = ("accuracy", "cross_entropy")
    classes: int

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
        self._examples = {}
        for split, limit in self.limits.items():
            inputs, labels = getattr(self.splits, split)
            self._examples[split] = Labelled(self._cut(inputs[:limit]), labels[:limit])

    def _cut(self, inputs):
        """Return the part of each input that the network sees."""
        return inputs

    # Batches

    def train_batches(self, epoch):
        config, n_examples = self.config, len(self._examples["train"].labels)
        for picked in shuffled_batches(n_examples, config.batch_size, config.seed, epoch):
            yield self._batch("train", picked, full=len(picked) != config.batch_size)

    def _evaluation_batches(self, split, size):
        order = self._order(split)
        for start in range(0, len(order), size):
            yield self._batch(split, order[start : start + size], full=True)

    def _order(self, split):
        """Return the order in which the examples of a split are evaluated, an array of ints."""
        return np.arange(len(self._examples[split].labels))

    # Head, loss, metrics

    def classifier(self, x, units):
        """Return logits [B, classes] of sequences [B, T, m], Keras tensors; `x` may have a mask."""
        for _ in range(self.config.layers - 1):
            x = recurrent_layer(self.config, units, return_sequences=True)(x)
        _, h, *_ = recurrent_layer(self.config, units, return_state=True)(x)
        return keras.layers.Dense(self.classes)(h)

    def classifier_parameters(self, units, n_inputs):
        """Count the trainable parameters of `classifier`, for inputs of `n_inputs` features."""
        head = dense_parameters(units, self.classes)
        return recurrent_parameters(self.config, units, n_inputs) + head

    def loss(self, model, batch):
        logits = _logits(model, batch, training=True)
        target = ops.one_hot(batch["label"], self.classes)
        # The true class gets 1 - s + s / classes of the probability, every other s / classes.
        each = keras.losses.categorical_crossentropy(
            target, logits, from_logits=True, label_smoothing=self.config.label_smoothing
        )
        return ops.mean(each)

    def evaluate(self, model, split):
        score, size, scored = self.scorer(model), 2 * self.config.batch_size, []
        for batch in self._evaluation_batches(split, size):
            of_batch = score(padded_rows(batch, size))
            scored.append([of_each[: len(batch["label"])] for of_each in of_batch])
        right, nats = (np.concatenate(of_batches) for of_batches in zip(*scored))
        return {
            "accuracy": 100 * float(np.mean(right)),
            "cross_entropy": float(np.mean(nats, dtype=np.float64)),
        }

    def scoring(self, model):
        return functools.partial(_score, model), [self.batch_spec]


def _logits(model, batch, training):
    return ops.cast(model(batch["x"], training=training), "float32")


def _score(model, batch):
    """Return, for each example, whether the answer is right, and the cross-entropy."""
    logits, label = _logits(model, batch, training=False), batch["label"]
    answer = ops.cast(ops.argmax(logits, -1), label.dtype)
    nats = ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
    return answer == label, nats
