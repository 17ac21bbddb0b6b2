"""Tables that notebooks and the book show. Each says its scale; nothing is filled in."""

import re

import numpy as np
import pandas as pd

from ..data import DATASETS
from ..data.registry import DATASETS_BY_NAME
from ..training.config import CELLS, KINDS, paper_config
from ..training.config import METRICS as METRICS_OF_KINDS
from ..training.metrics import METRICS, metric_named, metric_of_row
from ..training.records import load_records

METRIC_TITLES = {name: metric.title for name, metric in METRICS.items()}
DATASET_TITLES = {name: DATASETS_BY_NAME[name].title for name in DATASETS}


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

    The scores of music are in the authors' own average, `nll_batches`, where every record of a
    row has it, else in the mean of windows, which all have: a row never mixes two.

    Returns:
        A frame with the columns `dataset`, `cell`, `metric`, `paper` (NaN for a cell that the
        paper does not have), `tuned` (as in the paper's table), `measured` (the mean over the
        seeds; NaN where nothing was measured), `low` and `high` (over the seeds), `runs`,
        `difference_percent` (measured loss to the paper's), `scale`, `stands_in` (see
        `comparable`), `scores`, `ids`.
    """
    records = comparable(load_records(scale=scale, status="ok"))
    if seeds is not None:
        records = records[records.seed.isin(list(seeds))]
    names = paper_datasets() if dataset is None else [dataset]
    records = records[records.cell.isin(cells)]
    metrics = {name: _average(records[records.dataset == name], name) for name in names}
    return pd.DataFrame(
        [_row(records, name, cell, scale, metrics[name]) for name in names for cell in cells]
    )


def _average(records, dataset):
    by_batches = records.reindex(columns=["test_nll_batches"]).notna().all(axis=1)
    return metric_of_row(METRICS_OF_KINDS[KINDS[dataset]], by_batches)


def in_one_average(runs):
    """Return results of one dataset in the average that its row of `table_1` has."""
    records = load_records(id=list(runs.id), status="ok")
    metric = _average(records, runs.dataset.iloc[0])
    if metric in set(runs.metric) or metric != "nll_batches":
        return runs
    scores = runs.id.map(records.set_index("id").test_nll_batches)
    return runs.assign(metric=metric, test=scores, loss=scores)


def comparable(records):
    """Return the records that may stand for a cell on a dataset beside the paper's number.

    Those at the scale's own setting; where a cell has none, those that differ from it in nothing
    but products in TF32, as a GPU takes them; where a dataset has none at all, those of IMDB by
    the authors' last script (the protocol "final"), which contradicts the paper's Table 5. The
    column `stands_in` tells which, "", "tf32" or "final": a cell's mean never mixes two.
    """
    exact = records.id.isin(unchanged(records))
    cells = pd.MultiIndex.from_frame(records[["dataset", "cell"]])
    in_tf32 = records.id.isin(unchanged(records, precision="tf32")) & ~cells.isin(cells[exact])
    others = records.dataset.isin(records.dataset[exact | in_tf32])
    by_script = (records.protocol == "final") & ~others
    final = records.id.isin(unchanged(records[by_script], protocol="final"))
    kept = records.assign(stands_in=np.select([in_tf32, final], ["tf32", "final"], ""))
    return kept[exact | in_tf32 | final]


def unchanged(records, **changes):
    """Return the ids of the records at the scale's own setting, but for the changes given."""
    return [
        row.id
        for row in records.itertuples()
        if row.id == paper_config(row.dataset, row.cell, row.scale, row.seed, **changes).id
    ]


def _row(records, dataset, cell, scale, metric):
    published, column = paper_config(dataset, cell).published or {}, f"test_{metric}"
    mine = records[(records.dataset == dataset) & (records.cell == cell)]
    mine = mine.reindex(columns=[column, "id", "stands_in"]).dropna(subset=column)
    scores, paper = mine[column], published.get("value", np.nan)
    measured, loss = scores.mean(), metric_named(metric).loss
    return {
        "dataset": dataset,
        "cell": cell,
        "metric": metric,
        "paper": paper,
        "tuned": published.get("tuned", "-"),
        "measured": measured,
        "low": scores.min(),
        "high": scores.max(),
        "runs": len(scores),
        "difference_percent": 100 * (loss(measured) / loss(paper) - 1),
        "scale": scale,
        "stands_in": mine.stands_in.max() if len(mine) else "",
        "scores": list(scores),
        "ids": list(mine.id),
    }


def minus(text):
    """Return a text or HTML with minus signs, not hyphens, before its negative numbers."""
    return re.sub(r"(?<![^\s(>])-(?=\.?\d)", "−", text)


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


def short_number(value):
    """Return a number with three digits or so: `"3.21"`, `"102"`, `"12,400"`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
