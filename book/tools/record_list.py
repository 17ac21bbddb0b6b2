"""The page of records: a row for each, which opens its settings, command, curve and file."""

import json
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd

from rru_nb.analysis.tables import unchanged
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.training import provenance
from rru_nb.training.config import CELL_TITLES, SCALES, RunConfig, command
from rru_nb.training.metrics import METRICS
from rru_nb.training.records import load_records

from .render import render

FILES = "_vendor/records"  # below the stage; on the site, `_static/records`
CURVE = (240, 80)  # width and height of a curve's drawing
_UNTOLD = ("rru_nb", "numpy")  # of the versions
_SPLITS = {"valid": "validation", "test": "test"}


def record_list(context):
    """Write the records' files beside the site, and return the table of all of them."""
    records = load_records()
    if records.empty:
        return "There are no records yet.\n"
    own = records.id.isin(unchanged(records))
    places = {"dataset": list(DATASETS_BY_NAME).index, "scale": SCALES.index}
    records = records.assign(changed=~own).sort_values(
        ["dataset", "scale", "changed"],
        key=lambda column: column.map(places.get(column.name, int)),
        kind="stable",
    )
    rows = [describe(record, not record.changed) for record in records.itertuples()]
    _write_files(context.folder / FILES, records, rows)
    return render(
        "records.html",
        rows=rows,
        usual=Counter(row["versions"] for row in rows).most_common(1),
        shown_on=_pages_of(context.folder / "notebooks"),
        repository=context.repository,
        n_present=int((records.source_tree == provenance.source_tree()).sum()),
        size=CURVE,
    )


def describe(record, own_setting):
    """Return what the page tells of a record, as plain values.

    Args:
        record: a row of `load_records`.
        own_setting: bool, whether it is at its scale's setting without a further change.
    """
    config = RunConfig.from_dict(json.loads(Path(record.path).read_text("utf-8"))["config"])
    metric = METRICS[config.metric]
    return {
        "id": record.id,
        "cell": CELL_TITLES[record.cell],
        "dataset": DATASETS_BY_NAME[record.dataset].title,
        "scale": record.scale + ("" if own_setting else ", changed"),
        "parameters": record.n_params,
        "units": record.units,
        "seed": record.seed,
        "score": getattr(record, f"test_{metric.name}", None) if record.status == "ok" else None,
        "unit": metric.unit,
        "epochs": len(record.epochs),
        "best_epoch": record.best_epoch,
        "minutes": record.seconds / 60,
        "device": short_device(record.device),
        "status": "cut off" if record.cut_off else record.status,
        "failure": record.failure or None,
        "command": command(config),
        "differences": config.differences,  # from the paper's setting as it is known now
        "test": _test_scores(record),
        "started": record.started[:10],
        "commit": record.commit or {"sha": None, "dirty": None},
        "versions": ", ".join(f"{n} {v}" for n, v in record.versions.items() if n not in _UNTOLD),
        "curve": curve(record.epochs, f"{config.select_on}_{metric.name}"),
        "curve_title": f"{_SPLITS[config.select_on]} {metric.title}",
        "file": f"{record.dataset}/{Path(record.path).name}",
    }


def short_device(device):
    """Return what computed, in a few words: `"Intel Xeon, 2 cores"`."""
    return re.sub(r"\((R|TM)\)| (Processor|CPU)\b", "", provenance.device_name(device))


def curve(epochs, name):
    """Return a score over the epochs as points, none within a straight piece, and its two ends."""
    scores = [epoch[name] for epoch in epochs if epoch.get(name) is not None]
    if len(scores) < 2:
        return None
    low, high = min(scores), max(scores)
    (width, height), room = CURVE, (high - low) or 1
    points = [
        (round(width * i / (len(scores) - 1)), round(height * (high - score) / room))
        for i, score in enumerate(scores)
    ]
    drawn = points[:1]
    for (x, y), (x_next, y_next) in zip(points[1:], points[2:]):
        x_last, y_last = drawn[-1]
        straight = y_last + (y_next - y_last) * (x - x_last) / (x_next - x_last)
        if abs(y - straight) > 1:  # a unit is all but invisible, and hundreds of curves are heavy
            drawn.append((x, y))
    return {"points": [*drawn, points[-1]], "low": low, "high": high}


def _test_scores(record):
    scores = {m.title: getattr(record, f"test_{m.name}", None) for m in METRICS.values()}
    return {title: score for title, score in scores.items() if not pd.isna(score)}


def _write_files(folder, records, rows):
    """Write each record's file, a zip of all, and the table as CSV."""
    names = [row["file"] for row in rows]
    for path, name in zip(records.path, names, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    with zipfile.ZipFile(folder / "records.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, f"records/{name}")
    plain = records.drop(columns=_OF_RECORDS_ALONE)
    plain["command"], plain["device"] = (
        [row[key] for row in rows] for key in ("command", "device")
    )
    plain.assign(file=names).to_csv(folder / "records.csv", index=False)


_OF_RECORDS_ALONE = ["differences", "epochs", "path", "versions", "commit", "failure", "changed"]


def _pages_of(folder):
    """Return `{id: [(file, title), ...]}`: the notebooks that were given a record when they ran."""
    pages = {}
    for path in sorted(folder.glob("*.ipynb")):
        content = json.loads(path.read_text(encoding="utf-8"))
        title = "".join(content["cells"][0]["source"]).splitlines()[0].removeprefix("# ")
        for name in content["metadata"].get("rru_nb", {}).get("records", []):
            pages.setdefault(name, []).append((path.with_suffix(".html").name, title))
    return pages
