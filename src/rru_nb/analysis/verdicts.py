"""Verdicts on the paper's claims: notebooks show them, the front page gathers them."""

import math
from dataclasses import asdict, dataclass
from html import escape

from ..data.registry import DATASETS_BY_NAME
from ..experiments.authors import SCALE as AUTHORS

HOLDS, FAILS, INCONCLUSIVE = "holds", "does not hold", "inconclusive"
MIME = "application/vnd.rru-nb.verdict+json"
TOO_MANY_CUT_OFF = 0.2  # of the trainings: beyond it, their scores are of a race, not of its end


@dataclass(frozen=True)
class Verdict:
    """Whether a claim of the paper holds, and what that rests on."""

    claim: str  # in a sentence
    dataset: str  # its name, or what it holds on
    held: str  # `HOLDS`, `FAILS` or `INCONCLUSIVE`
    rests_on: str  # size and number of the trainings behind it
    note: str = ""  # the numbers that decided
    limits: tuple = ()  # why it is inconclusive
    p: float = math.nan  # of the test that decides, not corrected for other claims; NaN for none

    def _repr_mimebundle_(self, include=None, exclude=None):
        fields = asdict(self) | {"p": None if math.isnan(self.p) else self.p}  # JSON has no NaN
        return {MIME: fields, "text/html": self.html(), "text/plain": self.text()}

    @property
    def where(self):
        """Return the dataset as the paper calls it."""
        dataset = DATASETS_BY_NAME.get(self.dataset)
        return dataset.title if dataset else self.dataset

    @property
    def why(self):
        """Return what limits it and the numbers that decided, as a clause."""
        return "; ".join(filter(None, [*self.limits, self.note]))

    @property
    def predicate(self):
        """Return the verdict as the predicate of a sentence."""
        return f"is {self.held}" if self.held == INCONCLUSIVE else self.held

    def text(self):
        """Return the verdict as one line."""
        why = "; ".join(filter(None, [self.why, self.rests_on]))
        return f"{self.held.capitalize()} on {self.where}. {self.claim} {why}."

    def html(self):
        """Return the verdict as a box."""
        why = f"{self.why[0].upper()}{self.why[1:]}." if self.why else ""
        return (
            f'<div class="rru-verdict {self.held.replace(" ", "-")}">'
            f"<p><strong>{self.held.capitalize()}</strong> on {escape(self.where)}. "
            f"{escape(self.claim)}</p>"
            f"<p>{escape(why)} <small>{escape(self.rests_on)}.</small></p>"
            "</div>"
        )


def judge(claim, holds, frame, note="", min_seeds=2, p=math.nan):
    """Judge a claim by trainings, and no more surely than they allow; return the `Verdict`.

    A claim is inconclusive where runs are not measured, where the limit of epochs cut off more
    than a fifth of the trainings, or where there are fewer than `min_seeds` seeds and no test,
    whose p value would account for their number.

    Args:
        holds: bool, what the numbers say; None where they say neither.
        frame: rows of `experiments.results` or `authors_grid`, of one dataset and scale.
        claim, note, p: as a `Verdict` has them.
    """
    measured, scale = frame[frame.status != "missing"], frame.scale.iloc[0]
    n_missing, n_cut_off = len(frame) - len(measured), int(measured.cut_off.astype(bool).sum())
    n_seeds = measured.seed.nunique()
    are = "is" if n_missing == 1 else "are"
    limits = []
    if n_missing:
        limits.append(f"{n_missing} of {len(frame)} runs {are} not measured")
    if n_cut_off > TOO_MANY_CUT_OFF * len(measured):
        limits.append(f"the limit of epochs ended {n_cut_off} of {len(measured)} trainings")
    if len(measured) and n_seeds < min_seeds and math.isnan(p):
        limits.append("one seed only" if n_seeds == 1 else f"{n_seeds} seeds only")
    held = INCONCLUSIVE if limits or holds is None else HOLDS if holds else FAILS
    whose = "of the authors, full size" if scale == AUTHORS else f"of ours, scale {scale}"
    rests_on = f"{len(measured)} trainings {whose}"
    return Verdict(claim, frame.dataset.iloc[0], held, rests_on, note, tuple(limits), float(p))
