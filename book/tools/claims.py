"""What the paper claims beside Table 1, and whether it holds, by whose trainings of what size."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from rru_nb.analysis import findings
from rru_nb.analysis.ablations import ablation_table, rru_scores
from rru_nb.analysis.findings.notes import FAILS, HOLDS
from rru_nb.analysis.tables import published_row
from rru_nb.experiments import GRIDS, authors_grid, results, section

from .captions import first_sentence

SCALE = "laptop"
_COLOURS = {HOLDS: "rru-within", FAILS: "rru-outside"}  # else one that says: not to be told


class _Claim(NamedTuple):
    """A claim in a sentence, and two functions of the section's results.

    The one gives `{measure: Verdict}`, the other the finding in sentences.
    """

    says: str
    verdicts: Callable
    finding: Callable


class _Answer(NamedTuple):
    """What is said of a claim on one dataset, and by what; no verdict where runs are missing."""

    dataset: str
    verdicts: dict
    sentence: str
    basis: str


def _one(verdict):
    return lambda frame: {"": verdict(frame)}


def _of_ablation(function):
    def with_tables(frame):
        found = section("ablation")
        rru = rru_scores(found, frame)
        return function(ablation_table(found, frame, rru), frame, rru)

    return with_tables


_CLAIMS = {
    "robustness": _Claim(
        "The RRU works well in a broader range of learning rates and sizes.",
        findings.robustness_verdicts,
        findings.robustness,
    ),
    "dropout": _Claim(
        "Dropout has its most pronounced effect on the RRU.",
        _one(findings.dropout_verdict),
        findings.dropout,
    ),
    "ablation": _Claim(
        "The RRU as it is performs best.",
        _one(_of_ablation(findings.ablation_verdict)),
        _of_ablation(findings.ablation),
    ),
    "normalization": _Claim(
        "Normalization broadens the range in which the RRU works.",
        _one(findings.normalization_verdict),
        findings.normalization,
    ),
}


def claims(context):
    """Each claim with its verdict on each dataset as a table, and folded below it in sentences."""
    pages = {path.stem for path in (context.folder / "notebooks").glob("*.ipynb")}
    told = {name: _answers(name) for name in _CLAIMS}
    rows = "\n".join(_row(name, told[name], name in pages) for name in _CLAIMS)
    table = (
        '<div class="rru-table" tabindex="0" role="region" aria-label="The other claims"><table>\n'
        '<thead><tr><th scope="col">Claim</th><th scope="col">Verdict, by what</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )
    sentences = "\n".join(
        f"- {section(name).title}, *{answer.dataset}* ({answer.basis}): {answer.sentence}"
        for name, answers in told.items()
        for answer in answers
    )
    summary = "<summary>In sentences, with what each rests on</summary>"
    return f'{table}\n<details class="rru-fold">\n{summary}\n\n{sentences}\n\n</details>\n'


def _answers(name):
    return [_answer(name, dataset) for dataset in section(name).datasets]


def _answer(name, dataset):
    """By the authors' full-size grid where there is one, else by all our runs of the section."""
    found, claim = section(name), _CLAIMS[name]
    if dataset in GRIDS.get(name, ()):
        frame = authors_grid(name, dataset)
        basis = f"{len(frame)} trainings of the authors, full size"
    else:
        frame = results(found, found.points(dataset, scale=SCALE))
        basis = f"{len(frame)} trainings of ours, scale {SCALE}"
    missing = (frame.status == "missing").sum()
    if missing:
        are = "is" if missing == 1 else "are"
        return _Answer(
            dataset, {}, f"{missing} of {len(frame)} runs {are} not measured yet.", basis
        )
    sentence = first_sentence(claim.finding(frame))[0]
    return _Answer(dataset, claim.verdicts(frame), sentence, basis)


def _row(name, answers, has_page):
    found = section(name)
    title = escape(found.title)
    linked = f'<a href="../notebooks/{name}.html">{title}</a>' if has_page else title
    says = f'{_CLAIMS[name].says}<span class="rru-note">{linked}, {escape(found.paper)}</span>'
    verdicts = "".join(_shown(answer) for answer in answers)
    return f'<tr><th scope="row">{says}</th><td class="rru-verdicts">{verdicts}</td></tr>'


def _shown(answer):
    title = escape(published_row(answer.dataset))
    if not answer.verdicts:
        note = f'<span class="rru-note">{escape(answer.sentence)}</span>'
        return f'<div class="rru-key">{title}: <strong>–</strong>{note}</div>'
    return "".join(
        _verdict(f"{title}, {measure}" if measure else title, verdict, answer.basis)
        for measure, verdict in answer.verdicts.items()
    )


def _verdict(title, verdict, basis):
    colour = _COLOURS.get(verdict.held, "rru-single")
    note = f'<span class="rru-note">{escape(verdict.note)}; {escape(basis)}</span>'
    return f'<div class="rru-key {colour}">{title}: <strong>{verdict.held}</strong>{note}</div>'
