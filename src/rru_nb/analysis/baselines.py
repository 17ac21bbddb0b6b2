"""What a model has to beat: the scores of the best answer that ignores the input."""

import numpy as np

from ..storage.streams import without_notes


def class_frequencies(splits):
    """Return the test scores of answering with the class frequencies of the training examples.

    The most frequent class is the answer, the frequencies are the probabilities. The scores are
    those of the classification tasks: `accuracy` in percent, `cross_entropy` in nats, infinite if
    a class is not among the training examples.
    """
    labels = splits.test.labels
    frequency = np.bincount(splits.train.labels, minlength=labels.max() + 1)
    with np.errstate(divide="ignore"):
        nats = -np.log(frequency / frequency.sum())
    return {
        "accuracy": 100 * float(np.mean(labels == frequency.argmax())),
        "cross_entropy": float(np.mean(nats[labels])),
    }


def symbol_frequencies(splits, split="test"):
    """Return the scores of predicting each symbol with its frequency in the training text.

    Every symbol of the vocabulary counts as seen once more than it was, so that none has the
    probability zero. All symbols but the first are scored, as by the models' `perplexity_words`
    and `bpc_contiguous`. The scores are `perplexity`, and `bits` per symbol, its logarithm.
    """
    seen = 1 + np.bincount(splits.train, minlength=len(splits.vocabulary))
    bits = float(-np.log2(seen / seen.sum())[getattr(splits, split)[1:]].mean())
    return {"perplexity": 2**bits, "bits": bits}


def key_frequencies(splits):
    """Return the test scores of giving each key, at every time step, its training frequency.

    Each key counts as pressed once more than it was, in two more time steps (add-one smoothing).
    The scores are one model's negative log-likelihoods in nats a time step, under five averages
    that papers use: `frames`, the mean of all time steps; `pieces`, the mean of the pieces' means;
    `sounding`, the mean of the steps that are not silent; `windows`, the mean of windows of up to
    200 steps without silences; `batches`, the authors' mean of the means of 16 such windows each.
    """
    with without_notes():  # these need Keras, which takes seconds
        from ..tasks.music import averages, windows, without_silences

    frames = np.concatenate(splits.train)
    share = (frames.sum(axis=0, dtype=int) + 1) / (len(frames) + 2)
    pressed, silent = -np.log(share), -np.log1p(-share)

    def nll(piece):  # [T] of [T, 88]
        return piece @ pressed + (1 - piece.astype(int)) @ silent

    sounding = [without_silences(piece) for piece in splits.test]
    cut = [window[1:] for piece in sounding for window in windows(piece, 200, 200)]
    every = [nll(piece) for piece in splits.test]
    of_windows = averages(
        np.array([nll(window).sum() for window in cut]), np.array([len(w) for w in cut]), 16
    )
    return {
        "frames": float(np.concatenate(every).mean()),
        "pieces": float(np.mean([piece.mean() for piece in every])),
        "sounding": float(np.concatenate([nll(piece) for piece in sounding]).mean()),
        "windows": of_windows["nll_window"],
        "batches": of_windows["nll_batches"],
    }
