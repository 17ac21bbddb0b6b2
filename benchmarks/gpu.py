"""How long is a training step of each layer on a GPU, beside cuDNN's?

    KERAS_BACKEND=jax python benchmarks/gpu.py --json benchmarks/records/gpu.json

Forward and backward at the paper's sizes and at smaller ones, with dropout in the RRU. The gated
layers and PyTorch's, which are cuDNN's, have as many parameters as the RRU. All steps are compiled
first, side by side, and then timed one after the other on the quiet GPU. TensorFlow need not be
installed. The record also holds the ceilings of the GPU: a large copy, large products, and what a
loop over time costs that has next to nothing to do.
"""

import contextlib
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
from measure import (
    SIZES,
    arguments,
    inputs,
    report,
    rru_options,
    rru_parameters,
    torch_rnn,
    torch_version,
)

from rru_nb import RRU
from rru_nb.layers.backend import fixed_settings
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.mogrifier import MogrifierLSTM
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_parameters
from rru_nb.training.config import paper_config

QUESTION = __doc__.splitlines()[0]
GATED = {"gru": GRU, "lstm": LSTM, "mogrifier": MogrifierLSTM}
BUDGETS = {"0.3 M": 300_000, "1 M": 1_000_000, "3 M": 3_000_000}  # at the inputs of JSB's size
PRECISIONS = ("float32", "tf32", "bfloat16")
AGAINST = "torch.nn.LSTM"


def main():
    options = arguments(QUESTION, more=_add_options)
    sizes = {name: _size(name) for name in options.sizes}
    steps = [
        (name, precision, layer, *lowered_step(size, precision, layer))
        for name, size in sizes.items()
        for precision in options.precisions
        for layer in _layers(name, precision)
    ]
    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(lambda step: step[3].compile(), steps))
    rows, profiles = [], {}
    for (name, precision, layer, _, values), step in zip(steps, compiled):
        run = lambda step=step, values=values: jax.block_until_ready(step(*values))  # noqa: E731
        rows.append(_timed(name, precision, layer, run, options.rounds))
        if precision == "float32" and layer in ("RRU, fused", "LSTM"):
            with contextlib.suppress(ValueError, RuntimeError):  # not every driver lets one look
                profiles[f"{name}, {layer}"] = kernels(run)
    if torch_version():
        for name, size in sizes.items():
            for precision in options.precisions:
                for kind in ("LSTM", "GRU"):
                    run = torch_rnn(size, options.threads, kind, precision)
                    rows.append(_timed(name, precision, f"torch.nn.{kind}", run, options.rounds))
    _compare(rows)
    more = {"settings": sizes, "kernels": profiles, "ceilings": ceilings(options.rounds)}
    more["parameters"] = {name: rru_parameters(size) for name, size in sizes.items()}
    versions = {"torch": torch_version()} if torch_version() else {}
    report(QUESTION, rows, options, versions=versions, **more)


def _add_options(parser):
    names = (*SIZES, *BUDGETS)
    default = [name for name in names if name != "tiny"]
    parser.add_argument("--sizes", nargs="+", choices=names, default=default)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)


def _size(name):
    if name in SIZES:
        return SIZES[name]
    base = SIZES["jsb"]
    return base | {"n": units_within(lambda n: rru_parameters(base | {"n": n}), BUDGETS[name])}


def _layers(name, precision):
    if name in BUDGETS or precision != "float32":
        return ("RRU, fused", "GRU", "LSTM")
    return ("RRU, fused", "RRU, plain", "GRU", "LSTM", "MogrifierLSTM")


def lowered_step(size, precision, name):
    """Return forward and backward of a layer, traced but not compiled, and its arguments."""
    with fixed_settings(precision):
        layer = _layer(size, name)
        model = keras.Sequential([keras.Input((size["T"], size["m"])), layer])
        x, pull = map(jnp.asarray, inputs(size | {"p": model.output_shape[-1]}))

        def loss(weights, others, x, pull):
            outputs, _ = model.stateless_call(weights, others, x, training=True)
            return jnp.sum(outputs * pull)

        groups = (model.trainable_variables, model.non_trainable_variables)
        values = (*([v.value for v in group] for group in groups), x, pull)
        return jax.jit(jax.grad(loss)).lower(*values), values


def _layer(size, name):
    if name.startswith("RRU"):
        options = rru_options(size) | {"fused": name == "RRU, fused"}
        return RRU(size["n"], **options, return_sequences=True)
    cell = next(cell for cell, layer in GATED.items() if layer.__name__ == name)
    own = {"rounds": 5, "rank": size.get("rank", 40)} if cell == "mogrifier" else {}
    config = paper_config("jsb", cell, **own)
    units = units_within(lambda n: recurrent_parameters(config, n, size["m"]), rru_parameters(size))
    return GATED[cell](units, dropout=size["dropout"], return_sequences=True, **own)


def _timed(size, precision, what, run, rounds):
    for _ in range(2):
        run()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    ms = [1000 * s for s in (statistics.median(seconds), min(seconds))]
    print(f"{size:8} {precision:8} {what:14} {ms[0]:9.3f} ms", flush=True)
    about = {"what": what, "size": size, "precision": precision}
    return about | {"median_ms": ms[0], "min_ms": ms[1]}


def _compare(rows):
    medians = {(r["size"], r["precision"], r["what"]): r["median_ms"] for r in rows}
    for row in rows:
        other = medians.get((row["size"], row["precision"], AGAINST))
        if other:
            row[f"of {AGAINST}"] = row["median_ms"] / other


def kernels(run):
    """Count what a step starts on the GPU, by name: `{name: [how often, µs together]}`."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        (file,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(file))
        found = {}
        for plane in profile.planes:
            if "GPU" not in plane.name:
                continue
            for line in plane.lines:
                if "Stream" not in line.name:
                    continue
                for event in line.events:
                    count, us = found.get(event.name, (0, 0.0))
                    found[event.name] = (count + 1, us + event.duration_ns / 1000)
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def ceilings(rounds):
    """Measure the GPU's rates: GB/s of a copy, TFLOP/s of products, µs a step of an idle loop."""
    on_gpu = jax.devices()[0].platform == "gpu"
    n = 2**28 if on_gpu else 2**20
    a = jnp.ones(n)
    copy = jax.jit(lambda a: a + 1)
    found = {"copy_GB_per_s": 8 * n / _seconds(lambda: copy(a), rounds) / 1e9}
    side = 8192 if on_gpu else 256
    a, b = jax.random.normal(jax.random.key(0), [2, side, side])
    algorithms = {"float32": "highest", "tf32": "tensorfloat32"}
    for name, precision in algorithms.items():
        with jax.default_matmul_precision(precision):
            product = jax.jit(lambda a, b: a @ b).lower(a, b).compile()
        seconds = _seconds(lambda product=product: product(a, b), rounds)
        found[f"{name}_TFLOP_per_s"] = 2 * side**3 / seconds / 1e12
    a, b = (x.astype("bfloat16") for x in (a, b))
    seconds = _seconds(lambda: jax.jit(lambda a, b: a @ b)(a, b), rounds)
    found["bfloat16_TFLOP_per_s"] = 2 * side**3 / seconds / 1e12
    x = jax.random.normal(jax.random.key(1), [1000, 64])
    loop = jax.jit(lambda x: jax.lax.scan(lambda h, x: (jnp.tanh(h + x),) * 2, x[0], x))
    found["idle_loop_us_per_step"] = _seconds(lambda: loop(x), rounds) / 1000 * 1e6
    return found


def _seconds(run, rounds):
    jax.block_until_ready(run())
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
