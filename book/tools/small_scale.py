"""Table 1's rows without music at a smaller scale, beside the input-independent baseline."""

import numpy as np
import pandas as pd

from rru_nb.analysis.tables import paper_datasets
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.experiments.baselines import baseline
from rru_nb.training.config import CELLS, KINDS, RunConfig, command, paper_config
from rru_nb.training.records import find_record, load_records, was_cut_off

SCALE = "laptop"
_READINGS = {  # of one name, two sets of data, not only two ways to score them
    "ptb-word": {"authors": "the authors' text", "standard": "the field's text"},
    "pmnist": {"paper": "permuted within rows", "authors": "all 784 pixels permuted"},
}


def small_rows():
    """Return what each cell reaches, a row for each task and cell: means over the seeds recorded.

    Returns:
        A frame with the columns `task` (the paper's words), `dataset`, `protocol`, `metric`,
        `baseline` and `baseline_valid` (test and validation score of `baselines`, as committed; NaN
        where there is none), `cell`, `score` (test, the mean; NaN where not measured or failed),
        `scores`, `ids` and `runs` (of the seeds with a score), `cut_off` (how many of these the
        limit of epochs ended), `status` ("ok", "failed", "not measured"), and of the first seed
        `epochs`, `best_epoch`, `n_params`, `id` and `command`.
    """
    tasks = [
        (name, protocol)
        for name in paper_datasets()
        if KINDS[name] != "music"
        for protocol in _READINGS.get(name, DATASETS_BY_NAME[name].protocols[:1])
    ]
    recorded = load_records(scale=SCALE)
    seeds = {name: sorted({0, *recorded.seed[recorded.dataset == name]}) for name, _ in tasks}
    return pd.DataFrame(
        [
            _means_over_seeds(
                [paper_config(name, cell, SCALE, s, protocol=protocol) for s in seeds[name]]
            )
            for name, protocol in tasks
            for cell in CELLS
        ]
    )


def _means_over_seeds(configs: list[RunConfig]):
    """Return the row of a task and cell, from the same setting with several seeds."""
    records = {config: record for config in configs if (record := find_record(config))}
    scored = {c: record for c, record in records.items() if record["status"] == "ok"}
    config, first = next(iter((scored or records or {configs[0]: {}}).items()))
    title = paper_config(config.dataset, "rru").published["row"]  # the paper's own words
    if config.dataset in _READINGS:
        title = f"{title}, {_READINGS[config.dataset][config.protocol]}"
    scores = [record["test"][config.metric] for record in scored.values()]
    return {
        "task": title,
        "dataset": config.dataset,
        "protocol": config.protocol,
        "metric": config.metric,
        "baseline": baseline(config),
        "baseline_valid": baseline(config, "valid"),
        "cell": config.cell,
        "score": np.mean(scores) if scores else np.nan,
        "scores": scores,
        "ids": [c.id for c in scored],
        "runs": len(scores),
        "cut_off": sum(map(was_cut_off, scored.values())),
        "status": first.get("status", "not measured"),
        "epochs": len(first.get("epochs", [])),
        "best_epoch": first.get("best_epoch"),
        "n_params": first.get("n_params"),
        "id": config.id,
        "command": command(config),
    }


def beaten(rows):
    """Return whether each score is better than the row's baseline, as a boolean column."""
    higher = rows.metric == "accuracy"
    return (rows.score > rows.baseline).where(higher, rows.score < rows.baseline)


def best_cells(rows):
    """Return `{task: the best cell}` of the tasks for which all cells have a score."""
    best = {}
    for task, group in rows.groupby("task", sort=False):
        if group.score.notna().all():
            scores = group.set_index("cell").score
            higher = group.metric.iloc[0] == "accuracy"
            best[task] = scores.idxmax() if higher else scores.idxmin()
    return best
