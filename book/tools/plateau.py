"""When each cell begins to learn the order of words: sentences of the front page."""

from rru_nb.training.config import CELL_TITLES
from rru_nb.training.records import load_records

from . import small_scale
from .render import render


def waits(context):
    """For each text of words, the first epoch at which each cell's validation score beats the
    baseline, which is scored on the validation text as well.
    """
    rows = small_scale.small_rows()
    rows = rows[(rows.dataset == "ptb-word") & (rows.status == "ok")]
    epochs = load_records(scale="laptop").set_index("id").epochs if len(rows) else {}
    texts = {}
    for row in rows.itertuples():
        cells = texts.setdefault(row.task, {})
        cells[CELL_TITLES[row.cell]] = _first_better(row, epochs[row.id])
    return render("plateau.md", texts=texts)


def _first_better(row, epochs):
    better = [e["epoch"] for e in epochs if e[f"valid_{row.metric}"] < row.baseline_valid]
    return better[0] if better else None
