"""What the notebooks draw, one module for each kind of figure."""

from .curves import validation_curves
from .grids import heatmaps
from .lines import dropout_lines
from .music import length_boxes, piano_roll, pitch_histograms, polyphony_histograms
from .style import use_style

__all__ = [
    "dropout_lines",
    "heatmaps",
    "length_boxes",
    "piano_roll",
    "pitch_histograms",
    "polyphony_histograms",
    "use_style",
    "validation_curves",
]
