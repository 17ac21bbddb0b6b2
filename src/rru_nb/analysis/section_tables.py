"""Tables of the sections' notebooks: how much of a grid works, what was run and how."""

import operator

import numpy as np
import pandas as pd

from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..experiments.costs import duration
from ..training.config import CELL_TITLES
from ..training.provenance import commit_name, device_name
from ..training.records import load_records
from ..training.settings import IDENTITY
from .robust import WITHIN, grid_table
from .tables import short_number

NO_NUMBER = "–"


def shown_grid_table(frame, by="cell", titles=CELL_TITLES):
    """Return `grid_table` for readers: each number with its 95 % bootstrap interval."""
    rows = {
        titles[name]: {
            "runs": _runs(row),
            "best": _number(row.best),
            "median": _spread(row, "median"),
            f"within {WITHIN} % of its own best": _spread(row, f"own_{WITHIN}", "%"),
            f"within {WITHIN} % of the best of all": _spread(row, f"all_{WITHIN}", "%"),
        }
        for name, row in grid_table(frame, by).iterrows()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _runs(row):
    names = {"failed": "failed", "missing": "missing", "cut_off": "cut off"}
    notes = [f"{int(row[name])} {title}" for name, title in names.items() if row[name]]
    return f"{int(row.runs)}" + (f" ({', '.join(notes)})" if notes else "")


def _number(value):
    if np.isnan(value):
        return NO_NUMBER
    return short_number(value) if np.isfinite(value) else "failed"


def _spread(row, name, unit=""):
    if np.isnan(row[name]):
        return NO_NUMBER
    form = "{:.0f}".format if unit else _number
    value, low, high = (form(row[column]) for column in (name, f"{name}_low", f"{name}_high"))
    # Where every learning rate gives the same, the interval has no width and says nothing.
    return f"{value}{unit and f' {unit}'}" + (f" ({low}–{high})" if low != high else "")


def scale_changes(section, dataset, scale, cells=None, **grid):
    """Return what a scale, and a grid of one's own, change of the section's runs in the paper.

    A row for each setting, a column for the paper's value and one for the value here, under the
    dataset's title; a grid shows all its values, a setting that differs between cells its values
    by cell. Empty at the scale of the paper, unless the grid is one's own; compared with the main
    experiments' setting where the dataset is not in the paper.
    """
    configs, rows = section.runs(dataset, cells, scale, **grid), {}
    here = [config.as_dict() for config in configs]
    try:
        there = [config.as_dict() for config in section.runs(dataset, cells, "paper")]
    except UserError:  # the dataset is not in the paper
        differing = [{n: d["paper"] for n, d in config.differences.items()} for config in configs]
        there = list(map(operator.or_, here, differing))
    for name in here[0]:
        ours, papers = _by_cell(here, name), _by_cell(there, name)
        if name not in IDENTITY and papers != ours:
            rows[name] = {"paper": papers, f"scale {scale}": ours}
    columns = ["paper", f"scale {scale}"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(columns=DATASETS_BY_NAME[dataset].title)


def _by_cell(runs, name):
    """Return the values of a setting in runs, dicts, as text; by cell where they depend on it."""
    of_cells = {}
    for settings in runs:
        of_cells.setdefault(settings["cell"], {}).setdefault(settings.get(name))
    texts = {cell: text for cell, of in of_cells.items() if (text := _listed(of))}
    if len(set(texts.values())) <= 1:
        return next(iter(texts.values()), "none")
    return "; ".join(f"{CELL_TITLES[cell]} {text}" for cell, text in texts.items())


def _listed(values):
    texts = [f"{v:,}" if type(v) is int else f"{v}" for v in values if v is not None]
    if len(texts) > 6:
        return f"{len(texts)} values from {texts[0]} to {texts[-1]}"
    return " · ".join(texts)


def run_summary(*frames):
    """Return what was run, when, how long, on what, with which code: a column for each frame."""
    columns = {
        f"{DATASETS_BY_NAME[f.dataset.iloc[0]].title}, scale {f.scale.iloc[0]}": _summary(f)
        for f in frames
    }
    longest = max(columns.values(), key=len)
    return pd.DataFrame(columns, index=list(longest), dtype=object).fillna("")


def _summary(frame):
    records = load_records(id=list(frame.id))
    failed = f", {(frame.status == 'failed').sum() or 'none'} failed" if len(records) else ""
    rows = {
        "runs": f"{len(records)} of {len(frame)}{failed}",
        "seeds": ", ".join(str(s) for s in sorted(set(frame.seed))),
    }
    if len(records):
        days = dict.fromkeys([records.started.min()[:10], records.started.max()[:10]])
        rows |= {
            "measured (UTC)": " to ".join(days),
            "time of all trainings": duration(records.seconds.sum()),
            "device": _all(records.device.map(device_name)),
            "versions": _all(records.versions.map(lambda v: ", ".join(map(" ".join, v.items())))),
            "commits": _all(records.commit.map(commit_name)),
        }
    return rows


def _all(values):
    return "; ".join(dict.fromkeys(values))
