"""Functions that several test modules share: made-up records and results."""

import copy

import numpy as np
import pandas as pd

from rru_nb.experiments import section

GRID = {"learning_rate": [1e-4, 1e-3, 1e-2], "n_params": [40_000, 100_000, 160_000, 220_000]}


def a_record(config, **outcome):
    """Return a made-up record of a training that went well, changed by `outcome`."""
    return {
        "schema": 1,
        "id": config.id,
        "config": config.as_dict(),
        "differences": config.differences,
        "published": config.published,
        "status": "ok",
        "units": 3,
        "n_params": 100,
        "best_epoch": 1,
        "seconds": 1.0,
        "started": "2026-01-01T00:00:00+00:00",
        "epochs": [{"epoch": 1, "valid_nll_window": 9.0}],
        "valid": {"nll_window": 9.0, "nll_frame": 9.1},
        "test": {"nll_window": 8.0, "nll_frame": 8.1},
    } | outcome


def without_times(record):
    """Return a record without what differs between two equal trainings."""
    record = copy.deepcopy(record)
    del record["seconds"], record["started"], record["commit"]  # HEAD may move meanwhile
    for epoch in record["epochs"]:
        del epoch["seconds"]
    return record


def frame_of(points, score, status=lambda point: "ok", metric="nll_window"):
    """Return what `experiments.results` gives, with a score for each point."""
    rows = []
    for point in points:
        kind = status(point)
        number = score(point) if kind == "ok" else None
        rows.append(
            point.coordinates
            | {"dataset": point.config.dataset, "cell": point.config.cell, "scale": "laptop"}
            | {"seed": point.config.seed, "metric": metric, "status": kind, "baseline": np.nan}
            | {"cut_off": False, "at_limit": False}
            | {"test": number, "valid": number, "best_epoch": 3, "id": point.config.id}
        )
    return pd.DataFrame(rows)


def robustness_points(cells=("rru", "gru"), grid=GRID):
    return section("robustness").points("nottingham", cells, **grid)


def steep(point):
    """Return a score that grows a decade from the best learning rate by 1 % (RRU) or 30 % (GRU)."""
    decades = abs(np.log10(point.config.learning_rate / 1e-3))
    return 4.0 * (1 + decades * (0.01 if point.config.cell == "rru" else 0.3))
