"""What a run will cost: from the seconds that similar runs took on this machine, else estimated.

The estimate counts operations and measures how fast this machine is. Training takes about six
operations a parameter and time step: two forward, four backward. The committed records of one
processor mostly lie within a factor of two of that, from 100 thousand parameters to twelve million;
smaller models and small batches take longer.
"""

import time
from contextlib import suppress
from functools import lru_cache

import numpy as np
import pandas as pd

from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..training import provenance
from ..training.config import RunConfig
from ..training.records import read_records
from ..training.settings import SETTINGS

# Runs that differ in nothing but these take the same time an epoch, but for their size.
_FREE = (
    *("cell", "seed", "n_params", "units", "learning_rate", "dropout", "optimizer", "select_on"),
    *("clip_multiplier", "label_smoothing", "patience", "max_epochs"),
)
ASSUMED_EPOCHS = 50  # of a run without limit, where no such run is recorded
EVALUATION = 1.15  # an epoch is its steps and the validation: taken as this much more
SHARE = 0.4  # of the speed of bare products on a core that most recorded trainings reached
STARTING = 8.0  # seconds of an estimated run besides its epochs: data, compiling, the test
SECONDS = 1.0  # how long the speed is measured
_SHAPE = (16, 128)  # small enough that libraries take one core, which other work disturbs little
# What one pass over the training data has, where the registry does not count time steps.
_TOKENS = {"ptb-word": 929_589, "ptb-char": 5_017_483, "enwik8": 90_000_000, "text8": 90_000_000}
_EXAMPLES = {"imdb": 25_000, "mnist": 60_000, "pmnist": 60_000}


class Costs:
    """Expected seconds of runs, from the records of a machine.

    Args:
        machine: as `provenance.machine` has it; None for this one.

    Attributes:
        runs: `(config, seconds)` of the records of that machine, and of those added.
    """

    def __init__(self, machine=None):
        machine = machine or provenance.machine()
        self._similar, self._without_limit, self.runs = {}, [], []
        for record in read_records():
            with suppress(UserError):  # settings that this version does not know
                config = RunConfig.from_dict(record["config"])
                if config.max_epochs is None and record["status"] == "ok":
                    self._without_limit.append((config.kind, len(record["epochs"])))
                if machine.items() <= record.get("device", {}).items():
                    self.add(config, record)

    def add(self, config, record):
        """Learn from the record of one more run, unless it ended before its first epoch."""
        epochs = [epoch.get("seconds", np.inf) for epoch in record["epochs"]]
        if not epochs:
            return
        # Compiling and the test stay below that; a computer that slept during an epoch does not.
        seconds = min(record["seconds"], 1.5 * np.median(epochs) * len(epochs))
        self.runs.append((config, seconds))
        run = record["n_params"], seconds / len(epochs), len(epochs)
        for key in _keys(config):
            self._similar.setdefault(key, []).append(run)

    def seconds(self, config):
        """Return the expected seconds of a run, or None where nothing similar was measured.

        Seconds an epoch grow with the number of parameters: between measured sizes in a
        straight line, above the largest in proportion, below the smallest not at all.
        """
        runs = next((self._similar[key] for key in _keys(config) if key in self._similar), None)
        if runs is None:
            return None
        sizes, seconds, epochs = zip(*runs)
        by_size = pd.Series(seconds).groupby(list(sizes)).median()
        n_params = config.n_params or 0
        an_epoch = np.interp(n_params, by_size.index, by_size) * max(1, n_params / max(sizes))
        return self.epochs(config, epochs) * float(an_epoch)

    def estimate(self, config):
        """Return the expected seconds of a run, estimated where nothing similar was measured."""
        measured = self.seconds(config)
        if measured is not None:
            return measured
        an_epoch = EVALUATION * operations(config) / (SHARE * speed())
        return STARTING + self.epochs(config) * an_epoch

    def epochs(self, config, similar=()):
        """Return the expected epochs: the median of similar runs, else the limit, else of others.

        These are the task's recorded runs that early stopping alone ended, on any machine and at
        any scale; those of all tasks if the task has none.
        """
        if not similar and config.max_epochs:
            return config.max_epochs
        of_kind = [n for kind, n in self._without_limit if kind == config.kind]
        epochs = similar or of_kind or [n for _, n in self._without_limit] or [ASSUMED_EPOCHS]
        return min(float(np.median(epochs)), config.max_epochs or np.inf)


def _keys(config):
    """Return what similar runs have in common: those of the same cell, then those of any."""
    fixed = tuple(getattr(config, name) for name in SETTINGS if name not in _FREE)
    return (config.cell, *fixed), fixed


def operations(config):
    """Count the floating point operations of an epoch's training steps, about."""
    embedded = (config.vocabulary_size or 0) * (config.embedding_size or 0)
    n_params = config.n_params or 12 * config.units**2
    return 6 * max(n_params - embedded, n_params // 20) * time_steps(config)


def time_steps(config):
    """Count the time steps that an epoch trains on, about."""
    if config.dataset in _TOKENS:
        n = _TOKENS[config.dataset] * (2 if config.kind == "word" else 1)  # these overlap by half
    elif config.dataset in _EXAMPLES:
        n = _EXAMPLES[config.dataset] * config.window
    else:
        n = DATASETS_BY_NAME[config.dataset].counts["train"][1]
    return min(n, config.train_limit * config.window) if config.train_limit else n


@lru_cache
def speed():
    """Measure the operations a second of bare products on a core here.

    That of the quickest product: other work on the machine slows the others.
    """
    rows, n = _SHAPE
    x, w = np.ones((rows, n), np.float32), np.ones((n, n), np.float32)
    best, ends = np.inf, time.perf_counter() + SECONDS
    while (clock := time.perf_counter()) < ends:
        x @ w
        best = min(best, time.perf_counter() - clock)
    return 2 * rows * n * n / best


def duration(seconds):
    """Format seconds as people say them: `"50 s"`, `"12 min"`, `"3.4 h"`, `"1,200 h"`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"
