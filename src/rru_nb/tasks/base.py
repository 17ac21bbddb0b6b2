"""The contract between a task and the trainer.

A task has three short parts, each a section of its file:

1. **Data**: the splits, cut into examples.
2. **Batches**: examples shuffled by seed and epoch, padded and stacked.
3. **Head, loss, metrics**: the network, what is minimized, what is reported.

The trainer (`training.trainer`) knows nothing else, and a task knows nothing of the trainer:

    task = task_for(config)
    model = task.network(units)
    for batch in task.train_batches(epoch):      # dicts of arrays, of the shapes of batch_spec
        loss = task.loss(model, batch)           # a scalar, differentiable: `keras.ops` alone
    scores = task.evaluate(model, "valid")       # {metric: float}
"""

import keras
import numpy as np

from ..data import load_dataset
from ..layers.backend import backend


class Task:
    """Base of the tasks. Subclasses set the attributes below and write the methods.

    Attributes:
        batch_spec: `{name: keras.InputSpec}` of a batch.
        splits: the `Splits` of the data.

    Args:
        config: a `RunConfig`.
        splits: `Splits` of your own; None for the config's dataset.
    """

    def __init__(self, config, splits=None):
        self.config = config
        dataset = config.dataset, config.protocol, config.vocabulary_size
        self.splits = splits or load_dataset(*dataset)
        self._scorer = None, None

    @property
    def limits(self):
        """How many of the first examples of each split are used; None for all."""
        train, other = self.config.train_limit, self.config.eval_limit
        return {"train": train, "valid": other, "test": other}

    def network(self, units):
        """Build the untrained `keras.Model` with a state of `units` features in every layer."""
        raise NotImplementedError

    def parameters(self, units):
        """Count the trainable parameters of `network(units)`, without building it."""
        raise NotImplementedError

    def train_batches(self, epoch):
        """Return the batches of one epoch (counted from 1), in an order given by seed and epoch."""
        raise NotImplementedError

    def loss(self, model, batch):
        """Compute the loss of a batch in training mode: a scalar, by `keras.ops` alone.

        What has to live from one batch to the next is the model's own non-trainable state.
        """
        raise NotImplementedError

    def evaluate(self, model, split):
        """Compute all metrics on a split ("valid" or "test"): floats by their names."""
        raise NotImplementedError

    def scoring(self, model):
        """Return what `scorer` compiles: a function, and the specs of its arguments."""
        raise NotImplementedError

    def scorer(self, model):
        """Return the compiled function with which `evaluate` scores, made once for each model.

        It gives NumPy arrays.
        """
        if self._scorer[0] is not model:
            score = backend().compiled(model, *self.scoring(model))
            self._scorer = model, lambda *a: keras.tree.map_structure(np.asarray, score(*a))
        return self._scorer[1]


class ExamplesTask(Task):
    """Base of the tasks over single examples: windows of pieces, reviews, digits.

    Subclasses set `_lengths`, `{split: array [N]}`, the time steps of each example, and write
    `_batch(split, picked, n_steps)`, the batch of some examples padded to that many time steps.
    """

    def train_batches(self, epoch):
        config, n_examples = self.config, len(self._lengths["train"])
        for picked in shuffled_batches(n_examples, config.batch_size, config.seed, epoch):
            yield self._padded("train", picked, full=len(picked) != config.batch_size)

    def _evaluation_batches(self, split):
        """Yield numbers and batches of all examples by length, so that little is padded."""
        size, order = 2 * self.config.batch_size, np.argsort(self._lengths[split], kind="stable")
        for start in range(0, len(order), size):
            picked = order[start : start + size]
            yield picked, padded_rows(self._padded(split, picked, full=True), size)

    def _padded(self, split, picked, full):
        """Return the batch of some examples, as long as the longest.

        Where each shape is compiled anew, the window and its half are lengths enough; `full` is
        for batches of a size of their own, and for evaluations: then a run compiles a training
        step for three shapes and an evaluation for one.
        """
        n_steps, window = self._lengths[split][picked].max(), self.config.window
        if backend().PADDED_LENGTHS:
            half = -(-window // 2)
            n_steps = half if n_steps <= half and not full else window
        return self._batch(split, picked, n_steps)


def pad(examples, dtype, n_steps=None):
    """Stack examples [t, ...] into an array as long as the longest, or of `n_steps`: [B, T, ...].

    Behind an example's end it is zero. How far it goes on leaves losses and logits as they are:
    padded steps come last, and are masked.
    """
    n_steps = n_steps or max(map(len, examples))
    padded = np.zeros([len(examples), n_steps, *examples[0].shape[1:]], dtype)
    for row, example in zip(padded, examples):
        row[: len(example)] = example
    return padded


def shuffled_batches(n_examples, batch_size, seed, epoch):
    """Return each of `range(n_examples)` once, in batches by an order that seed and epoch give."""
    order = np.random.default_rng([seed, epoch]).permutation(n_examples)
    return in_batches(order, batch_size)


def in_batches(examples, batch_size):
    """Cut an array into batches; the last takes the remainder, as in the authors' code.

    So every batch has `batch_size` examples but the last, which has from `batch_size` to
    `2 * batch_size - 1`; fewer examples than `batch_size` are one batch.
    """
    n_batches = max(1, len(examples) // batch_size)
    return np.split(examples, batch_size * np.arange(1, n_batches))


def padded_rows(arrays, n_rows):
    """Pad `{name: array [B, ...]}` with zeros to `n_rows` where each new shape compiles anew."""
    if not backend().PADDED_LENGTHS:
        return arrays
    return {
        name: np.pad(a, [(0, max(0, n_rows - len(a)))] + [(0, 0)] * (a.ndim - 1))
        for name, a in arrays.items()
    }
