"""Runs what a section lacks: the most telling runs first, stopped and started at will."""

import time
from dataclasses import dataclass

from ..data import canonical_name
from ..training.interrupts import Stopped
from ..training.records import failure_text, find_record
from .costs import Costs, duration
from .engines import InProcess
from .order import by_usefulness


def sweep(section, dataset, scale, cells=None, seeds=None, engine=None, say=print, **grid):
    """Runs every run of a section that has no record yet.

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
    progress = _Progress(len(points), missing, say)
    try:
        _run(missing, engine or InProcess(), progress, (section, dataset, scale))
    except KeyboardInterrupt as stop:
        # Counted anew: a run may have ended while the others were being stopped.
        recorded = sum(find_record(point.config) is not None for point in points)
        told = f"{recorded} of {len(points)} runs are recorded; {stop}".rstrip("; ")
        raise Stopped(f"{told}\nThe same command goes on.", getattr(stop, "signum", 2)) from None
    return progress.done


def _run(missing, engine, progress, what):
    if not missing:  # no cluster needs to be there
        progress.start(*what)
        return
    points = {point.config.id: point for point in missing}
    with engine:
        progress.slots = engine.slots
        progress.start(*what)
        for point in missing:
            engine.submit(point.config)
        for config, record in engine:
            progress.end(points[config.id], record)


@dataclass
class _Progress:
    """Counts the runs, tells how each ended and how long the rest will take."""

    total: int
    missing: list
    say: object
    slots: int = 1
    done: int = 0

    def __post_init__(self):
        self._costs = Costs()
        self._left = {p.config.id: p.config for p in self.missing}
        self._clock = time.perf_counter()

    @property
    def recorded(self):
        return self.total - len(self._left)

    def start(self, section, dataset, scale):
        self.say(
            f"{section.title}, {dataset}, scale {scale}: {self.recorded} of {self.total} runs "
            f"are recorded{self._rest()}"
        )

    def end(self, point, record):
        self.done += 1
        self._left.pop(point.config.id)
        if record["epochs"]:
            self._costs.add(point.config, record["n_params"], record["seconds"], record["epochs"])
        self.say(
            f"[{self.recorded}/{self.total}] {_what(point)}: {_outcome(record, point.config)}"
            f"{self._rest()}"
        )

    def _rest(self):
        if not self._left:
            spent = time.perf_counter() - self._clock
            return f"; done in {duration(spent)}" if self.done else "; nothing is left to do"
        seconds, unknown = self._costs.total(self._left.values())
        if unknown == len(self._left):
            return f"; {unknown} left, time unknown"
        # What cannot be told is taken to cost what the others do on average.
        seconds *= len(self._left) / (len(self._left) - unknown) / self.slots
        return f"; {len(self._left)} left, about {duration(seconds)}"


def _what(point):
    config = point.config
    places = [f"{axis} {value}" for axis, value in point.coordinates.items()]
    return ", ".join([config.dataset, config.cell, *places, f"seed {config.seed}"])


def _outcome(record, config):
    if record["status"] == "failed":
        return failure_text(record["failure"])
    score = record["test"][config.metric]
    return f"{config.metric} {score:.3f} after {duration(record['seconds'])}"
