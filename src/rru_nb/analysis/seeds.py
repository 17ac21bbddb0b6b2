"""Compare the RRU with each gated cell across seeds: difference, 95 % interval, Welch's t test.

And say where one more run, or the best of several, is expected by the runs that are recorded.
"""

import functools

import numpy as np
import pandas as pd
from scipy import stats

from ..training.config import CELL_TITLES, CELLS, KINDS, METRICS, paper_config
from ..training.records import find_record, load_records
from .resampling import LEVEL, holm
from .tables import p_text

SURE = 1 - LEVEL  # a difference is one if its p value is below
_DRAWS = 100_000
_HALF_AN_IMAGE = 0.005  # of 10,000, in %: the log odds of no error at all would be infinite


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


def as_losses(scores, metric=None):
    """Scores on the scale on which runs are compared with the spread of others, lower is better.

    Of an accuracy that is the log odds of an error: no interval on it reaches beyond 0 or 100 %,
    and halving the errors counts alike near 90 % and near 99 %. Other scores are their own scale.
    """
    scores = np.asarray(scores, float)
    if metric != "accuracy":
        return scores
    errors = np.clip(100 - scores, _HALF_AN_IMAGE, 100 - _HALF_AN_IMAGE)
    return np.log(errors / (100 - errors))


def expected_run(scores, metric=None, runs=1, trials=1):
    """Where one more run is expected, from the runs that there are: a 95 % prediction interval.

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
    """How many standard deviations of `n` runs the best of more may lie below their mean.

    As with Student's t, mean and standard deviation are themselves known from `n` runs alone; the
    distribution has no closed form and is drawn.
    """
    rng = np.random.default_rng(0)
    best = stats.norm.ppf(rng.beta(1, trials, _DRAWS))  # the share of all runs below the best
    mean = rng.normal(0, 1 / np.sqrt(n), _DRAWS)
    deviation = np.sqrt(rng.chisquare(n - 1, _DRAWS) / (n - 1))
    return -np.quantile((best - mean) / deviation, tail)


def against_gates(scores, metric=None):
    """By how much the RRU's mean is better than a gated cell's, with Welch's interval and p value.

    Seeds are independent draws for each cell, so the samples are not paired, and their
    variances may differ: Welch's t test. Accuracies are compared as errors in %.

    Args:
        scores: as `scores_by_seed` gives them. metric: their name.

    Returns:
        A frame with a row for each gated cell that has two seeds or more, as has the RRU:
        `cell`, `rru_seeds`, `seeds`, `rru`, `gated` (mean losses), `difference`, `low`, `high`
        (95 %, each by itself), `p` (corrected for the number of rows).
    """
    losses = (100 - scores if metric == "accuracy" else scores).reindex(columns=list(CELLS))
    rru = losses["rru"].dropna()
    rows = []
    for cell in losses.columns.drop("rru"):
        gated = losses[cell].dropna()
        if min(len(rru), len(gated)) < 2:
            continue
        test = stats.ttest_ind(gated, rru, equal_var=False)
        low, high = test.confidence_interval(LEVEL)
        row = {"cell": cell, "rru_seeds": len(rru), "seeds": len(gated)}
        row |= {"rru": rru.mean(), "gated": gated.mean(), "difference": gated.mean() - rru.mean()}
        rows.append(row | {"low": low, "high": high, "p": test.pvalue})
    return pd.DataFrame(rows).assign(p=holm([row["p"] for row in rows]))


def verdict(dataset, scores):
    """The answer as a list in Markdown, a sentence for each gated cell."""
    metric = METRICS[KINDS[dataset]]
    compared = against_gates(scores, metric)
    if compared.empty:
        return f"Fewer than two seeds of the RRU or of every gated cell are measured on {dataset}."
    sentences = [f"- {_sentence(row, metric)}" for row in compared.itertuples()]
    if len(compared) > 1:
        sentences += [
            "",
            f"The p values are corrected for the {len(compared)} comparisons (Holm); each interval "
            "holds by itself.",
        ]
    return "\n".join(sentences)


def _sentence(row, metric):
    title = CELL_TITLES[row.cell]
    size = f"{abs(row.difference):.3f}"
    if metric == "accuracy":
        size += f" points, {row.rru:.2f} % errors against {row.gated:.2f} %"
    if row.p >= SURE:
        told = f"No significant difference between the RRU and the {title}: {row.difference:+.3f}"
    else:
        better = "better" if row.difference > 0 else "worse"
        told = f"The RRU is {better} than the {title} by {size}"
    each = row.rru_seeds == row.seeds
    seeds = f"{row.seeds} seeds each" if each else f"{row.rru_seeds} and {row.seeds} seeds"
    interval = f"95 % interval {row.low:+.3f} to {row.high:+.3f}"
    return f"{told} ({interval}; {seeds}; Welch's t test, {p_text(row.p)})."
