"""`rru-nb show` and `rru-nb compare`: a record as a person reads it, and two of them."""

from ..errors import UserError
from ..layers.registry import CELL_TITLES
from . import options, output
from .results import metric_of


def find(prefix):
    """Return the record whose id begins with `prefix`.

    Raises:
        UserError: if there is none, or more than one.
    """
    from ..training.records import read_records

    fits = [r for r in read_records() if prefix and r["id"].startswith(prefix.casefold())]
    if not fits:
        raise UserError(f"no id begins with {prefix!r}; `rru-nb results --runs` lists them.")
    if len(fits) > 1:
        some = ", ".join(sorted(record["id"] for record in fits)[:5])
        raise UserError(f"{prefix!r} begins {len(fits)} ids, as {some}. Give more digits.")
    return fits[0]


def show(record_id: options.RecordId):
    """Show one record: scores, curve, settings, where it is from."""
    from ..training.config import RunConfig, command
    from ..training.provenance import device_name

    record = find(record_id)
    device, commit = record.get("device"), record.get("commit") or {}
    versions = (record.get("versions") or {}).items()
    output.print_panel(
        title_of(record),
        [
            *facts_of(record),
            ("curve", curve_text(record)),
            ("device", device and device_name(device)),
            ("versions", ", ".join(f"{name} {version}" for name, version in versions)),
            ("commit", commit.get("sha") and commit["sha"] + " +" * bool(commit["dirty"])),
            ("started", record["started"]),
            ("record", record["path"]),
            ("again", command(RunConfig.from_dict(record["config"]))),
        ],
    )


def title_of(record):
    """Return what a record is of: `"RRU on JSB Chorales, scale paper, seed 0, 580a0e134f89"`."""
    from ..data.registry import DATASETS_BY_NAME

    config = record["config"]
    cell, dataset = CELL_TITLES[config["cell"]], DATASETS_BY_NAME[config["dataset"]].title
    return f"{cell} on {dataset}, scale {config['scale']}, seed {config['seed']}, {record['id']}"


def facts_of(record):
    """Return what came of a run as pairs of a word and a text: scores, paper, size, time."""
    ended = "failed" if record["status"] == "failed" else "ended by a failure"
    reasons = (record.get("failure") or {}).items()
    failure = ", ".join(f"{name} {value}" for name, value in reasons if value is not None)
    differs = [f"{n} {c['paper']} -> {c['here']}" for n, c in record["differences"].items()]
    return [
        *((split, _scores_text(record[split])) for split in ("test", "valid")),
        ("paper", _paper_text(record)),
        (ended, failure),
        ("model", f"{record['n_params']:,} parameters, n = {record['units']}"),
        ("training", _training_text(record)),
        ("differs from the paper", ", ".join(differs)),
    ]


def _scores_text(scores):
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())


def _paper_text(record):
    published = record["published"]
    if not published:
        return None
    text = f"{published['metric']} {published['value']}"
    score = record["test"].get(published["metric"])
    if record["config"]["scale"] != "paper" or score is None:
        return f"{text} (scale paper)"
    if published["metric"] == "accuracy":
        return f"{text}; this run {score - published['value']:+.2f} points"
    return f"{text}; this run {100 * (score / published['value'] - 1):+.1f} %"


def _training_text(record):
    best = f", the best one {record['best_epoch']}" if record["best_epoch"] else ""
    return f"{len(record['epochs'])} epochs in {record['seconds'] / 60:.1f} min{best}"


def curve_of(record):
    """Return the name and the values of the metric that stopped a training, an epoch each."""
    name = f"{record['config']['select_on']}_{metric_of(record)}"
    return name, [epoch[name] for epoch in record["epochs"] if name in epoch]


def curve_text(record):
    """Return the curve of a record as bars, with its ends."""
    name, values = curve_of(record)
    if not values:
        return None
    bars = output.sparkline(values, max(10, output.width() - 30))
    ends = f"{values[0]:.3f} to {values[-1]:.3f} in {len(values)} epochs"
    return f"{bars}\n{name} from {ends}, between {min(values):.3f} and {max(values):.3f}"


def compare(first: options.RecordId, second: options.RecordId):
    """Show how two records differ: settings, scores, curves."""
    pair = [find(first), find(second)]
    rows = [_compared(name, *values) for name, *values in _facts_of_pair(*pair)]
    output.print_table(rows)
    curves = [curve_of(record) for record in pair]
    if all(values for _, values in curves):
        _print_curves(pair, curves)


def _facts_of_pair(a, b):
    yield "id", a["id"], b["id"]
    names = [n for n in a["config"] | b["config"] if a["config"].get(n) != b["config"].get(n)]
    yield from ((name, a["config"].get(name), b["config"].get(name)) for name in names)
    for split in ("valid", "test"):
        for metric in a[split] | b[split]:
            yield f"{split} {metric}", a[split].get(metric), b[split].get(metric)
    outcome = {"parameters": "n_params", "state size": "units", "best epoch": "best_epoch"}
    for name, key in (outcome | {"status": "status", "seconds": "seconds"}).items():
        yield name, a[key], b[key]
    yield "epochs", len(a["epochs"]), len(b["epochs"])


def _compared(name, first, second):
    numbers = [value for value in (first, second) if type(value) in (int, float)]
    difference = f"{second - first:+.4g}" if len(numbers) == 2 else ""
    return {"": name, "first": _text(first), "second": _text(second), "difference": difference}


def _text(value):
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _print_curves(pair, curves):
    """Print both curves on one scale of values and of epochs."""
    everything = [value for _, values in curves for value in values]
    longest = max(len(values) for _, values in curves)
    columns = max(10, min(longest, output.width() - 16))
    print()
    for record, (_, values) in zip(pair, curves):
        share = max(1, round(columns * len(values) / longest))
        bars = output.sparkline(values, share, min(everything), max(everything))
        print(f"{record['id']}  {bars}")
    names = " and ".join(dict.fromkeys(name for name, _ in curves))
    output.note(f"{names}, {min(everything):.3f} to {max(everything):.3f}, {longest} epochs.")
