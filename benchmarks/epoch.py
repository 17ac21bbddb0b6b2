"""Does the input pipeline cost anything in an epoch of JSB Chorales?

    python benchmarks/epoch.py --json benchmarks/records/epoch-jsb.json

An epoch, as the trainer runs it (training and validation, batches trimmed to their longest
example), beside the bare calls of its training steps and of its validation's forward passes on
batches that lie ready. The RRU at Table 4's values; with `--size tiny` a small one on a few
examples of the embedded chorales.
"""

import statistics
import time

import keras
from keras import ops
from measure import arguments, report

from rru_nb import paper_config
from rru_nb.tasks import task_for
from rru_nb.tasks.budget import units_within
from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress

QUESTION = __doc__.splitlines()[0]


def ready(batches):
    return [{name: ops.convert_to_tensor(x) for name, x in batch.items()} for batch in batches]


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    options = arguments(QUESTION, rounds=3)
    tiny = options.size == "tiny"
    config = paper_config("chorales", "rru", scale="smoke") if tiny else paper_config("jsb", "rru")
    task = task_for(config)
    keras.utils.set_random_seed(config.seed)
    units = config.units or units_within(task.parameters, config.n_params)
    fit = Fit(config, task, task.network(units))
    train = ready(task.train_batches(1))
    valid = ready(batch for _, batch in task._evaluation_batches(config.select_on))

    def bare():
        for batch in train:
            loss, norm = fit.take_step(batch)
            float(loss), float(norm)
        for batch in valid:
            task.scorer(fit.model)(batch)

    def epoch():
        with Progress(config, enabled=False) as bar:
            for _ in fit._epoch(bar):
                pass

    epoch()  # traces both graphs
    bare()
    seconds = {"the bare steps": [], "an epoch": []}
    for _ in range(options.rounds):
        seconds["the bare steps"].append(seconds_of(bare))
        seconds["an epoch"].append(seconds_of(epoch))
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    rows = [
        {
            "what": name,
            "median_s": medians[name],
            "min_s": min(s),
            "of the bare steps": medians[name] / medians["the bare steps"],
        }
        for name, s in seconds.items()
    ]
    batches = {"train": len(train), "valid": len(valid)}
    report(QUESTION, rows, options, size=options.size, batches=batches, config=config.as_dict())


if __name__ == "__main__":
    main()
