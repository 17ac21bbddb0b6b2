"""Sentences on the grids over learning rate and size (section 5, appendix C); what is missing."""

from html import escape

import numpy as np
from scipy import stats

from ..experiments import section
from ..training.config import CELL_TITLES
from ..training.metrics import metric_named
from .robust import WITHIN, near_best, paired, share_difference
from .seeds import SURE
from .tables import minus, p_text
from .verdicts import judge

NORMALIZE_TITLES = {True: "with normalization", False: "without normalization"}
NOTHING = "Nothing is measured here yet."
_BROADER = "The RRU works well in a broader range of learning rates and sizes."
_NORMALIZED = "Normalization broadens the range in which the RRU works."
_EVERYWHERE = "has the lowest loss across the entire range."


def robustness_verdicts(frame):
    """Return `{measure: Verdict}` on what the paper says of the RRU's range (Figures 2 and 3).

    Whether it is the broader one, by the best of all and by one's own, and whether the RRU is the
    best throughout.

    Args:
        frame: rows of `experiments.results` or `authors_grid`, of one dataset and scale. Where
            these allow no verdict, there is a single one that says why, of the measure "".
    """
    undecided, places = judge(_BROADER, None, frame, min_seeds=1), paired(frame)
    if undecided.limits or places.empty or "rru" not in places or places.columns.size == 1:
        return {"": undecided}
    verdicts = {}
    for measure, own in (("by the best of all cells", False), ("by each cell's own best", True)):
        _, difference = strongest(places, own)
        note = _two_shares(places, own, short=True)
        if not own and (difference.only_one or difference.only_other):
            note += f"; {_twice_as_far(places)}"
        if not own and _all_better(places):
            note += "; the RRU's worst training beats every gated one"
        claim = f"{_BROADER[:-1]}, judged {measure}."
        verdicts[measure] = judge(claim, _holds(difference), frame, note, p=difference.p)
    lowest = _everywhere(f"The RRU {_EVERYWHERE}", frame, places, "rru")
    return verdicts | {"lowest loss throughout": lowest}


def robustness(frame, where="here"):
    """Say whether the RRU works well in a broader range than the gated cells, with intervals.

    `frame` is as for `robustness_verdicts`; `where` names, in the sentence, whose trainings it has.
    """
    if not (frame.status != "missing").any():
        return NOTHING
    verdicts, places = robustness_verdicts(frame), paired(frame)
    claim = "The paper's claim that the RRU works well in a broader range"
    if "" in verdicts:
        said, facts = [_judged(claim, verdicts[""], where)], []
    else:
        by_all, by_own, _ = verdicts.values()
        rates = places.index.get_level_values("learning_rate")
        said = [
            _judged(claim, by_all, where, _two_shares(places)),
            _without(places, rates.min(), "lowest"),
            _without(places, rates.max(), "highest"),
            _by_own_best(places, by_own),
        ]
        facts = [_level(places), _same_sign(places) or _wins(places)]
    notes = [_failures(frame, "cell", CELL_TITLES), _no_better_than_baseline(frame)]
    return _answer(said, [*facts, *notes, limit_note(frame), _seeds(frame)])


def normalization_verdicts(frame):
    """Return `{measure: Verdict}` on what the paper says of normalization (appendix C, Figure 9).

    Whether it broadens the range in which the RRU works, makes it the better one throughout, and
    avoids failed trainings. `frame` is as for `robustness_verdicts`.
    """
    undecided, places = judge(_NORMALIZED, None, frame, min_seeds=1), paired(frame, by="normalize")
    if undecided.limits or places.empty:
        return {"": undecided}
    difference = share_difference(places, True, False)
    shares = 100 * near_best(places).mean()
    note = (
        f"with normalization {shares[True]:.0f} % of the grid is within 10 % of the best loss, "
        f"without it {shares[False]:.0f} %: {_points(difference, short=True)}"
    )
    without, with_it, n_rates, p = _failed_apart(places)
    failed = "no training failed on one side alone"
    if n_rates:
        failed = (
            f"{without} trainings failed only without it, {with_it} only with it, at {n_rates} "
            f"learning rates; {p_text(p)}"
        )
    avoids = without > with_it if p < SURE else None
    return {
        "broader range": judge(_NORMALIZED, _holds(difference), frame, note, p=difference.p),
        "lowest loss throughout": _everywhere(
            f"With normalization the RRU {_EVERYWHERE}", frame, places
        ),
        "failures": judge("Normalization avoids failed trainings.", avoids, frame, failed, p=p),
    }


def _everywhere(claim, frame, places, one=True):
    """Judge whether one column of `robust.paired` has the lowest loss at each place.

    It has, if so many learning rates are beyond chance. It has not, if at a single rate another
    column is lower at more sizes than by chance, corrected for rates and columns (Bonferroni).
    """
    others, rates = places.drop(columns=one), places.index.get_level_values("learning_rate")
    lower = places[one] < others.min(axis=1)
    note = f"lowest at {lower.sum()} of {len(places)} squares"
    if lower.all():
        p = _sign_test(rates.nunique(), rates.nunique())
        return judge(claim, True if p < SURE else None, frame, f"{note}; {p_text(p)}", p=p)
    worse = others.lt(places[one], axis=0).groupby(rates).sum().stack()
    apart = others.ne(places[one], axis=0).groupby(rates).sum().stack()
    tests = [_sign_test(n, of) for n, of in zip(worse, apart) if 2 * n > of]
    p = min(1.0, len(worse) * min(tests, default=1.0))
    return judge(claim, False if p < SURE else None, frame, f"{note}; {p_text(p)}", p=p)


def normalization(frame, where="here"):
    """Say what normalization does to the range in which the RRU works, as `robustness` does."""
    if not (frame.status != "missing").any():
        return NOTHING
    verdicts, places = normalization_verdicts(frame), paired(frame, by="normalize")
    verdict = next(iter(verdicts.values()))
    claim = "The claim that normalization broadens the range in which the RRU works"
    facts = []
    if len(places):
        better = int((places[True] < places[False]).sum())
        facts = [
            f"With normalization the loss is lower at {better} of the {len(places)} squares that "
            "are measured both ways.",
            _failures_apart(places),
        ]
    facts += [_failures(frame, "normalize", NORMALIZE_TITLES), limit_note(frame), _seeds(frame)]
    return _answer([_judged(claim, verdict, where)], facts)


def _judged(claim, verdict, where, why=None):
    why = why or verdict.why
    return f"**{claim} {verdict.predicate} {where}**: {why}." if why else ""


def _by_own_best(places, verdict):
    _, difference = strongest(places, own=True)
    says = verdict.predicate
    if difference.points < 0 and difference.high >= 0:
        says = "is inconclusive, and the RRU's share is the smaller one"
    return f"**By each cell's own best the claim {says}**: {_two_shares(places, own=True)}."


def _without(places, rate, which):
    """Say what remains of the verdict without a learning rate."""
    rest = places[places.index.get_level_values("learning_rate") != rate]
    if rest.empty:
        return ""
    rival, difference = strongest(rest)
    if not (difference.only_one or difference.only_other):
        return ""
    holds = {True: "holds", False: "does not hold", None: "is inconclusive"}[_holds(difference)]
    return (
        f"Without the {which} learning rate, {rate:g}, the claim {holds}: {_points(difference)} "
        f"against the {CELL_TITLES[rival]}."
    )


def strongest(places, own=False, within=WITHIN):
    """Return the gated cell that does best beside the RRU, and by how much the RRU does better.

    To do better than each of several takes no correction, to do worse than any of them does.
    `places` is of `robust.paired`; `own` and `within` are as for `robust.near_best`.
    """
    gated = places.columns.drop("rru")
    differences = {cell: share_difference(places, "rru", cell, own, within) for cell in gated}
    rival, difference = min(differences.items(), key=lambda item: item[1].points)
    if difference.points < 0:
        difference = difference._replace(p=min(1.0, len(gated) * difference.p))  # Bonferroni
    return rival, difference


def _holds(difference):
    if difference.p >= SURE or difference.low <= 0 <= difference.high:
        return None
    return difference.low > 0


def _points(difference, short=False):
    value, low, high, only_one, only_other, p = difference
    if not (only_one or only_other):
        return "no square tells the two apart"
    squares = "" if short else f"{only_one} to {only_other} squares, "
    interval = f"95 % interval {low:+.0f} to {high:+.0f}"
    return minus(f"{value:+.0f} points ({interval}; {squares}{p_text(p)})")


def _two_shares(places, own=False, short=False):
    """Compare the RRU's share of the grid with that of the gated cell that has the largest."""
    rival, difference = strongest(places, own)
    shares, best = 100 * near_best(places, own).mean(), "its own best" if own else "the best loss"
    return (
        f"the RRU is within 10 % of {best} on {shares['rru']:.0f} % of the grid, the best gated "
        f"cell ({CELL_TITLES[rival]}) on {shares[rival]:.0f} %: {_points(difference, short)}"
    )


def _twice_as_far(places):
    """Say what the shares are at twice the distance, for the distance is a choice."""
    within = 2 * WITHIN
    rival, difference = strongest(places, within=within)
    shares = 100 * near_best(places, within=within).mean()
    return (
        f"within {within} % of the best loss are {shares['rru']:.0f} % of the RRU's squares and "
        f"{shares[rival]:.0f} % of the {CELL_TITLES[rival]}'s ({p_text(difference.p)})"
    )


def _all_better(places):
    return places.rru.max() < places.drop(columns="rru").min().min()


def _level(places):
    """Compare the worst of the RRU with the best of all gated cells."""
    best, worst = places.drop(columns="rru").min(), places.rru.max()
    if not np.isfinite(worst):
        return ""
    better = _all_better(places)
    bold, even, is_better = ("**", "Even the", "is") if better else ("", "The", "is no")
    return (
        f"{bold}{even} RRU's worst of {len(places)} trainings, {worst:.4g}, {is_better} better "
        f"than the best of every gated cell, {best.min():.4g} ({CELL_TITLES[best.idxmin()]}).{bold}"
    )


def _same_sign(places):
    """Test the sign over all squares, where the RRU's loss is the lower one at every square."""
    if not (places.rru < places.drop(columns="rru").min(axis=1)).all():
        return ""
    n, n_rates = len(places), places.index.get_level_values("learning_rate").nunique()
    return (
        f"At each of the {n} squares the RRU has the lowest loss of all cells (sign test: "
        f"{p_text(_sign_test(n, n))} over the squares, {p_text(_sign_test(n_rates, n_rates))} over "
        f"the {n_rates} learning rates)."
    )


def _wins(places):
    lowest = places.eq(places.min(axis=1), axis=0)
    alone = lowest.sum(axis=1) == 1  # not a tie, e.g. of failed trainings
    counts = ", ".join(f"{CELL_TITLES[cell]} {n}" for cell, n in lowest[alone].sum().items())
    none = f"; no single one at {(~alone).sum()}" if not alone.all() else ""
    return f"How often each cell has the lowest loss, of {len(places)} squares: {counts}{none}."


def _failed_apart(places):
    """Count the squares at which a training failed only without normalization, and only with it.

    Returns the two numbers, that of the learning rates which have such squares, and p of a sign
    test over these: squares of one rate resemble each other, so its side is that with more.
    """
    failed, rates = np.isinf(places), places.index.get_level_values("learning_rate")
    apart = failed[False].astype(int) - failed[True]
    by_rate, n_rates = apart.groupby(rates).sum(), rates[apart != 0].nunique()
    p = _sign_test((by_rate > 0).sum(), (by_rate != 0).sum())
    return int((apart > 0).sum()), int((apart < 0).sum()), n_rates, p


def _failures_apart(places):
    """Say at how many squares a training failed only with normalization, or only without."""
    without, with_it, n_rates, p = _failed_apart(places)
    if not n_rates:
        return ""
    of_squares = p_text(_sign_test(without, without + with_it))
    return (
        f"At {without} squares a training failed only without it, at {with_it} only with it (sign "
        f"test: {of_squares} over the squares, {p_text(p)} over their {n_rates} learning "
        f"rate{'s' * (n_rates != 1)})."
    )


def _sign_test(positive, n):
    return float(stats.binomtest(int(positive), int(n)).pvalue) if n else 1.0


def _failures(frame, by, titles):
    measured = frame[frame.status != "missing"]
    failed = measured.status == "failed"
    some = measured[by].isin(measured[by][failed])
    counts = _counts_text(failed[some], measured[by], titles)
    return f"Failed trainings: {counts}." if counts else "No training failed."


def _counts_text(found, by, titles):
    """Return how many of each kind are found: "RRU 0 of 12, GRU 8 of 12"."""
    counts = found.groupby(by, sort=False).agg(["sum", "size"])
    return ", ".join(f"{titles[kind]} {n} of {size}" for kind, n, size in counts.itertuples())


def _no_better_than_baseline(frame):
    """Count the trainings that learned no more than how often each token, or key, occurs."""
    done = frame[frame.status == "ok"]
    stuck = done.test >= done.baseline
    if metric_named(frame.metric.iloc[0]).higher_is_better or not stuck.any():
        return ""
    return (
        f"No better than the baseline, which ignores the input ({done.baseline.iloc[0]:.2f}): "
        f"{_counts_text(stuck, done.cell, CELL_TITLES)}."
    )


def _seeds(frame):
    if frame[frame.status != "missing"].seed.nunique() > 1:
        return ""
    return (
        "One seed at each square: the intervals come from resampling the learning rates and say "
        "nothing about other seeds."
    )


def _answer(verdict, facts):
    """Return a verdict as a paragraph, and below it what it rests on, as a list.

    Empty sentences are left out. Without a verdict the first fact stands in its place.
    """
    verdict, facts = ([s for s in sentences if s] for sentences in (verdict, facts))
    if not verdict:
        verdict, facts = facts[:1], facts[1:]
    return "\n\n".join(filter(None, [" ".join(verdict), "\n".join(f"- {s}" for s in facts)]))


def missing_points(frame):
    """Say which runs, rows of `experiments.results`, have no record, and how to run these."""
    missing = frame[frame.status == "missing"]
    if missing.empty:
        return ""
    sweep = _sweep_of(frame)
    how = f"`{sweep}` measures them; one by one" if sweep else "To measure them, one by one"
    commands = "\n".join(escape(c) for c in missing.command)
    are = "is" if len(missing) == 1 else "are"
    return (
        f"**{len(missing)} of the {len(frame)} runs {are} not measured yet** and stay empty "
        f"below. {how}:\n\n"
        f"<details><summary>{len(missing)} commands</summary><pre>{commands}</pre></details>"
    )


def _sweep_of(frame):
    """Return the `rru-nb sweep` that measures the runs of a frame and no other, or None."""
    swept = section(frame.attrs["section"])
    (dataset,), (scale,) = frame.dataset.unique(), frame.scale.unique()
    cells, seeds = list(frame.cell.unique()), [int(seed) for seed in frame.seed.unique()]
    named = {"cells": cells} if set(cells) < set(swept.cells) else {}
    named |= {"seeds": seeds} if seeds != swept.seeds(dataset, scale) else {}
    if {config.id for config in swept.runs(dataset, scale=scale, **named)} != set(frame.id):
        return None
    options = "".join(f" --{name} {','.join(map(str, given))}" for name, given in named.items())
    return f"rru-nb sweep {swept.name} --dataset {dataset} --scale {scale}{options}"


def limit_note(frame):
    """Say how many trainings, rows of `experiments.results`, the limit of epochs ended."""
    done = frame[frame.status == "ok"]
    cut, last = (int(done[name].astype(bool).sum()) for name in ("cut_off", "at_limit"))
    if done.empty:
        return ""
    if not cut:
        but_failed = " that did not fail" * bool((frame.status == "failed").any())
        return f"Early stopping ended every training{but_failed}; none was cut off."
    return (
        f"The limit of epochs cut off {cut} of the {len(done)} trainings before their patience had "
        f"run out ({last} had their best epoch in the last one): longer ones may end better."
    )
