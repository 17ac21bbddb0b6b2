"""What the searches for hyperparameters found (section 4.2, Table 4)."""

import pandas as pd

from ...experiments.tuning import Search
from ...training.config import CELL_TITLES, paper_config
from ...training.metrics import metric_named
from ..tables import METRIC_TITLES, short_number


def _best(runs, column):
    metric = metric_named(runs.metric.iloc[0])
    return runs.loc[metric.loss(runs[column].astype(float)).idxmin()]


def tuned_table(frame):
    """The best values of each cell's search beside the paper's optimal values (Table 4).

    Args:
        frame: of `trials_frame`, of one dataset and scale; chosen by validation score.
    """
    rows = []
    for cell, runs in frame[frame.status == "ok"].groupby("cell", sort=False):
        best = _best(runs, "valid")
        paper = paper_config(best.dataset, cell, "laptop" if _own(best) else "paper")
        for name in Search.of(best.dataset, cell, best.scale).ranges():
            row = {"cell": CELL_TITLES[cell], "setting": name}
            row["found here"] = _value(best[name])
            row["Table 4"] = "" if _own(best) else _value(getattr(paper, name))
            rows.append(row)
    if not rows:
        return pd.DataFrame({"cell": []})
    return pd.DataFrame(rows).set_index(["cell", "setting"])


def _own(row):
    return paper_config(row.dataset, row.cell, row.scale).published is None


def _value(value):
    return f"{value:,.0f}" if float(value).is_integer() and value > 1 else f"{value:.5g}"


def tuning(frame, n_wanted=100):
    """How many trials there are, what the best of them reach, and what selecting on test adds.

    Args:
        frame: of `trials_frame`, of one dataset and scale. n_wanted: the paper's trials a cell.
    """
    if frame.empty:
        return "No trial is measured here yet."
    unit = METRIC_TITLES[frame.metric.iloc[0]]
    sentences = [f"Scores are test scores ({unit})."]
    for cell, runs in frame.groupby("cell", sort=False):
        sentences.append(_of_a_cell(cell, runs))
    few = frame.groupby("cell").trial.max().min()
    if few < n_wanted:
        sentences.append(f"The paper has {n_wanted} trials a cell; with {few} this is a beginning.")
    return " ".join(sentences)


def _of_a_cell(cell, runs):
    done = runs[runs.status == "ok"]
    counted = f"{CELL_TITLES[cell]}: {len(runs)} trials, {(runs.status == 'failed').sum()} failed"
    if done.empty:
        return f"{counted}."
    chosen, lucky = _best(done, "valid").test, _best(done, "test").test
    return (
        f"{counted}; the best by validation score has {short_number(chosen)}, the best by test "
        f"score, which the authors' way of choosing would report, {short_number(lucky)}."
    )
