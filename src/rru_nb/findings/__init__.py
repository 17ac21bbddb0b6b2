"""Sentences that state what the records say, so that prose and numbers cannot part."""

from . import datasets
from .ablation import ablation, ablations
from .by_numbers import memory, rezero
from .dropout import dropout
from .grids import NORMALIZE_TITLES, normalization, robustness
from .inside import inside
from .listening import (
    counted,
    counted_table,
    difference,
    heard,
    models_that_play,
    weights_note,
)
from .notes import limit_note, missing_note, missing_points
from .table_1 import comparison, convergence, convergences, over_seeds
from .tuning import tuned_table, tuning

__all__ = [
    "NORMALIZE_TITLES",
    "ablation",
    "ablations",
    "comparison",
    "convergence",
    "convergences",
    "counted",
    "counted_table",
    "datasets",
    "difference",
    "dropout",
    "heard",
    "inside",
    "limit_note",
    "memory",
    "missing_note",
    "missing_points",
    "models_that_play",
    "normalization",
    "over_seeds",
    "rezero",
    "robustness",
    "tuned_table",
    "tuning",
    "weights_note",
]
