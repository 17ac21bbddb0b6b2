"""How far back a gradient reaches in a trained RRU, along its line alone, and in a trained GRU."""

import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure

from rru_nb.figures import COLOURS, use_style
from rru_nb.layers.backend import backend
from rru_nb.listen import models
from rru_nb.training.config import CELL_TITLES

from . import drawings
from .render import render

DATASET, BACK = "jsb", 60
LINE = "the RRU's line alone"
_LOOKS = {
    CELL_TITLES["rru"]: {"color": COLOURS["rru"]},
    LINE: {"color": COLOURS["rru"], "linestyle": ":"},
    CELL_TITLES["gru"]: {"color": COLOURS["gru"], "linestyle": "--"},
}


def memory(context):
    """Return the figure of the models that the page Listen plays, or how to make their weights."""
    configs = [models.listen_config(DATASET, cell) for cell in ("rru", "gru")]
    missing = [models.command(config) for config in configs if not models.find(config)]
    if missing:
        return render("memory.md", missing=missing)
    trained = {config.cell: models.load(config) for config in configs}
    cells = {name: one.model.layers[1].cell for name, one in trained.items()}
    lines = {CELL_TITLES[n]: reach(cells[n], trained[n].opening[: BACK + 1]) for n in cells}
    lines[LINE] = reach_of_line(np.asarray(cells["rru"].residual_scale()), BACK)
    left = pd.DataFrame(lines)[list(_LOOKS)]
    _draw(context, left)
    return render("memory.md", missing=missing, left=left, back=20, records=[c.id for c in configs])


def reach(cell, x):
    """Return the size of ∂h_T / ∂h_{T-k} over k, as a share of that of k = 0.

    Args:
        cell: of keras, whose first state is h, with n features.
        x: the inputs of T time steps, an array [T, m].

    Returns:
        The Frobenius norms of the T matrices for k = 0 … T - 1, divided by √n.
    """
    n = cell.units
    # Copy i of the sequence has the gradient of feature i of the last state.
    inputs = np.repeat(np.float32(x)[:, None], n, axis=1)

    def last_state(shifts):
        states = cell.get_initial_state(batch_size=n)
        states = list(states) if isinstance(states, list | tuple) else [states]
        for x_t, shift in zip(inputs, shifts):
            _, (h, *rest) = cell(x_t, states)
            states = [h + shift, *rest]
        return ops.sum(states[0] * np.eye(n, dtype=np.float32))

    jacobians = backend().gradients(last_state, [np.zeros([n, n], np.float32)] * len(x))
    return np.linalg.norm(jacobians[::-1], axis=(1, 2)) / np.sqrt(n)


def reach_of_line(share, back):
    """Return the same of a state of which a step keeps `share` and nothing else, over k ≤ back."""
    return np.sqrt(np.mean(share ** (2 * np.arange(back + 1)[:, None]), axis=1))


def _draw(context, left):
    use_style()
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    ax = figure.subplots()
    for name, look in _LOOKS.items():
        ax.plot(100 * left[name], label=name, **look)
    ax.set(xlabel="time steps back", ylabel="% of the gradient left", ylim=(0, 100))
    ax.legend()
    drawings.write(context, figure, "memory")
