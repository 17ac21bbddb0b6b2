"""How far each variant of the RRU is from the RRU, in the paper and here (Table 2)."""

import matplotlib.pyplot as plt
import numpy as np

from ..training.metrics import metric_named
from .style import COLOURS

_GREY = "0.35"  # the paper's numbers are of another size and not to be read as ours


def ablation_differences(tables, metrics, scale):
    """Draw the score of each variant less the RRU's, the paper's above ours with its interval.

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
        _panel(ax, table.drop(index="rru", errors="ignore"), metrics[name], scale)
        ax.set_title(name)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _panel(ax, table, metric, scale):
    metric, places = metric_named(metric), np.arange(len(table))
    ax.axvline(0, color=COLOURS["rru"], linewidth=1.5)
    hollow = {"color": _GREY, "markerfacecolor": "none", "label": "paper, its size"}
    ax.plot(table.paper_difference, places - 0.17, "o", **hollow)
    errors = table[["low", "high"]].sub(table.difference, axis=0).abs().fillna(0).T
    ours = {"color": COLOURS["rru"], "capsize": 3, "label": f"measured, scale {scale}"}
    ax.errorbar(table.difference, places + 0.17, xerr=errors, fmt="D", **ours)
    for place, row in zip(places, table.itertuples(), strict=True):
        if np.isnan(row.difference):
            note = f"  {row.failed} failed  " if row.failed else "  not measured  "
            side = (
                "right" if metric.higher_is_better else "left"
            )  # the worse, on which the axes have room
            look = {"ha": side, "va": "center", "fontsize": "small", "color": _GREY}
            ax.text(0, place + 0.17, note, **look)
    ax.set_yticks(places, table.title)
    worse = "← worse" if metric.higher_is_better else "worse →"
    ax.set_xlabel(f"test {metric.title}, less the RRU's ({worse})")
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.margins(x=0.15)
