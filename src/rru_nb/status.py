"""How much of each section is measured, and what the rest would cost here."""

import pandas as pd

from .config import SCALES
from .costs import Costs
from .errors import UserError
from .records import load_records
from .sections import SECTIONS, section


def status(sections=SECTIONS, scales=SCALES, datasets=None):
    """A row for each section, scale and dataset of the paper.

    Args:
        sections, scales: names to show. datasets: names to show; None for the section's own.

    Returns:
        A frame with the columns `section`, `scale`, `dataset`, `runs`, `recorded`, `failed` and
        `hours left`: what the runs without a record would take on this machine one after the
        other, as far as similar ones were measured on it; and `untold`, how many were not.
    """
    records = load_records()
    outcome = dict(zip(records.id, records.status))
    costs = Costs(records)
    rows = []
    for name in sections:
        found = section(name)
        for scale in scales:
            for dataset in datasets or found.datasets:
                rows.append(_row(found, scale, dataset, outcome, costs))
    return pd.DataFrame([row for row in rows if row])


def _row(section, scale, dataset, outcome, costs):
    try:
        configs = section.runs(dataset, scale=scale)
    except UserError:  # the section has no such grid
        return None
    missing = [config for config in configs if config.id not in outcome]
    seconds, unknown = costs.total(missing)
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
