"""Sentences that state what the records say, so that prose and numbers cannot part."""

from . import datasets
from .grids import (
    NORMALIZE_TITLES,
    normalization,
    normalization_verdict,
    robustness,
    robustness_verdicts,
)
from .notes import limit_note, missing_points
from .table_1 import comparison, convergence, convergences, over_seeds
from .tuning import tuned_table, tuning

__all__ = [
    "NORMALIZE_TITLES",
    "comparison",
    "convergence",
    "convergences",
    "datasets",
    "limit_note",
    "missing_points",
    "normalization",
    "normalization_verdict",
    "over_seeds",
    "robustness",
    "robustness_verdicts",
    "tuned_table",
    "tuning",
]
