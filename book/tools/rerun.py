"""`python -m book.tools --rerun`, in a checkout: train a sample of the records again, and compare.

The sample is one record of each kind of task, those of the present source first, then of this
processor, then the RRU's, then the quickest. Each is trained for as many epochs as its record made
in `BUDGET` seconds, and every number of these epochs is compared digit for digit. `book/rerun.json`
holds the outcome; nothing else writes it.
"""

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import attrs

from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.storage import files, paths
from rru_nb.training import provenance
from rru_nb.training.config import CELL_TITLES, KINDS, METRICS, RunConfig
from rru_nb.training.metrics import metric_named
from rru_nb.training.records import load_records

from .record_list import short_device
from .render import render

BUDGET = 60  # seconds


def outcome_file():
    """Return the path of the outcome in the checkout."""
    return paths.checkout() / "book" / "rerun.json"


def choose(records, cpu):
    """Return the ids of the sample, one for each kind of task.

    Args:
        records: rows of `load_records`. cpu: this processor, as records name it.
    """
    whole = records[(records.status == "ok") & (records.seed == 0)]
    order = whole.assign(
        kind=whole.dataset.map(KINDS),
        earlier=whole.source_tree != provenance.source_tree(),
        elsewhere=[device["cpu"] != cpu for device in whole.device],
        gated=whole.cell != "rru",
    ).sort_values(["earlier", "elsewhere", "gated", "seconds"])
    return list(order.groupby("kind", sort=False).id.first())


def epochs_within(record, budget=BUDGET):
    """Return how many epochs a record made in that many seconds, and at least one."""
    ends = accumulate(epoch["seconds"] for epoch in record["epochs"])
    return max(1, sum(end <= budget for end in ends))


def compare(record, again):
    """Compare a record with a training that made the same epochs or fewer.

    Returns:
        A dict: `same` (whether every number of these epochs has the same digits, and the test
        scores too where no epoch is missing), `first_difference` (the epoch, or None), and the
        validation scores of the last epoch that both have, `then` and `now`.
    """
    both = list(zip(record["epochs"], again["epochs"]))
    unlike = (e["epoch"] for e, a in both if _without_time(e) != _without_time(a))
    first = next(unlike, None)
    whole = len(again["epochs"]) == len(record["epochs"])
    metric = f"valid_{RunConfig.from_dict(record['config']).metric}"
    return {
        "same": first is None and (not whole or record["test"] == again["test"]),
        "first_difference": first,
        "epochs": len(again["epochs"]),
        "of_epochs": len(record["epochs"]),
        "then": both[-1][0][metric],
        "now": both[-1][1][metric],
    }


def _without_time(epoch):
    return {name: value for name, value in epoch.items() if name != "seconds"}


def alike(record, again):
    """Return whether two trainings ran the same source and versions, on the same processor."""
    names = ("versions", "source_tree")  # old records lack the latter
    same = all(record.get(name) == again.get(name) for name in names)
    return same and _processor(record["device"]) == _processor(again["device"])


def _processor(device):
    return {name: device[name] for name in ("cpu", "gpu", "cores")}


def train_again(settings, epochs, cores):
    """Train a config for some epochs on some cores, in a process of its own."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    from rru_nb.training.trainer import train

    return train(attrs.evolve(RunConfig.from_dict(settings), max_epochs=epochs), False)


def rerun(say=print):
    """Train the sample again, write the outcome, and return it as a dict."""
    paths_of = load_records().set_index("id").path
    started, commit = datetime.now(UTC).isoformat(timespec="seconds"), provenance.commit()
    runs = []
    for run in choose(load_records(), provenance.machine()["cpu"]):
        record = json.loads(Path(paths_of[run]).read_text(encoding="utf-8"))
        cores, epochs = record["device"]["cores"], epochs_within(record)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            again = process.submit(train_again, record["config"], epochs, cores).result()
        runs.append({"id": run, "alike": alike(record, again)} | compare(record, again))
        say(f"{Path(paths_of[run]).stem}: {runs[-1]}")
    outcome = {
        "started": started,
        "commit": commit,
        "device": again["device"],
        "versions": again["versions"],
        "runs": runs,
    }
    files.write_json(outcome_file(), outcome, "the rerun's outcome")
    return outcome


def fragment(context):
    """Return what the last rerun found, or how to make one."""
    path = outcome_file()
    if not path.is_file():
        return render("rerun.md", runs=[])
    outcome = json.loads(path.read_text(encoding="utf-8"))
    records = load_records(id=[run["id"] for run in outcome["runs"]]).set_index("id")
    runs = [
        _described(run, records.loc[run["id"]])
        for run in outcome["runs"]
        if run["id"] in records.index
    ]
    alike, others = ([run for run in runs if run["alike"] is kind] for kind in (True, False))
    reasons = [_reason(records.loc[run["id"]], outcome) for run in others]
    return render(
        "rerun.md",
        runs=runs,
        reasons=dict.fromkeys(reasons),
        alike=alike,
        n_same=sum(run["same"] for run in alike),
        others=others,
        n_same_elsewhere=sum(run["same"] for run in others),
        furthest=max((run["away"] for run in others), default=0),
        device=short_device(outcome["device"]),
        day=outcome["started"][:10],
        commit=(outcome["commit"]["sha"] or "unknown")[:10],
    )


def _reason(record, outcome):
    """Return in what a record that is not alike differs from the training that repeats it."""
    if _processor(record.device) != _processor(outcome["device"]):
        return "on another processor"
    return "with other versions" if record.versions != outcome["versions"] else "by earlier source"


def _described(run, record):
    loss = metric_named(METRICS[KINDS[record.dataset]]).loss  # of accuracies the error rate
    return run | {
        "away": 100 * abs(loss(run["now"]) / loss(run["then"]) - 1),
        "dataset": DATASETS_BY_NAME[record.dataset].title,
        "cell": CELL_TITLES[record.cell],
        "scale": record.scale,
        "made_on": short_device(record.device),
    }
