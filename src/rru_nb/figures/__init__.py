"""What the notebooks draw, one module for each kind of figure."""

from .curves import validation_curves
from .grids import heatmaps
from .inside import inside_lines
from .lines import dropout_lines
from .music import continuations, length_boxes, piano_roll, pitch_histograms, polyphony_histograms
from .search import search_panels
from .style import use_style

__all__ = [
    "continuations",
    "dropout_lines",
    "heatmaps",
    "inside_lines",
    "length_boxes",
    "piano_roll",
    "pitch_histograms",
    "polyphony_histograms",
    "search_panels",
    "use_style",
    "validation_curves",
]
