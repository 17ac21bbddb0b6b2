"""How much of a grid of hyperparameters works, in numbers that the paper does not give."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from .resampling import bootstrap

WITHIN = (2, 5, 10)  # per cent


def losses(frame):
    """The scores as losses, lower is better, failed trainings infinite; missing runs left out.

    Accuracies in % become errors in %.
    """
    measured = frame[frame.status != "missing"]
    higher = frame.metric.iloc[0] == "accuracy"
    scores = measured.test.astype(float)
    loss = (100 - scores if higher else scores).where(measured.status == "ok", np.inf)
    return measured.assign(loss=loss)


def grid_table(frame, by="cell"):
    """How much of its grid works for each cell.

    Args:
        frame: rows of `sections.results`, of one dataset and scale.
        by: the column that tells what is compared: "cell", or "normalize".

    Returns:
        A frame, a row for each value of `by`, with `runs`, `failed`, `missing`, `best`, `median`,
        `median_low`, `median_high` and, for p in 2, 5, 10, `own_p` and `all_p` (the share of the
        runs, in %, whose loss is within p % of its own best, and of the best of all), each
        with `_low` and `_high`: 95 % bootstrap intervals over the grid's runs, the best fixed.
    """
    measured = losses(frame)
    best_of_all = measured.loss.min()
    rows = {}
    for name, runs in frame.groupby(by, sort=False):
        loss = measured[measured[by] == name].loss.to_numpy()
        row = {"runs": len(loss), "failed": int(np.isinf(loss).sum())}
        row["missing"] = len(runs) - len(loss)
        row["best"] = loss.min() if len(loss) else np.nan
        row |= _with_interval("median", loss, _median)
        for percent in WITHIN:
            for kind, best in (("own", row["best"]), ("all", best_of_all)):
                limit = best * (1 + percent / 100)
                row |= _with_interval(f"{kind}_{percent}", loss, _share_below(limit))
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def _with_interval(name, values, statistic):
    if len(values) == 0:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    low, high = bootstrap(values, statistic)
    return {name: float(statistic(values[None])[0]), f"{name}_low": low, f"{name}_high": high}


def _median(drawn):
    """Of each row; the lower of two middle values where the upper is a failed training's infinity.

    `np.median` would let infinity swallow its neighbour.
    """
    ordered = np.sort(drawn, axis=1)
    n = drawn.shape[1]
    lower, upper = ordered[:, (n - 1) // 2], ordered[:, n // 2]
    return np.where(np.isfinite(upper), (lower + upper) / 2, lower)


def _share_below(limit):
    # A failed training is within no limit, not even where all failed and the limit is infinite.
    return lambda drawn: 100 * np.mean(np.isfinite(drawn) & (drawn <= limit), axis=1)


def paired(frame, by="cell", axes=("learning_rate", "n_params")):
    """Losses at the grid places (and seeds) that are measured for everything compared.

    Returns:
        A frame, a row for each place, a column for each value of `by`.
    """
    table = losses(frame).pivot_table(
        index=[*axes, "seed"], columns=by, values="loss", aggfunc="first", dropna=False
    )
    names = [name for name in dict.fromkeys(frame[by]) if name in table]
    table = table.reindex(columns=names).dropna()
    return table if len(names) == frame[by].nunique() else table.iloc[:0]


class ShareDifference(NamedTuple):
    """By how much the share of a grid that works differs between two.

    Attributes:
        points: float, the share of the one less that of the other, in percentage points.
        low, high: floats, its 95 % bootstrap interval over places.
        only_one, only_other: ints, the places at which one of the two works and the other not.
        p: float, of the exact sign test (McNemar's) of these: how often chance alone would part
            them as unevenly. With few such places the bootstrap is too sure, and this is not.
    """

    points: float
    low: float
    high: float
    only_one: int
    only_other: int
    p: float


def share_difference(table, one, other, percent=10):
    """By how much the share of places within `percent` % of the best differs.

    Args:
        table: of `paired`. one, other: columns of it.

    Returns:
        A `ShareDifference`, of `one` less `other`.
    """
    limit = table.to_numpy().min() * (1 + percent / 100)
    found = table.reindex(columns=[one, other]).to_numpy()
    inside = np.isfinite(found) & (found <= limit)
    values = 100.0 * inside[:, 0] - 100.0 * inside[:, 1]
    low, high = bootstrap(values, lambda drawn: drawn.mean(axis=1))
    only_one, only_other = int((values > 0).sum()), int((values < 0).sum())
    apart = only_one + only_other
    p = float(stats.binomtest(only_one, apart).pvalue) if apart else 1.0
    return ShareDifference(float(values.mean()), low, high, only_one, only_other, p)
