"""Fragments of the front page: the answer in three sentences, Table 1, the smaller rows."""

from html import escape

from rru_nb.analysis import findings, seeds, small_scale, tables
from rru_nb.training.config import CELL_TITLES, CELLS, command, paper_config
from rru_nb.training.records import load_records

from .stage import FRAGMENTS as FOLDER

_NOT_AT_HAND = ("enwik8", "text8")  # 100 MB each, on no machine that made records for this book
TRIALS = {"+": 100, "+/-": 10, "-": 1}  # of how many runs a number of the paper is the best
_HALF_A_DIGIT = 0.005  # the paper's numbers have two decimals
MARKS = {
    "rru-within": "within",
    "rru-best": "best of {trials}",
    "rru-outside": "outside",
    "rru-single": "",
}
TITLES = tables.METRIC_TITLES | {
    "perplexity_words": "perplexity, every word once",
    "bpc_contiguous": "bits per character, every one once",
}


def answer(context):
    """How much is measured, who wins at full size, who wins in smaller models."""
    table = tables.table_1().dropna(subset="paper")  # the paper's cells, not others beside them
    sentences = [_measured(table), _at_full_size(table), _in_small(small_scale.small_rows())]
    return "\n".join(f"- {sentence}" for sentence in sentences if sentence) + "\n"


def _measured(table):
    done = table[table.runs > 0]
    told = f"**{len(done)} of the {len(table)} numbers** of Table 1 are measured at full size"
    if done.empty:
        return f"{told}."
    furthest = done.loc[done.difference_percent.abs().idxmax()]
    what = f"{tables.published_row(furthest.dataset)}, {CELL_TITLES[furthest.cell]}"
    away = tables.to_the_paper(furthest.measured, furthest.paper, furthest.metric)
    return f"{told}; the one furthest from the paper's is {what} ({away})."


def _at_full_size(table):
    complete = [group for _, group in table.groupby("dataset", sort=False) if group.runs.all()]
    if not complete:
        return ""
    won = [group for group in complete if _winner(group) == "rru"]
    told = "; ".join(_scores(group) for group in complete)
    measured = "One dataset is" if len(complete) == 1 else f"{len(complete)} datasets are"
    return (
        f"{measured} measured at full size with all four cells, and the RRU is the best on "
        f"**{len(won)} of {len(complete)}**: {told}."
    )


def _winner(group):
    scores = group.set_index("cell").measured
    return scores.idxmax() if group.metric.iloc[0] == "accuracy" else scores.idxmin()


def _scores(group):
    errors = group.metric.iloc[0] == "accuracy"
    scores = 100 - group.measured if errors else group.measured
    listed = ", ".join(f"{CELL_TITLES[c]} {score:.2f}" for c, score in zip(group.cell, scores))
    listed += " % errors" if errors else ""
    return f"{tables.published_row(group.dataset.iloc[0])} ({listed}; {_seeds_of_each(group.runs)})"


def _seeds_of_each(runs):
    """Of one seed a small lead may be chance, so the reader is told how many there are."""
    few, most = runs.min(), runs.max()
    if most == 1:
        return "one seed of each"
    return f"{most} seeds of each" if few == most else f"{few} to {most} seeds of each"


def _in_small(rows):
    """On how many datasets the RRU is best at scale laptop, where every cell beats the baseline."""
    groups = rows.groupby("dataset", sort=False)
    complete = {tables.published_row(n): g for n, g in groups if g.score.notna().all()}
    learned = {name: g for name, g in complete.items() if small_scale.beaten(g).all()}
    if not complete:
        return ""
    best = small_scale.best_cells(rows)
    won = [name for name, g in learned.items() if all(best[task] == "rru" for task in set(g.task))]
    told = f" ({'; '.join(won)})" if won else ""
    left_out = [name for name in complete if name not in learned]
    note = f"; not counted, because a cell does not beat the baseline: {'; '.join(left_out)}"
    return (
        "In models small enough for two cores (scale laptop, no music) it is the best on "
        f"**{len(won)} of {len(learned)}** datasets{told}{note if left_out else ''}, with "
        f"{_seeds_of_each(rows.runs[rows.runs > 0])}: a small lead may be chance."
        f"{_leads_over_seeds(rows, won)}"
    )


def _leads_over_seeds(rows, won):
    """Whether the leads are more than another seed of the RRU may make, where that is known."""
    told = []
    for name, group in rows[rows.protocol == "authors"].groupby("dataset", sort=False):
        rru, gated = group[group.cell == "rru"].iloc[0], group[group.cell != "rru"]
        span = seeds.expected_run(rru.scores, rru.metric)
        if tables.published_row(name) not in won or span is None:
            continue
        apart = not gated.score.between(*span).any()
        told.append(
            f" On {tables.published_row(name)} one more run of the RRU is expected within "
            f"{span[0]:.0f} to {span[1]:.0f}, so its lead is {'' if apart else 'not '}more than "
            "its seeds may make."
        )
    return "".join(told)


def table_1(context):
    """Table 1, each cell the paper's number above ours, coloured by how they compare."""
    titles = "".join(f'<th scope="col">{CELL_TITLES[cell]}</th>' for cell in CELLS)
    records = load_records(scale="paper", status="failed")
    records = records[records.id.isin(tables.unchanged(records))]
    failed = records.set_index(["dataset", "cell"]).id.to_dict()
    groups = tables.table_1().groupby("dataset", sort=False)
    rows = "\n".join(_row(group, failed) for _, group in groups)
    head = f'<th scope="col">Task</th>{titles}<th scope="col">Scale</th>'
    parts = [_table("Table 1", head, rows), _commands_of_open_cells(tables.table_1(), failed)]
    return "\n".join([*parts, _as_csv(context, "table_1", tables.table_1())])


def _commands_of_open_cells(table, failed):
    """What fills each cell of Table 1 that has no number yet, folded."""
    return _folded_commands(
        command(paper_config(row.dataset, row.cell))
        for row in table.itertuples()
        if not row.runs and (row.dataset, row.cell) not in failed
    )


def _folded_commands(commands):
    commands = list(commands)
    if not commands:
        return ""
    lines = "\n".join(f"    {command}" for command in commands)
    cells = f"{len(commands)} open cell{'s' if len(commands) > 1 else ''}"
    title = f"Commands that measure the {cells}"
    return f'\n<details class="rru-fold">\n<summary>{title}</summary>\n\n{lines}\n\n</details>\n'


def _as_csv(context, name, frame):
    path = context.folder / FOLDER / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return f"Save: {{download}}`{path.name} <_parts/{path.name}>`\n"


def _table(label, head, rows):
    return (
        f'<div class="rru-table" tabindex="0" role="region" aria-label="{label}"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n"
    )


def _row(group, failed):
    first = group.iloc[0]
    cells = "".join(_cell(cell, failed) for cell in group.itertuples())
    scale = first.scale if group.runs.any() else "–"
    task = _task(tables.published_row(first.dataset), first.metric)
    return f"<tr>{task}{cells}<td>{scale}</td></tr>"


def _task(title, metric, note=""):
    notes = "".join(
        f'<span class="rru-note">{escape(n)}</span>' for n in (TITLES[metric], note) if n
    )
    return f'<th scope="row">{escape(title)}{notes}</th>'


def _cell(cell, failed):
    in_paper = cell.paper == cell.paper  # else NaN
    paper = f'<span class="rru-paper">{f"{cell.paper:.2f}" if in_paper else "–"}</span>'
    record = failed.get((cell.dataset, cell.cell))
    if record and not cell.runs:
        link = f'<a class="rru-ours" href="records.html#{record}">failed</a>'
        return f'<td class="rru-outside">{paper}{link}</td>'
    if not cell.runs:
        return f'<td class="rru-open">{paper}<span class="rru-ours">–</span></td>'
    kind = mark(cell)
    away = tables.to_the_paper(cell.measured, cell.paper, cell.metric) if in_paper else ""
    told = MARKS[kind].format(trials=TRIALS[cell.tuned])
    notes = [", ".join(filter(None, [away, told])), *_runs(cell)]
    told = "".join(f'<span class="rru-note">{note}</span>' for note in notes)
    return f'<td class="{kind}">{paper}{_ours(cell.ids, cell.measured)}{told}</td>'


def _ours(ids, score):
    """A score of one run with a link to its record; a mean has no record, each of its runs has."""
    if len(ids) > 1:
        return f'<span class="rru-ours">{score:.2f}</span>'
    return f'<a class="rru-ours" href="records.html#{ids[0]}">{score:.2f}</a>'


def _runs(cell):
    """The runs of a mean, each with a link to its record."""
    if cell.runs < 2:
        return []
    linked = (f'<a href="records.html#{i}">{s:.2f}</a>' for i, s in zip(cell.ids, cell.scores))
    return [f"mean of {cell.runs} seeds:", f'<span class="rru-runs">{" ".join(linked)}</span>']


def mark(cell):
    """Whether our runs may give the paper's number: one more of them, or the best of its trials.

    A number that was rounded to two decimals may be any that rounds to it.

    Args:
        cell: a row of `tables.table_1`.

    Returns:
        A key of `MARKS`.
    """
    trials = TRIALS[cell.tuned]
    for kind, best_of in (("rru-within", 1), ("rru-best", trials)):
        span = seeds.expected_run(cell.scores, cell.metric, trials=best_of)
        if span is None or cell.paper != cell.paper:
            return "rru-single"
        if span[0] - _HALF_A_DIGIT <= cell.paper <= span[1] + _HALF_A_DIGIT:
            return kind
    return "rru-outside"


def small_table(context):
    """The rows without music at laptop scale, each beside the input-independent baseline."""
    rows = small_scale.small_rows()
    best = small_scale.best_cells(rows)
    titles = "".join(f'<th scope="col">{CELL_TITLES[cell]}</th>' for cell in CELLS)
    head = (
        f'<th scope="col">Task</th><th scope="col">Baseline</th>{titles}<th scope="col">Scale</th>'
    )
    body = "\n".join(
        _small_row(task, group, best.get(task)) for task, group in rows.groupby("task", sort=False)
    )
    at_hand = rows[~rows.dataset.isin(_NOT_AT_HAND)]  # the others' rows show their command
    still = _folded_commands(at_hand[at_hand.status == "not measured"].command)
    return "\n".join([_table("Table 1, smaller", head, body), still, _beside_no_input(rows)])


def _small_row(task, group, best):
    first = group.iloc[0]
    if first.dataset in _NOT_AT_HAND and not (group.status == "ok").any():
        told = f"not measured: no machine that made records had the file.<br>{_code(first.command)}"
        return f'<tr>{_task(task, first.metric)}<td colspan="6">{told}</td></tr>'
    cells = "".join(_small_cell(row, row.cell == best) for row in group.itertuples())
    sizes = group.n_params.dropna()
    note = f"{sizes.min():,.0f} to {sizes.max():,.0f} parameters" if len(sizes) else ""
    guess = f"{first.baseline:.2f}" if first.baseline == first.baseline else "–"
    return f"<tr>{_task(task, first.metric, note)}<td>{guess}</td>{cells}<td>laptop</td></tr>"


def _code(command):
    return f"<code>{escape(command)}</code>"


def _small_cell(row, best):
    if row.status == "not measured":
        return '<td class="rru-open"><span class="rru-ours">–</span></td>'
    if row.status == "failed":
        return f'<td><a class="rru-ours" href="records.html#{row.id}">failed</a></td>'
    notes = [*_runs(row)]
    cut = ", cut off" if row.cut_off else ""
    if row.runs == 1:
        notes.append(f"epoch {row.best_epoch:.0f} of {row.epochs}{cut}")
    elif row.cut_off:
        notes.append(f"{row.cut_off} of {row.runs} cut off")
    told = "".join(f'<span class="rru-note">{n}</span>' for n in notes + ["best here"] * best)
    return f"<td>{_ours(row.ids, row.score)}{told}</td>"


def _beside_no_input(rows):
    done = rows[rows.status == "ok"]
    if done.empty:
        return "Nothing is measured at this scale yet.\n"
    behind = done[~small_scale.beaten(done)]
    if behind.empty:
        return f"All {len(done)} scores are better than the baseline.\n"
    listed = "; ".join(f"{CELL_TITLES[row.cell]} on {row.task}" for row in behind.itertuples())
    return f"Not better than the baseline: {listed}.\n"


def over_seeds(context):
    """Compare the RRU with each gated cell on JSB Chorales across seeds."""
    return findings.over_seeds("jsb", seeds.recorded("jsb")) + "\n"
