"""How much of a grid of hyperparameters works, in numbers that the paper does not give."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ..training.metrics import metric_named
from .seeds import LEVEL

WITHIN = 10  # per cent; a choice of this book, the paper names none
DRAWS = 4000  # of a bootstrap interval


def losses(frame):
    """Return the measured runs with a column `loss`: lower is better, infinite where one failed."""
    measured = frame[frame.status != "missing"]
    loss = metric_named(frame.metric.iloc[0]).loss(measured.test.astype(float))
    return measured.assign(loss=loss.where(measured.status == "ok", np.inf))


def grid_table(frame, by="cell"):
    """Return how much of its grid works for each cell.

    Args:
        frame: rows of `experiments.results`, of one dataset and scale.
        by: the column that tells what is compared: "cell", or "normalize".

    Returns:
        A frame, a row for each value of `by`, with `runs`, `failed`, `missing`, `cut_off`, `best`,
        `median`, `own_10` and `all_10` (the share of the runs, in %, whose loss is within 10 % of
        its own best, and of the best of all). The shares and the median have 95 % bootstrap
        intervals, the best fixed, in columns that end in `_low` and `_high`. What is drawn anew
        is a learning rate with all its runs: those of one rate resemble each other.
    """
    measured = losses(frame)
    best_of_all = measured.loss.min()
    rows = {}
    for name, runs in frame.groupby(by, sort=False):
        mine = measured[measured[by] == name]
        loss, rates = mine.loss, mine.learning_rate
        rows[name] = {
            "runs": len(mine),
            "failed": int(np.isinf(loss).sum()),
            "missing": len(runs) - len(mine),
            "cut_off": int(mine.cut_off.sum()),
            "best": loss.min(),
            **_with_interval("median", loss, rates, _median),
            **_with_interval(f"own_{WITHIN}", 100 * _near(loss, loss.min()), rates, _mean),
            **_with_interval(f"all_{WITHIN}", 100 * _near(loss, best_of_all), rates, _mean),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _with_interval(name, values, rates, statistic):
    value = low = high = np.nan
    if len(values):
        value = float(statistic(values.to_numpy(float)[None])[0])
        low, high = _interval(values, rates, statistic)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _interval(values, rates, statistic):
    """Return the 95 % percentile interval of a statistic as learning rates are drawn anew.

    A rate is drawn, with replacement, with all its values. `statistic` gives [draws] of an array
    [draws, values], in which NaN fills up rates that have fewer values.
    """
    rates = np.asarray(rates)
    nth = values.groupby(rates).cumcount().to_numpy()
    rows = pd.Series(values.to_numpy(float), index=[rates, nth]).unstack().to_numpy()
    picked = np.random.default_rng(0).integers(0, len(rows), [DRAWS, len(rows)])
    drawn = statistic(rows[picked].reshape(DRAWS, -1))
    # By order rather than by interpolation: a failed training counts as infinitely bad.
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    return np.quantile(drawn, ends, method="nearest").tolist()


def _mean(drawn):
    return np.nanmean(drawn, axis=1)


def _median(drawn):
    """Return the median of each row, leaving out what is not a number.

    Where the upper of two middle values is a failed training's infinity, it is the lower one:
    infinity would swallow its neighbour.
    """
    median = np.nanmedian(drawn, axis=1)
    failed = np.isinf(median)
    median[failed] = np.nanquantile(drawn[failed], 0.5, axis=1, method="lower")
    return median


def _near(losses, best, within=WITHIN):
    # A failed training is near nothing, not even where all failed and the best is infinite.
    return np.isfinite(losses) & (losses <= best * (1 + within / 100))


def paired(frame, by="cell"):
    """Return the losses at the grid places (and seeds) that are measured for all compared.

    A training that the epoch limit cut off decides nothing: its place is left out.

    Returns:
        A frame, a row for each place, a column for each value of `by`.
    """
    runs, place = losses(frame), ["learning_rate", "n_params", "seed"]
    table = runs[~runs.cut_off.astype(bool)].pivot(index=place, columns=by, values="loss")
    return table.reindex(columns=frame[by].unique()).dropna()


class ShareDifference(NamedTuple):
    """By how much the share of a grid that works differs between two.

    `p` says how often chance alone would part the learning rates as unevenly. With few rates at
    which the two differ the bootstrap is too sure, and this is not.
    """

    points: float  # the share of the one less that of the other, in percentage points
    low: float  # its 95 % bootstrap interval over learning rates
    high: float
    only_one: int  # places at which one of the two works and the other not
    only_other: int
    p: float  # of an exact test that turns the sign of each learning rate's difference


def near_best(table, own=False, within=WITHIN):
    """Return where losses of `paired` are within so many % of the best, or of each column's."""
    return _near(table, table.min() if own else table.min().min(), within)


def share_difference(table, one, other, own=False, within=WITHIN):
    """Return the `ShareDifference` of one column of `paired` less another, see `near_best`."""
    inside = near_best(table, own, within)
    values = 100 * (inside[one].astype(int) - inside[other])
    rates = table.index.get_level_values("learning_rate")
    low, high = _interval(values, rates, _mean)
    only_one, only_other = int((values > 0).sum()), int((values < 0).sum())
    # Squares of one rate resemble each other: rates are what chance draws.
    by_rate, p = values.groupby(rates).sum(), 1.0
    apart = by_rate[by_rate != 0]
    if len(apart) > 1:  # how often turned signs give a sum as far from zero; exact for up to 13
        test = stats.permutation_test([apart], np.sum, permutation_type="samples", rng=0)
        p = float(test.pvalue)
    return ShareDifference(float(values.mean()), low, high, only_one, only_other, p)
