"""What the paper claims beside Table 1, and whether it holds in smaller models."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from rru_nb.analysis import findings
from rru_nb.analysis.ablations import ablation_table, rru_scores
from rru_nb.analysis.findings.notes import FAILS, HOLDS
from rru_nb.analysis.tables import published_row
from rru_nb.experiments import results, section

from .captions import first_sentence

SCALE = "laptop"
_COLOURS = {HOLDS: "rru-within", FAILS: "rru-outside"}  # else one that says: not to be told


class _Claim(NamedTuple):
    """A claim in a sentence, and two functions of the section's results: verdict and finding."""

    says: str
    verdict: Callable
    finding: Callable


def _of_ablation(function):
    def with_tables(frame):
        found = section("ablation")
        rru = rru_scores(found, frame)
        return function(ablation_table(found, frame, rru), frame, rru)

    return with_tables


_CLAIMS = {
    "robustness": _Claim(
        "The RRU works well in a broader range of learning rates and sizes.",
        findings.robustness_verdict,
        findings.robustness,
    ),
    "dropout": _Claim(
        "Dropout has its most pronounced effect on the RRU.",
        findings.dropout_verdict,
        findings.dropout,
    ),
    "ablation": _Claim(
        "The RRU as it is performs best.",
        _of_ablation(findings.ablation_verdict),
        _of_ablation(findings.ablation),
    ),
    "normalization": _Claim(
        "Normalization broadens the range in which the RRU works.",
        findings.normalization_verdict,
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
        '<thead><tr><th scope="col">Claim</th><th scope="col">At scale laptop</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )
    sentences = "\n".join(
        f"- {section(name).title}, *{dataset}*: {sentence}"
        for name, answers in told.items()
        for dataset, _, sentence in answers
    )
    summary = "<summary>In sentences, with what each rests on</summary>"
    return f'{table}\n<details class="rru-fold">\n{summary}\n\n{sentences}\n\n</details>\n'


def _answers(name):
    """`(dataset, verdict, sentence)` of each; by all runs of its section, or no verdict."""
    found, claim, answers = section(name), _CLAIMS[name], []
    for dataset in found.datasets:
        frame = results(found, found.points(dataset, scale=SCALE))
        missing = (frame.status == "missing").sum()
        if missing:
            are = "is" if missing == 1 else "are"
            sentence = f"{missing} of {len(frame)} runs {are} not measured yet."
            answers.append((dataset, None, sentence))
        else:
            sentence = first_sentence(claim.finding(frame))[0]
            answers.append((dataset, claim.verdict(frame), sentence))
    return answers


def _row(name, answers, has_page):
    found = section(name)
    title = escape(found.title)
    linked = f'<a href="../notebooks/{name}.html">{title}</a>' if has_page else title
    says = f'{_CLAIMS[name].says}<span class="rru-note">{linked}, {escape(found.paper)}</span>'
    verdicts = "".join(_verdict(*answer) for answer in answers)
    return f'<tr><th scope="row">{says}</th><td class="rru-verdicts">{verdicts}</td></tr>'


def _verdict(dataset, verdict, sentence):
    title = escape(published_row(dataset))
    if verdict is None:
        note = f'<span class="rru-note">{escape(sentence)}</span>'
        return f'<div class="rru-key">{title}: <strong>–</strong>{note}</div>'
    colour = _COLOURS.get(verdict.held, "rru-single")
    note = f'<span class="rru-note">{escape(verdict.note)}</span>'
    told = f"{title}: <strong>{verdict.held}</strong>{note}"
    return f'<div class="rru-key {colour}">{told}</div>'
