"""Fragments of the front page: the answer, Table 1, the smaller rows. Templates draw them."""

import math

import numpy as np
import pandas as pd

from rru_nb.analysis import seeds, tables
from rru_nb.analysis.verdicts import FAILS, HOLDS, INCONCLUSIVE, Verdict
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.training.config import CELL_TITLES, command, paper_config
from rru_nb.training.metrics import metric_named
from rru_nb.training.records import load_records

from . import claims, small_scale, verdicts
from .prediction import expected_run
from .render import render
from .stage import FRAGMENTS as FOLDER

_TOO_LARGE = ("enwik8", "text8")  # 100 MB each, on no machine that made records for this book
_CLAIM = "The RRU has a lower loss than every gated cell."
TRIALS = {"+": 100, "+/-": 10, "-": 1}  # of how many runs a number of the paper is the best
_HALF_A_DIGIT = 0.005  # the paper's numbers have two decimals


def compare():
    """Return Table 1 with what is said beside its numbers.

    Returns:
        `tables.table_1()` with the further columns `title` (of the dataset), `best_of_paper`,
        `best` (True for the best cell of a row, of ours where all of the paper's cells are
        measured), `mark` (see `mark`), `span` (the interval that decides it, in words), `away` (the
        distance to the paper in words), `failed` (the id of the record of a failed run, or "") and
        `command`.
    """
    table = tables.table_1()
    records = load_records(scale="paper", status="failed")
    records = records[records.id.isin(tables.unchanged(records))]
    failed = records.set_index(["dataset", "cell"]).id.to_dict()
    metrics = [metric_named(name) for name in table.metric]
    in_paper = table.paper.notna()
    complete = (table.runs > 0).where(in_paper, True).groupby(table.dataset).transform("all")
    rows = list(table.itertuples())
    marks = [mark(row) for row in rows]
    return table.assign(
        title=[DATASETS_BY_NAME[row.dataset].title for row in rows],
        best_of_paper=_lowest(table, [m.loss(row.paper) for m, row in zip(metrics, rows)]),
        best=_lowest(table, [m.loss(row.measured) for m, row in zip(metrics, rows)]) & complete,
        mark=marks,
        span=[_span(row, kind) for row, kind in zip(rows, marks)],
        away=[_away(row) for row in rows],
        failed=[failed.get((row.dataset, row.cell), "") for row in rows],
        command=[command(paper_config(row.dataset, row.cell)) for row in rows],
    )


def _lowest(table, losses):
    """Return which of the paper's cells has the lowest loss of its row."""
    losses = pd.Series(losses, table.index, dtype=float).where(table.paper.notna())
    return losses == losses.groupby(table.dataset).transform("min")


def _away(row):
    if not row.runs or math.isnan(row.paper):
        return ""
    return tables.minus(tables.to_the_paper(row.measured, row.paper, row.metric))


def mark(row):
    """Return whether our runs may give the paper's number: one more of them, or the best of many.

    A number that was rounded to two decimals may be any that rounds to it.

    Args:
        row: of `tables.table_1`.

    Returns:
        `"within"`, `"best"`, `"outside"`, or `"single"` where fewer than three runs can't tell.
    """
    for kind, trials in (("within", 1), ("best", TRIALS[row.tuned])):
        span = expected_run(row.scores, row.metric, trials=trials)
        if span is None or math.isnan(row.paper):
            return "single"
        if span[0] - _HALF_A_DIGIT <= row.paper <= span[1] + _HALF_A_DIGIT:
            return kind
    return "outside"


def _span(row, kind):
    """Return the interval of `mark` in words: that of the best of many where these decide."""
    span = expected_run(row.scores, row.metric, trials=TRIALS[row.tuned] if kind == "best" else 1)
    return "{:.2f} to {:.2f}".format(*span) if span else ""


def answer(context):
    """Say on how many datasets the RRU is best at full size, and how much is measured."""
    return render("answer.md", **summarize(compare()))


def summarize(table):
    """Return what the first sentences say of a table of `compare`.

    Returns:
        A dictionary: `n` numbers of the paper, of them `n_exact` measured at its settings and
        `n_stand_in` otherwise; the titles of datasets that are measured `complete` at its settings
        and those `won` by the RRU; whether IMDB is measured `by_script`, the authors' last one, and
        won; and the exact one `furthest` from the paper.
    """
    table = table.dropna(subset="paper")  # the paper's cells, not others beside them
    done = table[table.runs > 0]
    exact, best = done[done.stands_in == ""], table[table.best].drop_duplicates("dataset")
    by_script = best.stands_in == "final"
    complete, script = best[~by_script], best[by_script]
    far = exact.difference_percent.abs()
    return {
        "n": len(table),
        "n_exact": len(exact),
        "n_stand_in": len(done) - len(exact),
        "complete": list(complete.title),
        "won": list(complete.title[complete.cell == "rru"]),
        "by_script": len(script) > 0,
        "won_by_script": (script.cell == "rru").all(),
        "furthest": None if far.empty else exact.loc[far.idxmax()],
    }


def verdict(context):
    """Return the box of verdicts: Table 1 dataset by dataset, and the count of the other claims."""
    shown = verdicts.of_page(context.folder / "notebooks" / "main_results.ipynb")
    table = compare().dropna(subset="paper")
    groups = [group for _, group in table.groupby("dataset", sort=False)]
    judged = [verdict for group in groups if (verdict := judge(group, shown))]
    return render(
        "verdict.html",
        claim=_CLAIM,
        judged=judged,
        remaining=remaining(judged),
        n=len(groups),
        others=claims.count(claims.answers(context.folder)),
    )


def remaining(judged):
    """Return where the claim holds also with p values corrected for all datasets judged (Holm).

    A dataset without a p value, on which nothing is significant, counts as one of them.
    """
    corrected = seeds.holm([1.0 if math.isnan(verdict.p) else verdict.p for verdict in judged])
    held = [verdict.held == HOLDS for verdict in judged]
    return [v.where for v, holds, p in zip(judged, held, corrected) if holds and p < seeds.SURE]


def judge(group, shown=()):
    """Return what the page of the main results says of a dataset, else what its seeds say.

    Args:
        group: rows of `compare` of one dataset. shown: of `verdicts.of_page`.

    Returns:
        A `Verdict`, or None for a dataset that is not measured with all cells.
    """
    first = group.iloc[0]
    if not group.runs.all():
        return None
    if first.dataset in shown:
        return shown[first.dataset]
    metric = metric_named(first.metric)
    losses = metric.loss(group.set_index("cell").measured)
    gated = losses.drop("rru").idxmin()
    scores = pd.DataFrame({row.cell: pd.Series(row.scores) for row in group.itertuples()})
    compared = seeds.against_gates(scores, first.metric)
    holds, p = seeds.decide(compared, len(losses) - 1)
    held = {True: HOLDS, False: FAILS, None: INCONCLUSIVE}[holds]
    side = "ahead" if losses["rru"] < losses[gated] else "behind"
    why = "which chance may explain" if group.runs.min() > 1 else "but one seed cannot tell"
    limits = (f"the RRU is {side}, {why}",) if held == INCONCLUSIVE else ()
    if first.stands_in == "final":
        limits = *limits, "the authors' last script, 2M parameters where Table 5 says 20M"
    unit = " % errors" if metric.higher_is_better else ""
    note = f"RRU {losses['rru']:.2f}, {CELL_TITLES[gated]} {losses[gated]:.2f}{unit}"
    return Verdict(_CLAIM, first.dataset, held, seeds_of_each(group.runs), note, limits, p)


def seeds_of_each(runs):
    """Return how many seeds each cell has, in words."""
    few, most = runs.min(), runs.max()
    if most == 1:
        return "one seed of each cell"
    return f"{most} seeds of each cell" if few == most else f"{few} to {most} seeds of each cell"


def table_1(context):
    """Table 1, each cell the paper's number above ours; rows without one of ours are folded."""
    table = compare()
    groups = [group.to_dict("records") for _, group in table.groupby("dataset", sort=False)]
    measured = [any(row["runs"] or row["failed"] for row in group) for group in groups]
    html = render(
        "table_1.html",
        rows=[group for group, known in zip(groups, measured) if known],
        open_rows=[group for group, known in zip(groups, measured) if not known],
        open_cells=[row for g in groups for row in g if not row["runs"] and not row["failed"]],
        units=tables.METRIC_TITLES,
        trials=TRIALS,
        side=side(table),
    )
    return html + _save(context, "table_1", tables.table_1())


def side(table):
    """Return on which side of the paper's numbers ours lie that have its settings, and how far.

    Returns:
        A dictionary: `n_worse` of `n` are worse, all lie `low` to `high` % away, on average
        `deviations` worse, in standard deviations of seeds (of a dataset's cells together); `luck`
        is by how many of these the best of 100 runs is ahead of their mean; None if none is there.
    """
    exact = table[(table.runs > 0) & (table.stands_in == "") & table.paper.notna()]
    if exact.empty:
        return None
    losses = [(metric_named(row.metric).loss, row) for row in exact.itertuples()]
    worse = pd.Series([loss(row.measured) - loss(row.paper) for loss, row in losses], exact.index)
    squares = exact.scores.map(lambda scores: np.var(scores) * len(scores))
    of_dataset = exact.assign(squares=squares, free=exact.runs - 1).groupby("dataset")
    squares, free = (of_dataset[name].transform("sum") for name in ("squares", "free"))
    away = exact.difference_percent.abs()
    return {
        "n": len(exact),
        "n_worse": int((worse > 0).sum()),
        "low": away.min(),
        "high": away.max(),
        "deviations": (worse / np.sqrt(squares / free))[free > 0].mean(),
        "luck": seeds.best_of(TRIALS["+"], 1.0)[0],
    }


def _save(context, name, frame):
    path = context.folder / FOLDER / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return f"\nSave: {{download}}`{path.name} <_parts/{path.name}>`\n"


def small_table(context):
    """The rows without music at laptop scale: who is best, and each cell beside the baseline."""
    rows = small_scale.small_rows()
    rows = rows.assign(beaten=small_scale.beaten(rows), to_measure=rows.status == "not measured")
    shown = [g for _, g in rows.groupby("task", sort=False) if not g.to_measure.all()]
    behind = rows[(rows.status == "ok") & ~rows.beaten]
    return render(
        "small_table.html",
        rows=[group.to_dict("records") for group in shown],
        sizes=rows.groupby("task").n_params.mean().to_dict(),
        to_measure=rows[rows.to_measure & ~rows.dataset.isin(_TOO_LARGE)].command.tolist(),
        too_large=rows[rows.to_measure & rows.dataset.isin(_TOO_LARGE)].command.tolist(),
        best=small_scale.best_cells(rows),
        behind=[f"{CELL_TITLES[row.cell]} on {row.task}" for row in behind.itertuples()],
        units=tables.METRIC_TITLES,
        **summarize_small(rows),
    )


def summarize_small(rows):
    """Return on which datasets every cell has learned, and on which of them the RRU is the best."""
    best = small_scale.best_cells(rows)
    learned, won, leads = [], [], []
    for name, group in rows.groupby("dataset", sort=False):
        if group.score.isna().any() or not group.beaten.all():
            continue
        title = DATASETS_BY_NAME[name].title
        learned.append(title)
        if {best[task] for task in group.task} == {"rru"}:
            won.append(title)
            leads += _lead_over_seeds(title, group[group.protocol == group.protocol.iloc[0]])
    runs = rows.runs[rows.runs > 0]
    return {
        "learned": learned,
        "won": won,
        "lost": [title for title in learned if title not in won],
        "leads": leads,
        "seeds": seeds_of_each(runs) if len(runs) else "",
    }


def _lead_over_seeds(title, group):
    """Return whether the RRU's lead is more than another of its seeds may make, where known."""
    rru, gated = group[group.cell == "rru"].iloc[0], group[group.cell != "rru"]
    span = expected_run(rru.scores, rru.metric)
    if span is None:
        return []
    apart = not gated.score.between(*span).any()
    return [{"title": title, "low": span[0], "high": span[1], "apart": apart}]
