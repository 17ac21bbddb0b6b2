"""Handwritten digits, read pixel by pixel: sequential and permuted MNIST (section 4.1)"""

import keras
import numpy as np

from ..data import load_dataset
from ..data.mnist import CLASSES, PIXELS
from ..errors import UserError
from .base import shuffled_batches
from .classification import ClassificationTask, first


class DigitsTask(ClassificationTask):
    """Ten classes of sequences of 784 pixels, one a time step, each divided by 255.

    `pmnist` permutes the pixels: all 784 of them under the protocol "authors", those within a
    row under "paper"; see `data.mnist`.

    `window` is the number of time steps. The paper's 784 is one pixel a step; with fewer, a step
    reads as many of the sequence as it takes to see all: 196 steps of 4 pixels at scale
    "laptop".
    """

    classes = CLASSES
    batch_spec = {
        "x": keras.InputSpec("uint8", shape=(None, PIXELS)),
        "label": keras.InputSpec("int32", shape=(None,)),
    }

    # Data

    def __init__(self, config):
        super().__init__(config)
        self._pixels_per_step, rest = divmod(PIXELS, config.window)
        if rest or not self._pixels_per_step:
            raise UserError(
                f"setting window = {config.window} is not valid: its time steps must divide the "
                f"{PIXELS} pixels of a digit. The nearest below is {_divisor(config.window)}."
            )
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

    def _evaluation_batches(self, split, size):
        n_examples = len(self._examples[split].labels)
        for start in range(0, n_examples, size):
            yield self._batch(split, np.arange(start, min(start + size, n_examples)))

    def _batch(self, split, picked):
        images, labels = self._examples[split]
        return {"x": images[picked], "label": labels[picked]}

    # Head, loss, metrics

    def network(self, units):
        x = keras.Input([PIXELS], dtype="uint8")
        steps = keras.layers.Reshape([self.config.window, self._pixels_per_step])(x)
        return keras.Model(x, self.classifier(keras.layers.Rescaling(1 / 255)(steps), units))

    def parameters(self, units):
        return self.classifier_parameters(units, n_inputs=self._pixels_per_step)


def _divisor(limit):
    """Return the largest number of time steps up to `limit` that divides the pixels."""
    return max(n for n in range(1, min(limit, PIXELS) + 1) if PIXELS % n == 0)
