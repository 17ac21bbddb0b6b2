"""What a model has to beat: the scores of the best answer that looks at no input."""

import numpy as np


def class_frequencies(splits, split="test"):
    """Scores of answering with the class frequencies of the training examples.

    The most frequent class is the answer, the frequencies are the probabilities.

    Args:
        splits: `Splits` with `Labelled` parts, of the reviews or digits.
        split: the part that is scored, "valid" or "test".

    Returns:
        A dict like that of the classification tasks: `accuracy` in percent, `cross_entropy` in
        nats; the latter is infinite if a class is not among the training examples.
    """
    labels = getattr(splits, split).labels
    frequency = np.bincount(splits.train.labels, minlength=labels.max() + 1)
    with np.errstate(divide="ignore"):
        nats = -np.log(frequency / frequency.sum())
    return {
        "accuracy": 100 * float(np.mean(labels == frequency.argmax())),
        "cross_entropy": float(np.mean(nats[labels])),
    }
