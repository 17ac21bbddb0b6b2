"""Handwritten digits, read pixel by pixel: sequential and permuted MNIST (section 4.1)"""

import keras

from ..data.mnist import CLASSES, PIXELS
from ..errors import UserError
from .classification import ClassificationTask


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

    def __init__(self, config, splits=None):
        self._pixels_per_step, rest = divmod(PIXELS, config.window)
        if rest or not self._pixels_per_step:
            below = max(n for n in range(1, min(config.window, PIXELS) + 1) if PIXELS % n == 0)
            raise UserError(
                f"setting window = {config.window} is not valid: its time steps must divide the "
                f"{PIXELS} pixels of a digit. The nearest below is {below}."
            )
        super().__init__(config, splits)

    # Batches

    def _batch(self, split, picked, n_steps):
        images, labels = self._examples[split]
        return {"x": images[picked], "label": labels[picked]}

    # Head, loss, metrics

    def network(self, units):
        x = keras.Input([PIXELS], dtype="uint8")
        steps = keras.layers.Reshape([self.config.window, self._pixels_per_step])(x)
        return keras.Model(x, self.classifier(keras.layers.Rescaling(1 / 255)(steps), units))

    def parameters(self, units):
        return self.classifier_parameters(units, n_inputs=self._pixels_per_step)
