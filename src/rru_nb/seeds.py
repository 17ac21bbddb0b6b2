"""Is the RRU better than each gated cell, over seeds, by how much, how surely?"""

import numpy as np
import pandas as pd
from scipy import stats

from .config import CELL_TITLES, CELLS, KINDS, METRICS, paper_config
from .records import find_record

LEVEL = 0.95


def scores_by_seed(dataset, seeds, scale="paper"):
    """Test scores of the dataset's own settings: a frame with a row a seed, a column a cell.

    NaN where a run is not measured or failed.
    """
    metric = METRICS[KINDS[dataset]]
    rows = {
        seed: {
            cell: _score(paper_config(dataset, cell, scale=scale, seed=seed), metric)
            for cell in CELLS
        }
        for seed in seeds
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def _score(config, metric):
    record = find_record(config)
    return record["test"].get(metric, np.nan) if record else np.nan


def expected_run(scores):
    """Where one more run is expected, from the runs that there are: a 95 % prediction interval.

    Args:
        scores: list of test scores of the same setting with different seeds.

    Returns:
        `(low, high)`, the mean ± t·s·sqrt(1 + 1/n); None for fewer than three runs, whose
        interval would hold almost anything.
    """
    n = len(scores)
    if n < 3:
        return None
    t = stats.t.ppf((1 + LEVEL) / 2, n - 1)
    reach = t * np.std(scores, ddof=1) * np.sqrt(1 + 1 / n)
    return np.mean(scores) - reach, np.mean(scores) + reach


def against_gates(scores):
    """The mean of each gated cell minus the RRU's, with Welch's interval and p value.

    Seeds are independent draws for each cell, so the samples are not paired, and their
    variances may differ: Welch's t test.

    Args:
        scores: as `scores_by_seed` gives them.

    Returns:
        A frame with a row for each gated cell that has two seeds or more, as has the RRU:
        `cell`, `rru_seeds`, `seeds`, `difference`, `low`, `high` (95 %), `p`.
    """
    rru = scores["rru"].dropna()
    rows = []
    for cell in CELLS[1:]:
        gated = scores[cell].dropna()
        if min(len(rru), len(gated)) < 2:
            continue
        test = stats.ttest_ind(gated, rru, equal_var=False)
        low, high = test.confidence_interval(LEVEL)
        row = {"cell": cell, "rru_seeds": len(rru), "seeds": len(gated)}
        row |= {"difference": gated.mean() - rru.mean(), "low": low, "high": high}
        rows.append(row | {"p": test.pvalue})
    return pd.DataFrame(rows)


def verdict(dataset, scores):
    """The answer in sentences, one for each gated cell; only for metrics where less is better."""
    compared = against_gates(scores)
    if compared.empty:
        return f"Fewer than two seeds of the RRU or of every gated cell are measured on {dataset}."
    return " ".join(_sentence(row) for row in compared.itertuples())


def _sentence(row):
    title = CELL_TITLES[row.cell]
    interval = f"95 % interval {row.low:+.3f} to {row.high:+.3f}"
    seeds = f"{row.rru_seeds} and {row.seeds} seeds"
    if row.low > 0:
        told = f"The RRU is better than the {title} by {row.difference:.3f}"
    elif row.high < 0:
        told = f"The RRU is worse than the {title} by {-row.difference:.3f}"
    else:
        told = f"The RRU is not told apart from the {title}: {row.difference:+.3f}"
    return f"{told} ({interval}; {seeds}; Welch's t test, p = {_p(row.p)})."


def _p(p):
    return "less than 0.0001" if p < 1e-4 else f"{p:.2g}"
