"""How long is a training step of each layer on a GPU, beside cuDNN's?

    python benchmarks/gpu.py --size words --json benchmarks/records/gpu-words.json

Forward and backward on JAX, in products of three precisions. The gated layers and PyTorch's, which
are cuDNN's, have as many parameters as the RRU. All steps are compiled first, side by side: that
takes most of the time. TensorFlow need not be installed. The record also holds what a step starts
on the GPU, and the ceilings of the GPU: a large copy, large products, and a loop over time that has
next to nothing to do.
"""

import contextlib
import itertools
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
from measure import (
    LAYERS,
    SIZES,
    arguments,
    inputs,
    layer_named,
    report,
    rru_parameters,
    side_by_side,
    torch_rnn,
    torch_version,
)

from rru_nb.layers.backend import fixed_settings
from rru_nb.tasks.budget import units_within

QUESTION = __doc__.splitlines()[0]
PRECISIONS = ("float32", "tf32", "bfloat16")
PROFILED = (("RRU, fused", "float32"), ("LSTM", "float32"))


def main():
    options = arguments(QUESTION, more=_add_options)
    size, budget = SIZES[options.size], options.parameters
    if budget:
        size = size | {"n": units_within(lambda n: rru_parameters(size | {"n": n}), budget)}
    rows, profiles = time_all(size, options)
    versions = {"torch": torch_version()} if torch_version() else {}
    about = {"parameters": rru_parameters(size), "size": options.size, "settings": size}
    about |= {"ceilings": ceilings(options.rounds), "kernels": profiles}
    report(QUESTION, rows, options, versions=versions, **about)


def _add_options(parser):
    parser.add_argument("--parameters", type=int, help="of the RRU instead of the size's own")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)


def time_all(size, options):
    """Return a row for each layer and precision, and what some steps start on the GPU."""
    steps = [(layer, p) for layer in LAYERS for p in _precisions(layer, options)]
    lowered = [lowered_step(size, *step) for step in steps]
    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(lambda step: step[0].compile(), lowered))
    runs, profiles = {}, {}
    for step, (_, values), run in zip(steps, lowered, compiled):
        runs[step] = lambda run=run, values=values: jax.block_until_ready(run(*values))
        if step in PROFILED:
            with contextlib.suppress(ValueError, RuntimeError):  # not every driver lets one look
                profiles[step[0]] = kernels(runs[step])
    if torch_version():
        for kind, precision in itertools.product(("LSTM", "GRU"), options.precisions):
            name = f"torch.nn.{kind}"
            runs[name, precision] = torch_rnn(size, options.threads, kind, precision)
    seconds = side_by_side(runs, options.rounds)
    rows = []
    for (layer, precision), timings in seconds.items():
        row = {"what": layer, "precision": precision}
        row |= {"median_ms": 1000 * statistics.median(timings), "min_ms": 1000 * min(timings)}
        if torch_version():
            row["of torch.nn.LSTM"] = statistics.median(timings) / statistics.median(
                seconds["torch.nn.LSTM", precision]
            )
        rows.append(row)
    return rows, profiles


def _precisions(layer, options):
    """The plain loop and the slowest gated layer in float32 alone: they compile longest."""
    once = layer in ("RRU, plain", "MogrifierLSTM")
    return [p for p in options.precisions if not once or p == "float32"]


def lowered_step(size, name, precision):
    """Return forward and backward of a layer, traced but not compiled, and its arguments."""
    with fixed_settings(precision):
        layer = layer_named(name, size)
        model = keras.Sequential([keras.Input((size["T"], size["m"])), layer])
        x, pull = map(jnp.asarray, inputs(size | {"p": model.output_shape[-1]}))

        def loss(weights, others, x, pull):
            outputs, _ = model.stateless_call(weights, others, x, training=True)
            return jnp.sum(outputs * pull)

        groups = (model.trainable_variables, model.non_trainable_variables)
        values = (*([v.value for v in group] for group in groups), x, pull)
        return jax.jit(jax.grad(loss)).lower(*values), values


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
    for name in PRECISIONS:
        factors = [x.astype("bfloat16") if name == "bfloat16" else x for x in (a, b)]
        with fixed_settings(name):
            product = jax.jit(jnp.matmul).lower(*factors).compile()
        seconds = _seconds(lambda product=product, factors=factors: product(*factors), rounds)
        found[f"{name}_TFLOP_per_s"] = 2 * side**3 / seconds / 1e12
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
