"""Hours of runs that nothing measured tells of: operations counted, by a speed measured here.

Training takes about six operations a parameter and time step: two forward, four backward. The
committed records of one processor mostly lie within a factor of two of that, from 100 thousand
parameters to twelve million; smaller models and small batches take longer.
"""

import json
import time
from functools import lru_cache

import numpy as np

from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..storage import files, paths
from ..training import provenance
from .step_times import EVALUATION

SECONDS = 5.0  # how long the speed is measured
SHARE = 0.4  # of the speed of bare products on a core that most recorded trainings reached
_SHAPE = (16, 128)  # small enough that libraries take one core, which other work disturbs little
# What one pass over the training data has, where the registry does not count time steps.
_TOKENS = {"ptb-word": 929_589, "ptb-char": 5_017_483, "enwik8": 90_000_000, "text8": 90_000_000}
_EXAMPLES = {"imdb": 25_000, "mnist": 60_000, "pmnist": 60_000}


def seconds_an_epoch(config):
    """Return the estimated seconds of an epoch of a run on this machine."""
    return EVALUATION * operations(config) / (SHARE * speed())


def operations(config):
    """Return the floating point operations of an epoch's training steps, about."""
    embedded = (config.vocabulary_size or 0) * (config.embedding_size or 0)
    n_params = config.n_params or 12 * config.units**2
    return 6 * max(n_params - embedded, n_params // 20) * time_steps(config)


def time_steps(config):
    """Return how many time steps an epoch trains on, about."""
    if config.dataset in _TOKENS:
        n = 2 * _TOKENS[config.dataset]  # windows overlap by half
    elif config.dataset in _EXAMPLES:
        n = _EXAMPLES[config.dataset] * config.window
    else:
        n = DATASETS_BY_NAME[config.dataset].counts["train"][1]
    return min(n, config.train_limit * config.window) if config.train_limit else n


@lru_cache
def speed():
    """Return the operations a second of bare products on a core here; measured once and kept."""
    path, here = paths.state_dir() / "speed.json", provenance.machine()
    try:
        kept = files.read_json(path, lambda content: content["machine"] and content["speed"] + 0)
        if kept["machine"] == here:
            return kept["speed"]
    except UserError:  # none yet, or half a file
        pass
    measured = _measure(SECONDS)
    text = json.dumps({"machine": here, "speed": measured}).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, lambda file: file.write(text))
    except OSError:  # the next process measures again
        pass
    return measured


def _measure(seconds):
    """Return the speed of the quickest product: other work on the machine slows the others."""
    rows, n = _SHAPE
    x, w = np.ones((rows, n), np.float32), np.ones((n, n), np.float32)
    best, ends = np.inf, time.perf_counter() + seconds
    while (clock := time.perf_counter()) < ends:
        x @ w
        best = min(best, time.perf_counter() - clock)
    return 2 * rows * n * n / best
