"""What the notebooks draw, one module for each kind of figure."""

from .files import show, table
from .grids import heatmaps
from .links import address, link, link_points, url, urls
from .style import COLOURS, cell_legend, cell_style, use_style
