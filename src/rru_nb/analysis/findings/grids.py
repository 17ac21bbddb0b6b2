"""What the grids over learning rate and size say (section 5, appendix C)."""

import numpy as np
from scipy import stats

from ...training.config import CELL_TITLES
from ..resampling import best_of
from ..robust import grid_table, paired, run_spread, share_difference
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, cut_off_note, limit_note, said

NORMALIZE_TITLES = {True: "with normalization", False: "without normalization"}
NOTHING = "Nothing is measured here yet."
SURE = 0.05  # a claim holds if its interval is above zero and the sign test's p below this


def robustness(frame, where="here"):
    """Whether the RRU works well in a broader range than the gated cells, with intervals.

    Args:
        frame: rows of `experiments.results` or `authors_grid`, of one dataset and scale.
        where: str, whose trainings these are, as the verdict names them.
    """
    if not (frame.status != "missing").any():
        return NOTHING
    table, places = grid_table(frame), paired(frame)
    verdict, facts = [], [*_shares(table, CELL_TITLES), _medians(table, CELL_TITLES)]
    gated = [cell for cell in frame.cell.unique() if cell != "rru"]
    if "rru" in set(frame.cell) and gated:
        if (frame.status == "missing").any():
            where = "at the grid points measured so far"
        verdict = _robustness(frame, places, gated, where)
    if len(places) and verdict:
        facts = [_level(places, gated), _same_sign(places, gated), *facts, _wins(places)]
    notes = [_no_better_than_no_input(frame), limit_note(frame), _seeds(frame)]
    return answer(verdict, [*facts, _failures(table), *notes])


def _robustness(frame, places, gated, where):
    claim = "The paper's claim, a broader range in which the RRU works well,"
    cut = cut_off_note(frame)
    if cut:
        return [f"**{claim} {said(UNDECIDED)} {where}**: {cut}."]
    if places.empty:
        return []
    rates = places.index.get_level_values("learning_rate")
    rival, difference = _strongest(places, gated)
    return [
        f"**{claim} {said(_held(difference))} {where}**: {_two_shares(places, rival)} of the grid "
        f"within 10 % of the best loss of all cells, {_points(difference)}; no gated cell has more "
        f"than the {CELL_TITLES[rival]}.",
        _by_own_best(places, gated),
        *(
            _without(places, gated, rate, f"the {which} learning rate, {rate:g}")
            for which, rate in (("lowest", rates.min()), ("highest", rates.max()))
        ),
    ]


def _by_own_best(places, gated):
    rival, difference = _strongest(places, gated, own=True)
    verdict = said(_held(difference))
    if difference.points < 0 and difference.high >= 0:
        verdict = "fails on these squares, though the difference is inconclusive"
    return (
        f"**By each cell's own best the claim {verdict}**: {_two_shares(places, rival, own=True)} "
        f"of the grid, {_points(difference)}."
    )


def _two_shares(places, rival, own=False):
    best = places.min() if own else places.min().min()
    shares = 100 * (np.isfinite(places) & (places <= 1.1 * best)).mean()
    return f"RRU {shares['rru']:.0f} %, {CELL_TITLES[rival]} {shares[rival]:.0f} %"


def _level(places, gated):
    """The worst of the RRU beside the best of all gated cells."""
    best = places[gated].min()
    worst, rival = places["rru"].max(), best.idxmin()
    if not np.isfinite(worst):
        return ""
    told = (
        f"the RRU's worst of {len(places)} trainings, {worst:.4g}, is {{}} than the best of every "
        f"gated cell, {best[rival]:.4g} ({CELL_TITLES[rival]})"
    )
    if _all_better(places, gated):
        return f"**The level: {told.format('better')}.**"
    return f"The level: {told.format('no better')}."


def _all_better(places, gated):
    return places["rru"].max() < places[gated].min().min()


def _same_sign(places, gated):
    """The sign test over all squares, where the RRU's loss is the lower one at every square."""
    if not (places.rru < places[gated].min(axis=1)).all():
        return ""
    rates = places.index.get_level_values("learning_rate").nunique()
    chances = [stats.binomtest(n, n).pvalue for n in (len(places), rates)]
    return (
        f"At each of the {len(places)} squares the RRU's loss is the lowest of all cells' (sign "
        f"test over the squares p = {chances[0]:.1g}, over the {rates} learning rates "
        f"p = {chances[1]:.1g})."
    )


def normalization(frame, where="here"):
    """What normalization does to the range in which the RRU works (appendix C).

    Args:
        frame, where: as of `robustness`.
    """
    if not (frame.status != "missing").any():
        return NOTHING
    table, places = grid_table(frame, by="normalize"), paired(frame, by="normalize")
    facts = [*_shares(table, NORMALIZE_TITLES), _medians(table, NORMALIZE_TITLES)]
    verdict, cut = [], cut_off_note(frame)
    claim = "The claim that normalization broadens the range in which the RRU works"
    if cut:
        verdict.append(f"**{claim} {said(UNDECIDED)} {where}**: {cut}.")
    elif len(places):
        difference = share_difference(places, True, False)
        verdict.append(
            f"**{claim} {said(_held(difference))} {where}**: {_points(difference)} of the grid "
            "within 10 % of the best loss."
        )
    if len(places):
        better = int((places[True] < places[False]).sum())
        facts.append(
            f"With normalization the loss is lower at {better} of the {len(places)} grid points "
            "that are measured both ways."
        )
        facts.append(_failed_apart(places))
    notes = [limit_note(frame), _seeds(frame)]
    return answer(verdict, [*facts, _failures(table, NORMALIZE_TITLES), *notes])


def _failed_apart(places):
    """The exact sign test of the squares at which only one of the two failed."""
    failed = np.isinf(places)
    only_without, only_with = (
        (failed[a] & ~failed[b]).sum() for a, b in ((False, True), (True, False))
    )
    if not only_without + only_with:
        return ""
    p = stats.binomtest(only_without, only_without + only_with).pvalue
    return (
        f"Only without it a training failed at {only_without} squares, only with it at {only_with} "
        f"(sign test p = {p:.1g})."
    )


def robustness_verdicts(frame):
    """Return `{measure: Verdict}` on the broader range, by the best of all and by one's own.

    Args:
        frame: as for `robustness`, complete.
    """
    cut = cut_off_note(frame)
    if cut:
        return {"": Verdict(UNDECIDED, cut)}
    places, verdicts = paired(frame), {}
    gated = [cell for cell in places if cell != "rru"]
    for measure, own in (("by the best of all cells", False), ("by each cell's own best", True)):
        rival, difference = _strongest(places, gated, own)
        note = f"{_two_shares(places, rival, own)} of the grid, {_points(difference)}"
        if not own and _all_better(places, gated):
            note += "; the RRU's worst training is better than the best of any gated cell"
        verdicts[measure] = Verdict(_held(difference), note, difference.p)
    return verdicts


def normalization_verdict(frame):
    """Return the `Verdict` on the range with and without normalization."""
    cut = cut_off_note(frame)
    if cut:
        return Verdict(UNDECIDED, cut)
    difference = share_difference(paired(frame, by="normalize"), True, False)
    note = f"{_points(difference)} of the grid with it"
    return Verdict(_held(difference), note, difference.p)


def best_of_grid(frame):
    """Say by how much the best training of the RRU's grid lies below the mean, and by chance.

    Args:
        frame: rows of `authors_grid`.
    """
    scores = frame[frame.cell == "rru"].test
    spread = run_spread(frame[frame.cell == "rru"])
    shift, deviation = best_of(len(scores), spread)
    return (
        f"The RRU's {len(scores)} trainings have the mean {scores.mean():.4g} and the best "
        f"{scores.min():.4g}. What learning rate and size leave of their spread is {spread:.2g} "
        f"(standard deviation); so the best of {len(scores)} lies {shift:.2g} ± {deviation:.1g} "
        "below the mean by chance alone. The tuned numbers of Table 1 are bests of a hundred."
    )


def _shares(table, titles):
    return [
        f"Share of the grid within 10 % of {best}: "
        + ", ".join(
            f"{titles[name]} {row[kind]:.0f} % ({row[f'{kind}_low']:.0f} to "
            f"{row[f'{kind}_high']:.0f})"
            for name, row in table[table.runs > 0].iterrows()
        )
        + "."
        for kind, best in (("own_10", "its own best loss"), ("all_10", "the best loss of all"))
    ]


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
    return f"No better than the baseline ({done.baseline.iloc[0]:.2f}): {', '.join(told)}."


def _wins(places):
    lowest = places.min(axis=1)
    alone = places.eq(lowest, axis=0).sum(axis=1) == 1  # not a tie, e.g. of failed trainings
    counts = places.eq(lowest, axis=0)[alone].sum()
    told = ", ".join(f"{CELL_TITLES[cell]} {counts[cell]}" for cell in places)
    none = f"; no single one at {(~alone).sum()}" if not alone.all() else ""
    return f"Lowest loss at how many of the {len(places)} grid points: {told}{none}."


def _strongest(places, gated, own=False):
    differences = {cell: share_difference(places, "rru", cell, own=own) for cell in gated}
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
        f"Without {which}, it {said(_held(difference))}: {_points(difference)} to the "
        f"{CELL_TITLES[rival]}."
    )


def _seeds(frame):
    n = frame[frame.status != "missing"].seed.nunique()
    if n > 1:
        return ""
    return (
        "One seed at each grid point: the intervals are of drawing the learning rates anew and say "
        "nothing of other seeds."
    )
