"""Music numbers of the RRU that are further from the paper's than they should be, and probes."""

from rru_nb.analysis.tables import published_row, table_1
from rru_nb.training.config import CELL_TITLES, KINDS, command, paper_config
from rru_nb.training.records import find_record, load_records

TOLERANCE = 3.0  # percent; beyond it, a number is looked into
PATIENCE = 20  # of the probe: whether the training ended too early


def strays(context):
    """A paragraph for each dataset with a run that strays: its seeds, the cells beside it, a probe.

    All at scale paper; a mean that is close does not hide a run that is not.
    """
    table = table_1()
    music = table[[KINDS[name] == "music" for name in table.dataset]]
    far = music[(music.cell == "rru") & (music.high > (1 + TOLERANCE / 100) * music.paper)]
    if far.empty:
        return f"No music run of the RRU is more than {TOLERANCE:.0f} % above the paper's number.\n"
    return "\n\n".join(_of(row, music) for row in far.itertuples()) + "\n"


def _of(row, music):
    beside = music[(music.dataset == row.dataset) & (music.cell != "rru") & (music.runs > 0)]
    told = [
        f"**{published_row(row.dataset)}, RRU: {row.measured:.2f}, the paper {row.paper:.2f} "
        f"({row.difference_percent:+.1f} %; scale paper, {_runs(row.runs)}).**"
    ]
    if len(beside):
        cells = (
            f"{CELL_TITLES[b.cell]} {b.difference_percent:+.1f} %" for b in beside.itertuples()
        )
        told.append(f"The other cells on the same data: {', '.join(cells)}.")
    records = load_records(id=row.ids).set_index("id").loc[row.ids]
    runs = (
        f"seed {r.seed} {score:.2f} ({100 * (score / row.paper - 1):+.1f} %), best epoch "
        f"{r.best_epoch:.0f} of {len(r.epochs)}"
        for r, score in zip(records.itertuples(), row.scores, strict=True)
    )
    told.append(f"Each run: {'; '.join(runs)}.")
    return " ".join([*filter(None, [*told, _alike(records)]), _probe(row)])


def _alike(records):
    """Where the run that ended first has its best epoch, how far the others were; and the ends."""
    if len(records) < 2:
        return ""
    first = int(records.best_epoch.min())
    by_then = (_best(r.epochs[:first]) for r in records.itertuples())
    in_the_end = (_best(r.epochs) for r in records.itertuples())
    return (
        f"Best validation NLL up to epoch {first}, the best of the run that ended first: "
        f"{_of_seeds(records, by_then)}; in the end: {_of_seeds(records, in_the_end)}."
    )


def _best(epochs):
    return min(epoch["valid_nll_window"] for epoch in epochs)


def _of_seeds(records, scores):
    return ", ".join(f"seed {s} {score:.2f}" for s, score in zip(records.seed, scores))


def _runs(n):
    return "one run" if n == 1 else f"mean of {n} runs"


def _probe(row):
    longer = paper_config(row.dataset, "rru", patience=PATIENCE)
    usual = paper_config(row.dataset, "rru").patience
    record = find_record(longer)
    what = f"With a patience of {PATIENCE} epochs instead of {usual}"
    if record is None or record["status"] != "ok":
        return f"{what}: not measured (`{command(longer)}`)."
    score = record["test"][longer.metric]
    percent = 100 * (score / row.paper - 1)
    return (
        f"{what}: {score:.2f} ({percent:+.1f} %), best epoch {record['best_epoch']} of "
        f"{len(record['epochs'])}."
    )
