"""Tests over seeds: the RRU against each gated cell, many claims at once, the best of several."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from ..training.config import CELLS

LEVEL = 0.95  # of intervals
SURE = 1 - LEVEL  # a difference is one if its p value is below


def against_gates(scores, metric=None):
    """Return by how much the RRU's mean is better than a gated cell's, by Welch's t test.

    Seeds are independent draws for each cell, so the samples are not paired, and their
    variances may differ: Welch's t test. Accuracies are compared as errors in %.

    Args:
        scores: a frame of test scores, a row a seed, a column a cell; NaN where there is none.
        metric: their name.

    Returns:
        A frame with a row for each gated cell that has two seeds or more, as has the RRU:
        `cell`, `rru_seeds`, `seeds`, `rru`, `gated` (mean losses), `difference`, `low`, `high`
        (95 %, each by itself), `p` (corrected for the number of rows).
    """
    losses = (100 - scores if metric == "accuracy" else scores).reindex(columns=list(CELLS))
    samples = {cell: column.dropna() for cell, column in losses.items() if column.count() > 1}
    rru = samples.pop("rru", None)
    rows = []
    for cell, gated in samples.items() if rru is not None else ():
        test = stats.ttest_ind(gated, rru, equal_var=False)
        low, high = test.confidence_interval(LEVEL)
        means = (rru.mean(), gated.mean(), gated.mean() - rru.mean())
        rows.append((cell, len(rru), len(gated), *means, low, high, test.pvalue))
    columns = ["cell", "rru_seeds", "seeds", "rru", "gated", "difference", "low", "high", "p"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(p=holm(frame.p))


def decide(tests, n_gated):
    """Say whether the RRU is better than each of the gated cells, or worse than one of them.

    Args:
        tests: as `against_gates` gives them. n_gated: int, the cells that it has to beat.

    Returns:
        `(holds, p)`: True or False with the p value that decides, or None with NaN.
    """
    sure = tests[tests.p < SURE]
    better, worse = (sure.p[sign * sure.difference > 0] for sign in (1, -1))
    if n_gated and len(better) == n_gated:
        return True, better.max()
    return (False, worse.min()) if len(worse) else (None, math.nan)


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
    lowest = stats.order_statistic(stats.Normal(), r=1, n=k)
    return -spread * float(lowest.mean()), spread * float(lowest.standard_deviation())
