"""Sentiment of film reviews: is a review of the IMDB positive or negative? (section 4.1)"""

import keras
import numpy as np

from .base import pad
from .classification import ClassificationTask
from .network import embedding


class SentimentTask(ClassificationTask):
    """Two classes, 0 negative and 1 positive, of reviews as sequences of words.

    Reviews are cut to their last `window` words. Those of a batch are padded at the end to the
    longest; padding is masked, so that h_T is the state after a review's own last word.
    """

    classes = 2
    batch_spec = {
        "x": keras.InputSpec("int32", shape=(None, None)),
        "label": keras.InputSpec("int32", shape=(None,)),
    }

    # Data

    def _cut(self, reviews):
        return [review[-self.config.window :] for review in reviews]

    # Batches

    def _batch(self, split, picked, n_steps):
        reviews, labels = self._examples[split]
        # Padded with 0, which is the number of no word and which the embedding masks.
        x = pad([reviews[i] for i in picked], np.int32, n_steps)
        return {"x": x, "label": labels[picked]}

    # Head, loss, metrics

    def network(self, units):
        x = keras.Input([None], dtype="int32")
        words = embedding(self.config, self.config.vocabulary_size, mask_zero=True)
        return keras.Model(x, self.classifier(words(x), units))

    def parameters(self, units):
        m = self.config.embedding_size
        return self.config.vocabulary_size * m + self.classifier_parameters(units, m)
