"""Sentences that state what the records say, so that prose and numbers cannot part."""

from .grids import (
    NORMALIZE_TITLES,
    normalization,
    normalization_verdict,
    robustness,
    robustness_verdicts,
)
from .notes import limit_note, missing_points

__all__ = [
    "NORMALIZE_TITLES",
    "limit_note",
    "missing_points",
    "normalization",
    "normalization_verdict",
    "robustness",
    "robustness_verdicts",
]
