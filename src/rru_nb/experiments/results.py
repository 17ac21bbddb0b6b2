"""The records of a section beside its grid, one row a run, measured or not."""

import pandas as pd

from ..storage import streams
from ..training.config import command
from ..training.metrics import metric_named
from ..training.records import find_record, load_records
from .baselines import baseline
from .engines import make_engine

_MISSING = {
    "status": "missing",
    **dict.fromkeys(("test", "valid", "loss", "valid_loss", "best_epoch", "n_epochs", "seconds")),
    "cut_off": False,
    "at_limit": False,
    "epochs": None,
}


def results(section, points, train=False, progress=True, engine="local"):
    """Return one row for each point, in their order, with what its record says.

    Args:
        section: the `Section`. points: list of its `Point`s.
        train: bool, whether to train what has no record yet; each record is stored as soon
            as its run ends, so that a stopped notebook goes on where it was.
        progress: bool, whether to show progress bars.
        engine: what trains: "local", this process, or "ray", the cluster that `RAY_ADDRESS` names
            or the processors and GPUs of this machine.

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
    configs = [point.config for point in points]
    if train:
        _train([config for config in configs if find_record(config) is None], progress, engine)
    records = {r.id: r for r in load_records(id=[config.id for config in configs]).itertuples()}
    frame = pd.DataFrame([_row_of(point, records.get(point.config.id)) for point in points])
    frame = frame.astype(dict.fromkeys(("test", "valid", "loss", "valid_loss"), float))
    frame.attrs["section"] = section.name
    return frame


def _train(configs, progress, engine):
    if not configs:  # no cluster needs to be there
        return
    with make_engine(engine, progress=progress) as running:
        for config in configs:
            running.submit(config)
        length = {"total": len(configs), "disable": not progress}
        for _ in streams.bar(running, desc="missing runs", unit="run", **length):
            pass


def _row_of(point, record):
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
    return row | _MISSING | (_measured(record, config) if record else {})


def _measured(record, config):
    measured = {
        "status": record.status,
        "n_epochs": len(record.epochs),
        "seconds": record.seconds,
        "epochs": record.epochs,
    }
    if record.status == "failed":
        return measured
    metric = metric_named(config.metric)
    test, valid = (getattr(record, f"{split}_{metric.name}") for split in ("test", "valid"))
    return measured | {
        "test": test,
        "valid": valid,
        "loss": metric.loss(test),
        "valid_loss": metric.loss(valid),
        "best_epoch": record.best_epoch,
        "cut_off": cut_off(record, config),
        "at_limit": record.best_epoch == config.max_epochs,
    }


def cut_off(record, config):
    """Return whether the limit of epochs ended a training before its patience did."""
    return len(record.epochs) - record.best_epoch < config.patience
