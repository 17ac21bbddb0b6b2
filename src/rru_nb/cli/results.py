"""`rru-nb results`: what has been measured. It reads without pandas, for a quick start."""

import json
import sys
from collections import defaultdict
from functools import cache
from itertools import groupby
from statistics import mean, stdev
from typing import Annotated

from typer import Option

from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..layers.registry import CELL_TITLES
from ..storage import paths
from ..training.config import metric_for, paper_config
from ..training.metrics import METRICS, metric_of_row
from ..training.records import load_records, read_records
from ..training.settings import IDENTITY, SCALES
from . import options, output

_LESS = ("metric", "epochs", "best", "valid", "changes")  # left out in this order
_ROOM = 12  # characters at least for what a run changes
_ORDER = {"scale": SCALES, "dataset": tuple(DATASETS_BY_NAME), "cell": tuple(CELL_TITLES)}
_at_scale = cache(paper_config)


def results(
    dataset: options.OnlyDataset = None,
    cell: options.OnlyCell = None,
    scale: options.OnlyScale = None,
    runs: Annotated[bool, Option("--runs", help="a line for each run")] = False,
    as_json: Annotated[bool, Option("--json", help="the records, without epochs")] = False,
    to_csv: Annotated[
        options.Text, Option("--csv", metavar="FILE", help="as a CSV file; -: standard output")
    ] = None,
):
    """Show what has been measured, beside the paper's numbers."""
    if as_json and to_csv is not None:
        raise UserError(f"--json and --csv {to_csv} are two forms of one answer. Give one of them.")
    asked = {"dataset": dataset, "cell": cell, "scale": scale}
    asked = {name: value for name, value in asked.items() if value is not None}
    if to_csv is not None:
        _write_csv(load_records(**asked).drop(columns="epochs"), to_csv)
        return
    records = sorted(read_records(**asked), key=_place)
    plain = [record for record in records if not changes_of(record)]
    if as_json:
        print(json.dumps([record | {"epochs": len(record["epochs"])} for record in records]))
    elif not records:
        folders = " and ".join(map(str, paths.result_folders()))
        output.note(f"no such records in {folders}; `rru-nb run --help` says how to make one")
    elif runs or not plain:
        rows = run_rows(records)
        output.print_table(fitted(rows) if output.is_terminal() else rows)
        if "scale" not in rows[0]:  # no score is shown without it
            output.note(f"All at scale {records[0]['config']['scale']}.")
    else:
        _print_scores(score_rows(plain), scale)
        if others := len(records) - len(plain):
            output.note(f"With other settings: {others} more; `--runs` lists all.")


def _write_csv(frame, path):
    """Write a frame of `load_records`; what is no plain value, as `differences`, in JSON."""
    frame = frame.map(lambda value: json.dumps(value) if isinstance(value, dict) else value)
    if path == "-":
        frame.to_csv(sys.stdout, index=False)
        return
    try:
        frame.to_csv(path, index=False)
    except OSError as error:
        raise UserError(f"--csv {path!r} cannot be written: {error.strerror or error}.") from error
    print(f"{len(frame)} records written to {path}")


def _place(record):
    """Return the place of a record among others: by scale, and then as the paper orders."""
    config = record["config"]
    places = [names.index(config[name]) for name, names in _ORDER.items()]
    return *places, config["seed"], record["id"]


def changes_of(record):
    """Return `{setting: value}` of what differs from the setting of the record's scale."""
    config = record["config"]
    base = _at_scale(config["dataset"], config["cell"], config["scale"]).as_dict()
    return {n: v for n, v in config.items() if n not in IDENTITY and v != base.get(n)}


def score_rows(records):
    """Return for each scale, dataset and cell of records in order: the mean test score, its sd.

    All cells of a dataset in the same average, that of Table 1.
    """
    rows, by_batches = [], defaultdict(list)
    for record in read_records():  # of all cells, whichever are asked for
        if record["test"] and not changes_of(record):
            by_batches[_place(record)[:2]].append("nll_batches" in record["test"])
    for place, group in groupby(records, key=lambda record: _place(record)[:3]):
        first, *others = group
        row = {name: first["config"][name] for name in ("scale", "dataset", "cell")}
        metric = metric_of_row(metric_for(first["config"]), by_batches[place[:2]])
        scores = [r["test"][metric] for r in (first, *others) if metric in r["test"]]
        row |= {"metric": metric, "mean": mean(scores) if scores else None}
        row |= {"sd": stdev(scores) if len(scores) > 1 else None}
        row |= {"seeds": len(scores), "failed": 1 + len(others) - len(scores)}
        paper = first["published"] if row["scale"] == "paper" else None
        rows.append(row | {"paper": paper and paper["value"]})
    return rows


def _print_scores(rows, scale):
    if not output.is_terminal():
        output.print_table([r | {n: output.score(r[n]) for n in ("mean", "sd")} for r in rows])
        return
    scale = scale or rows[0]["scale"]
    shown = groupby((r for r in rows if r["scale"] == scale), key=lambda row: row["dataset"])
    output.print_table([_score_line(dataset, list(group)) for dataset, group in shown])
    papers = "; below them the paper's" if scale == "paper" else ""
    output.note(f"Test scores at scale {scale}: mean ± standard deviation ×seeds{papers}.")
    for other in dict.fromkeys(row["scale"] for row in rows if row["scale"] != scale):
        output.note(f"More with `--scale {other}`.")


def _score_line(dataset, rows):
    """Return the row of a dataset for a terminal, the best mean in bold."""
    metric = METRICS[rows[0]["metric"]]
    best = min((r["mean"] for r in rows if r["mean"] is not None), key=metric.loss, default=None)
    line = {"dataset": f"{DATASETS_BY_NAME[dataset].title}\n{metric.title.partition(',')[0]}"}
    line |= dict.fromkeys(CELL_TITLES.values(), "–")
    for row in rows:
        text = "failed" if row["mean"] is None else f"{row['mean']:.2f}"
        text += "" if row["sd"] is None else f" ± {row['sd']:.2f} ×{row['seeds']}"
        text += "" if row["paper"] is None else f"\n{row['paper']:.2f}"
        style = "bold" if row["mean"] == best is not None else ""
        line[CELL_TITLES[row["cell"]]] = output.Styled(text, style)
    return line


def run_rows(records):
    """Return a row for each record, without the columns in which all are alike or empty."""
    rows = [_run_row(record) for record in records]
    kinds = ("scale", "dataset", "cell", "metric") if len(rows) > 1 else ()
    left_out = [h for h in kinds if len({row[h] for row in rows}) == 1]
    left_out += [h for h in rows[0] if all(row[h] in (None, "") for row in rows)]
    left_out += ["minutes"] * output.is_terminal()  # whose lines have no room for all
    return [{h: cell for h, cell in row.items() if h not in left_out} for row in rows]


def fitted(rows):
    """Return the rows of runs without what a terminal has no room for, so that each is a line."""
    for left_out in (None, *_LESS):
        rows = [{h: cell for h, cell in row.items() if h != left_out} for row in rows]
        widths = {h: max(len(str(row[h])) for row in [{h: h}, *rows]) for h in rows[0]}
        longest = widths.pop("changes", 0)
        room = output.width() - sum(widths.values()) - 2 * len(rows[0])
        if room >= min(longest, _ROOM):
            break
    return [row | {"changes": _cut(row["changes"], room)} for row in rows] if longest else rows


def _cut(text, room):
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _run_row(record):
    config, metric = record["config"], metric_for(record["config"])
    paper = record["published"] if config["scale"] == "paper" else None
    return {name: config[name] for name in ("scale", "dataset", "cell", "seed")} | {
        "id": record["id"][: 7 if output.is_terminal() else None],
        "metric": metric,
        "valid": output.score(record["valid"].get(metric)),
        "test": output.Styled(output.score(record["test"].get(metric)), "bold"),
        "paper": paper and paper["value"],
        "best": record["best_epoch"],
        "epochs": len(record["epochs"]),
        "minutes": f"{record['seconds'] / 60:.1f}",
        "failed": output.Styled("failed" * (record["status"] == "failed"), "red"),
        "changes": " ".join(f"{n}={v}" for n, v in changes_of(record).items()),
    }
