"""When each cell begins to learn the order of words: sentences of the front page."""

from rru_nb.analysis import small_scale
from rru_nb.training.config import CELL_TITLES
from rru_nb.training.records import load_records


def waits(context):
    """For each text of words, the first epoch at which each cell's validation score beats the
    baseline, which is scored on the validation text as well.
    """
    rows = small_scale.small_rows()
    rows = rows[(rows.dataset == "ptb-word") & (rows.status == "ok")]
    if rows.empty:
        return "\n"
    epochs = load_records(scale="laptop").set_index("id").epochs
    told = []
    for task, group in rows.groupby("task", sort=False):
        cells = [
            f"{CELL_TITLES[row.cell]} {_first_better(row, epochs[row.id])}"
            for row in group.itertuples()
        ]
        told.append(f"{task}: {', '.join(cells)}")
    return (
        "The first epoch after which a cell's validation perplexity is below the baseline's there "
        f"(first seed). {'. '.join(told)}.\n"
    )


def _first_better(row, epochs):
    better = [e["epoch"] for e in epochs if e[f"valid_{row.metric}"] < row.baseline_valid]
    return better[0] if better else "never"
