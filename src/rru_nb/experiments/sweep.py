"""Run what a section lacks: the most telling runs first, stopped and started at will."""

import time

from ..data import canonical_name
from ..training.interrupts import Stopped
from ..training.records import failure_text, find_record
from .costs import Costs, duration
from .engines import InProcess
from .order import by_usefulness


def sweep(section, dataset, scale, cells=None, seeds=None, engine=None, say=print, **grid):
    """Run every run of a section that has no record yet.

    A training that diverges leaves a record like any other. Ctrl-C or SIGTERM ends the sweep;
    runs that ended are records, the one under way has a checkpoint, and the same call goes on.

    Args:
        section: a `Section`.
        dataset, scale, cells, seeds, **grid: as for `Section.points`.
        engine: what runs them, see `engines`; None for this process.
        say: a function that is given each line of progress.

    Returns:
        How many runs were done.

    Raises:
        UserError: for a mistake, or as the engine raises it.
        Stopped: when a signal ended it; its message says what is there.
    """
    dataset = canonical_name(dataset)
    points = section.points(dataset, cells, scale, seeds, **grid)
    axes = section.grid(dataset, scale) | {k: v for k, v in grid.items() if v is not None}
    missing = [p for p in by_usefulness(points, axes) if find_record(p.config) is None]
    title = f"{section.title}, {dataset}, scale {scale}"
    recorded = f"{len(points) - len(missing)} of {len(points)} runs are recorded"
    if not missing:  # no cluster needs to be there
        say(f"{title}: {recorded}; nothing is left to do")
        return 0
    try:
        with engine or InProcess() as running:
            _run(missing, len(points), running, say, f"{title}: {recorded}")
    except KeyboardInterrupt as stop:
        # Counted anew: a run may have ended while the others were being stopped.
        n_recorded = sum(find_record(point.config) is not None for point in points)
        message = f"{n_recorded} of {len(points)} runs are recorded; {stop}".rstrip("; ")
        signum = getattr(stop, "signum", 2)
        raise Stopped(f"{message}\nThe same command goes on.", signum) from None
    return len(missing)


def _run(missing, n_points, engine, say, title):
    """Run the missing points; say how each ended and how long the rest will take."""
    costs, began = Costs(), time.perf_counter()
    left = {point.config.id: point for point in missing}

    def rest():
        if not left:
            return f"; done in {duration(time.perf_counter() - began)}"
        seconds = sum(costs.estimate(point.config) for point in left.values()) / engine.slots
        return f"; {len(left)} left, about {duration(seconds)}"

    say(f"{title}{rest()}")
    for point in missing:
        engine.submit(point.config)
    for config, record in engine:
        place = _place(left.pop(config.id))
        if record["epochs"]:
            costs.add(config, record["n_params"], record["seconds"], record["epochs"])
        n_recorded = n_points - len(left)
        say(f"[{n_recorded}/{n_points}] {place}: {_outcome(record, config)}{rest()}")


def _place(point):
    config = point.config
    places = [f"{axis} {value}" for axis, value in point.coordinates.items()]
    return ", ".join([config.dataset, config.cell, *places, f"seed {config.seed}"])


def _outcome(record, config):
    if record["status"] == "failed":
        return failure_text(record["failure"])
    score = record["test"][config.metric]
    return f"{config.metric} {score:.3f} after {duration(record['seconds'])}"
