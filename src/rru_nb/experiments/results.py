"""The records of a section beside its grid, one row a run, measured or not."""

import pandas as pd

from ..training.config import command
from ..training.metrics import metric_named
from .baselines import baseline
from .collect import collect

MEASURED = (
    *("status", "test", "valid", "loss", "valid_loss", "best_epoch", "n_epochs", "seconds"),
    "epochs",
)


def results(section, points, train=False, progress=True, engine="local"):
    """One row for each point, in their order, with what its record says.

    Args:
        section: the `Section`. points: list of its `Point`s.
        train: bool, whether to run what has no record yet.
        progress: bool, whether to show progress bars. engine: what trains, see `collect`.

    Returns:
        A frame with the axes' columns, `dataset`, `cell`, `scale`, `seed`, `id`, `metric`,
        `command`, `baseline` (see `baselines.baseline`), `status` ("ok", "failed" or "missing"),
        and, where there is a record, `test` and `valid` (of the metric of Table 1), `loss` and
        `valid_loss` (the same numbers, but error rates for accuracies: lower is better),
        `best_epoch`, `n_epochs`, `seconds`, `epochs` (list of dicts), `cut_off` (whether the limit
        of epochs ended the training before its patience did, so that a longer one may have been
        better) and `at_limit` (whether the last epoch allowed was the best one).
        `attrs["section"]` is the section's name.
    """
    records, _ = collect([point.config for point in points], train, progress, engine)
    by_id = {record.id: record for record in records.itertuples()}
    frame = pd.DataFrame([_row(point, by_id.get(point.config.id)) for point in points])
    frame = frame.astype(dict.fromkeys(("test", "valid", "loss", "valid_loss"), float))
    frame.attrs["section"] = section.name
    return frame


def _row(point, record):
    config = point.config
    row = point.coordinates | {
        "dataset": config.dataset,
        "cell": config.cell,
        "scale": config.scale,
        "seed": config.seed,
        "id": config.id,
        "metric": config.metric,
        "command": command(config),
        "baseline": baseline(config),
    }
    return row | (_measured(record, config) if record else dict.fromkeys(MEASURED, None) | _MISSING)


_MISSING = {"status": "missing", "cut_off": False, "at_limit": False}


def _measured(record, config):
    ok, metric = record.status == "ok", metric_named(config.metric)
    test, valid = (getattr(record, f"{split}_{metric.name}", None) for split in ("test", "valid"))
    return {
        "status": record.status,
        "test": test if ok else None,
        "valid": valid if ok else None,
        "loss": metric.loss(test) if ok else None,
        "valid_loss": metric.loss(valid) if ok else None,
        "best_epoch": record.best_epoch if ok else None,
        "n_epochs": len(record.epochs),
        "seconds": record.seconds,
        "cut_off": ok and len(record.epochs) - record.best_epoch < config.patience,
        "at_limit": ok and record.best_epoch == config.max_epochs,
        "epochs": record.epochs,
    }
