"""The status page: when each notebook ran, on which records, whether their code is the same."""

import json
from collections import Counter
from html import escape

from rru_nb.training import provenance
from rru_nb.training.records import load_records

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


def changes(context):
    """The commits that changed the deciding files after some record was made, folded."""
    commits, older = {}, Counter()
    for sha, n in Counter((record or {}).get("sha") for record in load_records().commit).items():
        for commit, day, subject in provenance.changes_since(sha):
            commits[commit] = f"{day}, {escape(subject)}"
            older[commit] += n
    if not commits:
        return "Since the records were made none of those files was changed, or git cannot tell.\n"
    newest = sorted(commits, key=lambda commit: older[commit], reverse=True)
    lines = "\n".join(f"- {commits[c]} ({_older(older[c])})" for c in newest)
    summary = f"<summary>The {len(commits)} changes of those files since the first record</summary>"
    return f'<details class="rru-fold">\n{summary}\n\n{lines}\n\n</details>\n'


def _older(n):
    return "1 record is older" if n == 1 else f"{n} records are older"


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
    """How many records the present source made."""
    if records.empty:
        return "–"
    words = {True: "yes", False: "no", None: "not known"}
    counts = Counter(provenance.by_present_source(record) for record in records.itertuples())
    return ", ".join(f"{counts[same]} {word}" for same, word in words.items() if counts[same])
