"""Results of Table 1 that deviate from the paper by more than 3 %, with diagnostic runs."""

from numpy import std

from rru_nb.analysis.resampling import best_of
from rru_nb.analysis.tables import published_row, table_1, to_the_paper
from rru_nb.training.config import CELL_TITLES, command, paper_config
from rru_nb.training.records import find_record, load_records

from .front import TRIALS

TOLERANCE = 3.0  # percent; a number further away, to either side, is looked into
PATIENCE = 20  # of the diagnostic run: did the training end too early?


def strays(context):
    """A paragraph for each cell of Table 1 that strays: its runs, the other cells, a longer run.

    Better than the paper is as suspicious as worse. A mean that is close does not hide a run that
    is not.
    """
    table = table_1()
    far = table[[any(abs(_percent(s, row.paper)) > TOLERANCE for s in row.scores)
                 for row in table.itertuples()]]  # fmt: skip
    n = int((table.runs > 0).sum())
    if far.empty:
        return f"None of the {n} cells measured has a run that strays.\n"
    count = f"{len(far)} of the {n} cells measured {'has' if len(far) == 1 else 'have'} such a run."
    return "\n\n".join([count, *(_of(row, table) for row in far.itertuples())]) + "\n"


def _percent(score, paper):
    return 100 * (score / paper - 1)


def _of(row, table):
    beside = table[(table.dataset == row.dataset) & (table.cell != row.cell) & (table.runs > 0)]
    runs = "one run" if row.runs == 1 else f"mean of {row.runs} runs"
    told = [
        f"**{published_row(row.dataset)}, {CELL_TITLES[row.cell]}: {row.measured:.2f}, the paper "
        f"{row.paper:.2f} ({to_the_paper(row.measured, row.paper, row.metric)}; {runs}).**"
    ]
    if len(beside):
        cells = (
            f"{CELL_TITLES[b.cell]} {to_the_paper(b.measured, b.paper, b.metric)}"
            for b in beside.itertuples()
        )
        told.append(f"The other cells on the same data: {', '.join(cells)}.")
    records = load_records(id=row.ids).set_index("id").loc[row.ids]
    each = (
        f"seed {r.seed} {score:.2f} ({to_the_paper(score, row.paper, row.metric)}), best epoch "
        f"{r.best_epoch:.0f} of {len(r.epochs)}"
        for r, score in zip(records.itertuples(), row.scores, strict=True)
    )
    told.append(f"Each run: {'; '.join(each)}.")
    return " ".join(
        filter(None, [*told, _alike(records, row.metric), _of_trials(row), _longer(row)])
    )


def _alike(records, metric):
    """How far all runs were when the first of them ended, and in the end."""
    if len(records) < 2:
        return ""
    first = int(records.best_epoch.min())
    by_then = (_best(r.epochs[:first], metric) for r in records.itertuples())
    in_the_end = (_best(r.epochs, metric) for r in records.itertuples())
    return (
        f"In epoch {first}, the best one of the run that ended first, the best validation scores "
        f"were: {_of_seeds(records, by_then)}; in the end: {_of_seeds(records, in_the_end)}."
    )


def _best(epochs, metric):
    pick = max if metric == "accuracy" else min
    return pick(epoch[f"valid_{metric}"] for epoch in epochs)


def _of_seeds(records, scores):
    return ", ".join(f"seed {s} {score:.2f}" for s, score in zip(records.seed, scores))


def _of_trials(row):
    """What the best of as many runs as the paper had trials is worth, by the spread of ours."""
    trials = TRIALS[row.tuned]
    if trials == 1 or row.runs < 2:
        return ""
    shift, deviation = best_of(trials, std(row.scores, ddof=1))
    return (
        f"The paper's is the best of {trials} trials; the best of {trials} runs that scatter "
        f"as these {row.runs} is expected {shift:.2f} ± {deviation:.2f} below their mean, at "
        f"{row.measured - shift:.2f}."
    )


def _longer(row):
    """The same run with a longer patience, of each seed that has it; else how to measure it."""
    usual = paper_config(row.dataset, row.cell)
    seeds = load_records(dataset=row.dataset, cell=row.cell, scale="paper", status="ok").seed
    longer = [
        paper_config(row.dataset, row.cell, seed=s, patience=PATIENCE) for s in sorted(set(seeds))
    ]
    found = [(config, record) for config in longer if (record := find_record(config))]
    what = f"With a patience of {PATIENCE} epochs instead of {usual.patience}"
    if not found:
        return f"{what}: not measured (`{command(longer[0])}`)."
    told = (
        f"seed {config.seed} {record['test'][config.metric]:.2f} "
        f"({to_the_paper(record['test'][config.metric], row.paper, row.metric)}), best epoch "
        f"{record['best_epoch']} of {len(record['epochs'])}"
        if record["status"] == "ok"
        else f"seed {config.seed} failed"
        for config, record in found
    )
    return f"{what}: {'; '.join(told)}."
