"""Compare the RRU with each gated cell across seeds: difference, 95 % interval, Welch's t test."""

import math

import pandas as pd
from scipy import stats

from ..training.config import CELLS, KINDS, METRICS
from ..training.records import load_records
from .resampling import LEVEL, holm
from .tables import comparable

SURE = 1 - LEVEL  # a difference is one if its p value is below


def recorded(dataset):
    """Return the test scores of every seed recorded at the dataset's own settings.

    Returns:
        A frame with a row a seed, a column a cell; NaN where a run is not measured or failed.
    """
    metric = f"test_{METRICS[KINDS[dataset]]}"
    records = comparable(load_records(dataset=dataset, scale="paper", status="ok"))
    table = records.reindex(columns=["seed", "cell", metric]).dropna()
    return table.pivot(index="seed", columns="cell", values=metric).reindex(columns=list(CELLS))


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
