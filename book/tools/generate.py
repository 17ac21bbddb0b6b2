"""Fragments of pages that are written from the records, so that prose and numbers cannot part.

A page includes a fragment by its name in `FRAGMENTS`:

    ```{include} _parts/table_1.md
    ```

A fragment is a function of a `Context` that returns Markdown or HTML. An unknown name is a
warning of Sphinx and so fails the build.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rru_nb.analysis import datasets as statistics
from rru_nb.analysis.tables import DATASET_TITLES, minus, paper_datasets
from rru_nb.data import DATASETS
from rru_nb.training import provenance
from rru_nb.training.config import CELL_TITLES, KINDS
from rru_nb.training.records import load_records

from . import (
    authors_code,
    choices,
    claims,
    costs,
    deviations,
    dots,
    expected,
    front,
    memory,
    paper_settings,
    plateau,
    protocols,
    record_list,
    rerun,
    speed,
)
from .origin import sign_fragment
from .paper_map import paper_map
from .render import render
from .stage import FRAGMENTS as FOLDER


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
        text = sign_fragment(fragment(context), fragment, repository)
        (target / name).write_text(text, encoding="utf-8")
    say(f"wrote {len(FRAGMENTS)} fragments from {len(load_records())} records")


def effects_of_choices(context):
    """The authors' choices, each changed alone on JSB Chorales: a table, and what is missing."""
    table = choices.effects()
    lines = ["| what | NLL, mean of windows | change | beyond the seeds | mean of time steps |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += [_effect(row) for row in table.itertuples()]
    lines += ["", choices.together(table)]
    missing = table[table.status == "not measured"].command
    note = "".join(f"\n    {command}" for command in missing)
    return "\n".join(lines) + (f"\n\nTo measure what is missing:\n{note}\n" if note else "\n")


def _effect(row):
    if row.status != "ok":
        return f"| {row.what} | {row.status} | | | |"
    change = minus(f"{row.change_percent:+.2f}&nbsp;%") if row.setting else ""
    several = len(row.ids) > 1
    place = f"?ids={','.join(row.ids)}" if several else f"#{row.ids[0]}"
    linked = f'<a href="records.html{place}">{row.nll_window:.3f}</a>'
    return f"| {row.what} | {linked} | {change} | {row.beyond_seeds} | {row.nll_frame:.3f} |"


def substitutions():
    """`{name: Markdown}` for `{{ name }}` in a page: what the authors' choices and protocols do."""
    table = choices.effects()
    span, rows = choices.corrected_span(table), table[table.setting != ""].itertuples()
    effects = {f"effect_{row.setting}": _effect_in_short(row, span) for row in rows}
    effects["epochs_by_batches"] = choices.count_other_epochs()
    return effects | protocols.substitutions() | authors_code.substitutions()


def _effect_in_short(row, span):
    if row.change_percent != row.change_percent:  # not a number
        return "–"
    percent = minus(f"{row.change_percent:+.1f}&nbsp;%")
    told = "none beyond the seeds" if row.beyond_seeds == "no" else percent
    note = ", other test data" if row.setting in choices.OTHER_TEST_DATA else ""
    if row.beyond_seeds in ("better", "worse") and span[0] <= row.nll_window <= span[1]:
        note += ", not beyond the seeds once corrected for the number of details"
    return f"[{told}](choices), one run{note}"


def averages(context):
    """One trivial model's test score under five averages, for each music set."""
    titles = {
        "frames": "mean of all time steps",
        "pieces": "mean of pieces",
        "sounding": "mean of steps that are not silent",
        "windows": "mean of windows",
        "batches": "mean of the authors' batches",
    }
    lines = ["| set | " + " | ".join(titles.values()) + " |", "| --- |" + " --- |" * len(titles)]
    for name in (name for name in DATASETS if KINDS[name] == "music"):
        scores = (statistics.committed_statistics(name) or {}).get("baseline")
        if scores is None:
            continue
        numbers = " | ".join(f"{scores[key]:.2f}" for key in titles)
        lines.append(f"| {DATASET_TITLES[name]} | {numbers} |")
    return "\n".join(lines) + "\n"


def batches(context):
    """How far the authors' mean of batch means is from the mean of windows, in per cent of it.

    Of the trivial model, and of the records at full size that have both.
    """
    records = load_records(scale="paper", status="ok").reindex(columns=_OF_BATCHES)
    both = records[records.test_nll_batches.notna()]
    both = both.assign(percent=100 * (both.test_nll_batches / both.test_nll_window - 1))
    lines = [
        "| set | trivial model | trained at full size |",
        "| --- | --- | --- |",
    ]
    for name in (name for name in paper_datasets() if KINDS[name] == "music"):
        trivial = (statistics.committed_statistics(name) or {}).get("baseline")
        told = f"{_percent(trivial['batches'], trivial['windows'])}" if trivial else ""
        cells = "; ".join(
            f"{CELL_TITLES[cell]} {_span(runs.percent)}"
            for cell, runs in both[both.dataset == name].groupby("cell", sort=False)
        )
        lines.append(f"| {DATASET_TITLES[name]} | {told} | {cells or '–'} |")
    return "\n".join(lines) + "\n"


_OF_BATCHES = ["dataset", "cell", "test_nll_batches", "test_nll_window"]


def _percent(value, base):
    return minus(f"{100 * (value / base - 1):+.2f}&nbsp;%")


def _span(percents):
    low, high = f"{percents.min():+z.2f}", f"{percents.max():+z.2f}"
    span = low if low == high else f"{low} to {high}"
    return minus(f"{span}&nbsp;%") + (f" ({len(percents)} runs)" if len(percents) > 1 else "")


def clone(context):
    """Return the line that gets the repository."""
    return render("clone.md", repository=context.repository)


def colab(context):
    """Return how a notebook of this site gets onto Colab."""
    return render("colab.md", repository=context.repository)


def built(context):
    """When this site was built, from which commit and with which versions."""
    now = datetime.datetime.now(datetime.UTC)
    commit = provenance.commit_name(provenance.commit())
    versions = ", ".join(f"{name} {number}" for name, number in provenance.versions().items())
    return f"Built {now:%Y-%m-%d %H:%M} UTC from commit {commit}, with {versions}.\n"


FRAGMENTS: dict[str, Callable] = {
    "answer.md": front.answer,
    "dots.md": dots.dots,
    "verdict.md": front.verdict,
    "table_1.md": front.table_1,
    "small_table.md": front.small_table,
    "claims.md": claims.claims,
    "plateau.md": plateau.waits,
    "averages.md": averages,
    "batches.md": batches,
    "choices.md": effects_of_choices,
    "map.md": paper_map,
    "records.md": record_list.record_list,
    "deviations.md": deviations.deviations,
    "rerun.md": rerun.fragment,
    "built.md": built,
    "clone.md": clone,
    "colab.md": colab,
    "expected.md": expected.expected,
    "play_measured.md": speed.play_measured,
    "engines.md": speed.engines,
    "costs.md": costs.costs,
    "memory.md": memory.memory,
    **paper_settings.FRAGMENTS,
    **speed.FRAGMENTS,
}
