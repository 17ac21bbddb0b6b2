"""How much of a grid of hyperparameters works, in numbers that the paper does not give."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ..training.metrics import metric_named
from .resampling import bootstrap

WITHIN = 10  # per cent


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
        row = {"runs": len(mine), "failed": int(np.isinf(mine.loss).sum())}
        row |= {"missing": len(runs) - len(mine), "cut_off": int(mine.cut_off.sum())}
        row |= {"best": mine.loss.min()} | _with_interval("median", mine, _median)
        for kind, best in (("own", row["best"]), ("all", best_of_all)):
            limit = best * (1 + WITHIN / 100)
            row |= _with_interval(f"{kind}_{WITHIN}", mine, _share_below(limit))
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def _with_interval(name, runs, statistic):
    if runs.empty:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    low, high = _interval(runs.loss, runs.learning_rate, statistic)
    value = float(statistic(runs.loss.to_numpy()[None])[0])
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _interval(values, rates, statistic):
    """Return the bootstrap interval of drawing learning rates anew, each with all its values."""
    rates = np.asarray(rates)
    nth = values.groupby(rates).cumcount().to_numpy()
    rows = pd.Series(values.to_numpy(), index=[rates, nth]).unstack()  # NaN fills up
    return bootstrap(rows, lambda drawn: statistic(drawn.reshape(len(drawn), -1)))


def _median(drawn):
    """Return the median of each row, leaving out what is not a number.

    Where the upper of two middle values is a failed training's infinity, it is the lower one:
    `np.median` would let infinity swallow its neighbour.
    """
    ordered = np.sort(drawn, axis=1)  # not a number comes last
    n = (~np.isnan(drawn)).sum(axis=1, keepdims=True)
    lower, upper = (
        np.take_along_axis(ordered, middle, axis=1)[:, 0] for middle in ((n - 1) // 2, n // 2)
    )
    return np.where(np.isfinite(upper), (lower + upper) / 2, lower)


def _share_below(limit):
    # A failed training is within no limit, not even where all failed and the limit is infinite.
    def share(drawn):
        return 100 * (np.isfinite(drawn) & (drawn <= limit)).sum(1) / (~np.isnan(drawn)).sum(1)

    return share


def paired(frame, by="cell"):
    """Return the losses at the grid places (and seeds) that are measured for all compared.

    A training that the epoch limit cut off decides nothing: its place is left out.

    Returns:
        A frame, a row for each place, a column for each value of `by`.
    """
    whole, place = frame[~frame.cut_off.astype(bool)], ["learning_rate", "n_params", "seed"]
    if whole.empty:
        return pd.DataFrame(index=pd.MultiIndex.from_tuples([], names=place))
    table = losses(whole).pivot_table(
        index=place, columns=by, values="loss", aggfunc="first", dropna=False
    )
    names = [name for name in dict.fromkeys(frame[by]) if name in table]
    table = table.reindex(columns=names).dropna()
    return table if len(names) == frame[by].nunique() else table.iloc[:0]


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


def near_best(table, own=False):
    """Return where losses of `paired` are within `WITHIN` % of the best, or of each column's."""
    best = table.min() if own else table.min().min()
    return np.isfinite(table) & (table <= best * (1 + WITHIN / 100))


def share_difference(table, one, other, own=False):
    """Return the `ShareDifference` of one column of `paired` less another, see `near_best`."""
    inside = near_best(table, own)
    values = 100.0 * inside[one] - 100.0 * inside[other]
    rates = table.index.get_level_values("learning_rate")
    low, high = _interval(values, rates, lambda drawn: np.nanmean(drawn, axis=1))
    only_one, only_other = int((values > 0).sum()), int((values < 0).sum())
    # Squares of one rate resemble each other: rates are what chance draws.
    by_rate = values.groupby(rates).sum()
    p = _sign_flips(by_rate[by_rate != 0])
    return ShareDifference(float(values.mean()), low, high, only_one, only_other, p)


def _sign_flips(differences):
    """Return how often turned signs give a sum as far from zero; exact for up to 13 numbers."""
    if len(differences) < 2:
        return 1.0
    test = stats.permutation_test([differences], np.sum, permutation_type="samples", rng=0)
    return float(test.pvalue)
