"""What the kinds of data share."""

import numpy as np

SPLITS = ("train", "valid", "test")


def by_split(splits, describe_part):
    """`{split: describe_part(part)}`."""
    return {split: describe_part(getattr(splits, split)) for split in SPLITS}


def coverage(counts, points=40):
    """Which share of the running symbols the k most frequent ones cover.

    Args:
        counts: array [V], how often each symbol occurs.
        points: int, about how many values of k, evenly on a logarithmic scale.

    Returns:
        A list of `[k, share]`, from the most frequent symbol alone to all that occur.
    """
    falling = np.sort(counts[counts > 0])[::-1]
    shares = np.cumsum(falling) / falling.sum()
    ranks = np.unique(np.geomspace(1, len(falling), points).round().astype(int))
    return [[int(k), round(float(shares[k - 1]), 5)] for k in ranks]
