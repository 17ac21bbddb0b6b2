"""Tables that notebooks and the book show. Each says its scale; nothing is filled in."""

import numpy as np
import pandas as pd

from ..data import DATASETS
from ..training.config import CELL_TITLES, CELLS, paper_config
from ..training.metrics import METRICS
from ..training.provenance import backend_of, device_name
from ..training.records import failure_text, load_records

_OF_TABLES = ("nll_window", "nll_batches", "nll_frame", "perplexity", "bpc", "accuracy")
METRIC_TITLES = {name: METRICS[name].title for name in _OF_TABLES}


def paper_datasets():
    """The datasets of Table 1, in its order."""
    return [name for name in DATASETS if name != "chorales"]


def table_1(dataset=None, cells=CELLS, scale="paper", seeds=None):
    """Table 1 beside this project's measurements, one row for each dataset and cell.

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
    """The ids of the records that are at the scale's own setting, with no further change."""
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


def overview(cells=CELLS, scale="paper"):
    """Every dataset with a number at a scale, from its records: a row each, a column a cell.

    Args:
        cells: the cells to show, in this order. scale: of the records.

    Returns:
        A frame of strings: the mean over the seeds, its spread where there are several, and at
        scale "paper" the paper's number.
    """
    table = table_1(cells=cells, scale=scale)
    table = table[table.groupby("dataset").runs.transform("sum") > 0]
    shown = {
        f"{published_row(dataset)} ({METRIC_TITLES[group.metric.iloc[0]]})": {
            CELL_TITLES[row.cell]: _overview(row, scale) for row in group.itertuples()
        }
        for dataset, group in table.groupby("dataset", sort=False)
    }
    columns = [CELL_TITLES[cell] for cell in cells]
    frame = pd.DataFrame.from_dict(shown, orient="index", columns=columns)
    return frame.rename_axis(f"test, scale {scale}")


def _overview(row, scale):
    if not row.runs:
        told = "not measured"
    elif row.runs == 1:
        told = f"{row.measured:.2f}"
    else:
        told = f"{row.measured:.2f} ± {np.std(row.scores, ddof=1):.2f}, {row.runs} seeds"
    paper = "–" if np.isnan(row.paper) else f"{row.paper:.2f}"
    return f"{told} (paper {paper})" if scale == "paper" else told


def measured_table(records, missing):
    """Paper and measurement of each run, under every average, with its scale.

    What all rows share of dataset, scale and seed is told once, above their names.

    Args:
        records: rows of `load_records`. missing: configs without a record; their rows say so.
    """
    rows = [_measured_row(record) for record in records.itertuples()]
    rows += [_row_of(config) | {"test": "not measured"} for config in missing]
    frame = pd.DataFrame(rows, dtype=object)
    shared = [name for name in _OF_A_RUN if frame[name].nunique() == 1]
    told = ", ".join(_told(name, frame[name].iloc[0]) for name in shared)
    levels = [name for name in ("dataset", "cell", "scale", "seed") if name not in shared]
    table = frame.drop(columns=shared).set_index(levels).fillna("")
    if not table.paper.any():  # no number of the paper: not a dataset of its
        table = table.drop(columns="paper")
    return table.rename_axis([told or "cell" if n == "cell" else n for n in levels])


_OF_A_RUN = ("dataset", "scale", "seed")


def _told(name, value):
    return f"{value}" if name == "dataset" else f"{name} {value}"


def _measured_row(record):
    config = paper_config(record.dataset, record.cell, record.scale, record.seed)
    row = _row_of(config)
    if record.status == "failed":
        return row | {"test": failure_text(record.failure)}
    score = getattr(record, f"test_{config.metric}")
    row["test"] = _fixed(score)
    if config.published:
        row["to the paper"] = to_the_paper(score, config.published["value"], config.metric)
    for metric, title in METRIC_TITLES.items():
        other = getattr(record, f"test_{metric}", np.nan)
        if metric != config.metric and not pd.isna(other):
            row[f"test, {title.split(', ')[-1]}"] = _fixed(other)
    return row | {"validation": _fixed(getattr(record, f"valid_{config.metric}"))}


def _row_of(config):
    return {
        "dataset": config.dataset,
        "cell": CELL_TITLES[config.cell],
        "scale": config.scale,
        "seed": config.seed,
        "paper": _fixed((config.published or {}).get("value")),
    }


def signed(difference):
    """A difference with its sign: two decimals as in the paper, three where two would hide it."""
    return f"{difference:+.2f}" if abs(difference) >= 0.1 else f"{difference:+.3f}"


def p_text(p):
    """A p value as papers write it: `"p = 0.016"`, `"p < 0.0001"`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def to_the_paper(score, paper, metric):
    """How far a score is from the paper's: in per cent, or of an accuracy both as error rates."""
    if metric == "accuracy":
        return f"{100 - score:.2f} % errors, the paper {100 - paper:.2f} %"
    return f"{100 * (score / paper - 1):+.1f} %"


def provenance_table(records):
    """Where each number comes from: when, how long, on what, with which versions and code.

    The columns are the runs, as long as they are few.
    """
    rows = [
        {
            "run": f"{CELL_TITLES[record.cell]}, scale {record.scale}, seed {record.seed}",
            "day (UTC)": record.started[:10],
            "minutes": f"{record.seconds / 60:.1f}",
            "epochs (best)": _epochs(record),
            "device": device_name(record.device),
            "backend": backend_of(record),
            "commit": (record.commit["sha"] or "unknown")[:7]
            + (" +" if record.commit["dirty"] else ""),
            "record": record.id,
        }
        for record in records.itertuples()
    ]
    if not rows:
        return pd.DataFrame({"run": []})
    table = pd.DataFrame(rows).set_index("run")
    return table.T.rename_axis(columns=None) if len(table) <= 4 else table


def _epochs(record):
    if record.status == "failed":
        return failure_text(record.failure)
    return f"{len(record.epochs)} ({record.best_epoch:.0f})"


def _fixed(value):
    return "" if value is None else f"{value:.2f}"


def published_row(dataset):
    """The paper's own words for a dataset, as in the first column of Table 1."""
    return paper_config(dataset, "rru").published["row"]


def short_number(value):
    """Three digits or so: `"3.21"`, `"102"`, `"12,400"`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
