"""What the benchmarks share: settings, timing side by side, records with their circumstances."""

import argparse
import datetime
import importlib.util
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `rru-nb` sets it

import keras
import numpy as np

from rru_nb import RRU
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.mogrifier import MogrifierLSTM
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_parameters
from rru_nb.training import provenance
from rru_nb.training.config import paper_config

RECORDS = Path(__file__).parent / "records"
GATED = {"gru": GRU, "lstm": LSTM, "mogrifier": MogrifierLSTM}
LAYERS = ("RRU, fused", "RRU, plain", *(layer.__name__ for layer in GATED.values()))

# The recurrent layer of the paper's JSB Chorales setting (Table 4), with full windows, the first of
# its words' setting (Table 4), that of its sequential MNIST setting and the first of its IMDB
# setting (Table 5). B batch, T time steps, m inputs, n state features, q the middle layer's
# multiplier, p outputs.
SIZES = {
    "jsb": {"B": 16, "T": 200, "m": 88, "n": 1315, "q": 1.77, "p": 64, "dropout": 0.79362},
    "words": {"B": 128, "T": 64, "m": 64, "n": 830, "q": 6.86655, "p": 128, "dropout": 0.66035},
    "pixels": {"B": 64, "T": 784, "m": 1, "n": 128, "q": 2.0, "p": 64, "dropout": 0.7},
    "reviews": {"B": 64, "T": 512, "m": 64, "n": 1491, "q": 2.0, "p": 64, "dropout": 0.5},
    # Only to see that a script runs.
    "tiny": {"B": 2, "T": 12, "m": 3, "n": 8, "q": 1.5, "p": 4, "dropout": 0.5, "rank": 1},
}


def arguments(question, rounds=9, more=None):
    """Parse a script's command line: `--size`, `--rounds`, `--threads`, `--json`, and `more`.

    Args:
        more: a function of the parser that adds options of the script's own.
    """
    parser = argparse.ArgumentParser(
        description=question, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="jsb")
    parser.add_argument("--rounds", type=int, default=rounds, help="timings of each candidate")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="where to write the record")
    if more:
        more(parser)
    options = parser.parse_args()
    options.load_before = os.getloadavg()[0]
    if keras.backend.backend() != "tensorflow":
        return options
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    return options


def hidden_size(size):
    """g, as the cell rounds it."""
    return round(size["q"] * (size["m"] + size["n"]))


def rru_options(size):
    return {"output_size": size["p"], "hidden_multiplier": size["q"], "dropout": size["dropout"]}


def rru_parameters(size):
    m, n, p, g = size["m"], size["n"], size["p"], hidden_size(size)
    return (m + n + 1) * g + (g + 1) * (n + p) + 2 * n


def layer_named(name, size):
    """Make the layer that `LAYERS` names; a gated one has as many parameters as the RRU."""
    if name.startswith("RRU"):
        options = rru_options(size) | {"fused": name == "RRU, fused"}
        return RRU(size["n"], **options, return_sequences=True)
    cell = next(cell for cell, layer in GATED.items() if layer.__name__ == name)
    own = {"rounds": 5, "rank": size.get("rank", 40)} if cell == "mogrifier" else {}
    config = paper_config("jsb", cell, **own)
    units = units_within(lambda n: recurrent_parameters(config, n, size["m"]), rru_parameters(size))
    return GATED[cell](units, dropout=size["dropout"], return_sequences=True, **own)


def torch_rnn(size, threads, kind="LSTM", precision="float32"):
    """PyTorch's recurrent layer, with a product to p outputs; cuDNN's on a GPU.

    Args:
        kind: "LSTM" or "GRU", with as many parameters as the RRU of this size.
        precision: "float32"; on a GPU also "tf32", or "bfloat16" of all weights and states.
    """
    import torch

    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    m, p, gates = size["m"], size["p"], {"LSTM": 4, "GRU": 3}[kind]
    n = units_within(lambda n: gates * n * (m + n + 2) + n * p, rru_parameters(size))
    rnn = getattr(torch.nn, kind)(m, n).to(device, dtype)
    dense = torch.nn.Linear(n, p, bias=False).to(device, dtype)
    x, pull = (torch.tensor(t.swapaxes(0, 1).copy(), device=device).to(dtype) for t in inputs(size))
    parameters = [*rnn.parameters(), *dense.parameters()]

    def run():
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        for parameter in parameters:
            parameter.grad = None
        (dense(rnn(x)[0]) * pull).sum().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def torch_version():
    """PyTorch's version, or None where it is not installed."""
    if not importlib.util.find_spec("torch"):
        return None
    import torch

    return torch.__version__


def inputs(size):
    """x [B, T, m], and the random weights [B, T, p] of the outputs in the loss."""
    rng = np.random.default_rng(0)
    x = rng.random((size["B"], size["T"], size["m"])) < 0.05
    pull = rng.normal(size=(size["B"], size["T"], size["p"]))
    return x.astype("float32"), pull.astype("float32")


def training_step(layer, size, project=False, traced_steps=None, **function_options):
    """A function that runs forward and backward once, over all time steps or the first few.

    Args:
        layer: a recurrent layer that returns sequences; built here.
        size: an entry of `SIZES`.
        project: whether a dense layer without bias takes the layer's outputs to p.
        traced_steps: the number of time steps that the graph is made for; None: any.
        **function_options: of `tf.function`.

    The function's `trace` makes the graph and returns it, without running it.
    """
    import tensorflow as tf

    x, pull = (tf.constant(t) for t in inputs(size))
    layers = [layer, *[keras.layers.Dense(size["p"], use_bias=False)] * project]
    model = keras.Sequential([keras.Input((None, size["m"])), *layers])
    for variable in model.trainable_variables:
        if variable.name == "rezero_scale":
            variable.assign(0.1 * np.random.default_rng(1).normal(size=variable.shape))
    values = [v.value for v in model.trainable_variables]

    # Else one graph for all lengths, as in training, where batches are trimmed.
    spec = [tf.TensorSpec([None, traced_steps, t.shape[-1]]) for t in (x, pull)]

    @tf.function(input_signature=spec, **function_options)
    def step(x, pull):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x, training=True) * pull)
        return tape.gradient(loss, values)

    def run(n_steps=None):
        # Reading a number of each gradient waits until it is there.
        return [float(tf.reshape(g, [-1])[0]) for g in step(x[:, :n_steps], pull[:, :n_steps])]

    run.trace = lambda: step.get_concrete_function().graph
    return run


def side_by_side(candidates, rounds, warm_up=2):
    """Times functions in turn, so that a busy moment of the machine meets all of them.

    Args:
        candidates: dictionary of names to functions of no arguments.
        rounds: int, timings of each. warm_up: int, untimed calls of each.

    Returns:
        A dictionary of names to lists of seconds.
    """
    for run in candidates.values():
        for _ in range(warm_up):
            run()
    seconds = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def table(seconds, against):
    """Rows of median and smallest seconds, and ratios of medians to those of `against`."""
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    return [
        {"what": name, "median_s": medians[name], "min_s": min(s)}
        | {f"of {other}": medians[name] / medians[other] for other in against if other in medians}
        for name, s in seconds.items()
    ]


def report(question, rows, options, **more):
    """Prints rows as a table and, if `--json` was given, writes them with all circumstances."""
    print(f"\n{question}\n")
    names = list(rows[0])
    widths = {n: max(len(n), *(len(_shown(row[n])) for row in rows)) for n in names}
    for row in [dict(zip(names, names)), *rows]:
        cells = [_shown(row[n]) for n in names]
        print("  ".join(c.ljust(widths[n]) if n == names[0] else c.rjust(widths[n])
                        for c, n in zip(cells, names)))  # fmt: skip
    if options.json:
        record = {
            "question": question,
            "rows": rows,
            **more,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "rounds": options.rounds,
            "threads": options.threads,
            "load_average": {"before": options.load_before, "after": os.getloadavg()[0]},
            "device": provenance.device(),
            "versions": provenance.versions() | more.get("versions", {}),
            "commit": provenance.commit(),
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def _shown(value):
    return f"{value:.3f}" if isinstance(value, float) else str(value)
