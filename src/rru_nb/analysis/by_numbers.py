"""The RRU in numbers: one step by hand, how long its features remember, how Z leaves zero."""

import keras
import numpy as np
import pandas as pd

from ..cells.rru import NORM_EPSILON, RRUCell
from ..tasks import task_for
from ..tasks.budget import units_within
from ..training.config import paper_config
from ..training.loop import Fit
from ..training.progress import Progress

# An RRU with m = 2 inputs, n = 2 state features, g = 3 hidden features and p = 1 output.
STEP = {
    "kernel": [[0.5, -1.0, 0.8], [1.0, 0.5, -0.5]],  # W^x
    "recurrent_kernel": [[1.0, 0.0, 0.5], [0.0, -1.0, 1.0]],  # W^h
    "bias": [0.0, 0.1, 0.0],  # B^j
    "candidate_kernel": [[1.0, 0.0], [0.0, 1.0], [0.5, -0.5]],  # W^c
    "candidate_bias": [0.0, 0.1],  # B^c
    "output_kernel": [[1.0], [-1.0], [2.0]],  # W^o
    "output_bias": [0.0],  # B^o
}
RESIDUAL = [0.5, 0.9]  # σ(S)
REZERO = [0.1, 0.5]  # Z
LETTERS = dict(zip(("W^x", "W^h", "B^j", "W^c", "B^c", "W^o", "B^o"), STEP.values())) | {
    "\\sigma(S)": RESIDUAL,
    "Z": REZERO,
}


def one_step(x=(1.0, 0.0), h=(0.35, -0.2)):
    """One time step of a small RRU, equation by equation, and what `RRUCell` makes of it.

    Args:
        x: the 2 input features. h: the 2 features of the state before.

    Returns:
        A frame with the columns `equation`, `quantity`, `by hand` and `RRUCell`; the last is
        empty for what the cell does not give out.
    """
    x, h = np.asarray(x, float), np.asarray(h, float)
    w = {name: np.asarray(value) for name, value in STEP.items()}
    z = x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
    size = np.sqrt(np.mean(z**2) + NORM_EPSILON)
    j = np.maximum(z / size, 0)
    c = j @ w["candidate_kernel"] + w["candidate_bias"]
    after = RESIDUAL * h + REZERO * c
    o = j @ w["output_kernel"] + w["output_bias"]
    cell_o, cell_h = _by_the_cell(x, h)
    rows = [
        ("", "x, the input", x, None),
        ("", "h, the state before", h, None),
        ("in 1", "W^x x + W^h h + B^j", z, None),
        ("in 1", "its root mean square", size, None),
        ("1", "j = d: normalized, then ReLU", j, None),
        ("4", "c, the candidate", c, None),
        ("in 5", "σ(S) ⊙ h, what is kept", RESIDUAL * h, None),
        ("in 5", "Z ⊙ c, what is added", REZERO * c, None),
        ("5", "h, the state after", after, cell_h),
        ("6", "o, the output", o, cell_o),
    ]
    columns = ["equation", "quantity", "by hand", "RRUCell"]
    shown = [(equation, what, _shown(hand), _shown(cell)) for equation, what, hand, cell in rows]
    return pd.DataFrame(shown, columns=columns).set_index("equation")


def _shown(values):
    return "" if values is None else ", ".join(f"{v:.4f}" for v in np.atleast_1d(values))


def _by_the_cell(x, h):
    cell = RRUCell(2, output_size=1, hidden_multiplier=0.75)
    cell.build((None, 2))
    for name, value in STEP.items():
        getattr(cell, name).assign(value)
    share = np.asarray(RESIDUAL)
    cell.residual_logits.assign(np.log(share / (1 - share)) / cell.residual_speed)
    cell.rezero_scale.assign(REZERO)
    o, [after] = cell(x[None].astype("float32"), [h[None].astype("float32")])
    return np.asarray(o)[0], np.asarray(after)[0]


def half_lives(cell):
    """Time steps after which a feature has lost half of what it held: ln 0.5 / ln σ(S), [n].

    Args:
        cell: a built `RRUCell`; with `residual="identity"` nothing is ever lost: infinite.
    """
    with np.errstate(divide="ignore"):
        return np.log(0.5) / np.log(np.asarray(cell.residual_scale(), np.float64))


def watch_training(scale="laptop", seed=0, n_steps=100):
    """Trains an RRU on the embedded chorales and watches Z and σ(S).

    Args:
        scale: "laptop" or "smoke". seed: int. n_steps: of the first updates, each is watched.

    Returns:
        `(steps, lives)`: a frame with a row for each of the first `n_steps` updates, fewer if
        training ends before, with `step` (from 0, before any), `loss` (of the batch), and `low`,
        `median`, `high` and `largest`: the 10th, 50th and 90th percentile and the maximum of |Z|;
        and a dict of half-lives in time steps, arrays [n], `before` and `after` training.
    """
    config = paper_config("chorales", "rru", scale, seed)
    keras.utils.set_random_seed(seed)
    task = task_for(config)
    model = task.network(config.units or units_within(task.parameters, config.n_params))
    cell = model.layers[1].cell
    before, rows = half_lives(cell), [_row_of(cell, 0, np.nan)]
    fit = Fit(config, task, model)

    def watch(epoch_ends):
        if epoch_ends is False and len(rows) <= n_steps:
            fit.step.sync()
            rows.append(_row_of(cell, len(rows), fit.losses[-1]))

    with Progress(config, enabled=False) as bar:
        fit.run(bar, save=watch)
    model.set_weights(fit.best_weights)
    return pd.DataFrame(rows), {"before": before, "after": half_lives(cell)}


def _row_of(cell, step, loss):
    sizes = np.abs(np.asarray(cell.rezero_scale))
    low, median, high = np.percentile(sizes, [10, 50, 90])
    row = {"step": step, "loss": loss, "low": low, "median": median, "high": high}
    return row | {"largest": sizes.max()}
