"""How far each variant of the RRU is from the RRU, in the paper and here (Table 2)."""

import matplotlib.pyplot as plt
import numpy as np

from ..training.metrics import metric_named
from .style import COLOURS

PAPERS = "0.35"  # grey: the paper's numbers are of another size and not to be read as ours


def ablation_differences(tables, metrics, scale):
    """Score of each variant less the RRU's: the paper's, hollow, above ours with its interval.

    A panel for each dataset, the RRU a line at zero, the side of the worse scores named.

    Args:
        tables: dictionary of dataset names to tables of `ablation_table`.
        metrics: dictionary of the same names to metrics. scale: of our numbers.
    """
    columns = min(2, len(tables))
    rows = -(-len(tables) // columns)
    size = (4.5 * columns + 2, 2.7 * rows + 0.5)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat[len(tables) :]:
        ax.remove()
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        _panel(ax, table.drop(index="rru", errors="ignore"), metrics[name])
        ax.set_title(name)
    _legend(figure, scale)
    return figure


def _panel(ax, table, metric):
    metric, places = metric_named(metric), np.arange(len(table))
    ax.axvline(0, color=COLOURS["rru"], linewidth=1.5)
    ax.plot(table.paper_difference, places - 0.17, "o", color=PAPERS, markerfacecolor="none")
    errors = np.abs(table[["low", "high"]].sub(table.difference, axis=0)).fillna(0).T
    style = {"fmt": "D", "color": COLOURS["rru"], "capsize": 3}
    ax.errorbar(table.difference, places + 0.17, xerr=errors, **style)
    for place, row in zip(places, table.itertuples(), strict=True):
        if np.isnan(row.difference):
            said = f"{row.failed} failed" if row.failed else "not measured"
            # On the side of the worse scores the axes have room.
            side = "right" if metric.higher_is_better else "left"
            note = {"ha": side, "va": "center", "fontsize": "small", "color": PAPERS}
            ax.text(0, place + 0.17, f"  {said}  ", **note)
    ax.set_yticks(places, table.title)
    ax.set_ylim(len(table) - 0.5, -0.5)
    worse = "← worse" if metric.higher_is_better else "worse →"
    ax.set_xlabel(f"test {metric.title}, less the RRU's ({worse})")
    ax.margins(x=0.15)


def _legend(figure, scale):
    paper = plt.Line2D([], [], marker="o", color=PAPERS, markerfacecolor="none", linestyle="")
    ours = plt.Line2D([], [], marker="D", color=COLOURS["rru"], linestyle="-")
    told = ["paper, its size", f"measured, scale {scale}"]
    figure.legend([paper, ours], told, loc="outside lower center", ncols=2, frameon=False)
