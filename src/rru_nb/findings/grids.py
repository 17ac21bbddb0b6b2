"""What the grids over learning rate and size say (section 5, appendix C)."""

import numpy as np

from ..config import CELL_TITLES
from ..robust import grid_table, paired, share_difference
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, limit_note

NORMALIZE_TITLES = {True: "with normalization", False: "without normalization"}
NOTHING = "Nothing is measured here yet."


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
        verdict = [_verdict(places, gated, partial), _without_the_lowest_rate(places, gated)]
        facts.append(_wins(places))
    return answer(verdict, [*facts, _failures(table), limit_note(frame), _seeds(frame)])


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
    failures = _failures(table, NORMALIZE_TITLES)
    return answer(verdict, [*facts, failures, limit_note(frame), _seeds(frame)])


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
    return min(differences.items(), key=lambda item: item[1][0])


def _held(difference):
    _, low, high = difference
    return HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED


def _points(difference):
    value, low, high = difference
    return f"{value:+.0f} points ({low:+.0f} to {high:+.0f})"


def _without_the_lowest_rate(places, gated):
    """What remains of the verdict without the learning rate that trains slowest."""
    rates = places.index.get_level_values("learning_rate")
    rest = places[rates > rates.min()]
    if rest.empty:
        return ""
    rival, difference = _strongest(rest, gated)
    return (
        f"Without the lowest learning rate, {rates.min():g}, it {_held(difference)}: "
        f"{_points(difference)} from that of the {CELL_TITLES[rival]}."
    )


def _seeds(frame):
    n = frame[frame.status != "missing"].seed.nunique()
    if n > 1:
        return ""
    return (
        "One seed at each grid point: the intervals are of drawing the grid points anew and say "
        "nothing of other seeds."
    )
