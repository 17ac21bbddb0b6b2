"""Where trainings run: in this process, in processes of this machine, or on a Ray cluster.

Sweeps, searches and notebooks know this interface alone:

    with make_engine("local", jobs=2) as engine:
        for config in configs:
            engine.submit(config)
        for config, record in engine:  # each as it ends; more may be submitted meanwhile
            ...

A record that comes out is stored. Leaving the block by an exception, as on Ctrl-C, stops what is
under way after it saved a checkpoint.
"""

import os
import subprocess
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from ..errors import UserError, check_choice
from ..layers.registry import registered_cells
from ..training.config import command
from ..training.files import RunFiles
from ..training.records import find_record

ENGINES = ("local", "ray")


def make_engine(name="local", jobs=1, progress=False, **cluster):
    """Return an engine; nothing starts before its `with`.

    Args:
        name: "local", or "ray".
        jobs: int, of "local": how many runs at a time; more than one run in processes of their own.
        progress: bool, whether runs of this process show progress bars.
        **cluster: of "ray": `address`, `gpus_per_run`, `cpus_per_run` and `max_concurrent`, see
            `ray_engine.OnRay`; None for its defaults.

    Raises:
        UserError: for a name or a number that is not valid, or an option of the other engine.
    """
    check_choice("engine", name, ENGINES)
    cluster = {option: value for option, value in cluster.items() if value is not None}
    if jobs < 1:
        raise UserError(f"--jobs {jobs} must be at least 1.")
    if name == "ray":
        from .ray_engine import OnRay

        if jobs != 1:
            raise UserError(
                f"--jobs {jobs} is of --engine local; of ray it is --max-concurrent {jobs}."
            )
        return OnRay(**cluster)
    for option, value in cluster.items():
        raise UserError(f"--{option.replace('_', '-')} {value} is of --engine ray.")
    return InProcess(progress) if jobs == 1 else Processes(jobs)


class InProcess:
    """Runs one training after the other in this process.

    Attributes:
        slots: how many runs there are at a time.
    """

    slots = 1

    def __init__(self, progress=False):
        self._progress, self._waiting = progress, []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def submit(self, config):
        """Have a run done."""
        self._waiting.append(config)

    def __iter__(self):
        import keras

        from ..training.trainer import run

        while self._waiting:
            # What another process is in comes last, when its record will be there.
            free = (config for config in self._waiting if not RunFiles(config).is_running())
            config = next(free, self._waiting[0])
            self._waiting.remove(config)
            keras.utils.clear_session()  # graphs of the runs before would fill the memory
            yield config, run(config, progress=self._progress)


class Processes:
    """Runs trainings in processes of this machine, `slots` at a time.

    A run whose process ends without a record raises a `UserError` with its last words.
    """

    def __init__(self, jobs):
        self.slots = jobs
        self._futures, self._processes, self._ending = {}, set(), threading.Event()

    def __enter__(self):
        self._pool = ThreadPoolExecutor(self.slots)
        return self

    def __exit__(self, kind, *exception):
        if kind:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._ending.set()
            for process in list(self._processes):
                process.terminate()  # each saves a checkpoint and ends
        self._pool.shutdown()

    def submit(self, config):
        """Have a run done."""
        if config.cell in registered_cells():
            raise UserError(
                f"cell {config.cell!r} is registered in this process alone, and --jobs "
                f"{self.slots} runs others: take --jobs 1 or --engine ray, or add the cell to the "
                "package."
            )
        self._futures[self._pool.submit(self._run, config)] = config

    def __iter__(self):
        while self._futures:
            for future in wait(self._futures, return_when=FIRST_COMPLETED).done:
                yield self._futures.pop(future), future.result()

    def _run(self, config):
        threads = str(max(1, (os.cpu_count() or 1) // self.slots))
        process = subprocess.Popen(  # noqa: S603 (this package, with a checked config, no shell)
            [sys.executable, "-m", "rru_nb.cli", *command(config).split()[1:], "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": threads},
        )
        self._processes.add(process)
        if self._ending.is_set():  # it began while the others were being ended
            process.terminate()
        _, errors = process.communicate()
        self._processes.discard(process)
        record = find_record(config)
        if record is None:
            last = (errors.strip().splitlines() or ["no message"])[-1]
            raise UserError(f"{command(config)} ended with code {process.returncode}: {last}")
        return record
