"""What the dropout rates say (section 6)."""

from ...training.config import CELL_TITLES
from ...training.metrics import metric_named
from ..tables import METRIC_TITLES, short_number
from .grids import NOTHING
from .notes import FAILS, HOLDS, UNDECIDED, Verdict, answer, limit_note

PAPERS_RATE = 0.7  # "works best with a dropout rate of around 0.7"


def dropout(frame):
    """Which rate is best for each cell, what it gains, and whether the RRU gains most.

    The rate is chosen by validation score; the scores told are of the test data.

    Args:
        frame: rows of `sections.results`, of one dataset and scale.
    """
    done = frame[frame.status == "ok"]
    if done.empty:
        return NOTHING
    told = _best_rates(done)
    if not told:
        return "No cell has more than one rate measured yet: nothing to compare."
    unit = METRIC_TITLES[frame.metric.iloc[0]]
    listed = "; ".join(_of_a_cell(cell, best) for cell, best in told.items())
    facts = [f"Best rate by validation score, and the test score there ({unit}): {listed}."]
    whole = frame.groupby("cell").status.agg(lambda s: "missing" not in set(s))
    verdict = []
    if "rru" in told and len(told) > 1 and whole.all():
        verdict = _claims(told, done.seed.nunique() == 1)
    useless = [CELL_TITLES[cell] for cell, best in told.items() if best["rate"] == 0]
    if useless:
        without = ", ".join(useless)
        facts.append(f"Best without dropout, where the paper's cells all gain: {without}.")
    failed = frame[frame.status == "failed"]
    if len(failed):
        facts.append(f"{len(failed)} trainings failed.")
    if done.seed.nunique() == 1:
        facts.append("One seed at each rate: neighbouring rates differ by chance too.")
    return answer(verdict, [*facts, limit_note(frame)])


def dropout_verdict(frame):
    """`Verdict` on the effect of dropout; the frame is as for `dropout`, complete."""
    told = _best_rates(frame[frame.status == "ok"])
    gains = {cell: best["gain"] for cell, best in told.items()}
    if "rru" not in gains or len(gains) == 1 or None in gains.values():
        return Verdict(UNDECIDED, "a cell has no score without dropout")
    rru, most = gains.pop("rru"), max(gains.values())
    note = f"RRU {rru:.1f} % better with it, a gated cell up to {most:.1f} %"
    if frame.seed.nunique() == 1:
        return Verdict(UNDECIDED, f"{note}; one seed")
    return Verdict(HOLDS if rru > most else FAILS, note)


def _best_rates(done):
    """`{cell: what _best tells}` of the cells with more than one rate."""
    return {
        cell: _best(runs)
        for cell, runs in done.groupby("cell", sort=False)
        if runs.dropout.nunique() > 1
    }


def _best(runs):
    metric = metric_named(runs.metric.iloc[0])
    means = (
        runs.astype({"test": float, "valid": float}).groupby("dropout")[["test", "valid"]].mean()
    )
    rate = metric.loss(means.valid).idxmin()
    loss, without = metric.loss(means.test), means.test.get(0.0)
    gain = None if without is None else 100 * (loss[0.0] - loss[rate]) / without
    return {"rate": rate, "score": means.test[rate], "loss": loss[rate], "gain": gain}


def _of_a_cell(cell, best):
    rate, score, gain = best["rate"], best["score"], best["gain"]
    if rate == 0:
        return f"{CELL_TITLES[cell]} without dropout: {short_number(score)}"
    than = "" if gain is None else f", {abs(gain):.1f} % {_better(gain)} than without dropout"
    return f"{CELL_TITLES[cell]} {rate:g}: {short_number(score)}{than}"


def _better(gain):
    return "better" if gain >= 0 else "worse"


def _claims(told, one_seed):
    rru = told["rru"]
    gated = {cell: best for cell, best in told.items() if cell != "rru"}
    sentences = []
    if all(best["gain"] is not None for best in told.values()):
        most = max(gated.values(), key=lambda best: best["gain"])["gain"]
        held = "is" if rru["gain"] > most else "is not"
        seed = " by one seed" if one_seed else ""
        sentences.append(
            f"**The effect of dropout {held} the most pronounced for the RRU here{seed}** "
            f"(its best rate is {rru['gain']:.1f} % better than no dropout; of a gated cell, "
            f"at most {most:.1f} %)."
        )
    rival = min(gated, key=lambda cell: gated[cell]["loss"])
    ahead = rru["loss"] < gated[rival]["loss"]
    sentences.append(
        f"At its best rate the RRU is {'ahead of' if ahead else 'behind'} the best gated cell, "
        f"{CELL_TITLES[rival]} ({short_number(rru['score'])} and "
        f"{short_number(gated[rival]['score'])}). Its best rate is {rru['rate']:g}, "
        f"the paper's is around {PAPERS_RATE:g}."
    )
    return sentences
