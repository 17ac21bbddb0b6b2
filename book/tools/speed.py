"""The fragments of the page "Speed", from the records of `benchmarks/`."""

import functools
import json
from pathlib import Path

import pandas as pd
import seaborn as sns
import yaml
from matplotlib.figure import Figure

from rru_nb.figures import COLOURS, use_style
from rru_nb.layers.backend import TRAINS
from rru_nb.storage import paths

from .record_list import short_device
from .render import render
from .stage import FRAGMENTS as FOLDER

PEER, KERAS = "torch.nn.LSTM", "keras.layers.LSTM"
ROUGHLY = 1.25  # times as fast or as slow are "roughly the same speed"
TABLES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
_SIZES = {"jsb": "JSB Chorales", "pixels": "pixels"}
_BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
_LOOKS = {"RRU, fused": COLOURS["rru"], "RRU, plain cell": "#56b4e9", "bare products": "0.4"}
_LOOKS |= {PEER: COLOURS["lstm"]}


def record(name):
    """Return the record of a benchmark as a dictionary, or None where there is none."""
    root = paths.checkout()
    path = root and root / "benchmarks" / "records" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else None


def ratios():
    """Return how long a step takes beside PyTorch's LSTM, by number of parameters and machine.

    Returns:
        A frame with the columns `machine`, `what`, `parameters`, `median_s` and `ratio`; empty
        without a record `benchmarks/records/parameters-*.json`.
    """
    folder = (paths.checkout() or paths.PACKAGE) / "benchmarks" / "records"
    found = [record(path.stem) for path in sorted(folder.glob("parameters-*.json"))]
    rows = [row | {"machine": short_device(one["device"])} for one in found for row in one["rows"]]
    frame = pd.DataFrame(rows, columns=["machine", "what", "parameters", "median_s"])
    peers = frame[frame.what == PEER].set_index(["machine", "parameters"]).median_s
    both = pd.MultiIndex.from_frame(frame[["machine", "parameters"]])
    return frame.assign(ratio=frame.median_s / peers.reindex(both).to_numpy())


def beside(name, what, peer):
    """Return how long a step of `what` takes as a share of the peer's, by medians of a record."""
    seconds = {row["what"]: row["median_s"] for row in record(name)["rows"]}
    return seconds[what] / seconds[peer]


def verdict(context):
    """Return how fast the layer is, and whether the paper's sentence on its cell holds."""
    frame, steps = ratios(), {size: record(f"step-{size}") for size in _SIZES}
    if frame.empty or not all(steps.values()):
        return "Not measured yet.\n"
    fused = frame[frame.what == "RRU, fused"].sort_values("parameters")
    plain = {size: beside(f"step-{size}", "RRU, plain cell", KERAS) for size in steps}
    _draw_ratios(context, frame)
    return render(
        "speed_verdict.md",
        machines=list(frame.machine.unique()),
        smallest=fused.iloc[0],
        largest=fused.iloc[-1],
        floor=beside("step-jsb", "RRU, fused", "bare products"),
        plain=plain,
        same=all(1 / ROUGHLY <= ratio <= ROUGHLY for ratio in plain.values()),
        fused={size: beside(f"step-{size}", "RRU, fused", KERAS) for size in steps},
        parameters={size: steps[size]["parameters"] for size in steps},
    )


def _draw_ratios(context, frame):
    figure, ax = _axes()
    by_machine = {"style": "machine", "markers": True}
    looks = by_machine if frame.machine.nunique() > 1 else {"marker": "o"}
    sns.lineplot(frame, x="parameters", y="ratio", hue="what", palette=_LOOKS, ax=ax, **looks)
    ax.set(xscale="log", ylim=(0, None), xlabel="parameters of the layer")
    ax.set_ylabel(f"time of a training step\nas a share of {PEER}'s")
    sizes = sorted(frame.parameters.unique())
    ax.set_xticks(sizes, [f"{size / 1e6:.1f} M" for size in sizes])
    ax.minorticks_off()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    _save(context, figure, "speed_ratios")


def seconds_by_size(found):
    """Return the seconds of a step, a row for each number of parameters."""
    frame = pd.DataFrame(found["rows"]).pivot(index="parameters", columns="what", values="median_s")
    return frame.add_suffix("_s").reset_index().to_dict("records")


def backends(context):
    """Return a training step of each layer on TensorFlow and on JAX, side by side."""
    names = {f"backends-{b}-{size}": (b, size) for size in _SIZES for b in TRAINS}
    found = {name: record(name) for name in names}
    if missing := [name for name, one in found.items() if one is None]:
        backend, size = names[missing[0]]
        return _missing(missing[0], f"backends.py --size {size}", f"KERAS_BACKEND={backend} ")
    rows = [{"what": row["what"]} for row in next(iter(found.values()))["rows"]]
    for name, one in found.items():
        for row, measured in zip(rows, one["rows"], strict=True):
            row[f"{name}_s"] = measured["median_s"]
    titles = {
        f"{n}_s": f"{_SIZES[size]}, {_BACKENDS[b]}, seconds" for n, (b, size) in names.items()
    }
    return _written(list(found.values()), {"what": ""} | titles, rows)


def _table(name, context):
    spec = TABLES[name]
    found = record(spec["record"])
    if found is None:
        return _missing(spec["record"], spec["script"])
    if name == "length":
        _draw_length(context, pd.DataFrame(found["rows"]))
    rows = seconds_by_size(found) if name == "parameters" else found["rows"]
    return _written([found], spec["columns"], rows, spec.get("template", "speed_table.md"))


def _missing(name, script, environment=""):
    command = f"{environment}python benchmarks/{script} --json benchmarks/records/{name}.json"
    return f"Not measured yet:\n\n    {command}\n"


def _written(found, columns, rows, template="speed_table.md"):
    return render(
        template,
        columns=list(columns.values()),
        rows=[[printed(name, row.get(name)) for name in columns] for row in rows],
        found=found,
    )


def printed(name, value):
    """Return a value as the tables print it: seconds with three decimals, bytes with none."""
    if isinstance(value, float):
        digits = 3 if name.endswith("_s") else 0 if name.endswith("_MB") else 2
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else value or "–"


def _axes():
    use_style()
    figure = Figure(figsize=(7, 3.5), layout="constrained")  # no window, whatever the backend
    return figure, figure.subplots()


def _draw_length(context, frame):
    figure, ax = _axes()
    steps, seconds = frame["time steps"], frame.median_s
    ax.plot(steps, seconds, "o-", color=COLOURS["rru"], label="measured")
    proportional = seconds[0] / steps[0] * steps
    ax.plot(steps, proportional, ":", color="0.4", label=f"in proportion to {steps[0]} time steps")
    ax.set(xlabel="time steps", ylabel="seconds of a training step", ylim=(0, None))
    ax.legend()
    _save(context, figure, "speed_length")


def _save(context, figure, name):
    path = context.folder / FOLDER / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def play_measured(context):
    """Say what one byte a weight does to the NLL, and how long a time step takes."""
    found = record("play")
    if found is None:
        return "Not measured yet:\n\n    python -m scripts.measure_play\n"
    changes = [100 * (row["int8"] / row["float32"] - 1) for row in found["nll"]]
    step = found["step"]
    rru, gru = (
        f"{step['ms'][c]['min']:.1f} ms (median {step['ms'][c]['median']:.1f})"
        for c in ("rru", "gru")
    )
    return (
        f"The page keeps a weight in one byte. That changes the test NLL by {min(changes):+.2f} to "
        f"{max(changes):+.2f} % (mean of windows, {len(changes)} models). In Chromium with the "
        f"processor slowed {step['throttling']} times, to stand for a phone, a time step of the "
        f"RRU takes at least {rru}, one of the GRU {gru}: {step['device']['cpu']}, "
        f"{step['device']['cores']} cores, load {step['load_average']:.1f}.\n"
    )


def engines(context):
    """Return what an engine adds to a run and what a second worker gains, or how to measure it."""
    found = record("engines")
    if found is None:
        return render("engines.md", found=None)
    here, jobs, one, two = (row["run_s"] for row in found["rows"])
    return render(
        "engines.md",
        found=found,
        overhead=one - here,
        gain_of_ray=one / two,
        gain_of_jobs=here / jobs,
        device=short_device(found["device"]),
    )


FRAGMENTS = {"speed_verdict.md": verdict, "speed_backends.md": backends}
FRAGMENTS |= {f"speed_{name}.md": functools.partial(_table, name) for name in TABLES}
