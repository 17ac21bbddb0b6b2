"""The records of a section beside its grid, one row a run, measured or not."""

import numpy as np
import pandas as pd

from ..storage import streams
from ..training.config import command
from ..training.metrics import metric_named
from ..training.records import find_record, load_records
from .baselines import baseline
from .costs import Costs, duration
from .engines import make_engine

LONG = 1800  # seconds of training, to be announced


def results(section, points, train=False, engine="local"):
    """Return one row for each point, in their order, with what its record says.

    Args:
        section: the `Section`. points: list of its `Point`s.
        train: bool, whether to train what has no record yet; each record is stored as soon
            as its run ends, so that a stopped notebook goes on where it was.
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
    missing = [p.config for p in points if find_record(p.config) is None] if train else []
    if missing:  # else no cluster needs to be there
        seconds = sum(map(Costs().estimate, missing))
        if seconds > LONG:
            streams.tell(
                f"{len(missing)} runs are missing, about {duration(seconds)} here, one after the "
                "other. Stopped, they go on from there; train=False shows what is recorded."
            )
        with make_engine(engine, progress=True) as running:
            for config in missing:
                running.submit(config)
            for _ in streams.bar(running, desc="missing runs", unit="run", total=len(missing)):
                pass
    frame = frame_of(points)
    frame.attrs["section"] = section.name
    return frame


def frame_of(points):
    """Return what `results` does, without the section's name, of any points."""
    records = load_records(id=[point.config.id for point in points])
    records = {record.id: record for record in records.itertuples()}
    return pd.DataFrame([_row_of(point, records.get(point.config.id)) for point in points])


def _row_of(point, record):
    config, metric = point.config, metric_named(point.config.metric)
    ok = record is not None and record.status == "ok"
    test, valid = (
        float(getattr(record, f"{split}_{metric.name}")) if ok else np.nan
        for split in ("test", "valid")
    )
    return point.coordinates | {
        "dataset": config.dataset,
        "cell": config.cell,
        "scale": config.scale,
        "seed": config.seed,
        "id": config.id,
        "metric": metric.name,
        "command": command(config),
        "baseline": baseline(config),
        "status": record.status if record else "missing",
        "test": test,
        "valid": valid,
        "loss": metric.loss(test),
        "valid_loss": metric.loss(valid),
        "best_epoch": record.best_epoch if ok else None,
        "n_epochs": len(record.epochs) if record else None,
        "seconds": record.seconds if record else None,
        "cut_off": ok and record.cut_off,
        "at_limit": ok and record.best_epoch == config.max_epochs,
        "epochs": record.epochs if record else None,
    }
