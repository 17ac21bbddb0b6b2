"""What the tasks share that put a whole sequence into one of several classes (section 4.1)."""

import functools

import keras
import numpy as np
from keras import ops

from ..layers.backend import backend
from ..layers.sizes import dense_parameters
from .base import Task, padded_rows
from .network import recurrent_layer, recurrent_parameters


class ClassificationTask(Task):
    """Head, loss and metrics over batches of inputs `x` and class numbers `label`.

    The classifier reads the last layer's final state h_T, not its output o_T; of the LSTMs h,
    not c. So the RRU's last W^o has no part in the classification; it still counts among the
    parameters, as in the authors' code.

    Metrics are exact means over examples, however they are batched:

    - `accuracy`, in percent as in Table 1; of equally probable classes the first is the answer;
    - `cross_entropy`, in nats, without label smoothing.

    Attributes:
        classes: number of classes.
    """

    metrics = ("accuracy", "cross_entropy")
    better = "higher"
    classes: int

    def __init__(self, config):
        super().__init__(config)
        self._score = None

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
        if self._score is None or self._score[0] is not model:
            score = functools.partial(_score, model)
            self._score = model, backend().compiled(model, score, [self.batch_spec])
        size, scored = 2 * self.config.batch_size, []
        for batch in self._evaluation_batches(split, size):
            of_batch = self._score[1](padded_rows(batch, size))
            scored.append([of_each[: len(batch["label"])] for of_each in of_batch])
        right, nats = (np.concatenate(of_batches) for of_batches in zip(*scored))
        return {
            "accuracy": 100 * float(np.mean(right)),
            "cross_entropy": float(np.mean(nats, dtype=np.float64)),
        }


def first(labelled, limit):
    """Return the first `limit` examples of a `Labelled`; all of them for None."""
    return type(labelled)(*(part[:limit] for part in labelled))


def _logits(model, batch, training):
    return ops.cast(model(batch["x"], training=training), "float32")


def _score(model, batch):
    """Return, for each example, whether the answer is right, and the cross-entropy."""
    logits, label = _logits(model, batch, training=False), batch["label"]
    answer = ops.cast(ops.argmax(logits, -1), label.dtype)
    nats = ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
    return answer == label, nats
