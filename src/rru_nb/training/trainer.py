"""The one trainer: a config in, a record out. It knows no task and no cell."""

import datetime
import time

import keras

from ..layers.backend import fixed_settings
from ..tasks import task_for
from ..tasks.budget import units_within
from . import provenance
from .checkpoints import Checkpoint
from .files import RunFiles
from .loop import TrainingLoop
from .progress import Progress
from .records import find_record, finished_record, make_room, settings_of, write_record


def run(config, progress=True):
    """Return the record of a run: the stored one if there is one, else trained, written, returned.

    Early stopping and the choice of weights go by the validation score; the test data is
    scored once, at the end, with the best weights. A training that was killed goes on from its
    last checkpoint and ends in the record that an undisturbed one ends in. While another process
    is in the same run, this one waits and then returns the record found. A training seeds the
    random numbers of Python, NumPy and Keras, and leaves them so.

    Args:
        config: a `RunConfig`, see `paper_config`.
        progress: bool, whether to show a progress bar.

    Returns:
        The record, a dict; see the book's page on records for its fields.

    Raises:
        UserError: if the data is not found, the budget too small, or the record is of a newer
            version. A training that diverges raises nothing: its record names the epoch in
            `failure`, and has the status "failed" if no epoch before had a score.
        Stopped: a `KeyboardInterrupt`, when Ctrl-C or SIGTERM came; the state is saved.
    """
    record = finished_record(config)
    if record:
        return record
    files = RunFiles(config)
    with files.alone():
        record = find_record(config)
        if record is None:
            make_room(config)
            record = train(config, progress, keep=True)
            write_record(record)
        files.forget()
    return record


def train(config, progress=True, keep=False, finished=None):
    """Train a config whatever is stored, and return its record without writing it.

    Args:
        config, progress: as for `run`.
        keep: bool, whether to write checkpoints and to go on from one.
        finished: a function that is given the model with its best weights at the end.
    """
    with fixed_settings(config.precision):
        clock, sources = _Clock(), provenance.sources()  # now: files may be edited meanwhile
        task = task_for(config)
        checkpoint = Checkpoint(config, task.splits.digest) if keep else None
        keras.utils.set_random_seed(config.seed)
        units = config.units or units_within(task.parameters, config.n_params)
        fit = TrainingLoop(config, task, task.network(units))
        saved = checkpoint.load() if checkpoint else None
        if saved:
            arrays, meta = saved
            fit.restore(arrays, meta["fit"])
            clock = _Clock(**meta["clock"])

        def save(epoch_ends):
            if epoch_ends is not None and not checkpoint.due(epoch_ends):
                return False
            arrays, meta = fit.state()
            return checkpoint.save(arrays, {"fit": meta, "clock": clock.as_dict()})

        with Progress(config, enabled=progress) as bar:
            fit.run(bar, save if checkpoint else None)
        record = _record(fit, units, sources, clock)
        if finished:
            finished(fit.model)
        return record


def _record(fit, units, sources, clock):
    model, splits = fit.model, fit.task.splits
    scores = fit.final_scores()
    recurrent = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]
    recurrence = {"fused" if getattr(layer, "fused", False) else "cell" for layer in recurrent}
    return {
        **settings_of(fit.config),
        "status": "ok" if scores["test"] else "failed",
        "failure": fit.failure,
        "units": units,
        "n_params": fit.n_params,
        "recurrence": sorted(recurrence),
        "epochs": fit.history,
        "best_epoch": fit.best_epoch,
        **scores,
        "seconds": round(clock.seconds(), 1),
        "started": clock.started,
        "device": clock.devices[-1],
        **({"earlier_devices": clock.devices[:-1]} if clock.devices[1:] else {}),
        "versions": provenance.versions(),
        "data": {"name": splits.name, "digest": splits.digest, "source": splits.source},
        **sources,
        "commit": clock.commit,
    }


class _Clock:
    """When a run began, at which commit, on what, and how long all its processes took together."""

    def __init__(self, started=None, commit=None, spent=0.0, devices=()):
        now = datetime.datetime.now(datetime.UTC)
        self.started = started or now.isoformat(timespec="seconds")
        self.commit = commit or provenance.commit()  # now: the checkout may move on meanwhile
        here = provenance.device()
        self.devices = [*(device for device in devices if device != here), here]
        self._spent, self._since = spent, time.perf_counter()

    def seconds(self):
        return self._spent + time.perf_counter() - self._since

    def as_dict(self):
        names = ("started", "commit", "devices")
        return {name: getattr(self, name) for name in names} | {"spent": self.seconds()}
