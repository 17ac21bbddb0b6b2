"""How much of each section is measured, and what the rest would cost here."""

import pandas as pd

from ..errors import UserError
from ..training.config import SCALES
from ..training.records import load_records
from . import SECTIONS, section
from .costs import Costs, duration


def status(sections=SECTIONS, scales=SCALES, datasets=None, estimate=None):
    """A row for each section, scale and dataset of the paper.

    Args:
        sections, scales: names to show. datasets: names to show; None for the section's own.
        estimate: a function of a config, the seconds of an epoch where nothing similar was
            measured, see `estimates`; None: these hours are left out.

    Returns:
        A frame with the columns `section`, `scale`, `dataset`, `runs`, `recorded`, `failed` and
        `hours left`: what the runs without a record would take on this machine one after the
        other; and `untold`, the number of these of which nothing similar was measured on it.
    """
    records = load_records()
    outcome = dict(zip(records.id, records.status))
    costs = Costs(records)
    rows = []
    for name in sections:
        found = section(name)
        for scale in scales:
            for dataset in datasets or found.datasets:
                rows.append(_row(found, scale, dataset, outcome, costs, estimate))
    return pd.DataFrame([row for row in rows if row])


def _at_once(line):
    """Large models take minutes to time: a line shows when it is written, in a file too."""
    print(line, flush=True)


def time_steps(sections=SECTIONS, scales=SCALES, datasets=None, say=_at_once):
    """Times a few training steps of what no record of this machine tells, for `status`.

    Of the runs of a section, scale, dataset and cell, the smallest and the largest.

    Args:
        sections, scales, datasets: as for `status`.
        say: a function that is given a line before each timing, and one with what it gave or why
            there is none.
    """
    from .step_times import time_epoch

    recorded = set(load_records().id)
    configs = [
        config
        for name in sections
        for scale in scales
        for dataset in datasets or section(name).datasets
        for config in _runs(section(name), scale, dataset)
        if config.id not in recorded
    ]
    waiting = Costs().to_time(configs)
    for number, config in enumerate(waiting, 1):
        what = (
            f"{config.dataset}, {config.cell}, scale {config.scale}, {config.n_params:,} parameters"
        )
        say(f"[{number}/{len(waiting)}] {what}")
        try:
            say(f"  {duration(time_epoch(config))} an epoch")
        except UserError as error:  # its data is not at hand: the others can be told
            say(f"  {error}")


def _runs(section, scale, dataset):
    try:
        return section.runs(dataset, scale=scale)
    except UserError:  # the section has no such grid
        return []


def _row(section, scale, dataset, outcome, costs, estimate):
    configs = _runs(section, scale, dataset)
    if not configs:
        return None
    missing = [config for config in configs if config.id not in outcome]
    seconds, unknown = costs.total(missing)
    if estimate:
        untold = [config for config in missing if costs.seconds(config) is None]
        seconds += sum(costs.epochs(config) * estimate(config) for config in untold)
    return {
        "section": section.name,
        "scale": scale,
        "dataset": dataset,
        "runs": len(configs),
        "recorded": len(configs) - len(missing),
        "failed": sum(outcome.get(config.id) == "failed" for config in configs),
        "hours left": round(seconds / 3600, 1),
        "untold": unknown,
    }
