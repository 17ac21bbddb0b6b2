"""What the paper claims beside Table 1, and whether it holds, by whose trainings of what size."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from rru_nb.analysis import findings
from rru_nb.analysis.seeds import SURE, holm
from rru_nb.analysis.verdicts import FAILS, HOLDS
from rru_nb.analysis.verdicts import INCONCLUSIVE as UNDECIDED
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.experiments import GRIDS, authors_grid, results, section

from . import verdicts
from .render import render

SCALE = "laptop"
_OPEN = "–"  # instead of a verdict, where runs are missing


class _Claim(NamedTuple):
    """A claim in a sentence, and its verdicts by what they measure."""

    says: str
    verdicts: Callable | None = None  # gives `{measure: Verdict}` of the section's results; or
    shown: dict = {}  # `{measure: claim}` of its notebook's verdicts; None for the page's first


_CLAIMS = {
    "robustness": _Claim(
        "The RRU works well in a broader range of learning rates and sizes, and is best throughout "
        "the range.",
        findings.robustness_verdicts,
    ),
    "dropout": _Claim(
        "Dropout has its most pronounced effect on the RRU, which ends in better results.",
        shown={
            "effect": None,
            "results": "Each at its best dropout rate, the RRU has the lowest loss.",
        },
    ),
    "ablation": _Claim(
        "The RRU as it is performs best.",
        shown={
            "": None,
            "full size": "The RRU as it is performs best, at full size.",
        },
    ),
    "normalization": _Claim(
        "With normalization the RRU works in a broader range, is best throughout the range, and "
        "avoids failed trainings.",
        findings.normalization_verdicts,
    ),
}


def claims(context):
    """Each claim with its verdict on each dataset, and what that rests on, as a table."""
    judged = answers(context.folder)
    pages = {path.stem for path in (context.folder / "notebooks").glob("*.ipynb")}
    groups = [
        {
            "says": _CLAIMS[name].says,
            "section": section(name),
            "page": f"../notebooks/{name}.html" if name in pages else None,
            "answers": group.to_dict("records"),
        }
        for name, group in judged.groupby("claim", sort=False)
    ]
    return render("claims.html", claims=groups, count=count(judged), OPEN=_OPEN)


def answers(folder):
    """Return a row for each claim, dataset and measure, with the verdict there.

    Args:
        folder: Path of the stage, with the executed notebooks.

    Returns:
        A frame with the columns `claim`, `dataset`, `title`, `measure`, `held`, `alone` (before
        the correction for the number of tests), `note`, `basis`, `p` and `p_holm`.
    """
    rows = [row for name in _CLAIMS for row in _answers(name, folder)]
    return corrected(pd.DataFrame(rows))


def corrected(answers):
    """Answers whose verdicts hold also with p values corrected for all tests (Holm).

    Args:
        answers: a frame with the columns `held` and `p`, NaN where no test decided. Such a verdict
            counts as a test all the same, for it might have decided.

    Returns:
        It with `p_holm`, and where that is not below 0.05 with `held` "inconclusive".
    """
    p_holm = holm(answers.p.mask(answers.held != _OPEN, answers.p.fillna(1.0)))
    answers = answers.assign(p_holm=np.where(answers.p.isna(), math.nan, p_holm))
    return answers.assign(held=answers.held.mask(answers.p_holm >= SURE, UNDECIDED))


def count(answers):
    """Return how many verdicts of `answers` there are, of each kind, and before the correction."""
    judged = answers[answers.held != _OPEN]
    kinds = {"holds": HOLDS, "fails": FAILS, "inconclusive": UNDECIDED}
    counts = {name: int((judged.held == held).sum()) for name, held in kinds.items()}
    undone = judged[judged.held != judged.alone].alone.value_counts()
    counts |= {f"{name}_alone": int(undone.get(kinds[name], 0)) for name in ("holds", "fails")}
    return counts | {"judged": len(judged)}


def _answers(name, folder):
    """A row for each dataset and measure; a verdict where all runs are there."""
    if _CLAIMS[name].verdicts:
        rows = [row for dataset in section(name).datasets for row in _from_results(name, dataset)]
    else:
        page, rows = folder / "notebooks" / f"{name}.ipynb", []
        for measure, claim in _CLAIMS[name].shown.items():
            shown = verdicts.of_page(page, claim)
            # Its other claims a page may judge on some datasets alone.
            named = [d for d in section(name).datasets if d in shown or not claim]
            rows += [_from_page(shown.get(d), d) | {"measure": measure} for d in named]
    return [row | {"claim": name, "title": DATASETS_BY_NAME[row["dataset"]].title} for row in rows]


def _from_page(verdict, dataset):
    """The row of a verdict that a notebook shows, or of none."""
    if verdict is None:
        note = "The page was built without its notebook's run."
        row = {"basis": "no verdict", "held": _OPEN, "note": note, "p": math.nan}
    else:
        row = {"basis": verdict.rests_on, "held": verdict.held, "note": verdict.why, "p": verdict.p}
    return row | {"dataset": dataset, "alone": row["held"]}


def _from_results(name, dataset):
    """By the authors' full-size grid where there is one, else by all our runs of the section."""
    if dataset in GRIDS.get(name, ()):
        frame, whose = authors_grid(name, dataset), "of the authors, full size"
    else:
        frame = results(section(name), section(name).points(dataset, scale=SCALE))
        whose = f"of ours, scale {SCALE}"
    row = {"dataset": dataset, "basis": _basis(frame, whose)}
    missing = (frame.status == "missing").sum()
    if missing:
        note = f"{missing} of {len(frame)} runs {'is' if missing == 1 else 'are'} not measured yet."
        unknown = {"measure": "", "held": _OPEN, "alone": _OPEN, "p": math.nan}
        return [row | unknown | {"note": note}]
    return [
        row
        | {"measure": measure, "held": verdict.held, "alone": verdict.held}
        | {"note": verdict.why, "p": verdict.p}
        for measure, verdict in _CLAIMS[name].verdicts(frame).items()
    ]


def _basis(frame, whose):
    """How many trainings of how many seeds a verdict rests on, whose, and how they ended."""
    seeds, cut = frame.seed.nunique(), int(frame.cut_off.sum())
    ended = f", {cut} cut off by the limit of epochs" if cut else ""
    return f"{len(frame)} trainings {whose}, {seeds} seed{'s' if seeds > 1 else ''}{ended}"
