"""Heatmaps over two settings, as the paper's Figures 2, 3 and 9."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle

from ..analysis.tables import short_number
from ..analysis.verdicts import TOO_MANY_CUT_OFF
from ..training.config import CELL_TITLES
from ..training.metrics import metric_named
from .links import AXIS_TITLES, url

FAILED, BEST = "#d62728", "#ff4fc3"  # red, and the pink of the frames
_MISSING, _CUT_OFF = "////", "\\\\"  # hatches
_CLIP = 90  # percentile where the colour scale ends: a few bad runs flatten all


def heatmaps(frame, x, y, panel="cell", titles=CELL_TITLES):
    """Draw the metric over two axes, a column of panels for each cell; below, epochs to the best.

    Blue is good, yellow poor, red a failed training, white and hatched a run that is not measured,
    coloured and hatched one that the limit of epochs cut off; the pink frame is each column's best
    run. All panels of a row share one colour scale. There is no row of epochs where the limit of
    epochs ended many of the trainings: it would show the limit.

    Args:
        frame: rows of `experiments.results`, of one dataset and scale; seeds are averaged.
        x, y: names of the axes' columns, with numbers.
        panel: the column whose values are the columns of panels.
        titles: `{value of panel: title}`.
    """
    kinds, metric = list(dict.fromkeys(frame[panel])), metric_named(frame.metric.iloc[0])
    higher = metric.higher_is_better
    rows = [("test", f"test {metric.title}", "cividis_r" if higher else "cividis")]
    if frame.cut_off.astype(bool).mean() <= TOO_MANY_CUT_OFF:
        rows.append(("best_epoch", "epochs to the best", "cividis"))
    size = (2.1 * len(kinds) + 1.4, 2 * len(rows) + 1)
    look = {"sharex": True, "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, axes = plt.subplots(len(rows), len(kinds), figsize=size, **look)
    for row, (column, label, cmap) in zip(axes, rows):
        norm = _scale_of(frame[column], column, higher)
        for ax, kind in zip(row, kinds):
            _draw_panel(ax, frame[frame[panel] == kind], (x, y), column, norm, cmap, higher)
            if column == "test":
                ax.set_title(titles.get(kind, str(kind)))
        _colour_bar(figure, row, norm, cmap, label, frame[column])
    plt.setp(axes[-1], xlabel=AXIS_TITLES.get(x, x))
    plt.setp(axes[:, 0], ylabel=AXIS_TITLES.get(y, y))
    _legend(figure, frame)
    return figure


def _draw_panel(ax, runs, axes, column, norm, cmap, higher):
    """Draw the means over seeds of a column as coloured squares with their numbers."""
    ax.grid(visible=False)
    xs, ys = (sorted(set(runs[axis])) for axis in axes)
    means = {}
    for place, group in runs.groupby([*axes]):
        at, status = (xs.index(place[0]), ys.index(place[1])), set(group.status)
        look = {"url": url(group, *axes)}
        if "failed" in status:
            _square(ax, at, FAILED, "×", "white", **look)
        elif status == {"missing"}:
            _square(ax, at, "white", hatch=_MISSING, **look)
        else:
            value = group[column].astype(float).mean()
            colour = plt.get_cmap(cmap)(norm(value))
            text = f"{value:.0f}" if column == "best_epoch" else short_number(value)
            readable = "black" if np.dot(colour[:3], (0.3, 0.59, 0.11)) > 0.5 else "white"
            if group.cut_off.astype(bool).any():
                look |= {"hatch": _CUT_OFF, "ec": readable}
            has_room = len(xs) <= 6 and len(ys) <= 8
            _square(ax, at, colour, text if has_room else "", readable, **look)
        if status == {"ok"}:
            means[at] = group.test.astype(float).mean()
    if means:
        x, y = (max if higher else min)(means, key=means.get)
        frame = Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, fill=False, edgecolor=BEST, lw=3)
        ax.add_patch(frame)
    ax.set(xlim=(-0.5, len(xs) - 0.5), ylim=(-0.5, len(ys) - 0.5))
    ax.set_xticks(range(len(xs)), map(_tick, xs), rotation=90)
    ax.set_yticks(range(len(ys)), map(_tick, ys))


def _square(ax, place, colour, text="", text_colour="black", **look):
    x, y = place
    square = {"fc": colour, "ec": "0.6", "lw": 0, "clip_on": False}
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **square | look))
    if text:
        plain = {"boxstyle": "round,pad=0.1", "fc": colour, "ec": "none"}
        style = {"ha": "center", "va": "center", "fontsize": 9, "color": text_colour}
        ax.text(x, y, text, bbox=plain if "hatch" in look else None, **style)


def _scale_of(values, column, higher):
    values = values.dropna().astype(float)
    if values.empty:
        return Normalize(0, 1, clip=True)
    ends = (100 - _CLIP, 100) if column == "test" and higher else (0, _CLIP)
    low, high = np.percentile(values, ends)
    return Normalize(low, high if high > low else low + 1, clip=True)


def _colour_bar(figure, row, norm, cmap, label, values):
    values = values.dropna().astype(float)
    beyond = bool((values < norm.vmin).any()), bool((values > norm.vmax).any())
    extends = {(True, True): "both", (True, False): "min", (False, True): "max"}
    look = {"label": label.replace(", ", ",\n"), "extend": extends.get(beyond, "neither")}
    figure.colorbar(plt.cm.ScalarMappable(norm, cmap), ax=row, **look)


def _legend(figure, frame):
    kinds = {*frame.status, *(["cut off"] if frame.cut_off.astype(bool).any() else [])}
    limit = "cut off by the limit of epochs"
    looks = {
        "failed": {"label": "× training failed", "fc": FAILED},
        "missing": {"label": "not measured", "fc": "white", "ec": "0.6", "hatch": _MISSING},
        "cut off": {"label": limit, "fc": "0.85", "ec": "0.3", "hatch": _CUT_OFF},
        "ok": {"label": "best of its panel", "fc": "none", "ec": BEST, "lw": 3},
    }
    keys = [Patch(**look) for kind, look in looks.items() if kind in kinds]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False)


def _tick(number):
    if number >= 1_000_000:
        return f"{number / 1e6:.1f}M"
    return f"{number / 1000:.0f}k" if number >= 1000 else f"{number:g}"
