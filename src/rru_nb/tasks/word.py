"""Word-level Penn Treebank: which word comes next? (section 4.1)"""

import keras
import numpy as np
from keras import ops

from ..data.splits import SPLITS
from .base import in_batches, shuffled_batches
from .text import TextTask, half_window_mean, next_token_nll


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

    batch_spec = {"tokens": keras.InputSpec("int32", shape=(None, None))}

    # Data

    def __init__(self, config, splits=None):
        super().__init__(config, splits)
        self.vocabulary_size = config.vocabulary_size
        self._half = config.window // 2
        self._starts = self._lay_out(dict.fromkeys(SPLITS, self._half), at_least=1)

    # Batches

    def train_batches(self, epoch):
        config, starts = self.config, self._starts["train"]
        for picked in shuffled_batches(len(starts), config.batch_size, config.seed, epoch):
            yield {"tokens": self._windows("train", starts[picked])}

    # Head, loss, metrics

    def network(self, units):
        tokens = keras.Input([None], dtype="int32")
        x = self.embedded(tokens)
        for layer in self.recurrent_layers(units):
            x = layer(x)[0]
        return keras.Model(tokens, self.head(x))

    def loss(self, model, batch):
        logits = model(batch["tokens"][:, :-1], training=True)
        return ops.mean(next_token_nll(logits, batch["tokens"][:, 1:]))

    def evaluate(self, model, split):
        starts, half, size = self._starts[split], self._half, self.config.batch_size
        batches = in_batches(np.arange(len(starts)), size)
        n_first = len(batches[0])
        first = self._losses(model, split, starts[:n_first], size)  # [B, T], later ones [B, T / 2]
        later = self._losses(model, split, starts[n_first:], size, begin=half)
        # The words at the end that are in no window, by one that ends with the split.
        last = len(self._streams[split]) - 1 - self.config.window
        n_left = int(last - starts[-1])
        last = self._losses(model, split, np.array([last]), size, begin=half)[:, half - n_left :]
        once = [first[:1, :half], first[:, half:], later, last]
        every_word = np.concatenate([part.ravel() for part in once])
        losses = [first.mean(), *(later[batch - n_first].mean() for batch in batches[1:])]
        return {
            "perplexity": float(np.exp(half_window_mean(losses))),
            "perplexity_words": float(np.exp(every_word.mean())),
        }
