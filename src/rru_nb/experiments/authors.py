"""The authors' own trainings behind Figures 2, 3 and 9 (`params/paper/grids`)."""

import numpy as np
import pandas as pd

from ..errors import check_choice
from ..storage import paths
from ..training.config import paper_config
from .baselines import baseline

SCALE = "the authors' trainings, full size"
GRIDS = {"robustness": ("nottingham", "ptb-word"), "normalization": ("nottingham",)}
METRICS = {"nottingham": "nll_batches", "ptb-word": "perplexity"}
_FAILED = 9.999  # stands for the score of a training that failed


def authors_grid(name, dataset):
    """Return the authors' grid for a section, with the columns of `experiments.results`.

    There is no `id` and no `command`: these trainings are not records.

    Args:
        name: "robustness" or "normalization". dataset: one of `GRIDS[name]`.

    Raises:
        UserError: if no grid of the authors is known for these.
    """
    check_choice("dataset of an authors' grid", dataset, GRIDS[name])
    frame = pd.read_csv(paths.params_dir() / "paper" / "grids" / "trainings.csv")
    shown = frame.normalize if name == "robustness" else frame.cell == "rru"
    frame = frame[shown & (frame.dataset == dataset)].reset_index(drop=True)
    ok = frame.test != _FAILED
    return frame.assign(
        n_params=frame.n_params.round().astype(int),
        scale=SCALE,
        seed=0,
        metric=METRICS[dataset],
        baseline=baseline(paper_config(dataset, "rru")),
        status=np.where(ok, "ok", "failed"),
        test=frame.test.where(ok),
        best_epoch=frame.best_epoch.where(ok),
        cut_off=False,  # by the authors' patience alone
        at_limit=False,
    )
