"""Where one more run, or the best of several, is expected by the runs that are recorded."""

import functools

import numpy as np
from scipy import stats

from rru_nb.analysis.seeds import LEVEL

_DRAWS = 100_000
_HALF_AN_IMAGE = 0.005  # of 10,000, in %: the log odds of no error at all would be infinite


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
