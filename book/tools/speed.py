"""The fragments of the page "Speed", from the records of `benchmarks/`."""

import json

from matplotlib.figure import Figure

from rru_nb.figures import use_style
from rru_nb.layers.backend import BACKEND_TITLES, TRAINS
from rru_nb.storage import paths

from .stage import FRAGMENTS as FOLDER

_SIZES = {"jsb": "JSB Chorales", "pixels": "pixels"}
_LOOKS = {
    "RRU, fused": ("C0", "o", "-"),
    "RRU, plain cell": ("C0", "o", ":"),
    "torch.nn.LSTM": ("C2", "^", "-."),
    "bare products": ("0.4", "", "--"),
}


def record(name):
    """The record of a benchmark as a dictionary, or None where there is none."""
    root = paths.checkout()
    path = root and root / "benchmarks" / "records" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else None


def _measured(name, script):
    """Makes a fragment of a function of a `Context` and a record, or says how to measure it."""

    def decorate(fragment):
        def made(context):
            found = record(name)
            if found is None:
                command = f"python benchmarks/{script} --json benchmarks/records/{name}.json"
                return f"Not measured yet:\n\n    {command}\n"
            return fragment(context, found) + _circumstances(found)

        made.__doc__ = fragment.__doc__
        return made

    return decorate


@_measured("step-jsb", "step.py --size jsb")
def step_jsb(context, found):
    """A training step beside its peers and the floor, JSB Chorales."""
    return _steps(found)


@_measured("step-pixels", "step.py --size pixels")
def step_pixels(context, found):
    """The same for the pixel task."""
    return _steps(found)


def _steps(found):
    columns = {"what": "", "median_s": "seconds (median)", "min_s": "smallest"}
    columns |= {name: name for name in found["rows"][0] if name.startswith("of ")}
    rows = [row | _ratios(row, found["rows"]) for row in found["rows"]]
    products, large = found["gflops_of_products"], found["gflops_of_large_product"]
    floor = min(
        (row for row in found["rows"] if row["what"].startswith("bare products")),
        key=lambda row: row["median_s"],
    )
    return _table(rows, columns) + (
        "\nRatios are of medians, in brackets of the smallest times.\n"
        f"\nThe faster floor, {floor['what']}, is {floor['of RRU, plain cell']:.2f} of the plain "
        "cell: with these products no layer gets below that on this processor.\n"
        f"\nThe layer has {found['parameters']:,} parameters. The bare products run at "
        f"{products:.0f} GFLOP/s, {products / large:.0%} of the {large:.0f} GFLOP/s that this "
        "processor reached in the same rounds with a product of two square matrices of 2048.\n"
    )


def _ratios(row, rows):
    """The ratios of medians, as recorded, and of the smallest times."""
    smallest = {f"of {peer['what']}": peer["min_s"] for peer in rows}
    return {
        name: f"{value:.2f} ({row['min_s'] / smallest[name]:.2f})"
        for name, value in row.items()
        if name in smallest
    }


@_measured("parameters-jsb", "parameters.py")
def parameters(context, found):
    """Step time against parameters: a figure and its table."""
    names = list(dict.fromkeys(row["what"] for row in found["rows"]))
    figure, ax = _axes()
    for name in names:
        rows = [row for row in found["rows"] if row["what"] == name]
        colour, marker, line = _LOOKS[name]
        x, y = ([row[key] for row in rows] for key in ("parameters", "median_s"))
        ax.plot(x, y, color=colour, marker=marker, linestyle=line, label=name)
    ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="seconds a training step")
    sizes = list(dict.fromkeys(row["parameters"] for row in found["rows"]))
    ax.set_xticks(sizes, [f"{size / 1e6:.1f} M" for size in sizes])
    ax.minorticks_off()
    ax.legend()
    alt = "Seconds of a training step over the number of parameters, both logarithmic, a line each "
    rows = [
        {"parameters": f"{size:,}"}
        | {row["what"]: row["median_s"] for row in found["rows"] if row["parameters"] == size}
        for size in sizes
    ]
    columns = {"parameters": "parameters"} | {name: f"{name}, s" for name in names}
    caption = "A training step over the number of parameters; batch 16, 200 time steps."
    shown = _figure(context, figure, "speed_parameters", alt + f"for {', '.join(names)}.", caption)
    return shown + _table(rows, columns)


@_measured("length-jsb", "length.py")
def length(context, found):
    """Step time against time steps: a figure and its table."""
    steps, seconds = ([row[key] for row in found["rows"]] for key in ("time steps", "median_s"))
    figure, ax = _axes()
    ax.plot(steps, seconds, "o-", color="C0", label="measured")
    line = [seconds[0] / steps[0] * t for t in steps]
    ax.plot(steps, line, ":", color="0.4", label=f"in proportion to the first, {steps[0]} steps")
    ax.set(xlabel="time steps", ylabel="seconds a training step", ylim=(0, None))
    ax.legend()
    columns = {"time steps": "time steps", "median_s": "seconds (median)", "min_s": "smallest"}
    columns |= {"ms a time step": "ms a time step (smallest)"}
    columns |= {"tracing_s": "tracing, s", "graph operations": "operations of the graph"}
    alt = "Seconds of a training step over time steps: the points lie close to a straight line."
    return _figure(
        context, figure, "speed_length", alt, "A training step over the number of time steps."
    ) + _table(found["rows"], columns)


@_measured("gated-jsb", "gated.py")
def gated(context, found):
    """Fused gated layers beside their plain cells."""
    rows = [row | {"parameters": f"{row['parameters']:,}"} for row in found["rows"]]
    columns = {"cell": "", "parameters": "parameters", "fused, median_s": "fused, s"}
    columns |= {"plain, median_s": "plain cell, s", "plain / fused": "times faster"}
    return _table(rows, columns)


@_measured("memory-jsb", "memory.py")
def memory(context, found):
    """Peak memory of a step."""
    columns = {"what": "", "peak_MB": "peak of the process, MB", "step_MB": "of it the step, MB"}
    return _table(found["rows"], columns, digits=0)


@_measured("epoch-jsb", "epoch.py")
def epoch(context, found):
    """An epoch beside its bare steps."""
    columns = {"what": "", "median_s": "seconds (median)", "min_s": "smallest"}
    columns |= {"of the bare steps": "of the bare steps"}
    counts = found["batches"]
    return _table(found["rows"], columns) + (
        f"\n{counts['train']} batches of training, {counts['valid']} of validation.\n"
    )


def _table(rows, columns, digits=3):
    lines = ["| " + " | ".join(columns.values()) + " |"]
    lines.append("| --- |" + " ---: |" * (len(columns) - 1))
    for row in rows:
        cells = [_shown(row.get(name, "–"), digits) for name in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _shown(value, digits):
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def _axes():
    use_style()
    figure = Figure(figsize=(7, 4), layout="constrained")  # no window, whatever the backend
    return figure, figure.subplots()


def _figure(context, figure, name, alt, caption):
    path = context.folder / FOLDER / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    return f":::{{figure}} _parts/{name}.svg\n:name: {name}\n:alt: {alt}\n\n{caption}\n:::\n\n"


def _circumstances(found):
    device, load, commit = found["device"], found["load_average"], found["commit"]
    where = device["gpu"] or f"{device['cpu']}, {found['threads']} threads"
    versions = found["versions"]
    named = [n for n in ("tensorflow", "jax", "keras", "torch") if n in versions]
    sha = (commit["sha"] or "unknown")[:10] + (" and changes" if commit["dirty"] else "")
    return (
        f"\n<small>{where}; {', '.join(f'{n} {versions[n]}' for n in named)}; "
        f"{found['rounds']} rounds; load {load['before']:.1f} before and {load['after']:.1f} "
        f"after; {found['started'][:10]}, commit {sha}.</small>\n"
    )


def backends(context):
    """A training step of each layer on TensorFlow and on JAX, side by side."""
    names = {f"backends-{b}-{size}": (b, size) for size in _SIZES for b in TRAINS}
    found = {name: record(name) for name in names}
    if missing := [name for name, one in found.items() if one is None]:
        backend, size = names[missing[0]]
        command = f"KERAS_BACKEND={backend} python benchmarks/backends.py --size {size}"
        return f"Not measured yet:\n\n    {command} --json benchmarks/records/{missing[0]}.json\n"
    rows = [{"what": row["what"]} for row in next(iter(found.values()))["rows"]]
    for name, one in found.items():
        for row, measured in zip(rows, one["rows"], strict=True):
            row[name] = measured["median_s"]
    columns = {"what": ""}
    columns |= {n: f"{_SIZES[s]}, {BACKEND_TITLES[b]}, s" for n, (b, s) in names.items()}
    return _table(rows, columns) + "".join(_circumstances(found[name]) for name in names)


def play_measured(context):
    """What one byte a weight does to the NLL, and how long a time step takes: two sentences."""
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


FRAGMENTS = {
    "speed_step_jsb.md": step_jsb,
    "speed_step_pixels.md": step_pixels,
    "speed_parameters.md": parameters,
    "speed_length.md": length,
    "speed_gated.md": gated,
    "speed_memory.md": memory,
    "speed_epoch.md": epoch,
    "speed_backends.md": backends,
}
