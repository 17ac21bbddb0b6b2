"""`rru-nb results`: what has been measured. It reads without pandas, for a quick start."""

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
    if not runs and 0 < len(plain) < len(records):
        output.note(f"With other settings: {len(records) - len(plain)} more; `--runs` lists all.")


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
    lines, best = [], []
    for dataset, group in groupby(rows, key=lambda row: (row["scale"], row["dataset"])):
        if dataset[0] == shown:
            by_cell = {row["cell"]: row for row in group}
            lines.append(_score_line(dataset[1], by_cell))
            best.append((lines[-1]["dataset"], _best_of(by_cell)))
    bold = {
        title: lambda line, title=title: "bold" if (line["dataset"], title) in best else ""
        for title in CELL_TITLES.values()
    }
    output.print_table(lines, bold)
    papers = "; below them the paper's." if shown == "paper" else "."
    output.note(f"Test scores at scale {shown}: mean ± standard deviation ×seeds{papers}")
    others = [s for s in _ORDER if s != shown and any(row["scale"] == s for row in rows)]
    if others:
        output.note(f"More at scale {' and '.join(others)}: `--scale` shows it.")


def _best_of(rows):
    """Return the title of the cell with the best mean, or None without one."""
    from ..training.metrics import METRICS

    losses = {
        CELL_TITLES[cell]: METRICS[row["metric"]].loss(row["mean"])
        for cell, row in rows.items()
        if row["mean"] is not None
    }
    return min(losses, key=losses.get, default=None)


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
    spread = "" if row["sd"] is None else f" ± {row['sd']:.2f} ×{row['seeds']}"
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
