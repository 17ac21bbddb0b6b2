"""Compare the RRU with each gated cell across seeds: difference, 95 % interval, Welch's t test.

And say where one more run, or the best of several, is expected by the runs that are recorded.
"""

import functools

import numpy as np
import pandas as pd
from scipy import stats

from ..training.config import CELLS, KINDS, METRICS
from ..training.records import load_records
from .resampling import LEVEL, holm
from .tables import comparable

SURE = 1 - LEVEL  # a difference is one if its p value is below
_DRAWS = 100_000
_HALF_AN_IMAGE = 0.005  # of 10,000, in %: the log odds of no error at all would be infinite


def recorded(dataset):
    """Return the test scores of every seed recorded at the dataset's own settings.

    Returns:
        A frame with a row a seed, a column a cell; NaN where a run is not measured or failed.
    """
    metric = f"test_{METRICS[KINDS[dataset]]}"
    records = comparable(load_records(dataset=dataset, scale="paper", status="ok"))
    table = records.reindex(columns=["seed", "cell", metric]).dropna()
    return table.pivot(index="seed", columns="cell", values=metric).reindex(columns=list(CELLS))


def as_losses(scores, metric=None):
    """Return scores on the scale on which runs are compared with the spread of others, as losses.

    Of an accuracy that is the log odds of an error: no interval on it reaches beyond 0 or 100 %,
    and halving the errors counts alike near 90 % and near 99 %. Other scores are their own scale.
    """
    scores = np.asarray(scores, float)
    if metric != "accuracy":
        return scores
    errors = np.clip(100 - scores, _HALF_AN_IMAGE, 100 - _HALF_AN_IMAGE)
    return np.log(errors / (100 - errors))


def expected_run(scores, metric=None, runs=1, trials=1):
    """Return where one more run is expected by those that there are: a 95 % prediction interval.

    Args:
        scores: list of test scores of the same setting with different seeds.
        metric: their name; the interval of accuracies is one of `as_losses`, turned back.
        runs: int, how many more runs are to lie within, all of them at 95 % (Bonferroni).
        trials: int, of how many more runs the best may be the one that is known. The interval
            then reaches, on the better side, as far as that of the best of so many.

    Returns:
        `(low, high)`; None for fewer than three runs, whose interval would hold almost anything.
    """
    n = len(scores)
    if n < 3:
        return None
    losses = as_losses(scores, metric)
    tail = (1 - LEVEL) / 2 / runs
    worse = stats.t.isf(tail, n - 1) * np.sqrt(1 + 1 / n)
    better = worse if trials == 1 else _reach_of_best(trials, n, tail)
    bounds = losses.mean() + np.array([-better, worse]) * losses.std(ddof=1)
    if metric == "accuracy":
        bounds = 100 / (1 + np.exp(bounds[::-1]))
    return float(bounds[0]), float(bounds[1])


@functools.cache
def _reach_of_best(trials, n, tail):
    """Return how many standard deviations of `n` runs the best of more may lie below their mean.

    As with Student's t, mean and standard deviation are themselves known from `n` runs alone; the
    distribution has no closed form and is drawn.
    """
    rng = np.random.default_rng(0)
    best = stats.norm.ppf(rng.beta(1, trials, _DRAWS))  # the share of all runs below the best
    mean = rng.normal(0, 1 / np.sqrt(n), _DRAWS)
    deviation = np.sqrt(rng.chisquare(n - 1, _DRAWS) / (n - 1))
    return -np.quantile((best - mean) / deviation, tail)


def against_gates(scores, metric=None):
    """Return by how much the RRU's mean is better than a gated cell's, by Welch's t test.

    Seeds are independent draws for each cell, so the samples are not paired, and their
    variances may differ: Welch's t test. Accuracies are compared as errors in %.

    Args:
        scores: as `recorded` gives them. metric: their name.

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
