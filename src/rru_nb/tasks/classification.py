"""What the tasks share that put a whole sequence into one of several classes (section 4.1)."""

import functools

import keras
import numpy as np
from keras import ops

from ..data.splits import Labelled
from ..layers.sizes import dense_parameters
from .base import ExamplesTask
from .network import recurrent_layer, recurrent_parameters


class ClassificationTask(ExamplesTask):
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

    classes: int

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
        self._examples, self._lengths = {}, {}
        for split, limit in self.limits.items():
            inputs, labels = getattr(self.splits, split)
            inputs = self._cut(inputs[:limit])
            self._examples[split] = Labelled(inputs, labels[:limit])
            self._lengths[split] = np.array([len(one) for one in inputs])

    def _cut(self, inputs):
        """Return the part of each input that the network sees."""
        return inputs

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
        score, scored = self.scorer(model), []
        for picked, batch in self._evaluation_batches(split):
            scored.append([of_each[: len(picked)] for of_each in score(batch)])
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
