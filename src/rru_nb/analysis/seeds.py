"""Is the RRU better than each gated cell, over seeds, by how much, how surely?"""

import numpy as np
import pandas as pd
from scipy import stats

from ..training.config import CELL_TITLES, CELLS, KINDS, METRICS, paper_config
from ..training.records import find_record, load_records

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
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(CELLS)).rename_axis("seed")


def recorded(dataset, scale="paper"):
    """`scores_by_seed` of every seed with which a cell was measured at its own settings."""
    seeds = sorted(set(load_records(dataset=dataset, scale=scale).seed))
    return scores_by_seed(dataset, seeds, scale).dropna(how="all")


def spread_table(dataset, scores, scale="paper"):
    """The scores as a table: a row a seed, then mean, standard deviation and the paper's number.

    Args:
        dataset: its name. scores: as `scores_by_seed` gives them. scale: theirs; the paper's
            number stands beside those of its own scale alone.
    """
    rows = {f"seed {seed}": row for seed, row in scores.iterrows()}
    rows |= {"mean": scores.mean(), "standard deviation": scores.std()}
    if scale == "paper":
        published = {cell: paper_config(dataset, cell).published for cell in CELLS}
        rows["paper"] = {cell: p["value"] for cell, p in published.items() if p}
    table = pd.DataFrame(rows, index=scores.columns).T.dropna(how="all")
    shown = table.map(lambda x: "" if pd.isna(x) else f"{x:.3f}")
    return shown.rename(columns=CELL_TITLES).rename_axis(f"{dataset}, scale {scale}")


def spread(scores, scale="paper"):
    """Means and standard deviations in words; empty where no cell has two seeds.

    Args:
        scores: as `scores_by_seed` gives them. scale: theirs.
    """
    told = ", ".join(
        f"{CELL_TITLES[cell]} {column.mean():.3f} ± {column.std():.3f}"
        for cell, column in scores.items()
        if column.count() > 1
    )
    return f"Means and standard deviations over seeds, scale {scale}: {told}." if told else ""


def _score(config, metric):
    record = find_record(config)
    return record["test"].get(metric, np.nan) if record else np.nan


def expected_run(scores, runs=1):
    """Where one more run is expected, from the runs that there are: a 95 % prediction interval.

    Args:
        scores: list of test scores of the same setting with different seeds.
        runs: int, how many more runs are to lie within, all of them at 95 % (Bonferroni).

    Returns:
        `(low, high)`, the mean ± t·s·sqrt(1 + 1/n); None for fewer than three runs, whose
        interval would hold almost anything.
    """
    n = len(scores)
    if n < 3:
        return None
    t = stats.t.ppf(1 - (1 - LEVEL) / 2 / runs, n - 1)
    reach = t * np.std(scores, ddof=1) * np.sqrt(1 + 1 / n)
    return np.mean(scores) - reach, np.mean(scores) + reach


def against_gates(scores, higher=False):
    """By how much the RRU's mean is better than a gated cell's, with Welch's interval and p value.

    Seeds are independent draws for each cell, so the samples are not paired, and their
    variances may differ: Welch's t test.

    Args:
        scores: as `scores_by_seed` gives them. higher: bool, whether higher scores are better.

    Returns:
        A frame with a row for each gated cell that has two seeds or more, as has the RRU:
        `cell`, `rru_seeds`, `seeds`, `difference`, `low`, `high` (95 %), `p`.
    """
    losses = (-scores if higher else scores).reindex(columns=list(CELLS))
    rru = losses["rru"].dropna()
    rows = []
    for cell in CELLS[1:]:
        gated = losses[cell].dropna()
        if min(len(rru), len(gated)) < 2:
            continue
        test = stats.ttest_ind(gated, rru, equal_var=False)
        low, high = test.confidence_interval(LEVEL)
        row = {"cell": cell, "rru_seeds": len(rru), "seeds": len(gated)}
        row |= {"difference": gated.mean() - rru.mean(), "low": low, "high": high}
        rows.append(row | {"p": test.pvalue})
    return pd.DataFrame(rows)


def verdict(dataset, scores):
    """The answer as a list in Markdown, a sentence for each gated cell."""
    compared = against_gates(scores, higher=METRICS[KINDS[dataset]] == "accuracy")
    if compared.empty:
        return f"Fewer than two seeds of the RRU or of every gated cell are measured on {dataset}."
    return "\n".join(f"- {_sentence(row)}" for row in compared.itertuples())


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
