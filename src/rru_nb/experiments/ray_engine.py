"""Trainings on a Ray cluster: what a worker does is `run(config)`, and its record comes back.

First the engine, for the process that starts the trainings; then what a worker does. Ray is
imported when an engine starts, and by nobody else.
"""

import logging
import os
import pickle
import signal
import socket
import tempfile
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from .. import __version__
from ..data import fetch_all
from ..errors import UserError
from ..layers.registry import register_cell, registered_cells
from ..storage import paths
from ..training import provenance
from ..training.config import RunConfig, command
from ..training.interrupts import handling
from ..training.records import make_room
from .engines import OnWorkers, outcome_of, run_afresh

ANSWERS_WITHIN = 5.0  # seconds
LOOKS_EVERY = 3.0  # seconds, whether the cluster is there; Ray ends this process a minute after it
LOOKS = 2  # one after the other without an answer, and it is lost
SAVES_WITHIN = 60.0  # seconds, of runs that are stopped

# Of the driver's environment, where they are set: a node's own value holds elsewhere.
_PASSED_ON = (
    *("KERAS_BACKEND", "RRU_NB_DATA", "RRU_NB_CACHE", "RRU_NB_STATE"),
    *("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL", "TF_DETERMINISTIC_OPS"),
)
# Otherwise the first of the runs that share a GPU takes all of its memory.
_SHARES_A_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class OnRay(OnWorkers):
    """Runs trainings on the workers of a Ray cluster.

    A run goes on from its checkpoint where the workers share `RRU_NB_STATE`. A node that is lost,
    as preemptible ones are, does not count as an attempt.

    Args:
        address: of the cluster, `"host:6379"`; None for that of `RAY_ADDRESS`, else one that runs
            on this machine, else one of this machine's own that ends with the engine.
        gpus_per_run: number, a fraction for several runs on a GPU; None for 1 where the cluster
            has GPUs, else 0.
        cpus_per_run: number of processors that each run is counted with.
        max_concurrent: int, how many runs at a time; None for as many as there is room for.

    Attributes:
        slots: how many runs there are at a time on the nodes that were there at the start.
    """

    def __init__(self, address=None, gpus_per_run=None, cpus_per_run=1, max_concurrent=None):
        super().__init__()
        for option, n in {"gpus": gpus_per_run or 1, "cpus": cpus_per_run}.items():
            if not (0 < n <= 1 or (n > 1 and n % 1 == 0)):
                wanted = "a fraction, as 0.25, or a whole number"
                raise UserError(f"--{option}-per-run {n} must be {wanted}.")
        if max_concurrent is not None and max_concurrent < 1:
            raise UserError(f"--max-concurrent {max_concurrent} must be at least 1.")
        self._address, self._max_concurrent = address, max_concurrent
        self._gpus, self._cpus = gpus_per_run, cpus_per_run
        self._ready_for = set()  # datasets and cells that every node has

    def __enter__(self):
        self._ray = _import_ray()
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, self._address)
        try:
            self._nodes = [node for node in self._ray.nodes() if node["Alive"]]
            self._count_slots()
            as_task = self._ray.remote(max_retries=0, max_calls=self.runs_of_a_process)
            self._call = as_task(_caller())
            self._environment = self._environment_of_workers()
        except BaseException:
            self._disconnect()
            raise
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind and self._under_way:  # each saves a checkpoint and ends
                for ref in self._under_way:
                    self._ray.cancel(ref)
                refs = list(self._under_way)
                self._ray.wait(refs, num_returns=len(refs), timeout=SAVES_WITHIN)
        finally:
            self._disconnect()

    def _start_waiting(self):
        self._prepare_nodes(self._waiting)
        while self._waiting and len(self._under_way) < (self._max_concurrent or float("inf")):
            config = self._waiting.pop(0)
            make_room(config)
            needs = {"num_cpus": self._cpus, "num_gpus": self._gpus}
            task = self._call.options(name=command(config), **needs)
            # By path and number of the folder of results a worker sees whether it shares it, and
            # then writes its record there itself, so that none is lost with the driver.
            folder = paths.results_dir()
            arguments = config.as_dict(), *self._expected([config])
            arguments += str(folder), folder.stat().st_ino
            self._under_way[task.remote(self._environment, "run_on_worker", *arguments)] = config

    def _wait(self):
        return self._first_of(list(self._under_way))

    def _first_of(self, refs):
        """Return the first of some tasks to end, however that was; as long as the cluster lives."""
        context, silent = self._ray.get_runtime_context(), 0
        while not (ended := self._ray.wait(refs, timeout=LOOKS_EVERY)[0]):
            silence = _silence(getattr(context, "gcs_address", self._address))
            silent = silent + 1 if silence else 0
            if silent == LOOKS:
                self._under_way.clear()  # there is nobody to cancel them
                raise _lost(silence)
        return ended[0]

    def _outcome(self, ref):
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            return outcome_of(error.cause)
        except (errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            return str(error)
        except (errors.NodeDiedError, errors.LocalRayletDiedError):
            return None
        except errors.RayError as error:
            raise _lost(_first_line(error)) from error

    # Before anything runs

    def _count_slots(self):
        """Set `slots`; raise a `UserError` where no node has room for a run."""
        if self._gpus is None:
            self._gpus = int(any(node["Resources"].get("GPU") for node in self._nodes))
        wanted = {"CPU": self._cpus, "GPU": self._gpus}
        slots = sum(
            min(int(node["Resources"].get(kind, 0) / n) for kind, n in wanted.items() if n)
            for node in self._nodes
        )
        if not slots:
            raise UserError(
                f"--cpus-per-run {self._cpus} --gpus-per-run {self._gpus}: no node of the Ray "
                "cluster has so many processors and GPUs."
            )
        self.slots = min(slots, self._max_concurrent or slots)

    def _prepare_nodes(self, configs):
        """Have each node compare versions and fetch the data; one error for all that cannot."""
        wanted = {(config.dataset, config.cell) for config in configs}
        if wanted <= self._ready_for:
            return
        datasets = sorted({dataset for dataset, _ in wanted})
        arguments = self._environment, "prepare", datasets, *self._expected(configs)
        refs, faults = {}, []
        for node in self._nodes:
            on_node = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
            place = {"scheduling_strategy": on_node(node["NodeID"], soft=False)}
            refs[self._call.options(num_cpus=0, **place).remote(*arguments)] = node
        for ref, node in refs.items():
            try:
                self._ray.get(self._first_of([ref]))
            except self._ray.exceptions.RayError as error:
                reason = getattr(error, "cause", None) or error
                faults.append(f"node {node['NodeManagerAddress']}: {reason}")
        if faults:
            raise UserError("; ".join(faults))
        self._ready_for |= wanted

    def _expected(self, configs):
        """Return what a worker has to have: versions, and the cells registered here, pickled."""
        own = registered_cells()
        cells = {config.cell: own[config.cell] for config in configs if config.cell in own}
        try:
            pickled = self._ray.cloudpickle.dumps(cells)
        except Exception as error:  # pickling raises whatever the objects raise
            raise UserError(
                f"cell {', '.join(cells)} cannot be sent to the workers ({_first_line(error)}): "
                "leave out of its class what cannot be pickled, as open files."
            ) from error
        return versions(), pickled

    def _environment_of_workers(self):
        given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        commit = provenance.commit()
        if commit["sha"]:  # for nodes without a checkout; they have the same source
            given["RRU_NB_COMMIT"] = commit["sha"] + "-dirty" * bool(commit["dirty"])
        if not self._gpus:
            return given | {"CUDA_VISIBLE_DEVICES": ""}
        return given | (_SHARES_A_GPU if self._gpus < 1 else {})

    def _disconnect(self):
        if self._own:
            self._ray.shutdown()


def _import_ray():
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.cloudpickle
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise UserError(
            f'--engine ray needs Ray ({error}): pip install "rru_nb[ray]", or "ray>=2.40".'
        ) from None
    return ray


def _connect(ray, address):
    address = address or os.environ.get("RAY_ADDRESS") or None
    silence = None if address in (None, "auto", "local") else _silence(address)
    if silence:
        raise UserError(
            f"--address {address}: no Ray cluster answers ({silence}). Give the address that "
            "`ray start --head` printed, as host:6379."
        )
    try:
        # Ray sets a handler that exits; afterwards ours is back.
        with handling({signal.SIGTERM: signal.getsignal(signal.SIGTERM)}):
            ray.init(
                address, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
            )
    except Exception as error:  # Ray raises bare ones too, as of a start that takes too long
        raise UserError(
            f"--engine ray, --address {address}: {_first_line(error).rstrip('.')}. Give the "
            "address that `ray start --head` printed, and RAY_AUTH_MODE=token where the cluster "
            "has a token."
        ) from error


def _silence(address):
    """Return why no server of gRPC answers there, or None; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWERS_WITHIN) as connection:
            connection.settimeout(ANSWERS_WITHIN)
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4] + 5 * [0]))
            is_grpc = connection.recv(9)[3:4] == b"\x04"  # it begins with its settings
        return None if is_grpc else "what answers there is not Ray"
    except (OSError, ValueError, OverflowError) as error:
        return str(error)


def _lost(reason):
    return UserError(
        f"the Ray cluster is lost ({reason}). What ended is recorded; start the cluster again, and "
        "the same command goes on."
    )


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# On a worker


def _caller():
    """Return a function that Ray ships as it is: a worker without the package can say so."""

    def call(environment, name, *arguments):
        import os

        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's own; records would name it
        os.environ.update(environment)
        try:
            from rru_nb.experiments import ray_engine

            do = getattr(ray_engine, name)
        except (ImportError, AttributeError) as error:
            raise ImportError(
                f"rru_nb, or another version of it than here, cannot be used ({error}). Install "
                "the same version there."
            ) from None
        return do(*arguments)

    call.__module__ = "__main__"
    return call


def versions():
    """Return what the driver and its workers have to have in common."""
    return {"rru_nb": __version__, "source": provenance.source_tree()}


def prepare(datasets, wanted, cells):
    """Make a node ready, once for all of its runs: the files of datasets and registered cells.

    These are `{name: CellSpec}`, pickled. A `UserError` unless `versions()` are those wanted.
    """
    here = versions()
    if here != wanted:
        raise UserError(
            f"rru_nb {here['rru_nb']} (source {here['source']}) is there, and "
            f"{wanted['rru_nb']} (source {wanted['source']}) here. Install the same version."
        )
    _register(cells)
    for name in datasets:
        fetch_all(name)


def run_on_worker(settings, wanted, cells, folder, number):
    """Return the record of `run(config)`.

    Where the driver's folder of results is seen, a folder of that path and inode, the record is
    written there; else it goes the way of the answer alone.
    """
    prepare((), wanted, cells)
    with ExitStack() as stack:
        if not (Path(folder).is_dir() and Path(folder).stat().st_ino == number):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rru_nb-"))
        os.environ["RRU_NB_RESULTS"] = folder
        return run_afresh(RunConfig.from_dict(settings))


@lru_cache
def _register(cells):
    try:
        specs = pickle.loads(cells)  # noqa: S301 (of the driver, whose code Ray runs anyway)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"a registered cell cannot be read ({error}). Define it in the notebook itself, or "
            "install its module on every node."
        ) from error
    for spec in specs.values():
        register_cell(**vars(spec))
