"""What the variants of the RRU say (section 7)."""

import numpy as np

from ..seeds import SURE
from ..tables import METRIC_TITLES, p_text, signed
from .grids import NOTHING
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, cut_off_note, limit_note, said


def ablation(table, frame):
    """Say which variants are worse than the RRU, which better, and whether all are worse.

    Args:
        table: of `ablation_table`. frame: the rows of `sections.results` it was made of.
    """
    if not table.runs.any():
        return NOTHING
    metric = frame.metric.iloc[0]
    higher = metric == "accuracy"
    compared = _compared(table)
    facts = [_of_a_variant(row, table.measured.get("rru"), metric) for row in compared.itertuples()]
    failed = table[table.failed > 0]
    facts += [f"{row.title}: {row.failed} trainings failed." for row in failed.itertuples()]
    if compared.empty:
        verdict = ["The RRU itself or all variants have no score here: nothing to compare."]
    else:
        verdict = [_claim(table, frame), _order(compared, higher)]
    return answer(verdict, [*facts, limit_note(frame)])


def ablation_verdict(table, frame):
    """Return the `Verdict` on the RRU as it is performing best; arguments as for `ablation`.

    It holds if every variant is worse with a p value below 0.05: that all of them are needs no
    correction, since the largest p value decides. It fails if a variant is better after Holm's
    correction for the number of variants. With too many trainings cut off it is inconclusive.
    """
    metric = frame.metric.iloc[0]
    compared = _compared(table)
    if compared.p.isna().all():
        return Verdict(UNDECIDED, "one seed of each")
    better = _better(compared, metric == "accuracy")
    kinds = [_kind(row, metric == "accuracy") for row in compared.itertuples()]
    n_worse, n_better = kinds.count("worse"), kinds.count("better")
    note = f"of {len(compared)} variants {n_worse} worse, {n_better} better; {_how(table)}"
    cut_off = cut_off_note(frame)
    if cut_off:
        return Verdict(UNDECIDED, f"{note}; {cut_off}")
    if n_better:
        return Verdict(FAILS, note, float(compared.p_holm[better].min()))
    p = 1.0 if better.any() else float(compared.p.max(skipna=False))
    return Verdict(HOLDS if p < SURE else UNDECIDED, note, p)


def ablations(tables, frames):
    """How many variants score better than the RRU on each of several datasets, in one sentence.

    Args:
        tables: dictionary of dataset names to tables of `ablation_table`. frames: dictionary of
            the same names to the rows of `sections.results` that they were made of.
    """
    told, n_seeds = [], []
    for name, table in tables.items():
        done = _compared(table)
        higher = frames[name].metric.iloc[0] == "accuracy"
        if len(done):
            told.append(f"{name} {_better(done, higher).sum()} of {len(done)}")
            n_seeds.append(done.runs.max())
    if not told:
        return NOTHING
    seeds = (
        "one seed of each variant, so chance is not ruled out"
        if max(n_seeds) == 1
        else f"up to {max(n_seeds)} seeds of each variant"
    )
    return (
        "Variants that score better than the RRU, the mean of its seeds: "
        f"{', '.join(told)} ({seeds})."
    )


def _compared(table):
    """The variants that have a score, as has the RRU."""
    return table[table.difference.notna()].drop(index="rru", errors="ignore")


def _better(table, higher):
    """Which variants score better than the RRU; one that is equal does not."""
    return (table.difference if higher else -table.difference) > 0


def _kind(row, higher):
    """ "worse", "better", or neither; by the p value that is corrected for the variants."""
    if not row.p_holm < SURE:  # nor where it is not a number
        return "no significant difference"
    return "better" if (row.difference > 0) == higher else "worse"


def _of_a_variant(row, rru, metric):
    size, low, high = signed(row.difference), signed(row.low), signed(row.high)
    if metric == "accuracy":
        size = f"{100 - row.measured:.2f} % errors, the RRU {100 - rru:.2f} %"
        low, high = signed(-row.high), f"{signed(-row.low)} points"
    if np.isnan(row.p):
        return f"{row.title}: {size} (one seed, so no interval)."
    kind = _kind(row, metric == "accuracy")
    return f"{row.title}: {kind}, {size} ({low} to {high}; corrected {p_text(row.p_holm)})."


def _how(table):
    """By how many seeds, and how, the variants are compared with the RRU."""
    n = _compared(table).runs.max()
    if n > 1:
        return f"{n} seeds, paired differences"
    return f"one seed of each, against the {table.runs['rru']} seeds of the RRU"


def _claim(table, frame):
    compared, metric = _compared(table), frame.metric.iloc[0]
    n_better = _better(compared, metric == "accuracy").sum()
    scores = f"{n_better} of the {len(compared)} variants score better than the RRU"
    if compared.p.isna().all():
        return f"With one seed nothing is decided; {scores}."
    verdict = ablation_verdict(table, frame)
    return (
        f"**The claim that the RRU as it is performs best {said(verdict.held)} here** "
        f"({METRIC_TITLES[metric]}): {verdict.note}. By the scores alone, {scores}."
    )


def _order(compared, higher):
    """Whether what costs most in the paper costs most here."""
    paper = compared.paper_difference
    if paper.isna().any():
        return ""
    pick = "idxmin" if higher else "idxmax"
    here, there = (getattr(values, pick)() for values in (compared.difference, paper))
    if _better(compared.loc[[here]], higher).all():
        return f"Every variant scores better here; in the paper {compared.title[there]} costs most."
    if here == there:
        return f"As in the paper, the variant that costs most is: {compared.title[here]}."
    return (
        f"The variant that costs most is here: {compared.title[here]}; in the paper: "
        f"{compared.title[there]}."
    )
