"""How far back a gradient reaches in the RRU and the GRU of Table 1, JSB Chorales, at full size.

`python -m book.tools --memory`, in a checkout, trains both and writes `book/memory.json`; nothing
else writes it. The page *What a gate is* draws it.
"""

import json
from datetime import UTC, datetime

import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from rru_nb.figures import COLOURS, use_style
from rru_nb.layers.backend import backend
from rru_nb.listen import models
from rru_nb.storage import files, paths
from rru_nb.training import provenance
from rru_nb.training.config import CELL_TITLES, paper_config
from rru_nb.training.trainer import train

from . import drawings
from .record_list import short_device
from .render import render

DATASET, BACK = "jsb", 60
AT_ONCE = 100  # features of the last state, for the states of 61 time steps are kept of each
LINE = "the RRU's line alone"
_LOOKS = {
    CELL_TITLES["rru"]: {"color": COLOURS["rru"]},
    LINE: {"color": COLOURS["rru"], "linestyle": ":"},
    CELL_TITLES["gru"]: {"color": COLOURS["gru"], "linestyle": "--"},
}


def outcome_file():
    """Return the path of what was measured, in the checkout."""
    return paths.checkout() / "book" / "memory.json"


def measure(scale="paper", back=BACK, say=print):
    """Train both models, write what they remember, and return it as a dict.

    `reach` holds for each curve of the figure the share of the gradient left after 0 to `back`
    time steps; `half_lives` the percentiles 0 to 100 over the features of the RRU's state, in
    time steps, at the start and at the end of the training.
    """
    started, reaches, half_lives, trained = datetime.now(UTC), {}, {}, {}
    for cell in ("rru", "gru"):
        config, finished = paper_config(DATASET, cell, scale), []
        record = train(config, finished=finished.append)
        layer = _recurrent(finished[0])
        piece = models.pieces(config, "test")[models.PIECE][: back + 1]
        reaches[CELL_TITLES[cell]] = reach(layer.cell, piece)
        if cell == "rru":
            keras.utils.set_random_seed(config.seed)  # the training's own start
            for when, one in {"start": _recurrent(models.network(config)), "end": layer}.items():
                share = np.asarray(one.cell.residual_scale(), np.float64)
                half_lives[when] = np.percentile(half_life(share), range(101))
            reaches[LINE] = reach_of_line(share, back)
        of_record = ("id", "units", "n_params", "best_epoch", "test")
        trained[cell] = {name: record[name] for name in of_record}
        say(f"{cell}: {trained[cell]}")
    outcome = {
        "started": started.isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "device": provenance.device(),
        "versions": provenance.versions(),
        "piece": {"split": "test", "number": models.PIECE},
        "models": trained,
        "reach": {name: _rounded(values) for name, values in reaches.items()},
        "half_lives": {when: _rounded(values) for when, values in half_lives.items()},
    }
    files.write_json(outcome_file(), outcome, "what the models remember")
    return outcome


def memory(context):
    """Return the figure of what was measured and what it says, or how to measure it."""
    path = outcome_file()
    if not path.is_file():
        return render("memory.md", outcome=None)
    outcome = json.loads(path.read_text(encoding="utf-8"))
    left = pd.DataFrame(outcome["reach"])[list(_LOOKS)]
    _draw(context, left, outcome["half_lives"])
    return render(
        "memory.md",
        outcome=outcome,
        left=left,
        back=20,
        device=short_device(outcome["device"]),
        day=outcome["started"][:10],
    )


def reach(cell, x):
    """Return the size of ∂h_T / ∂h_{T-k} over k, as a share of that of k = 0.

    Args:
        cell: of keras, whose first state is h, with n features.
        x: the inputs of T time steps, an array [T, m].

    Returns:
        The Frobenius norms of the T matrices for k = 0 … T - 1, divided by √n.
    """
    n = cell.units
    squares = np.zeros(len(x))
    for rows in np.split(np.eye(n, dtype=np.float32), range(AT_ONCE, n, AT_ONCE)):
        # Copy i of the sequence has the gradient of one feature of the last state.
        inputs = np.repeat(np.float32(x)[:, None], len(rows), axis=1)

        def last_state(shifts, inputs=inputs, rows=rows):
            states = cell.get_initial_state(batch_size=len(rows))
            states = list(states) if isinstance(states, list | tuple) else [states]
            for x_t, shift in zip(inputs, shifts):
                _, (h, *rest) = cell(x_t, states)
                states = [h + shift, *rest]
            return ops.sum(states[0] * rows)

        jacobians = backend().gradients(last_state, [np.zeros_like(rows)] * len(x))
        squares += np.square(np.float64(jacobians)).sum(axis=(1, 2))
    return np.sqrt(squares[::-1] / n)


def reach_of_line(share, back):
    """Return the same of a state of which a step keeps `share` and nothing else, over k ≤ back."""
    return np.sqrt(np.mean(share ** (2 * np.arange(back + 1)[:, None]), axis=1))


def half_life(share):
    """Return the time steps after which half is left where a step keeps `share`, below 1."""
    return np.log(0.5) / np.log(np.minimum(share, 1 - 2**-24))  # single precision may say 1


def _recurrent(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.layers.RNN))


def _rounded(values):
    return [float(f"{value:.6g}") for value in values]


def _draw(context, left, half_lives):
    use_style()
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    gradient, lives = figure.subplots(1, 2)
    for name, look in _LOOKS.items():
        gradient.plot(100 * left[name], label=name, **look)
    gradient.set(
        title="Gradient", xlabel="time steps back", ylabel="% of the gradient left", ylim=(0, 100)
    )
    for when, line in {"start": ":", "end": "-"}.items():
        values = half_lives[when]
        label = f"{when} of training"
        lives.plot(values, range(101), color=COLOURS["rru"], linestyle=line, label=label)
    lives.set(
        title="The RRU's features",
        xscale="log",
        xlabel="half-life in time steps, at most",
        ylabel="% of the features",
        ylim=(0, 100),
    )
    lives.xaxis.set_major_formatter(ScalarFormatter())
    for ax in (gradient, lives):
        ax.legend()
    drawings.write(context, figure, "memory")
