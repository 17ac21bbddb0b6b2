"""The status page: when each notebook ran, on which records, whether their code is the same."""

import json

from .. import provenance
from ..records import load_records

_HEAD = (
    "| page | executed (UTC) | took | records | of them trained by the present source |\n"
    "| --- | --- | --- | --- | --- |"
)


def page_status(context):
    """A table with a row for each notebook of the book.

    Args:
        context: its `folder` is the stage with the executed notebooks.
    """
    records = load_records()
    paths = sorted((context.folder / "notebooks").glob("*.ipynb"))
    return "\n".join([_HEAD, *(_row(path, records) for path in paths)]) + "\n"


def _row(path, records):
    content = json.loads(path.read_text(encoding="utf-8"))
    run = content["metadata"].get("papermill", {})
    own = records[records.id.isin(content["metadata"].get("rru_nb", {}).get("records", []))]
    link = f"[{_title(content)}](../notebooks/{path.name})"
    if not run.get("end_time"):
        return f"| {link} | not executed in this build | | | |"
    started, took = run["start_time"][:16].replace("T", " "), f"{run['duration']:.0f} s"
    return f"| {link} | {started} | {took} | {len(own)} | {_same(own)} |"


def _title(content):
    first = "".join(content["cells"][0]["source"])
    return first.splitlines()[0].removeprefix("# ")


def _same(records):
    """How many records the present source made; the first records do not know theirs."""
    if records.empty:
        return "–"
    unknown = records.source.isna().sum()
    same = (records.source == provenance.source()).sum()
    counts = {"yes": same, "no": len(records) - same - unknown, "not known": unknown}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)
