"""What a run will cost, from the seconds that similar runs, or steps, took on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..training import provenance
from ..training.config import CELLS, RunConfig
from ..training.records import load_records
from . import step_times

# Runs that differ in nothing but these take the same time an epoch, but for their size.
_FREE = (
    *("cell", "seed", "n_params", "units", "learning_rate", "dropout", "optimizer", "select_on"),
    *("clip_multiplier", "label_smoothing", "patience", "max_epochs"),
)


ASSUMED_EPOCHS = 50  # of a run without limit, where no such run is recorded


@dataclass
class _Seen:
    """What was measured of one kind: (parameters, seconds an epoch), and epochs of whole runs."""

    speeds: list
    epochs: list


class Costs:
    """Expected seconds of runs, from the records and the timed steps of this machine.

    Args:
        records: a frame of `load_records`; None for all.
        machine: of which machine, as `provenance.machine` has it; None for this one.

    Attributes:
        runs: `(config, seconds)` of the records of that machine.
    """

    def __init__(self, records=None, machine=None):
        here = machine or provenance.machine()
        records = load_records() if records is None else records
        self._seen, self._without_limit, self.runs = {}, [], []
        for record in records.itertuples():
            config = _config_of(record) if record.epochs and record.path else None
            if config:
                if config.max_epochs is None and record.status == "ok":
                    self._without_limit.append((config.kind, len(record.epochs)))
                if record.device and {k: record.device.get(k) for k in here} == here:
                    self.add(config, record.n_params, record.seconds, record.epochs)
                    self.runs.append((config, _without_pauses(record.seconds, record.epochs)))
        if machine:  # the timed steps are of this one
            return
        for config, n_params, seconds in step_times.timed():
            self._add_speed(config, n_params, seconds)

    def add(self, config, n_params, seconds, epochs):
        """Learns from one more run, of which a record has the last three."""
        n_epochs = max(1, len(epochs))
        seconds = _without_pauses(seconds, epochs)
        for seen in self._add_speed(config, n_params, seconds / n_epochs):
            seen.epochs.append(n_epochs)

    def _add_speed(self, config, n_params, seconds):
        keys = _key(config), _key(config, any_cell=True)
        found = [self._seen.setdefault(key, _Seen([], [])) for key in keys]
        for seen in found:
            seen.speeds.append((n_params, seconds))
        return found

    def seconds(self, config):
        """The expected seconds of a run, or None where nothing similar was measured.

        Seconds an epoch grow with the number of parameters: between measured sizes in a
        straight line, above the largest in proportion, below the smallest not at all. Where
        steps alone were timed, the epochs are those of other runs, see `epochs`.
        """
        seen = self._seen.get(_key(config)) or self._seen.get(_key(config, any_cell=True))
        if seen is None:
            return None
        epochs = self.epochs(config, seen.epochs)
        return epochs * _per_epoch(seen.speeds, config.n_params or 0)

    def to_time(self, configs):
        """The smallest and largest of each kind, by cell, of which nothing was measured."""
        groups = {}
        for config in configs:
            if _key(config) not in self._seen:
                groups.setdefault(_key(config), []).append(config)
        ends = []
        for group in groups.values():
            group.sort(key=_size)
            first, last = group[0], group[-1]
            ends += [first] if _size(first) == _size(last) else [first, last]
        return ends

    def epochs(self, config, similar=()):
        """Expected epochs: the median of similar runs, else the limit, else of what there is.

        That is the median of the task's recorded runs that early stopping alone ended, on any
        machine and at any scale, of all tasks if the task has none.
        """
        if not similar and config.max_epochs:
            return config.max_epochs
        of_kind = [n for kind, n in self._without_limit if kind == config.kind]
        epochs = similar or of_kind or [n for _, n in self._without_limit] or [ASSUMED_EPOCHS]
        return min(float(np.median(epochs)), config.max_epochs or np.inf)

    def total(self, configs):
        """`(seconds, unknown)`: the sum over the runs that can be told, and how many cannot."""
        told = [self.seconds(config) for config in configs]
        return sum(t for t in told if t is not None), sum(t is None for t in told)


def _config_of(record):
    """Its config; None for a record with settings that this version does not know."""
    settings = json.loads(Path(record.path).read_text(encoding="utf-8"))["config"]
    try:
        return RunConfig.from_dict(settings)
    except UserError:
        return None


def _without_pauses(seconds, epochs):
    """The seconds of a run, at most one and a half times its epochs at their median.

    Compiling and the test stay below that; a computer that slept during an epoch does not.
    """
    usual = np.median([epoch["seconds"] for epoch in epochs if "seconds" in epoch] or [np.inf])
    return min(seconds, 1.5 * usual * max(1, len(epochs)))


def _size(config):
    return config.n_params or config.units


def _key(config, any_cell=False):
    of_cells = [name for spec in CELLS.values() for name in spec.settings]
    fixed = {k: v for k, v in config.as_dict().items() if k not in (*_FREE, *of_cells)}
    return json.dumps(fixed | ({} if any_cell else {"cell": config.cell}), sort_keys=True)


def _per_epoch(speeds, n_params):
    sizes = sorted({size for size, _ in speeds})
    seconds = [np.median([s for size, s in speeds if size == wanted]) for wanted in sizes]
    told = float(np.interp(n_params, sizes, seconds))
    return told * max(1.0, n_params / sizes[-1])


def duration(seconds):
    """Seconds as people say them: `"50 s"`, `"12 min"`, `"3.4 h"`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
