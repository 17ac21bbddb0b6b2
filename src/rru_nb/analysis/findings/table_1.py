"""What the records say to Table 1 and to the curves of appendix B."""

from ...training.config import CELL_TITLES, KINDS, METRICS, paper_config
from ...training.metrics import metric_named
from .. import seeds
from ..tables import to_the_paper
from .notes import answer


def comparison(records):
    """How each cell's test score compares with the paper's, and the RRU with the gated cells.

    Args:
        records: rows of `load_records` of one dataset and one scale.
    """
    done = records[records.status == "ok"]
    if done.empty:
        return "Nothing is measured here yet."
    dataset, scale = done.dataset.iloc[0], done.scale.iloc[0]
    metric = METRICS[KINDS[dataset]]
    scores = done.groupby("cell", sort=False)[f"test_{metric}"].mean()
    verdict = []
    if "rru" in scores and len(scores) > 1:
        verdict = [_against_gates(scores, metric, done.groupby("cell").seed.nunique())]
    facts = [_against_paper(dataset, cell, score, scale) for cell, score in scores.items()]
    return answer(verdict, facts)


def over_seeds(dataset, scores, scale="paper"):
    """Compare the RRU with each gated cell across seeds.

    Args:
        dataset: its name. scores: a frame of `seeds.recorded`. scale: theirs.
    """
    return f"{seeds.verdict(dataset, scores)}\n\n{seeds.spread(scores, scale)}".rstrip()


def convergence(records):
    """The epoch from which the RRU is ahead of every gated cell's best epoch (appendix B).

    Args:
        records: rows of `load_records` of one dataset and one scale; the first seed counts.
    """
    done = records[records.status == "ok"].drop_duplicates("cell")
    if "rru" not in set(done.cell) or len(done) == 1:
        return ""
    ahead, n_epochs = _first_ahead(done)
    if ahead is None:
        return f"In its {n_epochs} epochs the RRU does not pass the best epoch of the gated cells."
    gated = ", ".join(CELL_TITLES[cell] for cell in done.cell if cell != "rru")
    numbers = ", ".join(str(seed) for seed in sorted(set(done.seed)))
    return (
        f"In its epoch {ahead} of {n_epochs} the RRU is ahead of the best epoch of every gated "
        f"cell here ({gated}; seed {numbers})."
    )


def convergences(by_dataset):
    """The same of several datasets, in one sentence; empty where none has an RRU and another.

    Args:
        by_dataset: dictionary of names to records as of `convergence`.
    """
    told = []
    for name, records in by_dataset.items():
        done = records[records.status == "ok"].drop_duplicates("cell") if len(records) else records
        if len(done) > 1 and "rru" in set(done.cell):
            ahead, n_epochs = _first_ahead(done)
            first = "in none" if ahead is None else f"the first time in epoch {ahead}"
            told.append(f"{name} {first} of its {n_epochs} epochs")
    if not told:
        return ""
    return f"The RRU is ahead of the best epoch of every gated cell: {'; '.join(told)}."


def _first_ahead(done):
    """`(epoch, epochs)`: when the RRU passes the best epoch of the others, None for never."""
    metric = metric_named(METRICS[KINDS[done.dataset.iloc[0]]])
    losses = {
        row.cell: [metric.loss(epoch[f"valid_{metric.name}"]) for epoch in row.epochs]
        for row in done.itertuples()
    }
    rru = losses.pop("rru")
    best = min(min(epochs) for epochs in losses.values())
    return next((i for i, loss in enumerate(rru, 1) if loss < best), None), len(rru)


def _against_paper(dataset, cell, score, scale):
    published = paper_config(dataset, cell).published if scale == "paper" else None
    if not published:
        return ""
    paper = published["value"]
    away = to_the_paper(score, paper, METRICS[KINDS[dataset]])
    return f"{CELL_TITLES[cell]}: {score:.2f} measured, {paper:.2f} in the paper ({away})."


def _against_gates(scores, metric, n_seeds):
    metric = metric_named(metric)
    losses = metric.loss(scores)
    best = losses.drop("rru").idxmin()
    size = f"{100 * abs(scores['rru'] / scores[best] - 1):.1f} % "
    verdict = "better" if losses["rru"] < losses[best] else "worse"
    told = f"means of {n_seeds.min()} seeds"
    if n_seeds.max() == 1:
        told = "one seed of each"
    elif n_seeds.nunique() > 1:
        told = f"means of {n_seeds.min()} to {n_seeds.max()} seeds"
    if metric.higher_is_better:
        size = ""
        told = f"{losses['rru']:.2f} % errors against {losses[best]:.2f} %; {told}"
    return (
        f"The RRU is {size}{verdict} than the best gated cell here, {CELL_TITLES[best]} ({told})."
    )
