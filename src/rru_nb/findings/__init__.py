"""Sentences that state what the records say, so that prose and numbers cannot part."""

from .ablation import ablation
from .dropout import dropout
from .grids import NORMALIZE_TITLES, normalization, robustness
from .inside import inside
from .listening import counted, counted_table, difference, models_that_play, weights_note
from .notes import limit_note, missing_note, missing_points
from .table_1 import comparison, convergence
from .tuning import tuned_table, tuning

__all__ = [
    "NORMALIZE_TITLES",
    "ablation",
    "comparison",
    "convergence",
    "counted",
    "counted_table",
    "difference",
    "dropout",
    "inside",
    "limit_note",
    "missing_note",
    "missing_points",
    "models_that_play",
    "normalization",
    "robustness",
    "tuned_table",
    "tuning",
    "weights_note",
]
