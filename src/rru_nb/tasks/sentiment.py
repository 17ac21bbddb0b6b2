"""Sentiment of film reviews: is a review of the IMDB positive or negative? (section 4.1)"""

import keras
import numpy as np

from ..layers.embedding import Embedding
from .base import padded_length
from .classification import ClassificationTask

PADDING = 0  # the number of no word: in the data, 0 stands for nothing else


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

    def _order(self, split):
        # By length, so that little is padded; the averages do not depend on the order.
        return np.argsort([len(r) for r in self._examples[split].inputs], kind="stable")

    def _batch(self, split, picked, full):
        reviews, labels = self._examples[split]
        reviews = [reviews[i] for i in picked]
        n_steps = padded_length(max(map(len, reviews)), self.config.window, full)
        return {"x": pad(reviews, n_steps), "label": labels[picked]}

    # Head, loss, metrics

    def network(self, units):
        config = self.config
        x = keras.Input([None], dtype="int32")
        embedding = Embedding(
            config.vocabulary_size,
            config.embedding_size,
            embeddings_initializer=keras.initializers.RandomUniform(-1, 1),
            mask_zero=True,  # 0 is `PADDING`
        )
        return keras.Model(x, self.classifier(embedding(x), units))

    def parameters(self, units):
        m = self.config.embedding_size
        return self.config.vocabulary_size * m + self.classifier_parameters(units, m)


def pad(reviews, n_steps=None):
    """Stack reviews into an array as long as its longest, or of `n_steps`: int32 [B, T].

    How far it is padded leaves the logits as they are: padded steps come last, and the network
    masks them.
    """
    padded = np.full([len(reviews), n_steps or max(map(len, reviews))], PADDING, np.int32)
    for row, review in zip(padded, reviews):
        row[: len(review)] = review
    return padded
