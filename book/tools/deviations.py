"""Results of Table 1 that deviate from the paper by more than 3 %, with diagnostic runs."""

from numpy import std

from rru_nb.analysis.seeds import best_of
from rru_nb.analysis.tables import minus, to_the_paper
from rru_nb.training.config import command, paper_config
from rru_nb.training.metrics import metric_named
from rru_nb.training.records import find_record, load_records

from .front import TRIALS, compare
from .render import render

TOLERANCE = 3.0  # percent; a number further away, to either side, is looked into
PATIENCE = 20  # of the diagnostic run: did the training end too early?


def deviations(context):
    """A paragraph for each cell of Table 1 that deviates: its runs, the other cells, a longer run.

    Better than the paper is as suspicious as worse. A mean that is close does not hide a run that
    is not.
    """
    table = compare()
    return render("deviations.md", n=len(_looked_at(table)), cells=deviating(table))


def deviating(table):
    """Return what was tried to explain each number that deviates, a dictionary for each.

    Args:
        table: of `front.compare`.
    """
    measured = _looked_at(table)
    return [_cell(row, measured) for row in measured.itertuples() if _is_far(row)]


def _looked_at(table):
    """Return the cells that are measured, IMDB's smaller models aside."""
    return table[(table.runs > 0) & (table.stands_in != "final")]


def _is_far(row):
    loss = metric_named(row.metric).loss
    return any(abs(loss(score) / loss(row.paper) - 1) > TOLERANCE / 100 for score in row.scores)


def _cell(row, measured):
    beside = measured[(measured.dataset == row.dataset) & (measured.cell != row.cell)]
    records = load_records(id=row.ids).set_index("id", drop=False).loc[row.ids]
    usual = paper_config(row.dataset, row.cell)
    return {
        "row": row,
        "beside": list(beside.itertuples()),
        "runs": [
            _run(record, record["seed"], score, row)
            for record, score in zip(records.to_dict("records"), row.scores)
        ],
        "alike": _alike(records, usual.metric) if len(records) > 1 else None,
        "trials": _of_trials(row),
        "patience": usual.patience,
        "longer": _longer(row),
        "command": command(paper_config(row.dataset, row.cell, patience=PATIENCE)),
        "long_patience": PATIENCE,
    }


def _run(record, seed, score, row):
    return {
        "id": record["id"],
        "seed": seed,
        "score": score,
        "away": minus(to_the_paper(score, row.paper, row.metric)),
        "best": record["best_epoch"],
        "epochs": len(record["epochs"]),
    }


def _alike(records, metric):
    """How far all runs were when the first of them ended, and in the end."""
    first = int(records.best_epoch.min())
    return {
        "epoch": first,
        "then": {r.seed: _best(r.epochs[:first], metric) for r in records.itertuples()},
        "end": {r.seed: _best(r.epochs, metric) for r in records.itertuples()},
    }


def _best(epochs, metric):
    pick = max if metric_named(metric).higher_is_better else min
    return pick(epoch[f"valid_{metric}"] for epoch in epochs)


def _of_trials(row):
    """What the best of as many runs as the paper had trials is worth, by the spread of ours."""
    trials = TRIALS[row.tuned]
    if trials == 1 or row.runs < 2:
        return None
    shift, _ = best_of(trials, std(row.scores, ddof=1))
    return {"n": trials, "shift": shift, "best": row.measured - shift}


def _longer(row):
    """The same runs with a longer patience, of each seed that has one; a failed one is None."""
    seeds = load_records(dataset=row.dataset, cell=row.cell, scale="paper", status="ok").seed
    longer = {}
    for seed in sorted(set(seeds)):
        config = paper_config(row.dataset, row.cell, seed=seed, patience=PATIENCE)
        if record := find_record(config):
            scores = record["test"]
            score = scores.get(row.metric, scores.get(config.metric))
            longer[seed] = _run(record, seed, score, row) if scores else None
    return longer
