"""What the notebooks draw, one module for each kind of figure."""

from .files import show, table
from .grids import heatmaps
from .lines import cell_legend, link_points, mark_failed
from .links import address, link, url, urls
from .style import COLOURS, cell_style, use_style
