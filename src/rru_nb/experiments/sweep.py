"""What a section lacks: how much, and its runs, the most telling first, stopped at will."""

import time
from itertools import product

import numpy as np
import pandas as pd

from ..data import canonical_name
from ..errors import UserError, is_number
from ..training.config import SCALES
from ..training.interrupts import Stopped
from ..training.records import failure_text, find_record, load_records
from .costs import Costs, duration
from .engines import InProcess
from .sections import SECTIONS, section


def sweep(section, dataset, scale, cells=None, seeds=None, engine=None, say=print):
    """Run every run of a section that has no record yet.

    A training that diverges leaves a record like any other. Ctrl-C or SIGTERM ends the sweep;
    runs that ended are records, the one under way has a checkpoint, and the same call goes on.
    The runs are those of `section.points`; an engine of `engines` does them, or this process; `say`
    is given each line of progress.

    Returns:
        How many runs were done.

    Raises:
        UserError: for a mistake, or as the engine raises it.
        Stopped: when a signal ended it; its message says what is there.
    """
    dataset = canonical_name(dataset)
    points = section.points(dataset, cells, scale, seeds)
    ordered = by_usefulness(points, section.grid(dataset, scale))
    missing = [point for point in ordered if find_record(point.config) is None]
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
        if "the same command" not in message:  # the run under way says so
            message += "\nThe same command goes on."
        raise Stopped(message, getattr(stop, "signum", 2)) from None
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
        costs.add(config, record)
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


def by_usefulness(points, axes):
    """Order the points of a section, those that add most first.

    Seed by seed; within a seed the corners of the grid first, then always the place that is
    farthest from all places before it; at each place all cells, and all values of an axis that
    has no order (a variant, a switch).
    """
    ordered = {a: values for a, values in axes.items() if all(map(is_number, values))}

    def place(point):
        at = point.coordinates
        return tuple(v.index(at[axis]) / max(1, len(v) - 1) for axis, v in ordered.items())

    rank = {p: i for i, p in enumerate(_evenly(list(dict.fromkeys(map(place, points)))))}
    return sorted(points, key=lambda point: (point.config.seed, rank[place(point)]))


def _evenly(places):
    """Order places, tuples from 0 to 1: corners, then the farthest from those before."""
    chosen = [place for place in places if set(place) <= {0, 1}]
    left = [place for place in places if place not in chosen]
    while left:
        distances = np.subtract(np.array(left)[:, None], chosen)
        farthest = np.square(distances).sum(-1).min(1).argmax()
        chosen.append(left.pop(farthest))
    return chosen


def status(sections=SECTIONS, scales=SCALES, datasets=None):
    """Return a row for each section, scale and dataset; None: those of the section.

    The columns are `section`, `scale`, `dataset`, `runs`, `recorded`, `failed`; `hours left`, what
    the runs without a record would take on this machine one after the other; and `estimated`, the
    number of these of which nothing similar was measured on it.
    """
    records, costs, rows = load_records(), Costs(), []
    outcome = dict(zip(records.id, records.status))
    for name, scale in product(sections, scales):
        for dataset in datasets or section(name).datasets:
            try:
                configs = section(name).runs(dataset, scale=scale)
            except UserError:  # the section has no such grid
                continue
            missing = [config for config in configs if config.id not in outcome]
            rows.append(
                {
                    "section": name,
                    "scale": scale,
                    "dataset": dataset,
                    "runs": len(configs),
                    "recorded": len(configs) - len(missing),
                    "failed": sum(outcome.get(config.id) == "failed" for config in configs),
                    "hours left": round(sum(map(costs.estimate, missing)) / 3600, 1),
                    "estimated": sum(costs.seconds(config) is None for config in missing),
                }
            )
    return pd.DataFrame(rows)
