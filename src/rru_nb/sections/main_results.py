"""Section 4, Table 1: every dataset with every cell at the paper's tuned values."""

from ..config import CELLS, paper_config
from . import Section


def _runs(dataset, cells=CELLS, scale="paper", seeds=(0,)):
    return [paper_config(dataset, cell, scale, seed) for cell in cells for seed in seeds]


MAIN_RESULTS = Section(
    name="main_results",
    title="Main results",
    paper="section 4, Table 1; appendix B, Figure 6",
    runs=_runs,
)
