"""How long is a training step of the RRU, beside the plain cell, LSTMs and the bare products?

    python benchmarks/step.py --size jsb --json benchmarks/records/step-jsb.json
    python benchmarks/step.py --size pixels --json benchmarks/records/step-pixels.json

Forward and backward of the recurrent layer, without optimizer. The LSTMs have as many
parameters as the RRU; PyTorch's takes part where `pip install rru_nb[bench]` has been run.
On a machine with a GPU, TensorFlow and PyTorch use it; the record says which.
"""

import importlib.util
import statistics

import keras
from measure import (
    SIZES,
    arguments,
    hidden_size,
    inputs,
    report,
    side_by_side,
    table,
    training_step,
)
from products import bare_products, flops, large_product

from rru_nb import RRU, RRUCell
from rru_nb.budget import units_within

QUESTION = __doc__.splitlines()[0]


def rru_options(size):
    return {"output_size": size["p"], "hidden_multiplier": size["q"], "dropout": size["dropout"]}


def rru_parameters(size):
    m, n, p, g = size["m"], size["n"], size["p"], hidden_size(size)
    return (m + n + 1) * g + (g + 1) * (n + p) + 2 * n


def keras_lstm(size):
    m, p = size["m"], size["p"]
    n = units_within(lambda n: 4 * n * (m + n + 1) + n * p, rru_parameters(size))
    layer = keras.layers.LSTM(n, return_sequences=True)
    return training_step(layer, size, project=True)


def torch_lstm(size, threads):
    """PyTorch's LSTM, oneDNN's on a processor, cuDNN's on a GPU, with a product to p outputs."""
    import torch

    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    m, p = size["m"], size["p"]
    n = units_within(lambda n: 4 * n * (m + n + 2) + n * p, rru_parameters(size))
    lstm = torch.nn.LSTM(m, n).to(device)
    dense = torch.nn.Linear(n, p, bias=False).to(device)
    x, pull = (torch.tensor(t.numpy().swapaxes(0, 1).copy(), device=device) for t in inputs(size))
    parameters = [*lstm.parameters(), *dense.parameters()]

    def run():
        for parameter in parameters:
            parameter.grad = None
        (dense(lstm(x)[0]) * pull).sum().backward()
        return [float(parameter.grad.flatten()[0]) for parameter in parameters]

    return run


def rru_candidates(size):
    """The RRU, fused and by the plain cell, and the floor."""
    plain = keras.layers.RNN(RRUCell(size["n"], **rru_options(size)), return_sequences=True)
    fused = RRU(size["n"], **rru_options(size), return_sequences=True, fused=True)
    return {
        "bare products": bare_products(size),
        "RRU, fused": training_step(fused, size),
        "RRU, plain cell": training_step(plain, size),
    }


def torch_version():
    """PyTorch's version, or None where it is not installed."""
    if not importlib.util.find_spec("torch"):
        return None
    import torch

    return torch.__version__


def main():
    options = arguments(QUESTION)
    size, versions = SIZES[options.size], {}
    candidates = rru_candidates(size) | {"keras.layers.LSTM": keras_lstm(size)}
    candidates["bare products by XLA"] = bare_products(size, compiled=True)
    if torch_version():
        versions["torch"] = torch_version()
        candidates["torch.nn.LSTM"] = torch_lstm(size, options.threads)
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
