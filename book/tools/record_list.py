"""The page of records: each with its command, what it differs in, where it came from, its file."""

import json
from pathlib import Path

from rru_nb.analysis import tables
from rru_nb.training.config import CELL_TITLES, RunConfig, command
from rru_nb.training.provenance import device_name
from rru_nb.training.records import failure_text, load_records


def record_list(context):
    """Every record, by dataset and scale: first those of Table 1, then, folded, all others."""
    records = load_records()
    if records.empty:
        return "There are no records yet.\n"
    parts = []
    for (dataset, scale), group in records.groupby(["dataset", "scale"], sort=False):
        plain = group.id.isin(tables.unchanged(group))
        parts.append(f"## {dataset}, scale {scale}\n")
        parts += [_record(record, context) for record in group[plain].itertuples()]
        others = [_record(record, context) for record in group[~plain].itertuples()]
        if others:
            parts.append(_folded(f"{len(others)} with other settings", "\n".join(others)))
    return "\n".join(parts)


def _folded(title, content):
    # The blank lines make Markdown of what is between the tags.
    return f'<details class="rru-fold">\n<summary>{title}</summary>\n\n{content}\n</details>\n'


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
            f"    {command(_config(record))}",
            "",
            f"{record.n_params:,} parameters (n = {record.units}), {len(record.epochs)} epochs in "
            f"{record.seconds / 60:.1f} min on {device_name(record.device)}, "
            f"{record.started[:10]}, commit {sha}{changes}, {versions}. "
            f"{_differences(record.differences)}"
            f"{_download(record, context)}",
            "",
        ]
    )


def _config(record):
    return RunConfig.from_dict(json.loads(Path(record.path).read_text(encoding="utf-8"))["config"])


def _scores(record):
    if record.status == "failed":
        return failure_text(record.failure)
    scores = {
        title: getattr(record, f"test_{metric}", None)
        for metric, title in tables.METRIC_TITLES.items()
    }
    told = [f"{title} {score:.3f}" for title, score in scores.items() if score == score and score]
    ended = f"; ended by a failure in epoch {record.failure['epoch']}" if record.failure else ""
    return "test " + ", ".join(told) + ended


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
