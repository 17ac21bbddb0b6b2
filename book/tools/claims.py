"""What the paper claims beside Table 1, and whether it holds, by whose trainings of what size."""

import math
from collections.abc import Callable
from html import escape
from typing import NamedTuple

import pandas as pd

from rru_nb.analysis import findings
from rru_nb.analysis.resampling import holm
from rru_nb.analysis.seeds import SURE
from rru_nb.analysis.tables import p_text, published_row
from rru_nb.analysis.verdicts import FAILS, HOLDS
from rru_nb.analysis.verdicts import INCONCLUSIVE as UNDECIDED
from rru_nb.experiments import GRIDS, authors_grid, results, section

from . import verdicts
from .captions import first_sentence

SCALE = "laptop"
_PLURAL = {HOLDS: "hold", FAILS: "do not hold", UNDECIDED: "are inconclusive"}
_OPEN = "–"  # instead of a verdict, where runs are missing
_COLOURS = {HOLDS: "rru-within", FAILS: "rru-outside"}  # else one that says: not to be told


class _Claim(NamedTuple):
    """A claim in a sentence, and two functions of the section's results.

    The one gives `{measure: Verdict}`, the other the finding in sentences. Without them the
    verdicts are those that the section's notebook shows.
    """

    says: str
    verdicts: Callable | None = None
    finding: Callable | None = None


_CLAIMS = {
    "robustness": _Claim(
        "The RRU works well in a broader range of learning rates and sizes.",
        findings.robustness_verdicts,
        findings.robustness,
    ),
    "dropout": _Claim("Dropout has its most pronounced effect on the RRU."),
    "ablation": _Claim("The RRU as it is performs best."),
    "normalization": _Claim(
        "Normalization broadens the range in which the RRU works.",
        lambda frame: {"": findings.normalization_verdict(frame)},
        findings.normalization,
    ),
}


def claims(context):
    """Each claim with its verdict on each dataset as a table, and folded below it in sentences."""
    pages = {path.stem for path in (context.folder / "notebooks").glob("*.ipynb")}
    answers = [_answers(name, context.folder) for name in _CLAIMS]
    answers = corrected(pd.concat(answers, ignore_index=True))
    rows = "\n".join(
        _row(name, mine, name in pages) for name, mine in answers.groupby("claim", sort=False)
    )
    table = (
        '<div class="rru-table" tabindex="0" role="region" aria-label="The other claims"><table>\n'
        '<thead><tr><th scope="col">Claim</th><th scope="col">Verdict, by what</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )
    sentences = "\n".join(
        f"- {section(row.claim).title}, *{row.dataset}* ({row.basis}): {row.sentence}"
        for row in answers.drop_duplicates(["claim", "dataset"]).itertuples()
    )
    folded = "<summary>In sentences, with what each rests on</summary>"
    fold = f'<details class="rru-fold">\n{folded}\n\n{sentences}\n\n</details>'
    return f"{_summary(answers)}\n\n{table}\n{fold}\n"


def corrected(answers):
    """Answers whose verdicts hold also with p values corrected for all tests (Holm).

    Args:
        answers: a frame with the columns `held` and `p`, NaN where there is no test.

    Returns:
        It with `p_holm`, and with `held` "inconclusive" where that is not below 0.05.
    """
    answers = answers.assign(p_holm=holm(answers.p))
    return answers.assign(held=answers.held.mask(answers.p_holm >= SURE, UNDECIDED))


def _answers(name, folder):
    """Return a row for each dataset and measure; a verdict where all runs are there."""
    datasets = section(name).datasets
    if _CLAIMS[name].verdicts:
        rows = [row for dataset in datasets for row in _answer(name, dataset)]
    else:
        shown = verdicts.of_page(folder / "notebooks" / f"{name}.ipynb")
        rows = [_shown(shown.get(dataset), dataset) for dataset in datasets]
    return pd.DataFrame(rows).assign(claim=name)


def _shown(verdict, dataset):
    """Return the row of a verdict that a notebook shows, or of none."""
    if verdict is None:
        sentence = "the page was built without its notebook's run."
        row = {"basis": "no verdict", "held": _OPEN, "note": sentence, "sentence": sentence}
        row |= {"p": math.nan}
    else:
        note = "; ".join(filter(None, [*verdict["limits"], verdict["note"]]))
        sentence = f"{verdict['held'].capitalize()}: {note}."
        row = {"basis": verdict["rests_on"], "held": verdict["held"], "note": note}
        row |= {"sentence": sentence, "p": math.nan if verdict["p"] is None else verdict["p"]}
    return row | {"dataset": dataset, "measure": "", "alone": row["held"]}


def _answer(name, dataset):
    """By the authors' full-size grid where there is one, else by all our runs of the section."""
    found, claim = section(name), _CLAIMS[name]
    if dataset in GRIDS.get(name, ()):
        frame, whose = authors_grid(name, dataset), "of the authors, full size"
    else:
        frame = results(found, found.points(dataset, scale=SCALE))
        whose = f"of ours, scale {SCALE}"
    row = {"dataset": dataset, "basis": _basis(frame, whose)}
    missing = (frame.status == "missing").sum()
    if missing:
        are = "is" if missing == 1 else "are"
        sentence = f"{missing} of {len(frame)} runs {are} not measured yet."
        unknown = {"measure": "", "held": _OPEN, "alone": _OPEN, "note": sentence, "p": math.nan}
        return [row | {"sentence": sentence} | unknown]
    row["sentence"] = first_sentence(claim.finding(frame))[0]
    return [
        row
        | {"measure": measure, "held": verdict.held, "alone": verdict.held}
        | {"note": verdict.why, "p": verdict.p}
        for measure, verdict in claim.verdicts(frame).items()
    ]


def _basis(frame, whose):
    """How many trainings of how many seeds a verdict rests on, whose, and how they ended."""
    seeds, cut = frame.seed.nunique(), int(frame.cut_off.sum())
    ended = f", {cut} cut off by the limit of epochs" if cut else ""
    return f"{len(frame)} trainings {whose}, {seeds} seed{'s' if seeds > 1 else ''}{ended}"


def _summary(answers):
    """How many verdicts there are of each kind, and how many tests they are corrected for."""
    judged = answers[answers.held != _OPEN]
    if judged.empty:
        return "No claim has all its runs measured yet."
    counts = [f"{(judged.held == held).sum()} {verb}" for held, verb in _PLURAL.items()]
    tests = int(answers.p.count())
    told = f"Of {len(judged)} verdicts {counts[0]}, {counts[1]}, and {counts[2]}."
    if tests < 2:
        return told
    return (
        f"{told} The p values of the {tests} that rest on a test are corrected for their number "
        "(Holm); intervals are not, each is at 95 % by itself."
    )


def _row(name, answers, has_page):
    found = section(name)
    title = escape(found.title)
    linked = f'<a href="../notebooks/{name}.html">{title}</a>' if has_page else title
    says = f'{_CLAIMS[name].says}<span class="rru-note">{linked}, {escape(found.paper)}</span>'
    verdicts = "".join(_verdict(answer) for answer in answers.itertuples())
    return f'<tr><th scope="row">{says}</th><td class="rru-verdicts">{verdicts}</td></tr>'


def _verdict(answer):
    title = ", ".join(filter(None, [published_row(answer.dataset), answer.measure]))
    notes = filter(None, [answer.note, _correction(answer), answer.basis])
    told = "".join(f'<span class="rru-note">{escape(note)}</span>' for note in notes)
    colour = "" if answer.held == _OPEN else f" {_COLOURS.get(answer.held, 'rru-single')}"
    return (
        f'<div class="rru-key{colour}">{escape(title)}: <strong>{answer.held}</strong>{told}</div>'
    )


def _correction(answer):
    """The corrected p value, and what the verdict would be without the correction."""
    if math.isnan(answer.p_holm):
        return ""
    alone = f"; by itself it {answer.alone}" if answer.alone != answer.held else ""
    return f"corrected {p_text(answer.p_holm)}{alone}"
