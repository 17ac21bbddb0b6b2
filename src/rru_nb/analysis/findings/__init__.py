"""Sentences that state what the records say, so that prose and numbers cannot part."""

from .grids import (
    NORMALIZE_TITLES,
    best_of_grid,
    normalization,
    normalization_verdict,
    robustness,
    robustness_verdicts,
)
from .notes import limit_note, missing_note, missing_points
from .replication import replication, to_replicate
from .table_1 import comparison, convergence, convergences, over_seeds
from .tuning import tuned_table, tuning

__all__ = [
    "NORMALIZE_TITLES",
    "best_of_grid",
    "comparison",
    "convergence",
    "convergences",
    "limit_note",
    "missing_note",
    "missing_points",
    "normalization",
    "normalization_verdict",
    "over_seeds",
    "replication",
    "robustness",
    "robustness_verdicts",
    "to_replicate",
    "tuned_table",
    "tuning",
]
