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

import multiprocessing
import signal
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import wait

from ..errors import UserError, check_choice
from ..layers.backend import backend_name, installed
from ..layers.registry import registered_cells
from ..storage.streams import without_notes
from ..training import provenance
from ..training.files import RunFiles
from ..training.interrupts import handling
from ..training.records import find_record, settings_of, write_record

ENGINES = ("local", "ray")
ATTEMPTS = 3


def make_engine(name="local", jobs=1, progress=False, **cluster):
    """Return an engine; nothing starts before its `with`.

    Args:
        name: "local", or "ray".
        jobs: int, of "local": how many runs at a time; more than one run in other processes.
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


class Engine:
    """The base of engines, which do the runs that wait while one iterates over them.

    Attributes:
        slots: how many runs there are at a time.
    """

    slots = 1

    def __init__(self):
        self._waiting = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def submit(self, config):
        """Have a run done."""
        self._waiting.append(config)


class InProcess(Engine):
    """Runs one training after the other in this process."""

    def __init__(self, progress=False):
        super().__init__()
        self._progress = progress

    def __iter__(self):
        while self._waiting:
            # What another process is in comes last, when its record will be there.
            free = (config for config in self._waiting if not RunFiles(config).is_running())
            config = next(free, self._waiting[0])
            self._waiting.remove(config)
            yield config, run_afresh(config, self._progress)


def run_afresh(config, progress=False):
    """Return the record of `run(config)`, in a process that may have trained others before."""
    import_keras().utils.clear_session()  # graphs of the runs before would fill the memory
    from ..training.trainer import run

    return run(config, progress=progress)


def import_keras():
    """Import Keras, and what it imports to train, without their notes; return it."""
    with installed(), without_notes():
        import keras

        keras.utils.set_random_seed(0)  # imports TensorFlow, where it is installed, on JAX too
    return keras


class OnWorkers(Engine):
    """The base of engines that run trainings in other processes.

    A run whose process is lost is tried again, and goes on from its checkpoint. One that fails
    `ATTEMPTS` times is recorded as failed. Subclasses start what waits in `_start_waiting`, with a
    key in `_under_way`, and give the key of a run that ended in `_wait`. `_outcome` tells how it
    ended: its record, a `UserError` that ends them all, or as text why this attempt failed; None
    if the run had no part in that.

    Attributes:
        runs_of_a_process: after how many a process is replaced, for each leaves some 80 MB of what
            TensorFlow and XLA have compiled.
    """

    runs_of_a_process = 16

    def __init__(self):
        super().__init__()
        self._under_way, self._failures = {}, Counter()

    def __iter__(self):
        while self._waiting or self._under_way:
            self._start_waiting()
            key = self._wait()
            config = self._under_way.pop(key)
            outcome = self._outcome(key)
            if isinstance(outcome, UserError):
                raise outcome
            if isinstance(outcome, str):
                self._failures[config.id] += 1
                reason = f"{ATTEMPTS} attempts, the last: {outcome.splitlines()[0]}"
                is_last = self._failures[config.id] == ATTEMPTS
                outcome = failed_record(config, reason) if is_last else None
            if outcome is None:
                self._waiting.insert(0, config)
                continue
            if find_record(config) is None:  # a worker that shares the folder has written it
                write_record(outcome)
            yield config, outcome


def outcome_of(error):
    """Return what an exception in a worker means: a mistake of the user, or text: a failure."""
    if isinstance(error, UserError | ImportError):
        return UserError(str(error))
    return f"{type(error).__name__}: {error}"


class Processes(OnWorkers):
    """Runs trainings in `slots` processes of this machine, each of which does one after the other.

    A process that cannot work at all raises a `UserError`.
    """

    def __init__(self, jobs):
        super().__init__()
        self.slots, self._processes, self._runs = jobs, {}, Counter()

    def __exit__(self, kind, *exception):
        for process in self._processes.values() if kind else ():
            process.terminate()  # saves a checkpoint and ends
        for connection in list(self._processes):
            self._end(connection)

    def submit(self, config):
        """Have a run done."""
        if config.cell in registered_cells():
            raise UserError(
                f"cell {config.cell!r} is registered in this process alone, and --jobs "
                f"{self.slots} runs others: take --jobs 1 or --engine ray, or add the cell to the "
                "package."
            )
        super().submit(config)

    def _start_waiting(self):
        while self._waiting and len(self._under_way) < self.slots:
            idle = (c for c in self._processes if c not in self._under_way)
            connection = next(idle, None) or self._new_process()
            config = self._waiting.pop(0)
            with suppress(OSError):  # a process that has died is noticed when it is waited for
                connection.send(config)
            self._under_way[connection] = config

    def _new_process(self):
        spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        connection, its_end = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(its_end,), daemon=True)
        with handling({signal.SIGINT: signal.SIG_IGN}):  # which the new process inherits
            process.start()
        its_end.close()  # so that the end of the process closes the connection
        self._processes[connection] = process
        return connection

    def _wait(self):
        return wait(self._under_way)[0]

    def _outcome(self, connection):
        try:
            outcome = connection.recv()
        except (EOFError, OSError):
            return self._reason_of_death(connection)
        self._runs[connection] += 1
        if self._runs[connection] == self.runs_of_a_process:
            self._end(connection)
        return outcome

    def _reason_of_death(self, connection):
        code = self._end(connection)
        if code < 0:
            return f"signal {-code} ended its process"
        return UserError(
            f"a process of --jobs {self.slots} ended by itself, with code {code}; its last words "
            "stand above. Mend that, and the same command goes on. In a script the engine belongs "
            'below `if __name__ == "__main__":`.'
        )

    def _end(self, connection):
        """Let a process without a run end, and return its exit code."""
        connection.close()
        process = self._processes.pop(connection)
        process.join()
        return process.exitcode


def _serve(connection):
    """Do the runs that come, until the process that sends them closes the connection or dies.

    A terminal sends Ctrl-C to this process as well. A training that is under way saves itself and
    ends; at other times the signal says nothing, since the process that started this one ends it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows does not pass that on
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            config = connection.recv()
            try:
                outcome = run_afresh(config)
            except Exception as error:
                outcome = outcome_of(error)
            connection.send(outcome)


def failed_record(config, reason):
    """Return the record of a run that no worker could end; where it ran is not known."""
    return {
        **settings_of(config),
        "status": "failed",
        "failure": {"epoch": None, "reason": reason},
        "units": config.units,
        "n_params": config.n_params or 0,
        "recurrence": [],
        "epochs": [],
        "best_epoch": None,
        "valid": {},
        "test": {},
        "seconds": 0.0,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": {"backend": backend_name(), "gpu": None, "cpu": "a lost worker", "cores": 0},
        "versions": provenance.versions(),
        **provenance.sources(),
        "commit": provenance.commit(),
    }
