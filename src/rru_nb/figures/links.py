"""Links from numbers, points and squares to the records behind them."""

from ..analysis.tables import METRIC_TITLES
from ..training.config import CELL_TITLES

RECORDS = "../book/records.html"  # as seen from the page of a notebook
AXIS_TITLES = {"n_params": "parameters", "learning_rate": "learning rate", "dropout": "dropout"}


def address(ids):
    """Return where the book shows records: one of them opened, several as a list of their own."""
    first, *more = ids
    return f"{RECORDS}?ids={','.join(ids)}" if more else f"{RECORDS}#{first}"


def link(text, ids):
    """Return a number of a table, if there is one, as a link to the records behind it."""
    return f'<a href="{address(ids)}">{text}</a>' if text else text


def url(runs, *axes):
    """Return the `url` of a mark that stands for one run, or for several of other seeds.

    It leads to the records. What follows its bar, `figures.show` makes the title of the link: the
    cell, where the mark stands, by the columns `axes`, e.g. `"learning_rate"`, and the score.
    """
    run, measured = runs.iloc[0], runs[runs.status != "missing"]
    where = [CELL_TITLES[run.cell], *(f"{AXIS_TITLES.get(a, a)} {_text(run[a])}" for a in axes)]
    ids = list(measured.id) if "id" in runs else []
    if ids and "seed" in runs:
        where.append("seed " + ", ".join(map(str, measured.seed)))
    score = f"{METRIC_TITLES[run.metric]} {runs.test.mean():.3f}"
    outcome = score if set(runs.status) == {"ok"} else ", ".join(sorted(set(runs.status)))
    return f"{address(ids) if ids else ''}|{', '.join(where)}: {outcome}"


def urls(runs, *axes):
    """Return the `urls` of marks that stand for one run each, see `url`."""
    return [url(runs.iloc[[i]], *axes) for i in range(len(runs))]


def link_points(ax, x, y, runs, *axes):
    """Lay a link to its record, a row of `runs`, on each point; see `url` for the axes.

    A line of Matplotlib's has one link for all of its points.
    """
    ax.scatter(x, y, s=120, alpha=0.01, linewidths=0, urls=urls(runs, *axes), zorder=3)


def _text(value):
    return value if isinstance(value, str) else f"{value:,.10g}"
