"""`rru-nb results`, `show` and `compare`: what has been measured. No pandas, for a quick start."""

import json
import statistics
import sys
from functools import cache
from itertools import groupby
from typing import Annotated

import typer

from ..errors import UserError
from ..layers.registry import CELL_TITLES, CELLS
from . import options, output

_ORDER = ("paper", "laptop", "smoke")


def results(
    dataset: options.OnlyDataset = None,
    cell: options.OnlyCell = None,
    scale: options.OnlyScale = None,
    runs: Annotated[bool, typer.Option("--runs", help="a line for each run")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the records, without epochs")] = False,
    to_csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="the records as a CSV file; -: standard output"),
    ] = None,
):
    """Show what has been measured, beside the paper's numbers."""
    from ..training.records import read_records

    asked = {"dataset": dataset, "cell": cell, "scale": scale}
    asked = {name: value for name, value in asked.items() if value is not None}
    if to_csv is not None:
        _write_csv(to_csv, asked)
        return
    records = sorted(read_records(**asked), key=_place)
    if as_json:
        print(json.dumps([record | {"epochs": len(record["epochs"])} for record in records]))
        return
    if not records:
        output.note("no records; `rru-nb run --help` says how to make one")
        return
    plain = [record for record in records if not changes_of(record)]
    if runs or not plain:
        output.print_table(run_rows(records), {"test": _style_of_run})
    elif output.is_terminal():
        _show_scores(plain, scale)
    else:
        rows = score_rows(plain)
        output.print_table([r | {n: output.score(r[n]) for n in ("mean", "sd")} for r in rows])
    if not runs and len(plain) < len(records):
        output.note(f"{len(records) - len(plain)} runs have other settings: `--runs` lists all.")


def _write_csv(path, asked):
    from ..training.records import load_records

    frame = load_records(**asked).drop(columns=["epochs", "differences"])
    if path == "-":
        frame.to_csv(sys.stdout, index=False)
        return
    try:
        frame.to_csv(path, index=False)
    except OSError as error:
        raise UserError(f"--csv {path!r} cannot be written: {error}") from error
    print(f"{len(frame)} records written to {path}")


def _place(record):
    """Return the place of a record among others: by scale, and then as the paper orders."""
    from ..data import DATASETS

    config = record["config"]
    return (
        *(_ORDER.index(config["scale"]), DATASETS.index(config["dataset"])),
        *(list(CELLS).index(config["cell"]), config["seed"], record["id"]),
    )


def changes_of(record):
    """Return `{setting: value}` of what differs from the setting of the record's scale."""
    from ..training.settings import IDENTITY

    settings = record["config"]
    base = _at_scale(settings["dataset"], settings["cell"], settings["scale"])
    return {n: v for n, v in settings.items() if n not in IDENTITY and v != base.get(n)}


@cache
def _at_scale(dataset, cell, scale):
    from ..training.config import paper_config

    return paper_config(dataset, cell, scale).as_dict()


def metric_of(record):
    """Return the name of the metric that stopped the training of a record."""
    from ..training.config import metric_for

    return metric_for(record["config"]["dataset"], record["config"]["protocol"])


# The table of scores


def score_rows(records):
    """Return a row for each scale, dataset and cell: mean test score and spread over the seeds.

    Args:
        records: in the order of `_place`, all at the setting of their scale.
    """
    rows = []
    for _, group in groupby(records, key=lambda record: _place(record)[:3]):
        group = list(group)
        config, published = group[0]["config"], group[0]["published"] or {}
        metric = metric_of(group[0])
        scores = [record["test"][metric] for record in group if metric in record["test"]]
        rows.append(
            {
                "scale": config["scale"],
                "dataset": config["dataset"],
                "cell": config["cell"],
                "metric": metric,
                "mean": statistics.mean(scores) if scores else None,
                "sd": statistics.stdev(scores) if len(scores) > 1 else None,
                "seeds": len(scores),
                "failed": len(group) - len(scores),
                "paper": published.get("value") if config["scale"] == "paper" else None,
            }
        )
    return rows


def _show_scores(records, scale):
    rows = score_rows(records)
    shown = scale or rows[0]["scale"]
    lines = [
        _score_line(dataset, {row["cell"]: row for row in of_dataset})
        for dataset, of_dataset in groupby(
            (row for row in rows if row["scale"] == shown), key=lambda row: row["dataset"]
        )
    ]
    output.print_table(lines)
    output.note(
        f"Test scores at scale {shown}: mean ± standard deviation × seeds"
        + ("; below them the paper's." if shown == "paper" else ".")
    )
    others = {row["scale"] for row in rows} - {shown}
    if others:
        output.note(
            f"More at scale {' and '.join(s for s in _ORDER if s in others)}: `--scale` shows it."
        )


def _score_line(dataset, rows):
    from ..data.registry import DATASETS_BY_NAME
    from ..training.metrics import METRICS

    metric = METRICS[next(iter(rows.values()))["metric"]]
    line = {"dataset": f"{DATASETS_BY_NAME[dataset].title}\n{metric.title.partition(',')[0]}"}
    return line | {CELL_TITLES[cell]: _score_cell(rows.get(cell)) for cell in CELLS}


def _score_cell(row):
    if row is None:
        return "–"
    score = "failed" if row["mean"] is None else f"{row['mean']:.2f}"
    spread = "" if row["sd"] is None else f" ± {row['sd']:.2f} × {row['seeds']}"
    paper = "" if row["paper"] is None else f"\n{row['paper']:.2f}"
    return f"{score}{spread}{paper}"


# A line a run


def run_rows(records):
    """Return a row for each record, without the columns in which all are alike or empty.

    Args:
        records: in any order, of one dataset or of several.
    """
    line = _run_line if output.is_terminal() else _run_row
    rows = [line(record) for record in records]
    alike = [h for h in _KINDS if len(rows) > 1 and len({row[h] for row in rows}) == 1]
    alike += [h for h in rows[0] if all(row[h] in (None, "") for row in rows)]
    return [{h: cell for h, cell in row.items() if h not in alike} for row in rows]


def _run_line(record):
    """Return what of a run's row fits on a line of a terminal."""
    row = _run_row(record)
    row |= {"id": row["id"][:7], "epochs": f"{row['epochs']} ({row['best'] or '–'})"}
    row |= {s: output.score(record[s].get(row["metric"]), 3) for s in ("valid", "test")}
    return {head: cell for head, cell in row.items() if head not in ("best", "minutes")}


_KINDS = ("scale", "dataset", "cell", "metric")


def _run_row(record):
    config, metric = record["config"], metric_of(record)
    row = {name: config[name] for name in ("scale", "dataset", "cell", "seed")}
    row |= {"id": record["id"], "metric": metric}
    row |= {split: output.score(record[split].get(metric)) for split in ("valid", "test")}
    row["paper"] = (record["published"] or {}).get("value") if config["scale"] == "paper" else None
    row |= {"best": record["best_epoch"], "epochs": len(record["epochs"])}
    row |= {"minutes": f"{record['seconds'] / 60:.1f}"}
    row["failed"] = "failed" if record["status"] == "failed" else ""
    return row | {"changes": " ".join(f"{n}={v}" for n, v in changes_of(record).items())}


def _style_of_run(row):
    return "red" if row.get("failed") else "bold"


# One record, and two


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
    output.print_table([row for row in rows if row])
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
