"""Seconds of an epoch from a few timed training steps, for runs that no record tells of.

What was timed is kept with the checkpoints, so that `rru-nb status` knows it from then on.
"""

import json
import time
import warnings
from itertools import islice

from ..errors import UserError
from ..storage import files, paths
from ..training import provenance
from ..training.config import RunConfig

WARM_UP = 2  # steps that trace, compile and fill caches
TIMED = 3
EVALUATION = 1.15  # an epoch is its steps and the validation: taken as this much more


def time_epoch(config):
    """Expected seconds of an epoch of a run, from some of its steps; kept for `timed`.

    Args:
        config: a `RunConfig`; its data has to be at hand.

    Returns:
        Seconds, a float.

    Raises:
        UserError: as `trainer.run` does before it trains.
    """
    import keras

    from ..layers.backend import fixed_settings
    from ..tasks import task_for
    from ..tasks.budget import units_within
    from ..training.loop import Fit

    keras.utils.clear_session()
    with fixed_settings(config.precision):
        keras.utils.set_random_seed(config.seed)
        task = task_for(config)
        units = config.units or units_within(task.parameters, config.n_params)
        fit = Fit(config, task, task.network(units))
        n_batches, steps = sum(1 for _ in task.train_batches(1)), []
        for batch in islice(task.train_batches(1), WARM_UP + TIMED):
            clock = time.perf_counter()
            fit.take_step(batch)
            steps.append(time.perf_counter() - clock)
    steps = steps[WARM_UP:] or steps
    seconds = EVALUATION * n_batches * sum(steps) / len(steps)
    _keep(config, fit.n_params, seconds)
    return seconds


def timed():
    """`(config, n_params, seconds an epoch)` of what was timed on this machine."""
    here = provenance.machine()
    return [
        (RunConfig.from_dict(entry["config"]), entry["n_params"], entry["seconds"])
        for entry in _read()
        if entry["machine"] == here
    ]


def _keep(config, n_params, seconds):
    settings, here = config.as_dict(), provenance.machine()
    others = [e for e in _read() if (e["config"], e["machine"]) != (settings, here)]
    entry = {"config": settings, "machine": here, "n_params": n_params, "seconds": seconds}
    text = json.dumps([*others, entry])
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(_path(), lambda file: file.write(text.encode()))
    except OSError as error:  # the time is told nevertheless
        warnings.warn(f"what was timed could not be kept: {error}", stacklevel=2)


def _path():
    return paths.state_dir() / "step_times.json"


def _read():
    try:
        entries = files.read_json(_path(), check=list)
    except UserError:  # none yet, or half a file: both can be timed again
        return []
    return [entry for entry in entries if _is_known(entry)]


def _is_known(entry):
    """Another version may have kept what this one cannot read: that is timed again too."""
    try:
        RunConfig.from_dict(entry["config"])
        return {"machine", "n_params", "seconds"} <= entry.keys()
    except (UserError, KeyError, TypeError, AttributeError):
        return False
