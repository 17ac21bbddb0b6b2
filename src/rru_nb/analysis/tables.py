"""Tables that notebooks and the book show. Each says its scale; nothing is filled in."""

import numpy as np
import pandas as pd

from ..data import DATASETS
from ..training.config import CELLS, paper_config
from ..training.metrics import METRICS
from ..training.records import load_records

_OF_TABLES = ("nll_window", "nll_batches", "nll_frame", "perplexity", "bpc", "accuracy")
METRIC_TITLES = {name: METRICS[name].title for name in _OF_TABLES}


def paper_datasets():
    """Return the datasets of Table 1, in its order."""
    return [name for name in DATASETS if name != "chorales"]


def table_1(dataset=None, cells=CELLS, scale="paper", seeds=None):
    """Return Table 1 beside this project's measurements, one row for each dataset and cell.

    Args:
        dataset: one dataset of the paper, or None for all eleven.
        cells: the cells to show, in this order.
        scale: the scale of the measurements; one table never mixes scales.
        seeds: the seeds to average over; None for all that were measured.

    Returns:
        A frame with the columns `dataset`, `cell`, `metric`, `paper` (NaN for a cell that the
        paper does not have), `tuned` (as in the paper's table), `measured` (the mean over the
        seeds; NaN where nothing was measured), `low` and `high` (over the seeds), `runs`,
        `difference_percent` (measured to paper), `scale`, `scores`, `ids`.
    """
    records = load_records(scale=scale, status="ok")
    records = records[records.id.isin(unchanged(records))]
    if seeds is not None:
        records = records[records.seed.isin(list(seeds))]
    names = paper_datasets() if dataset is None else [dataset]
    return pd.DataFrame([_row(records, name, cell, scale) for name in names for cell in cells])


def unchanged(records):
    """Return the ids of the records that are at the scale's own setting, without a change."""
    return [
        row.id
        for row in records.itertuples()
        if row.id == paper_config(row.dataset, row.cell, row.scale, row.seed).id
    ]


def _row(records, dataset, cell, scale):
    config = paper_config(dataset, cell)
    paper = (config.published or {}).get("value", np.nan)
    mine = records[(records.dataset == dataset) & (records.cell == cell)]
    column = f"test_{config.metric}"
    scores = mine[column].dropna() if column in mine else pd.Series(dtype=float)
    measured = scores.mean()
    return {
        "dataset": dataset,
        "cell": cell,
        "metric": config.metric,
        "paper": paper,
        "tuned": (config.published or {}).get("tuned", "-"),
        "measured": measured,
        "low": scores.min(),
        "high": scores.max(),
        "runs": len(scores),
        "difference_percent": 100 * (measured / paper - 1),
        "scale": scale,
        "scores": list(scores),
        "ids": list(mine.id[scores.index]),
    }


def signed(difference):
    """Return a difference with its sign: two decimals, three where two would hide it."""
    return f"{difference:+.2f}" if abs(difference) >= 0.1 else f"{difference:+.3f}"


def p_text(p):
    """Return a p value as papers write it: `"p = 0.016"`, `"p < 0.0001"`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def to_the_paper(score, paper, metric):
    """Say how far a score is from the paper's: in per cent, or both error rates of accuracies."""
    if metric == "accuracy":
        return f"{100 - score:.2f} % errors, the paper {100 - paper:.2f} %"
    return f"{100 * (score / paper - 1):+.1f} %"


def published_row(dataset):
    """Return the paper's own words for a dataset, as in the first column of Table 1."""
    return paper_config(dataset, "rru").published["row"]


def short_number(value):
    """Return a number with three digits or so: `"3.21"`, `"102"`, `"12,400"`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
