"""How much of each section is measured, and what the rest would cost here."""

import pandas as pd

from ..errors import UserError
from ..training.config import SCALES
from ..training.records import load_records
from . import SECTIONS, section
from .costs import Costs


def status(sections=SECTIONS, scales=SCALES, datasets=None):
    """Return a row for each section, scale and dataset of the paper.

    Args:
        sections, scales: names to show. datasets: names to show; None for the section's own.

    Returns:
        A frame with the columns `section`, `scale`, `dataset`, `runs`, `recorded`, `failed` and
        `hours left`: what the runs without a record would take on this machine one after the
        other; and `estimated`, the number of these of which nothing similar was measured on it.
    """
    records = load_records()
    outcome, costs = dict(zip(records.id, records.status)), Costs()
    rows = [
        _progress(section(name), scale, dataset, outcome, costs)
        for name in sections
        for scale in scales
        for dataset in datasets or section(name).datasets
    ]
    return pd.DataFrame([row for row in rows if row])


def _progress(section, scale, dataset, outcome, costs):
    try:
        configs = section.runs(dataset, scale=scale)
    except UserError:  # the section has no such grid
        return None
    missing = [config for config in configs if config.id not in outcome]
    return {
        "section": section.name,
        "scale": scale,
        "dataset": dataset,
        "runs": len(configs),
        "recorded": len(configs) - len(missing),
        "failed": sum(outcome.get(config.id) == "failed" for config in configs),
        "hours left": round(sum(map(costs.estimate, missing)) / 3600, 1),
        "estimated": sum(costs.seconds(config) is None for config in missing),
    }
