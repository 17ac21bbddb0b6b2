"""How much faster are the fused gated layers than their cells in `keras.layers.RNN`?

    python benchmarks/gated.py --json benchmarks/records/gated-jsb.json

Forward and backward at each cell's size for JSB Chorales in Table 4, batch 16, full windows.
"""

import statistics

import keras
from measure import SIZES, arguments, report, side_by_side, training_step

from rru_nb import paper_config
from rru_nb.layers.sizes import dense_parameters
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_layer, recurrent_parameters
from rru_nb.training.config import CELL_TITLES

QUESTION = __doc__.splitlines()[0]
CELLS = ("gru", "lstm", "mogrifier")


def fused_and_plain(cell, size):
    """The layer of Table 4, and the same cell in `keras.layers.RNN`; and parameters, units."""
    config = paper_config("jsb", cell)

    def parameters(units):
        head = dense_parameters(units, size["m"])
        return recurrent_parameters(config, units, size["m"]) + head

    units = units_within(parameters, size.get("budget", config.n_params))
    fused = recurrent_layer(config, units, return_sequences=True, fused=True)
    plain = recurrent_layer(config, units, fused=False).cell
    return fused, keras.layers.RNN(plain, return_sequences=True), parameters(units), units


def main():
    options = arguments(QUESTION)
    size = dict(SIZES[options.size])
    if options.size == "tiny":
        size["budget"] = 2000
    candidates, rows = {}, []
    for cell in CELLS:
        fused, plain, parameters, units = fused_and_plain(cell, size)
        # The weights of the loss have as many features as the layer's outputs.
        candidates[cell, "fused"] = training_step(fused, size | {"p": units})
        candidates[cell, "plain"] = training_step(plain, size | {"p": units})
        rows.append({"cell": CELL_TITLES[cell], "parameters": parameters, "units": units})
    seconds = side_by_side(candidates, options.rounds)
    for cell, row in zip(CELLS, rows):
        for kind in ("fused", "plain"):
            row[f"{kind}, median_s"] = statistics.median(seconds[cell, kind])
            row[f"{kind}, min_s"] = min(seconds[cell, kind])
        row["plain / fused"] = row["plain, median_s"] / row["fused, median_s"]
    settings = {name: size[name] for name in "BTm"}
    report(QUESTION, rows, options, size=options.size, settings=settings)


if __name__ == "__main__":
    main()
