"""Validation scores by epoch."""

import matplotlib.pyplot as plt
import pandas as pd

from ..analysis.tables import DATASET_TITLES
from ..training.config import CELL_TITLES
from ..training.metrics import metric_named
from ..training.records import failure_text
from .links import address
from .style import COLOURS, DASHES, MARKERS


def curves_of_datasets(by_dataset, metrics, scale):
    """Draw the validation curves of several datasets, one below another.

    Args:
        by_dataset: dictionary of names to rows of `load_records`, none of them empty.
        metrics: dictionary of names to metrics. scale: of all the records.
    """
    n = len(by_dataset)
    figure, axes = plt.subplots(n, 1, figsize=(7, 3.8 * n), squeeze=False, layout="constrained")
    for ax, (name, records) in zip(axes.flat, by_dataset.items(), strict=True):
        validation_curves(records, metrics[name], f"{DATASET_TITLES[name]}, scale {scale}", ax)
    return figure


def validation_curves(records, metric, title, ax=None):
    """Draw the validation score by epoch, a line for each run, the best epoch marked.

    A line leads to its record.
    The axis leaves out each run's first tenth, whose scores would flatten all others.
    A training that failed ends in a ×.

    Args:
        records: rows of `load_records`, of one dataset and one scale.
        metric: e.g. `"nll_window"`. title: str; say the dataset and the scale.
        ax: where to draw; a new figure without.
    """
    if len({(r.dataset, r.scale) for r in records.itertuples()}) > 1:
        raise ValueError("validation_curves draws one dataset at one scale at a time")
    ax = ax or plt.subplots(figsize=(7, 3.8))[1]
    for row in records.itertuples():
        _curve(ax, row, metric, with_seed=records.seed.nunique() > 1)
    ax.set(xlabel="epoch", ylabel=f"validation {metric_named(metric).title}", title=title)
    runs = [[epoch[f"valid_{metric}"] for epoch in epochs] for epochs in records.epochs]
    settled = [scores[len(scores) // 10] for scores in runs if scores]
    if settled:
        worst = max(settled, key=metric_named(metric).loss)
        ax.set_ylim(**{"bottom" if metric_named(metric).higher_is_better else "top": worst})
    ax.legend()
    return ax.figure


def _curve(ax, row, metric, with_seed):
    epochs = [e["epoch"] for e in row.epochs]
    scores = [e[f"valid_{metric}"] for e in row.epochs]
    label = CELL_TITLES[row.cell] + (f", seed {row.seed}" if with_seed else "")
    colour = COLOURS[row.cell]
    if row.failure:
        label += f", {failure_text(row.failure)}"
        ax.plot(epochs[-1:], scores[-1:], "x", color=colour, markersize=10, markeredgewidth=3)
    if row.status == "ok":
        best = int(row.best_epoch) - 1
        ax.plot(epochs[best], scores[best], MARKERS[row.cell], color=colour)
    look = {"linestyle": DASHES[row.cell], "color": colour, "label": label}
    ax.plot(epochs, scores, url=f"{address([row.id])}|{label}", **look)


def by_epoch(records):
    """Return the numbers behind the curves: a row for each epoch of each run.

    Args:
        records: rows of `load_records`.
    """
    run = ["dataset", "cell", "scale", "seed"]
    frame = pd.json_normalize(records[[*run, "epochs"]].to_dict("records"), "epochs", run)
    return frame[[*run, *frame.columns.drop(run)]]
