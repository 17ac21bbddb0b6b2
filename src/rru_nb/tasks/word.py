"""Word-level Penn Treebank: which word comes next? (section 4.1)"""

import keras
import numpy as np
import tensorflow as tf

from ..data import load_dataset
from .base import shuffled_batches
from .text import (
    TextTask,
    check_enough,
    cut,
    half_window_mean,
    limited,
    next_symbol_nll,
    window_starts,
)

SPLITS = ("train", "valid", "test")


class WordTask(TextTask):
    """Next-word prediction in windows that overlap by half; each starts from the first state.

    Two perplexities are reported, the exponentials of two means of the same losses:

    - `perplexity`, the authors': of batches of windows in reading order the second halves are
      scored, of the first batch whole windows, counted twice; see `text.half_window_mean`. Up
      to 31 words at the end of a split are not scored.
    - `perplexity_words`: every word but the first of a split is scored exactly once, with at
      least half a window of words before it, but for the first half window.

    The protocols "authors" and "standard" differ in the text, see `data.text`, and in which of
    the two stops training: the first under "authors", the second under "standard".
    """

    metrics = ("perplexity", "perplexity_words")
    batch_spec = {"tokens": tf.TensorSpec([None, None], tf.int32)}

    # Data

    def __init__(self, config):
        super().__init__(config)
        self.splits = load_dataset(config.dataset, config.protocol, config.vocabulary_size)
        self.n_symbols = config.vocabulary_size
        self._half = config.window // 2
        limits = dict.fromkeys(SPLITS, config.eval_limit) | {"train": config.train_limit}
        self._streams, self._starts = {}, {}
        for split in SPLITS:
            stream = getattr(self.splits, split)
            stream = limited(stream, limits[split], config.window, self._half)
            starts = window_starts(len(stream), config.window, self._half)
            check_enough(config, split, len(starts), at_least=1)
            self._streams[split], self._starts[split] = stream, starts

    # Batches

    def train_batches(self, epoch):
        config, starts = self.config, self._starts["train"]
        for picked in shuffled_batches(len(starts), config.batch_size, config.seed, epoch):
            yield self._batch("train", starts[picked])

    def _evaluation_batches(self, split):
        """In reading order; the last batch takes the remainder, as in training."""
        starts = self._starts[split]
        n_batches = max(1, len(starts) // self.config.batch_size)
        ends = self.config.batch_size * np.arange(1, n_batches)
        return [self._batch(split, part) for part in np.split(starts, ends)]

    def _last_words(self, split):
        """A window that ends with the split, and how many of its targets no other scored."""
        stream, window = self._streams[split], self.config.window
        start = len(stream) - 1 - window
        return self._batch(split, np.array([start])), int(start - self._starts[split][-1])

    def _batch(self, split, starts):
        return {"tokens": cut(self._streams[split], starts, self.config.window)}

    # Head, loss, metrics

    def network(self, units):
        tokens = keras.Input([None], dtype="int32")
        x = self.embedded(tokens)
        for layer in self.recurrent_layers(units):
            x = layer(x)[0]
        return keras.Model(tokens, self.head(x))

    def loss(self, model, batch):
        logits = model(batch["tokens"][:, :-1], training=True)
        return tf.reduce_mean(next_symbol_nll(logits, batch["tokens"][:, 1:]))

    def evaluate(self, model, split):
        score, half = self.scorer(model, self._make_scorer), self._half
        batches = self._evaluation_batches(split)
        first = np.float64(score(batches[0], 0))  # [B, T], later ones [B, T / 2]
        later = [np.float64(score(batch, half)) for batch in batches[1:]]
        batch, n_left = self._last_words(split)
        last = np.float64(score(batch, self.config.window - n_left))
        once = [first[:1, :half], first[:, half:], *later, last]
        every_word = np.concatenate([part.ravel() for part in once])
        losses = [first.mean(), *(part.mean() for part in later)]
        return {
            "perplexity": float(np.exp(half_window_mean(losses))),
            "perplexity_words": float(np.exp(every_word.mean())),
        }

    def _make_scorer(self, body, head):
        def score(batch, begin):
            tokens = batch["tokens"]
            x = tf.nest.flatten(body(tokens[:, :-1], training=False))[0]
            return next_symbol_nll(head(x[:, begin:]), tokens[:, 1 + begin :])

        signature = [self.batch_spec, tf.TensorSpec([], tf.int32)]
        return tf.function(score, input_signature=signature)
