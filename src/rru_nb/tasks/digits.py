"""Handwritten digits, read pixel by pixel: sequential and permuted MNIST (section 4.1)"""

import keras
import numpy as np
import tensorflow as tf

from ..data import load_dataset
from ..data.mnist import CLASSES, PIXELS
from ..errors import UserError
from .base import shuffled_batches
from .classification import ClassificationTask, first


class DigitsTask(ClassificationTask):
    """Ten classes of sequences of 784 pixels, one a time step, divided by 255.

    `pmnist` permutes the pixels: all 784 of them under the protocol "authors", those within a
    row under "paper"; see `data.mnist`. A `window` below 784 reads the first pixels only.
    """

    classes = CLASSES
    batch_spec = {
        "x": tf.TensorSpec([None, None], tf.uint8),
        "label": tf.TensorSpec([None], tf.int32),
    }

    # Data

    def __init__(self, config):
        super().__init__(config)
        if config.window > PIXELS:
            raise UserError(f"setting window = {config.window}: a digit has {PIXELS} pixels.")
        self.splits = load_dataset(config.dataset, config.protocol)
        self._examples = {
            "train": first(self.splits.train, config.train_limit),
            "valid": first(self.splits.valid, config.eval_limit),
            "test": first(self.splits.test, config.eval_limit),
        }

    # Batches

    def train_batches(self, epoch):
        config, n_examples = self.config, len(self._examples["train"].labels)
        for picked in shuffled_batches(n_examples, config.batch_size, config.seed, epoch):
            yield self._batch("train", picked)

    def _evaluation_batches(self, split):
        n_examples, size = len(self._examples[split].labels), 2 * self.config.batch_size
        for start in range(0, n_examples, size):
            yield self._batch(split, np.arange(start, min(start + size, n_examples)))

    def _batch(self, split, picked):
        images, labels = self._examples[split]
        return {"x": images[picked, : self.config.window], "label": labels[picked]}

    # Head, loss, metrics

    def network(self, units):
        x = keras.Input([None], dtype="uint8")
        steps = keras.layers.Reshape([-1, 1])(x)  # one feature a step
        return keras.Model(x, self.classifier(keras.layers.Rescaling(1 / 255)(steps), units))

    def parameters(self, units):
        return self.classifier_parameters(units, n_inputs=1)
