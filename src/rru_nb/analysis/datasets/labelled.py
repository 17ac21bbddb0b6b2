"""Reviews and digits in numbers: classes, lengths, vocabulary, where the ink is."""

import numpy as np
import pandas as pd

from ...data.imdb import UNKNOWN
from ..baselines import class_frequencies
from .splits import SPLITS, by_split, coverage

LENGTH_BINS = [*range(0, 1001, 50)]  # words of a review; the last bin takes all longer ones


def describe_reviews(name, load):
    """For each split `examples`, `classes`, `words`, `unknown` words, `median` and `longest`
    length and `lengths` (reviews in each of `LENGTH_BINS`); `vocabulary`, `coverage`, and the test
    scores of `baselines.class_frequencies` as `baseline`.
    """
    splits = load(name)
    running = np.bincount(np.concatenate(splits.train.inputs), minlength=len(splits.vocabulary))
    return {
        "vocabulary": len(splits.vocabulary),
        "coverage": coverage(running),
        "baseline": class_frequencies(splits),
        **by_split(splits, _describe_reviews),
    }


def _describe_reviews(part):
    lengths = np.array([len(review) for review in part.inputs])
    words = np.concatenate(part.inputs)
    clipped = np.minimum(lengths, LENGTH_BINS[-1])  # into the last bin, which is closed
    return {
        "examples": len(lengths),
        "classes": np.bincount(part.labels).tolist(),
        "words": len(words),
        "unknown": int((words == UNKNOWN).sum()),
        "median": int(np.median(lengths)),
        "longest": int(lengths.max()),
        "over_512": int((lengths > 512).sum()),
        "lengths": np.histogram(clipped, LENGTH_BINS)[0].tolist(),
    }


def describe_digits(name, load):
    """For each split `examples` and `classes`; `ink`, the mean training image [784], 0 to 255;
    `baseline`, the test scores of `baselines.class_frequencies`.

    Permuted sets are described in their permuted order, as a model reads them.
    """
    splits = load(name)
    ink = splits.train.inputs.mean(axis=0, dtype=np.float64)
    described = by_split(
        splits,
        lambda part: {
            "examples": len(part.labels),
            "classes": np.bincount(part.labels, minlength=10).tolist(),
        },
    )
    return {"ink": ink.round(1).tolist(), "baseline": class_frequencies(splits), **described}


def counts(described):
    """The statistics of each labelled set and split as a table."""
    rows = []
    for name, numbers in described.items():
        for split in SPLITS:
            part = numbers[split]
            share = 100 * max(part["classes"]) / part["examples"]
            row = {"set": name, "split": split, "examples": part["examples"]}
            row |= {"classes": len(part["classes"]), "largest class, %": round(share, 2)}
            if "words" in part:
                row |= {
                    "median words": part["median"],
                    "over 512 words, %": round(100 * part["over_512"] / part["examples"], 1),
                    "unknown words, %": round(100 * part["unknown"] / part["words"], 2),
                }
            rows.append(row)
    return pd.DataFrame(rows).set_index(["set", "split"]).astype(object).fillna("")
