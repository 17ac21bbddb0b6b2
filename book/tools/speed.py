"""The fragments of the page "Speed", from the records of `benchmarks/`."""

import functools
import json
from pathlib import Path

import pandas as pd
import seaborn as sns
import yaml
from matplotlib.figure import Figure

from rru_nb.analysis.tables import minus, unchanged
from rru_nb.figures import COLOURS, use_style
from rru_nb.layers.backend import TRAINS
from rru_nb.storage import paths
from rru_nb.training.records import load_records

from . import drawings
from .record_list import short_device
from .render import render

PEER, GATED = "torch.nn.LSTM", ("keras.layers.LSTM", "keras.layers.GRU")
ROUGHLY = 1.25  # times as fast or as slow are "roughly the same speed"
TABLES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
_SIZES = {"jsb": "JSB Chorales", "pixels": "pixels"}
_PRECISIONS = ("bfloat16", "float32")
_CELLS = {"plain": "plain cell", "fused": "fused"}
_BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
_FLOORS = ("bare products", "bare products by XLA")  # of a step's products, the faster one counts
_LOOKS = {"RRU, fused": COLOURS["rru"], "RRU, plain cell": "#cc78bc", "bare products": "0.4"}


def record(name):
    """Return the record of a benchmark as a dictionary, or None where there is none."""
    return next(iter(records(name)), None)


def records(name):
    """Return the records of a benchmark, one a machine: `NAME.json` and `NAME-MACHINE.json`."""
    folder = (paths.checkout() or paths.PACKAGE) / "benchmarks" / "records"
    found = [path for path in (folder / f"{name}.json",) if path.is_file()]
    found += sorted(folder.glob(f"{name}-*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) | {"file": path.name} for path in found]


def ratios():
    """Return how long a step takes beside PyTorch's LSTM, by number of parameters and machine.

    Returns:
        A frame with the columns `machine`, `what`, `parameters`, `median_s` and `ratio`; empty
        without a record `benchmarks/records/parameters-*.json`.
    """
    found = [(one, short_device(one["device"])) for one in records("parameters")]
    rows = [row | {"machine": machine} for one, machine in found for row in one["rows"]]
    frame = pd.DataFrame(rows, columns=["machine", "what", "parameters", "median_s"])
    peers = frame[frame.what == PEER].set_index(["machine", "parameters"]).median_s
    both = pd.MultiIndex.from_frame(frame[["machine", "parameters"]])
    return frame.assign(ratio=frame.median_s / peers.reindex(both).to_numpy())


def beside(found, what, peer):
    """Return how long a step of `what` takes as a share of the peer's, by medians; None without."""
    seconds = {row["what"]: row["median_s"] for row in found["rows"]}
    return seconds[what] / seconds[peer] if peer in seconds else None


def verdict(context):
    """Return how fast the layer is, and whether the paper's sentence on its cell holds."""
    frame, found = ratios(), [(size, r) for size in _SIZES for r in records(f"step-{size}")]
    if frame.empty or {size for size, _ in found} != set(_SIZES):
        return "Not measured yet.\n"
    steps = [
        {"size": size, "machine": short_device(r["device"]), "layer": layer}
        | {"floor": max(filter(None, (beside(r, "RRU, fused", floor) for floor in _FLOORS)))}
        | {what: beside(r, f"RRU, {name}", layer) for what, name in _CELLS.items()}
        for layer in GATED
        for size, r in found
        if beside(r, "RRU, fused", layer)
    ]
    plain = pd.DataFrame(steps).groupby("size").plain.agg(["min", "max"])
    same = plain["min"].ge(1 / ROUGHLY) & plain["max"].le(ROUGHLY)
    fused = frame[frame.what == "RRU, fused"].sort_values("parameters")
    machines = [(name, rows.iloc[0], rows.iloc[-1]) for name, rows in fused.groupby("machine")]
    _draw_ratios(context, frame)
    return render(
        "speed_verdict.md",
        machines=machines,
        steps=steps,
        plain=list(plain.assign(same=same).sort_values("same", ascending=False).itertuples()),
        fused=[step["fused"] for step in steps],
        titles=_SIZES,
        same=same.all(),
        roughly=ROUGHLY,
    )


def _draw_ratios(context, frame):
    figure, ax = _axes()
    by_machine = {"style": "machine", "markers": True}
    looks = by_machine if frame.machine.nunique() > 1 else {"marker": "o"}
    frame = frame[frame.what != PEER].rename(columns={"what": "layer"})
    ax.axhline(1, color=COLOURS["lstm"], label=PEER)
    sns.lineplot(frame, x="parameters", y="ratio", hue="layer", palette=_LOOKS, ax=ax, **looks)
    ax.set(xscale="log", ylim=(0, None), xlabel="parameters of the layer")
    ax.set_ylabel(f"time of a training step\nas a share of {PEER}'s")
    sizes = sorted(frame.parameters.unique())
    ax.set_xticks(sizes, [f"{size / 1e6:.1f} M" for size in sizes])
    ax.minorticks_off()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    drawings.write(context, figure, "speed_ratios")


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


def precision_scores(context):
    """Return the scores of the RRU on JSB Chorales in bfloat16 and float32, of equal seeds."""
    found = load_records(dataset="jsb", cell="rru", scale="paper", status="ok").sort_values("seed")
    runs = {p: found[found.id.isin(unchanged(found, precision=p))] for p in _PRECISIONS}
    both = set.intersection(*(set(of.seed) for of in runs.values()))
    runs = {p: of[of.seed.isin(both)] for p, of in runs.items()}
    return render("precision_scores.md", runs=runs)


def _table(name, context):
    spec = TABLES[name]
    found = records(spec["record"])
    if not found:
        return _missing(spec["record"], spec["script"])
    if name == "length":
        _draw_length(context, pd.DataFrame(found[0]["rows"]))
    template, tables = spec.get("template", "speed_table.md"), []
    for one in found:
        rows = seconds_by_size(one) if name == "parameters" else one["rows"]
        tables.append(_written([one], spec["columns"], rows, template))
    return "\n".join(tables)


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
        digits = 3 if name.endswith("_s") else 0 if name.endswith(("_MB", "_us")) else 2
        return f"{value:,.{digits}f}"
    if isinstance(value, int):
        return f"{value:,}"
    return (value or "–").replace("MogrifierLSTM", "Mogrifier LSTM")  # the class, not the title


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
    drawings.write(context, figure, "speed_length")


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
    return minus(
        f"The page keeps a weight in one byte. That changes the test NLL by {min(changes):+.2f} to "
        f"{max(changes):+.2f} % (mean of windows, {len(changes)} models). In Chromium with the "
        f"processor slowed {step['throttling']} times, to stand for a phone, a time step of the "
        f"RRU takes at least {rru}, one of the GRU {gru}: {step['device']['cpu']}, "
        f"{step['device']['cores']} cores, load {step['load_average']:.1f}. Record: "
        "{download}`play.json <../benchmarks/records/play.json>`.\n"
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
FRAGMENTS["speed_precision_scores.md"] = precision_scores
FRAGMENTS |= {f"speed_{name}.md": functools.partial(_table, name) for name in TABLES}
