"""How long is one time step at batch 1, as music is composed?

    python benchmarks/generation.py --json benchmarks/records/generation-jsb.json

Models of music with as many parameters each, by `rru_nb.listen.sampling.Stepper`, and PyTorch's
`LSTMCell` where it is installed. A step that grew with the sequence, or a graph made anew, would
show in the last column.
"""

import statistics
import time

import keras
import numpy as np
from measure import SIZES, arguments, report, torch_version

from rru_nb import paper_config
from rru_nb.layers.sizes import dense_parameters
from rru_nb.listen.sampling import Stepper
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import output_features, recurrent_layer, recurrent_parameters
from rru_nb.training.config import CELL_TITLES

QUESTION = __doc__.splitlines()[0]
BUDGETS = {"tiny": (3000,)}
PAPER_BUDGETS = (300_000, 6_900_000)
STEPS = 100  # of a timing


def model_of(cell, budget, m):
    """A music model of `cell` within the budget, and its number of parameters."""
    config = paper_config("jsb", cell)

    def parameters(units):
        head = dense_parameters(output_features(config, units), m)
        return recurrent_parameters(config, units, m) + head

    units = units_within(parameters, budget)
    layers = recurrent_layer(config, units, return_sequences=True), keras.layers.Dense(m)
    return keras.Sequential([keras.Input((None, m)), *layers]), parameters(units)


def keras_step(model, m):
    stepper, frame = Stepper(model), np.zeros([1, m], "float32")
    stepper.start(1)
    return lambda: stepper(frame)


def torch_step(budget, m):
    """A step of PyTorch's LSTM cell and a product to the keys, and their parameters."""
    import torch

    def parameters(n):
        return 4 * n * (m + n + 2) + (n + 1) * m

    n = units_within(parameters, budget)
    cell, dense, frame = torch.nn.LSTMCell(m, n), torch.nn.Linear(n, m), torch.zeros(1, m)
    states = [torch.zeros(1, n)] * 2

    @torch.no_grad()
    def step():
        states[:] = cell(frame, states)
        return dense(states[0]).numpy()

    return step, parameters(n)


def timed(step):
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return 1e6 * (time.perf_counter() - start) / STEPS


def main():
    options = arguments(QUESTION)
    size, candidates = SIZES[options.size], {}
    for budget in BUDGETS.get(options.size, PAPER_BUDGETS):
        for cell in ("rru", "gru"):
            model, parameters = model_of(cell, budget, size["m"])
            candidates[CELL_TITLES[cell], parameters] = keras_step(model, size["m"])
        if torch_version():
            step, parameters = torch_step(budget, size["m"])
            candidates["torch.nn.LSTMCell", parameters] = step
    times = {name: [] for name in candidates}
    for step in candidates.values():
        timed(step)  # traces and warms up
    for _ in range(options.rounds):
        for name, step in candidates.items():
            times[name].append(timed(step))
    rows = [
        {"what": what, "parameters": parameters, "median_us": statistics.median(taken)}
        | {"min_us": min(taken), "last / first": taken[-1] / taken[0]}
        for (what, parameters), taken in times.items()
    ]
    versions = {"torch": torch_version()} if torch_version() else {}
    report(QUESTION, rows, options, size=options.size, steps=STEPS, versions=versions)


if __name__ == "__main__":
    main()
