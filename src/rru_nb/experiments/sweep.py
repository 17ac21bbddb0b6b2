"""Runs what a section lacks: the most telling runs first, stopped and started at will."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from ..data import canonical_name
from ..errors import UserError
from ..training.config import command
from ..training.files import RunFiles
from ..training.interrupts import Stopped
from ..training.records import find_record
from .costs import Costs, duration
from .order import by_usefulness


def sweep(section, dataset, scale, cells=None, seeds=None, jobs=1, say=print, **grid):
    """Runs every run of a section that has no record yet.

    A training that diverges leaves a record like any other. Ctrl-C or SIGTERM ends the sweep;
    runs that ended are records, the one under way has a checkpoint, and the same call goes on.

    Args:
        section: a `Section`.
        dataset, scale, cells, seeds, **grid: as for `Section.points`.
        jobs: int, how many runs at a time; more than one run in processes of their own.
        say: a function that is given each line of progress.

    Returns:
        How many runs were done.

    Raises:
        UserError: for a mistake, or where a run in a process of its own ended without a record.
        Stopped: when a signal ended it; its message says what is there.
    """
    dataset = canonical_name(dataset)
    points = section.points(dataset, cells, scale, seeds, **grid)
    axes = section.grid(dataset, scale) | {k: v for k, v in grid.items() if v is not None}
    missing = [p for p in by_usefulness(points, axes) if find_record(p.config) is None]
    progress = _Progress(len(points), missing, jobs, say)
    progress.start(section, dataset, scale)
    run_all = _one_by_one if jobs == 1 else _side_by_side
    try:
        run_all(missing, progress, jobs)
    except KeyboardInterrupt as stop:
        # Counted anew: a run may have ended while the others were being stopped.
        recorded = sum(find_record(point.config) is not None for point in points)
        told = f"{recorded} of {len(points)} runs are recorded; {stop}".rstrip("; ")
        raise Stopped(f"{told}\nThe same command goes on.", getattr(stop, "signum", 2)) from None
    return progress.done


def _one_by_one(missing, progress, jobs):
    import keras

    from ..training.trainer import run

    waiting = list(missing)
    while waiting:
        # What another process is in comes last, when its record will be there.
        point = next((p for p in waiting if not RunFiles(p.config).is_running()), waiting[0])
        waiting.remove(point)
        keras.utils.clear_session()  # graphs of the runs before would fill the memory
        progress.end(point, run(point.config, progress=False))


def _side_by_side(missing, progress, jobs):
    running, ending = set(), threading.Event()
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_in_a_process, p.config, running, ending, jobs): p for p in missing}
        try:
            for future in as_completed(waiting):
                progress.end(waiting[future], future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            ending.set()
            for process in list(running):
                process.terminate()  # each saves a checkpoint and ends
            raise


def _in_a_process(config, running, ending, jobs):
    arguments = [*command(config).split()[1:], "--quiet"]
    process = subprocess.Popen(  # noqa: S603 (this package, with a checked config, no shell)
        [sys.executable, "-m", "rru_nb.cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))},
    )
    running.add(process)
    if ending.is_set():  # it began while the others were being ended
        process.terminate()
    _, errors = process.communicate()
    running.discard(process)
    record = find_record(config)
    if record is None:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{command(config)} ended with code {process.returncode}: {last}")
    return record


@dataclass
class _Progress:
    """Counts the runs, tells how each ended and how long the rest will take."""

    total: int
    missing: list
    jobs: int
    say: object
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
        seconds *= len(self._left) / (len(self._left) - unknown) / self.jobs
        return f"; {len(self._left)} left, about {duration(seconds)}"


def _what(point):
    config = point.config
    places = [f"{axis} {value}" for axis, value in point.coordinates.items()]
    return ", ".join([config.dataset, config.cell, *places, f"seed {config.seed}"])


def _outcome(record, config):
    if record["status"] == "failed":
        return f"failed in epoch {record['failure']['epoch']}"
    score = record["test"][config.metric]
    return f"{config.metric} {score:.3f} after {duration(record['seconds'])}"
