"""Language modelling by definition: one window at a time, probabilities in float64."""

import numpy as np


def nll(logits, targets):
    """The negative log-likelihood of each target in nats: [T], by an explicit softmax."""
    logits = np.float64(logits)
    logits -= logits.max(-1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -np.log(probabilities[np.arange(len(targets)), targets])


def authors_mean(window_losses, batches, half):
    """The authors' mean of a split, batch by batch, written out as their loop does it.

    Args:
        window_losses: list of arrays [T], one a window. batches: lists of window numbers.
    """
    total = 0.0
    for i, batch in enumerate(batches):
        whole = np.mean([window_losses[w] for w in batch])
        second = np.mean([window_losses[w][half:] for w in batch])
        total += 2 * whole if i == 0 else second
    return total / (len(batches) + 1)
