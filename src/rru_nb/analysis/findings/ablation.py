"""What the variants of the RRU say (section 7)."""

import numpy as np

from ..seeds import expected_run
from ..tables import METRIC_TITLES, signed
from .grids import NOTHING
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, limit_note, said


def ablation(table, frame, rru=()):
    """Which variants are worse than the RRU beyond the spread of seeds, and which are not.

    Args:
        table: of `ablation_table`, made with the same `rru`. frame: the rows of
            `sections.results` it was made of.
        rru: of `rru_scores`; with three or more, variants of one seed are judged by them.
    """
    if not table.runs.any():
        return NOTHING
    higher = frame.metric.iloc[0] == "accuracy"
    variants = table.drop(index="rru", errors="ignore")
    facts = [_of_a_variant(row, higher) for row in variants.itertuples() if row.runs]
    failed = table[table.failed > 0]
    facts += [f"{row.title}: {row.failed} trainings failed." for row in failed.itertuples()]
    told = variants[variants.difference.notna()]
    if told.empty:
        verdict = ["The RRU itself or all variants have no score here: nothing to compare."]
    else:
        unit = METRIC_TITLES[frame.metric.iloc[0]]
        if told.low.isna().all():
            judged = _by_seeds_of_rru(told, higher, unit, rru)
        else:
            judged = _verdict(told, higher, unit)
        verdict = [judged, _order(told, higher)]
    return answer(verdict, [*facts, limit_note(frame)])


def ablation_verdict(table, frame, rru=()):
    """`Verdict` on the RRU as it is, by the same judgement as `ablation`; arguments as there."""
    higher = frame.metric.iloc[0] == "accuracy"
    told = table.drop(index="rru", errors="ignore")
    told = told[told.difference.notna()]
    if not told.low.isna().all():
        kinds = [_kind(row, higher) for row in told.itertuples()]
        better, worse = kinds.count("better"), kinds.count("worse")
        how = f"{told.runs.max()} seeds, paired differences"
    elif expected_run(rru) is None:
        return Verdict(UNDECIDED, "one seed of each")
    else:
        better, worse = (len(titles) for titles in _beyond(told, higher, expected_run(rru)))
        how = f"one seed of each, against the {len(rru)} seeds of the RRU"
    held = HOLDS if worse == len(told) > 0 else FAILS if better else UNDECIDED
    return Verdict(held, f"of {len(told)} variants {worse} worse, {better} better; {how}")


def _beyond(told, higher, interval):
    """The titles of the variants that score better, and worse, than the interval."""
    above, below = (
        list(told.title[where])
        for where in (told.measured > interval[1], told.measured < interval[0])
    )
    return (above, below) if higher else (below, above)


def ablations(tables, frames):
    """How many variants score better than the RRU on each of several datasets, in one sentence.

    Args:
        tables: dictionary of dataset names to tables of `ablation_table`. frames: dictionary of
            the same names to the rows of `sections.results` that they were made of.
    """
    told, n_seeds = [], []
    for name, table in tables.items():
        done = table[table.difference.notna()].drop(index="rru", errors="ignore")
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


def _better(table, higher):
    """Which variants score better than the RRU; one that is equal does not."""
    return (table.difference if higher else -table.difference) > 0


def _of_a_variant(row, higher):
    if np.isnan(row.difference):
        return ""
    if np.isnan(row.low):
        return f"{row.title}: {signed(row.difference)} (one seed, so no interval)."
    interval = f"{signed(row.low)} to {signed(row.high)}"
    return f"{row.title}: {_kind(row, higher)}, {signed(row.difference)} ({interval})."


def _kind(row, higher):
    """ "worse", "better", or neither, for want of an interval that leaves out zero."""
    if np.isnan(row.low) or row.low <= 0 <= row.high:
        return "no difference beyond the seeds"
    return "better" if (row.difference > 0) == higher else "worse"


def _verdict(told, higher, unit):
    kinds = [_kind(row, higher) for row in told.itertuples()]
    better, worse = kinds.count("better"), kinds.count("worse")
    held = HOLDS if worse == len(told) else FAILS if better else UNDECIDED
    return (
        f"**The claim that the RRU as it is performs best {said(held)} here** ({unit}): of "
        f"{len(told)} variants, {worse} are worse beyond the spread of the seeds, {better} better, "
        f"and {len(told) - worse - better} neither."
    )


def _by_seeds_of_rru(told, higher, unit, rru):
    """Variants of one seed against what one more run of the RRU may score."""
    interval = expected_run(rru)
    if interval is None:
        return (
            f"With one seed nothing is decided; {_better(told, higher).sum()} of the {len(told)} "
            "variants score better than the RRU."
        )
    low, high = interval[0], min(interval[1], 100) if higher else interval[1]
    better, worse = _beyond(told, higher, interval)
    scores = ", ".join(f"{score:.2f}" for score in rru)
    at_end = " None could be told better: the interval reaches 100 %." if high == 100 else ""
    return (
        f"**Beyond the spread of the RRU's own seeds, worse: {_listed(worse)}; better: "
        f"{_listed(better)}**, by one seed of each of the {len(told)} variants ({unit}; one more "
        f"run of the RRU is expected within {low:.2f} to {high:.2f}, by its {len(rru)} seeds, "
        f"{scores}).{at_end}"
    )


def _listed(titles):
    return ", ".join(titles) or "none"


def _order(told, higher):
    """Whether what costs most in the paper costs most here."""
    paper = told.paper_difference
    if paper.isna().any():
        return ""
    pick = "idxmin" if higher else "idxmax"
    here, there = (getattr(values, pick)() for values in (told.difference, paper))
    if _better(told.loc[[here]], higher).all():
        return f"Every variant scores better here; in the paper {told.title[there]} costs most."
    if here == there:
        return f"As in the paper, the variant that costs most is: {told.title[here]}."
    return (
        f"The variant that costs most is here: {told.title[here]}; in the paper: "
        f"{told.title[there]}."
    )
