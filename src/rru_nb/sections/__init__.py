"""Which runs stand behind each table and figure of the paper: grids as data.

A section names the part of the paper that it reproduces and lists its runs as configs. The
notebook of the same name asks for their records and draws; nothing else lists runs.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the paper with the runs behind it.

    Attributes:
        name: as in `notebooks/<name>.ipynb`.
        title: for people.
        paper: the section, tables and figures of the paper.
        runs: a function of `dataset`, `cells`, `scale`, `seeds` (and the section's own grid)
            that gives the list of `RunConfig`s.
    """

    name: str
    title: str
    paper: str
    runs: Callable
