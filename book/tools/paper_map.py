"""The front page's map: part of the paper, page, command, how much is measured, in what time."""

from rru_nb.experiments import SECTIONS, section
from rru_nb.experiments.status import status
from rru_nb.training.records import load_records

_PAGES = {
    "main_results": "main_results.ipynb",
    "robustness": "robustness.ipynb",
    "dropout": "dropout.ipynb",
    "ablation": "ablation.ipynb",
    "normalization": "normalization.ipynb",
}
_HEAD = (
    "| in the paper | page | command | measured at paper scale | measured at laptop scale |\n"
    "| --- | --- | --- | --- | --- |"
)


def paper_map(pages):
    """A table with a row for each section of the paper that has runs behind it.

    Args:
        pages: names of the notebooks that the book has; a section without one has no link.
    """
    counted = status(scales=("paper", "laptop"))
    records = load_records().set_index("id")
    return "\n".join([_HEAD, *(_row(name, counted, records, pages) for name in SECTIONS)]) + "\n"


def _row(name, counted, records, pages):
    found = section(name)
    notebook = _PAGES[name]
    page = f"[{found.title}](../notebooks/{notebook})" if notebook in pages else found.title
    scales = [_measured(found, scale, counted, records) for scale in ("paper", "laptop")]
    command = f"`rru-nb sweep {name} --scale laptop`"
    return f"| {found.paper} | {page} | {command} | {' | '.join(scales)} |"


def _measured(found, scale, counted, records):
    rows = counted[(counted.section == found.name) & (counted.scale == scale)]
    if rows.empty or not rows.recorded.sum():
        return f"0 of {rows.runs.sum()} runs" if len(rows) else "–"
    ids = {run.id for name in rows.dataset for run in found.runs(name, scale=scale)}
    seconds = records[records.index.isin(ids)].seconds.sum()
    spent = f"{seconds / 60:,.0f} minutes"
    return f"{rows.recorded.sum()} of {rows.runs.sum()} runs, {spent}"
