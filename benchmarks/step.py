"""How long is a training step of the RRU, beside the plain cell, gated layers and bare products?

    python benchmarks/step.py --size jsb --json benchmarks/records/step-jsb.json
    python benchmarks/step.py --size pixels --json benchmarks/records/step-pixels.json

Forward and backward of the recurrent layer, without optimizer. The gated layers have as
many parameters as the RRU; PyTorch's takes part where `pip install rru_nb[bench]` has been run.
On a machine with a GPU, TensorFlow and PyTorch use it; the record says which.
"""

import statistics

import keras
from measure import (
    SIZES,
    arguments,
    report,
    rru_options,
    rru_parameters,
    side_by_side,
    table,
    torch_rnn,
    torch_version,
    training_step,
)
from products import bare_products, flops, large_product

from rru_nb import RRU, RRUCell
from rru_nb.tasks.budget import units_within

QUESTION = __doc__.splitlines()[0]


def keras_gated(size):
    """Keras' LSTM and GRU, with a product to p outputs."""
    m, p, parameters = size["m"], size["p"], rru_parameters(size)
    lstm = units_within(lambda n: 4 * n * (m + n + 1) + n * p, parameters)
    gru = units_within(lambda n: 3 * n * (m + n + 2) + n * p, parameters)
    layers = (
        keras.layers.LSTM(lstm, return_sequences=True),
        keras.layers.GRU(gru, return_sequences=True),
    )
    names = (f"keras.layers.{type(layer).__name__}" for layer in layers)
    return {name: training_step(layer, size, project=True) for name, layer in zip(names, layers)}


def rru_candidates(size):
    """The RRU, fused and by the plain cell, and the floor."""
    plain = keras.layers.RNN(RRUCell(size["n"], **rru_options(size)), return_sequences=True)
    fused = RRU(size["n"], **rru_options(size), return_sequences=True, fused=True)
    return {
        "bare products": bare_products(size),
        "RRU, fused": training_step(fused, size),
        "RRU, plain cell": training_step(plain, size),
    }


def main():
    options = arguments(QUESTION)
    size, versions = SIZES[options.size], {}
    candidates = rru_candidates(size) | keras_gated(size)
    candidates["bare products by XLA"] = bare_products(size, compiled=True)
    if torch_version():
        versions["torch"] = torch_version()
        candidates["torch.nn.LSTM"] = torch_rnn(size, options.threads)
    square, operations = large_product()
    seconds = side_by_side(candidates | {"large product": square}, options.rounds)
    large = operations / statistics.median(seconds.pop("large product")) / 1e9
    rows = table(seconds, ("bare products", "RRU, plain cell", "torch.nn.LSTM"))
    speed = flops(size) / rows[0]["median_s"] / 1e9
    print(f"The bare products run at {speed:.0f} GFLOP/s, a large square one at {large:.0f}.")
    more = {"gflops_of_products": speed, "gflops_of_large_product": large}
    more |= {"parameters": rru_parameters(size), "size": options.size, "settings": size}
    report(QUESTION, rows, options, versions=versions, **more)


if __name__ == "__main__":
    main()
