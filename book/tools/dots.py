"""Table 1 as a dot plot: the paper's numbers beside ours, a row a dataset, each mark a link."""

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import MaxNLocator

from rru_nb.layers.registry import COLOURS, MARKERS
from rru_nb.storage import paths
from rru_nb.training.config import CELL_TITLES
from rru_nb.training.metrics import metric_named

from .front import compare
from .render import render

README_DRAWING = "book/static/table_1.svg"
_MARGIN = 0.03  # of a row's range, to each side
_N_TICKS = 5


def dots(context):
    """Return the dot plot for a page: a wide one, and a narrow one for phones."""
    return render("dots.html", rows=rows(compare()), **_looks())


def drawing():
    """Return the dot plot as an SVG of its own, for the README; nothing in it is a link."""
    return render("dots.svg", rows=rows(compare()), **_looks())


def write_drawing():
    """Write the README's dot plot into the checkout."""
    (paths.checkout() / README_DRAWING).write_text(drawing(), encoding="utf-8")


def rows(table):
    """Return what the rows of the plot show, places from 0 (left) to 1 (right); better is left.

    Args:
        table: of `front.compare`.

    Returns:
        A list of dictionaries: `title`, `unit`, `measured` (in words, empty where nothing is),
        `ticks` (`{label: place}`) and `cells`, dictionaries of `cell`, `paper` and `mean` (places,
        or None), `says_paper` and `says_mean` (in words), `id` (of the record, if there is one
        alone), and `seeds`, dictionaries of `place`, `says` and `id`.
    """
    return [_row(group) for _, group in table.groupby("dataset", sort=False)]


def _row(group):
    metric = metric_named(group.metric.iloc[0])
    losses = np.concatenate([group.paper, *group.scores]).astype(float)
    place, ticks = _axis(metric.loss(losses[np.isfinite(losses)]))
    cells = [_cell(row, lambda score: place(metric.loss(score))) for row in group.itertuples()]
    title, unit = group.title.iloc[0], metric.loss_title.partition(",")[0]
    return {"title": title, "unit": unit, "ticks": ticks, "cells": cells, "measured": _runs(group)}


def _axis(losses):
    """Return a function from a loss to its place, and `{label: place}` of the ticks."""
    margin = _MARGIN * np.ptp(losses)
    low, high = losses.min() - margin, losses.max() + margin
    values = MaxNLocator(_N_TICKS, steps=[1, 2, 5, 10]).tick_values(low, high)
    values = values[(values >= low) & (values <= high)]
    digits = max(0, -int(np.floor(np.log10(np.diff(values).min()) + 1e-9)))

    def place(loss):
        return round(float((loss - low) / (high - low)), 4)

    return place, {f"{value:.{digits}f}": place(value) for value in values}


def _cell(row, place):
    title = f"{row.title}, {CELL_TITLES[row.cell]}"
    metric = metric_named(row.metric)

    def told(score):  # as on the axis
        return f"{metric.loss(score):.2f}{' % errors' if metric.higher_is_better else ''}"

    mean = f"mean of {row.runs} seeds" if row.runs > 1 else "measured"
    mean += {"tf32": " in TF32", "final": " with 2M parameters"}.get(row.stands_in, "")
    in_paper = row.paper == row.paper  # else not a number
    paper = f"the paper {told(row.paper)}" if in_paper else "not in the paper"
    return {
        "cell": row.cell,
        "paper": place(row.paper) if in_paper else None,
        "says_paper": f"{title}: {paper}",
        "mean": place(row.measured) if row.runs else None,
        "says_mean": f"{title}: {mean} {told(row.measured)}, {paper}",
        "id": row.ids[0] if row.runs == 1 else None,
        "seeds": [
            {"place": place(score), "says": f"{title}: one seed, {told(score)}", "id": record}
            for score, record in zip(row.scores, row.ids)
            if row.runs > 1
        ],
    }


def _runs(group):
    runs = group.runs[group.runs > 0]
    if runs.empty:
        return ""
    few, most = runs.min(), runs.max()
    seeds = f"{most} seed{'s' if most > 1 else ''}" if few == most else f"{few} to {most} seeds"
    return seeds if len(runs) == len(group) else f"{seeds}, {len(runs)} of {len(group)}"


def _looks():
    return {"colours": COLOURS, "outlines": {cell: _outline(m) for cell, m in MARKERS.items()}}


def _outline(marker):
    """Return the corners of one of Matplotlib's markers, one unit wide, as SVG has them."""
    style = MarkerStyle(marker)
    corners = style.get_path().transformed(style.get_transform()).to_polygons()[0]
    return " ".join(f"{x:.2f},{-y:.2f}" for x, y in corners)
