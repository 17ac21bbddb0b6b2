"""Points of the authors' grids trained anew: does this implementation give their numbers?"""

import pandas as pd
import yaml

from ..experiments import authors_grid, section
from ..experiments.authors import METRICS
from ..storage import paths
from ..training.config import command
from ..training.records import find_record


def declared(dataset):
    """Return what `params/paper/grids/replication.yml` says of a dataset, as a dictionary."""
    path = paths.params_dir() / "paper" / "grids" / "replication.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))[dataset]


def replication(dataset):
    """Return our trainings beside the authors' at the points declared.

    Args:
        dataset: "nottingham" or "ptb-word".

    Returns:
        A frame, a row for each point: `cell`, `learning_rate`, `n_params`, `status` ("ok", "failed"
        or "missing"), `average` (which of the record's scores `ours` is: the authors' own average,
        or another where an old record lacks it), `ours`, `theirs`, `difference`, `best_epoch`,
        `their_epoch` and `command`.
    """
    robustness, wanted = section("robustness"), declared(dataset)
    authors = authors_grid("robustness", dataset)
    place = ["cell", "learning_rate", "n_params"]
    configs = [
        config
        for cell, rates in wanted["learning_rate"].items()
        for config in robustness.runs(
            dataset, [cell], "paper", learning_rate=rates, n_params=[wanted["n_params"]]
        )
    ]
    frame = pd.DataFrame([_ours(config, METRICS[dataset]) for config in configs])
    theirs = authors[[*place, "test", "best_epoch"]]
    theirs = theirs.rename(columns={"test": "theirs", "best_epoch": "their_epoch"})
    frame = frame.merge(theirs, on=place, validate="one_to_one")
    return frame.assign(difference=frame.ours - frame.theirs)


def _ours(config, average):
    record = find_record(config) or {"status": "missing", "test": {}}
    if average not in record["test"]:
        average = config.metric
    return {
        "cell": config.cell,
        "learning_rate": config.learning_rate,
        "n_params": config.n_params,
        "status": record["status"],
        "average": average if record["test"] else None,
        "ours": float(record["test"].get(average, "nan")),
        "best_epoch": record.get("best_epoch"),
        "command": command(config),
    }


def mean_differences(frame):
    """Return the mean difference and its standard error of each cell and of all.

    Args:
        frame: of `replication`.

    Returns:
        A frame with the columns `points`, `mean` and `error`, a row for each cell that has a
        measured point, and "all"; the standard error of a single point is not a number.
    """
    measured = frame.dropna(subset="difference")
    groups = [*measured.groupby("cell", sort=False), ("all", measured)]
    differences = {name: group.difference for name, group in groups}
    return pd.DataFrame.from_dict(
        {name: (d.count(), d.mean(), d.sem()) for name, d in differences.items()},
        orient="index",
        columns=["points", "mean", "error"],
    )
