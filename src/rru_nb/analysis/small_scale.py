"""Table 1's rows without music at a smaller scale, beside the answer that looks at no input."""

import numpy as np
import pandas as pd

from ..experiments.baselines import baseline
from ..training.config import CELLS, KINDS, RunConfig, command, paper_config
from ..training.records import find_record
from .tables import paper_datasets, published_row

_STANDARD_TOO = ("ptb-word",)  # texts that differ between the protocols, not only in the scoring
_PROTOCOL_TITLES = {"authors": "the authors' text", "standard": "the field's text"}


def small_rows(scale="laptop", seed=0):
    """What each cell reaches, a row for each task and cell.

    Args:
        scale: str. seed: int, the seed of the runs.

    Returns:
        A frame with the columns `task` (the paper's words), `dataset`, `protocol`, `metric`,
        `baseline` and `baseline_valid` (test and validation score of `baselines`, as committed; NaN
        where there is none), `cell`, `score` (test; NaN where not measured or failed), `status`
        ("ok", "failed", "not measured"), `epochs`, `best_epoch`, `patience`, `n_params`, `id`,
        `command`.
    """
    tasks = [
        (name, protocol)
        for name in paper_datasets()
        if KINDS[name] != "music"
        for protocol in (("authors", "standard") if name in _STANDARD_TOO else ("authors",))
    ]
    return pd.DataFrame(
        [
            _row(paper_config(name, cell, scale=scale, seed=seed, protocol=protocol))
            for name, protocol in tasks
            for cell in CELLS
        ]
    )


def _row(config: RunConfig):
    record = find_record(config) or {"status": "not measured", "test": {}, "epochs": []}
    title = published_row(config.dataset)
    if config.dataset in _STANDARD_TOO:
        title = f"{title}, {_PROTOCOL_TITLES[config.protocol]}"
    return {
        "task": title,
        "dataset": config.dataset,
        "protocol": config.protocol,
        "metric": config.metric,
        "baseline": baseline(config),
        "baseline_valid": baseline(config, "valid"),
        "cell": config.cell,
        "score": record["test"].get(config.metric, np.nan),
        "status": record["status"],
        "epochs": len(record["epochs"]),
        "best_epoch": record.get("best_epoch"),
        "patience": config.patience,
        "n_params": record.get("n_params"),
        "id": config.id,
        "command": command(config),
    }


def beaten(rows):
    """Whether each score is better than the row's baseline: a boolean column."""
    higher = rows.metric == "accuracy"
    return (rows.score > rows.baseline).where(higher, rows.score < rows.baseline)


def best_cells(rows):
    """`{task: the best cell}` of the tasks for which all cells have a score."""
    found = {}
    for task, group in rows.groupby("task", sort=False):
        if group.score.notna().all():
            scores = group.set_index("cell").score
            higher = group.metric.iloc[0] == "accuracy"
            found[task] = scores.idxmax() if higher else scores.idxmin()
    return found
