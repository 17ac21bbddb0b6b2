"""Which runs stand behind each table and figure of the paper: grids as data.

`params/sections/<name>.yml` declares a section: its axes, its grid and the size of its models
at each scale. `section(name)` reads it; its `points` are the runs with their places in the grid.
`experiments.results` puts the records beside them; `authors_grid` reads the authors' own trainings.
"""

from .authors import GRIDS, authors_grid
from .results import results
from .sections import SECTIONS, Point, Section, section
