"""Intervals by resampling, and Holm's correction."""

import numpy as np
import scipy.stats

DRAWS, LEVEL = 4000, 0.95


def bootstrap(values, statistic):
    """Return the 95 % percentile interval of a statistic as the rows of `values` are drawn anew.

    Args:
        values: array [N] or [N, k]; rows are drawn with replacement, so columns stay paired.
        statistic: a function of an array [draws, N] or [draws, N, k] that gives [draws].

    Returns:
        `(low, high)`.
    """
    values = np.asarray(values, float)
    rows = np.random.default_rng(0).integers(0, len(values), [DRAWS, len(values)])
    drawn = statistic(values[rows])
    # By order rather than by interpolation: a failed training counts as infinitely bad.
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return float(low), float(high)


def holm(p_values):
    """Return p values corrected for their number after Holm (1979); NaN, no test, stays NaN.

    Holm's step-down method bounds the chance of one false finding among all tests, as Bonferroni's
    does, and finds more; it needs no independence.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)[: np.isfinite(p_values).sum()]  # NaN comes last
    corrected = np.full_like(p_values, np.nan)
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return corrected


def best_of(k, spread):
    """Return how far the lowest of `k` normal numbers lies below their mean, and its deviation.

    `spread` is the standard deviation of the numbers.
    """
    # Its quantiles: none of k lies below a share s of all numbers with the chance (1 - s)^k.
    chances = (np.arange(100_000) + 0.5) / 100_000
    lowest = spread * scipy.stats.norm.ppf(1 - chances ** (1 / k))
    return float(-lowest.mean()), float(lowest.std())
