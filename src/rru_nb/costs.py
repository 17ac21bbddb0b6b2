"""What a run will cost, from the seconds that similar runs took on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import provenance
from .config import RunConfig
from .records import load_records
from .settings import OWN

# Runs that differ in nothing but these take the same time an epoch, but for their size.
_FREE = (
    *("cell", "seed", "n_params", "units", "learning_rate", "dropout", "optimizer", "select_on"),
    *("clip_multiplier", "label_smoothing", "patience", "max_epochs"),
    *(setting for own in OWN.values() for setting in own),
)


@dataclass
class _Seen:
    """Measured runs of one kind: (parameters, seconds an epoch), and how many epochs they had."""

    speeds: list
    epochs: list


class Costs:
    """Expected seconds of runs, from the records measured on this machine's processor or GPU.

    Args:
        records: a frame of `load_records`; None for all.
    """

    def __init__(self, records=None):
        here = provenance.machine()
        records = load_records() if records is None else records
        self._seen = {}
        for record in records.itertuples():
            same = {k: record.device.get(k) for k in here} == here if record.device else False
            if same and record.epochs and record.path:
                self._add(record)

    def _add(self, record):
        settings = json.loads(Path(record.path).read_text(encoding="utf-8"))["config"]
        self.add(RunConfig.from_dict(settings), record.n_params, record.seconds, len(record.epochs))

    def add(self, config, n_params, seconds, n_epochs):
        """Learns from one more run."""
        for key in (_key(config), _key(config, any_cell=True)):
            seen = self._seen.setdefault(key, _Seen([], []))
            seen.speeds.append((n_params, seconds / n_epochs))
            seen.epochs.append(n_epochs)

    def seconds(self, config):
        """The expected seconds of a run, or None where nothing similar was measured.

        Seconds an epoch grow with the number of parameters: between measured sizes in a
        straight line, above the largest in proportion, below the smallest not at all.
        """
        seen = self._seen.get(_key(config)) or self._seen.get(_key(config, any_cell=True))
        if seen is None:
            return None
        epochs = float(np.median(seen.epochs))
        if config.max_epochs:
            epochs = min(epochs, config.max_epochs)
        return epochs * _per_epoch(seen.speeds, config.n_params or 0)

    def total(self, configs):
        """`(seconds, unknown)`: the sum over the runs that can be told, and how many cannot."""
        told = [self.seconds(config) for config in configs]
        return sum(t for t in told if t is not None), sum(t is None for t in told)


def _key(config, any_cell=False):
    fixed = {k: v for k, v in config.as_dict().items() if k not in _FREE}
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
