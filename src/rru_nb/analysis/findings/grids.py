"""What the grids over learning rate and size say (section 5, appendix C)."""

import numpy as np

from ...training.config import CELL_TITLES
from ..robust import grid_table, paired, share_difference
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, limit_note

NORMALIZE_TITLES = {True: "with normalization", False: "without normalization"}
NOTHING = "Nothing is measured here yet."
SURE = 0.05  # a claim holds if its interval is above zero and the sign test's p below this


def robustness(frame):
    """Whether the RRU works well in a broader range than the gated cells, with intervals.

    Args:
        frame: rows of `sections.results`, of one dataset and scale.
    """
    if not (frame.status != "missing").any():
        return NOTHING
    table, places = grid_table(frame), paired(frame)
    verdict, facts = [], [_shares(table, CELL_TITLES), _medians(table, CELL_TITLES)]
    gated = [cell for cell in places if cell != "rru"]
    if len(places) and "rru" in places and gated:
        partial = bool((frame.status == "missing").any())
        rates = places.index.get_level_values("learning_rate")
        verdict = [_verdict(places, gated, partial)]
        verdict += [
            _without(places, gated, rate, f"the {which} learning rate, {rate:g}")
            for which, rate in (("lowest", rates.min()), ("highest", rates.max()))
        ]
        facts.append(_wins(places))
    notes = [_no_better_than_no_input(frame), limit_note(frame), _seeds(frame)]
    return answer(verdict, [*facts, _failures(table), *notes])


def normalization(frame):
    """What normalization does to the range in which the RRU works (appendix C)."""
    if not (frame.status != "missing").any():
        return NOTHING
    table, places = grid_table(frame, by="normalize"), paired(frame, by="normalize")
    verdict, facts = [], [_shares(table, NORMALIZE_TITLES), _medians(table, NORMALIZE_TITLES)]
    if len(places):
        better = int((places[True] < places[False]).sum())
        facts.append(
            f"With normalization the loss is lower at {better} of the {len(places)} grid points "
            "that are measured both ways."
        )
        difference = share_difference(places, True, False)
        verdict.append(
            "**The claim that normalization broadens the range in which the RRU works "
            f"{_held(difference)} here**: {_points(difference)} of the grid within 10 % of the "
            "best loss."
        )
    notes = [limit_note(frame), _seeds(frame)]
    return answer(verdict, [*facts, _failures(table, NORMALIZE_TITLES), *notes])


def robustness_verdict(frame):
    """`Verdict` on the broader range of the RRU; the frame is as for `robustness`, complete."""
    places = paired(frame)
    rival, difference = _strongest(places, [cell for cell in places if cell != "rru"])
    return Verdict(
        _held(difference), f"{_points(difference)} of the grid, against the {CELL_TITLES[rival]}"
    )


def normalization_verdict(frame):
    """`Verdict` on the range with and without normalization."""
    difference = share_difference(paired(frame, by="normalize"), True, False)
    return Verdict(_held(difference), f"{_points(difference)} of the grid with it")


def _shares(table, titles):
    told = [
        f"{titles[name]} {row.own_10:.0f} % ({row.own_10_low:.0f} to {row.own_10_high:.0f})"
        for name, row in table.iterrows()
        if row.runs
    ]
    return "Share of the grid within 10 % of its own best loss: " + ", ".join(told) + "."


def _medians(table, titles):
    told = [
        f"{titles[name]} {_loss(row['median'])} "
        f"({_loss(row.median_low)} to {_loss(row.median_high)})"
        for name, row in table.iterrows()
        if row.runs
    ]
    return "Median loss over the grid: " + ", ".join(told) + "."


def _loss(value):
    return f"{value:.2f}" if np.isfinite(value) else "failed"


def _failures(table, titles=CELL_TITLES):
    failed = table[table.failed > 0]
    if failed.empty:
        return "No training failed."
    told = [f"{titles[name]} {row.failed:.0f} of {row.runs:.0f}" for name, row in failed.iterrows()]
    return "Failed trainings: " + ", ".join(told) + "."


def _no_better_than_no_input(frame):
    """Trainings that learned no more than how often each symbol, or key, occurs."""
    done = frame[frame.status == "ok"]
    if done.baseline.isna().any() or frame.metric.iloc[0] == "accuracy":
        return ""
    stuck = done.test.astype(float) >= done.baseline
    if not stuck.any():
        return ""
    told = [
        f"{CELL_TITLES[c]} {n} of {len(stuck[done.cell == c])}"
        for c, n in stuck.groupby(done.cell, sort=False).sum().items()
    ]
    return (
        f"No better than the answer that looks at no input ({done.baseline.iloc[0]:.2f}): "
        f"{', '.join(told)}."
    )


def _wins(places):
    lowest = places.min(axis=1)
    alone = places.eq(lowest, axis=0).sum(axis=1) == 1  # not a tie, e.g. of failed trainings
    counts = places.eq(lowest, axis=0)[alone].sum()
    told = ", ".join(f"{CELL_TITLES[cell]} {counts[cell]}" for cell in places)
    none = f"; no single one at {(~alone).sum()}" if not alone.all() else ""
    return f"Lowest loss at how many of the {len(places)} grid points: {told}{none}."


def _verdict(places, gated, partial):
    rival, difference = _strongest(places, gated)
    where = "at the grid points measured so far" if partial else "here"
    return (
        f"**The paper's claim, a broader range in which the RRU works well, {_held(difference)} "
        f"{where}**: the RRU's share of the grid within 10 % of the best loss of all cells differs "
        f"by {_points(difference)} from that of the {CELL_TITLES[rival]}, the best gated cell by "
        "this measure."
    )


def _strongest(places, gated):
    differences = {cell: share_difference(places, "rru", cell) for cell in gated}
    return min(differences.items(), key=lambda item: item[1].points)


def _held(difference):
    if difference.p >= SURE:
        return UNDECIDED
    return HOLDS if difference.low > 0 else FAILS if difference.high < 0 else UNDECIDED


def _points(difference):
    value, low, high, only_one, only_other, p = difference
    return (
        f"{value:+.0f} points ({low:+.0f} to {high:+.0f}; {only_one} to {only_other} squares, "
        f"p = {p:.2g})"
    )


def _without(places, gated, rate, which):
    """What remains of the verdict without a learning rate."""
    rest = places[places.index.get_level_values("learning_rate") != rate]
    if rest.empty:
        return ""
    rival, difference = _strongest(rest, gated)
    return (
        f"Without {which}, it {_held(difference)}: {_points(difference)} from that of the "
        f"{CELL_TITLES[rival]}."
    )


def _seeds(frame):
    n = frame[frame.status != "missing"].seed.nunique()
    if n > 1:
        return ""
    return (
        "One seed at each grid point: the intervals are of drawing the grid points anew and say "
        "nothing of other seeds."
    )
