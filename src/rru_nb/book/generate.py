"""Fragments of pages that are written from the records, so that prose and numbers cannot part.

A page includes a fragment by its name in `FRAGMENTS`:

    ```{include} _parts/table_1.md
    ```

A fragment is a function of a `Context` that returns Markdown or HTML. An unknown name is a
warning of Sphinx and so fails the build.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from .. import choices, findings, provenance, seeds, tables
from ..config import CELL_TITLES, CELLS, RunConfig
from ..records import load_records
from . import speed
from .paper_map import paper_map
from .stage import FRAGMENTS as FOLDER

AGREES_WITHIN = 2.0  # per cent of the paper's number


@dataclass(frozen=True)
class Context:
    """What a fragment may need beside the records: the stage, and the repository's address."""

    folder: Path
    repository: str | None


def write_fragments(folder, repository=None, say=print):
    """Writes all fragments to the stage."""
    context = Context(folder, repository)
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for name, fragment in FRAGMENTS.items():
        (target / name).write_text(fragment(context), encoding="utf-8")
    say(f"wrote {len(FRAGMENTS)} fragments from {len(load_records())} records")


def answer(context):
    """What the records say to the paper's claim so far, in a few sentences."""
    table = tables.table_1()
    done = table[table.runs > 0]
    lines = [f"**{len(done)} of the {len(table)} numbers** of Table 1 are measured at full size."]
    records = load_records(scale="paper", status="ok")
    for name in dict.fromkeys(done.dataset):
        ids = [i for cell in done[done.dataset == name].itertuples() for i in cell.ids]
        rows = records[records.id.isin(ids)].sort_values("cell", key=lambda c: c.map(CELLS.index))
        lines.append(f"{tables.published_row(name)}: {findings.comparison(rows)}")
    return "\n\n".join(lines) + "\n"


def table_1(context):
    """Table 1, each cell the paper's number above ours, coloured by how they compare."""
    titles = "".join(f'<th scope="col">{CELL_TITLES[cell]}</th>' for cell in CELLS)
    records = load_records(scale="paper", status="failed")
    records = records[records.id.isin(tables.unchanged(records))]
    failed = records.set_index(["dataset", "cell"]).id.to_dict()
    groups = tables.table_1().groupby("dataset", sort=False)
    rows = "\n".join(_row(group, failed) for _, group in groups)
    return (
        '<div class="rru-table" tabindex="0" role="region" aria-label="Table 1"><table>\n'
        f'<thead><tr><th scope="col">Task</th>{titles}<th scope="col">Scale</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )


def _row(group, failed):
    first = group.iloc[0]
    task = escape(tables.published_row(first.dataset))
    metric = escape(tables.METRIC_TITLES[first.metric])
    cells = "".join(_cell(cell, failed) for cell in group.itertuples())
    scale = first.scale if group.runs.any() else "–"
    return (
        f'<tr><th scope="row">{task}<span class="rru-note">{metric}</span></th>'
        f"{cells}<td>{scale}</td></tr>"
    )


def _cell(cell, failed):
    paper = f'<span class="rru-paper">{cell.paper:.2f}</span>'
    record = failed.get((cell.dataset, cell.cell))
    if record and not cell.runs:
        link = f'<a class="rru-ours" href="records.html#{record}">failed</a>'
        return f'<td class="rru-differs">{paper}{link}</td>'
    if not cell.runs:
        return f'<td class="rru-open">{paper}<span class="rru-ours">–</span></td>'
    kind = "rru-agrees" if abs(cell.difference_percent) <= AGREES_WITHIN else "rru-differs"
    spread = f"{cell.runs} seeds: {cell.low:.2f}…{cell.high:.2f}" if cell.runs > 1 else ""
    return (
        f'<td class="{kind}">{paper}'
        f'<a class="rru-ours" href="records.html#{cell.ids[0]}">{cell.measured:.2f}</a>'
        f'<span class="rru-note">{cell.difference_percent:+.1f} %</span>'
        f'<span class="rru-note">{spread}</span></td>'
    )


def over_seeds(context):
    """Is the RRU better than each gated cell on JSB Chorales, over the seeds measured?"""
    scores = seeds.scores_by_seed("jsb", range(5))
    spread = ", ".join(
        f"{CELL_TITLES[cell]} {column.mean():.3f} ± {column.std():.3f}"
        for cell, column in scores.items()
        if column.count() > 1
    )
    means = f" Means and standard deviations over seeds: {spread}." if spread else ""
    return f"{seeds.verdict('jsb', scores)}{means}\n"


def effects_of_choices(context):
    """The authors' choices, each changed alone on JSB Chorales: a table, and what is missing."""
    table = choices.effects()
    lines = ["| what | NLL, mean of windows | change | NLL, mean of frames | best epoch |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += [_effect(row) for row in table.itertuples()]
    missing = table[table.status == "not measured"].command
    note = "".join(f"\n    {command}" for command in missing)
    return "\n".join(lines) + (f"\n\nTo measure what is missing:\n{note}\n" if note else "\n")


def _effect(row):
    if row.status != "ok":
        return f"| {row.what} | {row.status} | | | |"
    change = f"{row.change_percent:+.2f} %" if row.change_percent else ""
    linked = f'<a href="records.html#{row.id}">{row.nll_window:.3f}</a>'
    return f"| {row.what} | {linked} | {change} | {row.nll_frame:.3f} | {int(row.best_epoch)} |"


def map_of_the_paper(context):
    """Part of the paper, page, command, how much of it is measured."""
    return paper_map({path.name for path in (context.folder / "notebooks").glob("*.ipynb")})


def record_list(context):
    """Every record: what was run, what came out, how to run it again, and the file itself."""
    records = load_records()
    if records.empty:
        return "There are no records yet.\n"
    parts = []
    for (dataset, scale), group in records.groupby(["dataset", "scale"], sort=False):
        parts.append(f"## {dataset}, scale {scale}\n")
        parts += [_record(record, context) for record in group.itertuples()]
    return "\n".join(parts)


def _record(record, context):
    title = f"{CELL_TITLES[record.cell]}, seed {record.seed}"
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    sha = (record.commit["sha"] or "unknown")[:10]
    changes = " and changes" if record.commit["dirty"] else ""
    return "\n".join(
        [
            f'<span id="{record.id}"></span>',
            f"**{title}**: {_scores(record)}",
            "",
            f"    {tables.command(_config(record))}",
            "",
            f"{record.n_params:,} parameters (n = {record.units}), {len(record.epochs)} epochs in "
            f"{record.seconds / 60:.1f} min on {_device(record.device)}, {record.started[:10]}, "
            f"commit {sha}{changes}, {versions}. {_differences(record.differences)}"
            f"{_download(record, context)}",
            "",
        ]
    )


def _config(record):
    return RunConfig.from_dict(json.loads(Path(record.path).read_text(encoding="utf-8"))["config"])


def _scores(record):
    if record.status == "failed":
        return f"failed in epoch {record.failure['epoch']}"
    scores = {
        title: getattr(record, f"test_{metric}", None)
        for metric, title in tables.METRIC_TITLES.items()
    }
    told = [f"{title} {score:.3f}" for title, score in scores.items() if score == score and score]
    return "test " + ", ".join(told)


def _device(device):
    return device["gpu"] or f"{device['cpu']}, {device['cores']} cores"


def _differences(differences):
    if not differences:
        return "At the paper's setting."
    told = [f"{k} {v['paper']} → {v['here']}" for k, v in differences.items()]
    return "Differs from the paper's setting: " + "; ".join(told) + "."


def _download(record, context):
    """A link to the record's file, if it is one of the checkout."""
    path = Path(record.path)
    staged = context.folder / "results" / path.parent.name / path.name
    if not staged.is_file():
        return ""
    return f"<br>{{download}}`{path.name} <../results/{path.parent.name}/{path.name}>`"


def built(context):
    """When this site was built, from which commit and with which versions."""
    now = datetime.datetime.now(datetime.UTC)
    commit = provenance.commit()
    sha = (commit["sha"] or "unknown")[:10] + (" and changes" if commit["dirty"] else "")
    versions = ", ".join(f"{name} {number}" for name, number in provenance.versions().items())
    return f"Built {now:%Y-%m-%d %H:%M} UTC from commit {sha}, with {versions}.\n"


FRAGMENTS: dict[str, Callable] = {
    "answer.md": answer,
    "table_1.md": table_1,
    "over_seeds.md": over_seeds,
    "choices.md": effects_of_choices,
    "map.md": map_of_the_paper,
    "records.md": record_list,
    "built.md": built,
    **speed.FRAGMENTS,
}
