"""Verdicts go from a notebook to the top of its page and to the front page, and claim no more."""

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from book.tools import claims, verdicts
from rru_nb.analysis.verdicts import MIME, Verdict, judge

HOLDS = Verdict(
    "A <b>claim</b>.", "nottingham", "holds", "8 trainings of ours, scale laptop", "5 %"
)


def frame_of(n_cut_off=0, n_missing=0, seeds=(0, 1)):
    rows = [{"seed": seed, "status": "ok", "cut_off": False} for seed in seeds for _ in range(5)]
    frame = pd.DataFrame(rows).assign(dataset="imdb", scale="laptop")
    frame.loc[: n_cut_off - 1, "cut_off"] = True
    frame.loc[len(frame) - n_missing :, "status"] = "missing"
    return frame


@pytest.mark.parametrize(
    "trainings, limits",
    [
        ({}, ()),
        ({"n_cut_off": 2}, ()),
        ({"n_cut_off": 3}, ("the limit of epochs ended 3 of 10 trainings",)),
        ({"n_missing": 1}, ("1 of 10 runs is not measured",)),
        (
            {"n_cut_off": 2, "n_missing": 1},
            ("1 of 10 runs is not measured", "the limit of epochs ended 2 of 9 trainings"),
        ),
        ({"seeds": (4,)}, ("one seed only",)),
        ({"n_missing": 10}, ("10 of 10 runs are not measured",)),
    ],
)
def test_a_verdict_is_no_surer_than_its_trainings(trainings, limits):
    for holds in (True, False):
        verdict = judge("It does.", holds, frame_of(**trainings))
        assert verdict.limits == limits
        assert verdict.held == ("inconclusive" if limits else "holds" if holds else "does not hold")


def test_a_test_counts_the_seeds_itself_and_may_decide_nothing():
    one_seed = frame_of(seeds=(4,))
    assert judge("It does.", True, one_seed, p=0.01).held == "holds"
    assert judge("It does.", False, one_seed, p=0.01).held == "does not hold"
    assert judge("It does.", None, one_seed, p=0.3).held == "inconclusive"
    assert judge("It does.", None, frame_of()).held == "inconclusive"
    cut_off = judge("It does.", True, frame_of(n_cut_off=3), p=0.01)
    assert (cut_off.held, cut_off.p) == ("inconclusive", 0.01)


def test_what_a_box_says_is_text_not_html():
    assert "A &lt;b&gt;claim&lt;/b&gt;." in HOLDS.html() and "<b>" not in HOLDS.html()


def cell(*data):
    return {"cell_type": "code", "outputs": [{"data": d} for d in data]}


def test_verdicts_move_below_the_claim_and_nothing_else_does():
    shown = [HOLDS._repr_mimebundle_(), {"text/plain": "a table"}]
    title = {"cell_type": "markdown", "source": ["# Title"]}
    cells = [title, cell(shown[1]), cell(*shown), cell(shown[0])]
    verdicts.lift(cells)
    assert [c["cell_type"] for c in cells] == ["markdown", *["code"] * 4]
    (box,) = (o["data"]["text/html"] for o in cells[1]["outputs"])
    assert box.count("claim") == 1 and box.count("<li>") == 2, "a claim is stated once"
    assert [o["data"] for c in cells[2:] for o in c["outputs"]] == [shown[1], shown[1]]
    alone = [title, cell(shown[1])]
    verdicts.lift(alone)
    assert len(alone) == 2


@pytest.mark.parametrize(
    "held, colour, words",
    [
        (["holds", "holds"], "holds", "Holds on A and B."),
        (["inconclusive", "holds"], "inconclusive", "Holds on B; inconclusive on A."),
        (["holds", "does not hold"], "does-not-hold", "Holds on A; does not hold on B."),
    ],
)
def test_a_box_says_first_on_which_datasets_its_claim_holds(held, colour, words):
    cells = [{"cell_type": "markdown"}]
    for name, verdict in zip("AB", held):
        cells.append(cell(Verdict("It is so.", name, verdict, "8 runs")._repr_mimebundle_()))
    verdicts.lift(cells)
    (box,) = (o["data"]["text/html"] for o in cells[1]["outputs"])
    assert f'class="rru-verdict {colour}"' in box and f"<strong>{words}</strong> It is so." in box


def test_the_figure_comes_first_and_the_set_up_last():
    def code(name, *tags, outputs=(), **metadata):
        return {"cell_type": "code", "id": name, "metadata": {"tags": [*tags]} | metadata} | {
            "outputs": [*outputs]
        }

    picture, links = ({"data": {"text/html": text}} for text in ("<svg>", "Save"))
    figure = {"figure": {"name": "fig-one", "caption": "One."}}
    cells = [
        {"cell_type": "markdown", "id": "title"},
        code("install", "remove-cell"),
        code("imports", "hide-input"),
        {"cell_type": "markdown", "id": "text"},
        code("one", "top", outputs=[picture], mystnb=figure),
        code("one-files", outputs=[links]),
        code("verdict", outputs=[{"data": HOLDS._repr_mimebundle_()}]),
    ]
    verdicts.lift(cells)
    order = ["title", "verdicts", "figure", "one-files", "text", "one", "verdict"]
    assert [c["id"] for c in cells] == [*order, "set-up", "install", "imports"]
    assert cells[2]["outputs"] == [picture] and cells[2]["metadata"]["mystnb"] == figure
    (where,) = cells[5]["outputs"]
    assert 'href="#fig-one"' in where["data"]["text/html"]
    assert "mystnb" not in cells[5]["metadata"], "no caption is given twice"


def test_with_a_figure_a_second_claim_stands_below_it_and_is_announced_above():
    other = Verdict("So it is.", "B", "inconclusive", "8 runs")
    cells = [
        {"cell_type": "markdown", "id": "title"},
        cell(HOLDS._repr_mimebundle_(), other._repr_mimebundle_()) | {"id": "verdict"},
        cell({"text/html": "<audio>"}) | {"id": "heard", "metadata": {"tags": ["top"]}},
    ]
    verdicts.lift(cells)
    assert [c["id"] for c in cells[:4]] == ["title", "verdicts", "figure", "other-verdicts"]
    first, second = (cells[place]["outputs"][0]["data"]["text/html"] for place in (1, 3))
    assert "<strong>Inconclusive on B.</strong> So it is (below the figure)." in first
    assert "below the figure" not in second and "8 runs" in second
    assert ("announced" in first, "announced" in second) == (False, True)


def test_players_move_below_the_verdict_and_leave_what_follows_them():
    players = {"data": {"text/html": "<audio>"}}
    cells = [
        {"cell_type": "markdown", "id": "title"},
        cell(HOLDS._repr_mimebundle_()) | {"id": "verdict"},
        cell(players["data"]) | {"id": "heard", "metadata": {"tags": ["top"]}},
        {"cell_type": "markdown", "id": "text"},
    ]
    verdicts.lift(cells)
    order = ["title", "verdicts", "figure", "verdict", "heard", "text"]
    assert [c["id"] for c in cells] == order
    assert cells[2]["outputs"] == [players] and cells[4]["outputs"] != [players]


def front_page(folder, monkeypatch, **shown):
    """The verdicts on the claims, where notebooks show these."""
    monkeypatch.setenv("RRU_NB_RESULTS", str(folder / "results"))
    (folder / "notebooks").mkdir(exist_ok=True)
    for name, verdict in shown.items():
        bundle = json.loads(json.dumps(verdict._repr_mimebundle_(), allow_nan=False))
        page = {"cells": [{"cell_type": "markdown"}, cell({MIME: bundle[MIME]})]}
        verdicts.lift(page["cells"])
        (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps(page))
    return claims.answers(folder)


def test_the_front_page_says_what_the_notebook_of_a_claim_shows(tmp_path, monkeypatch):
    answers = front_page(tmp_path, monkeypatch, dropout=HOLDS)
    rows = answers[answers.claim == "dropout"].set_index("dataset")
    nottingham = rows.loc["nottingham"]
    assert (nottingham.held, nottingham.note) == ("holds", "5 %")
    assert nottingham.basis == "8 trainings of ours, scale laptop"
    assert rows.held["ptb-char"] == "–", "the page shows none for it"


def test_of_a_page_with_two_claims_the_first_is_taken_or_the_one_named(tmp_path):
    shown = [HOLDS, replace(HOLDS, claim="Tuned here, too.", held="does not hold")]
    page = {"cells": [{"cell_type": "markdown"}, *(cell(v._repr_mimebundle_()) for v in shown)]}
    verdicts.lift(page["cells"])
    (tmp_path / "page.ipynb").write_text(json.dumps(page))
    for named, expected in ((None, shown[0]), (shown[1].claim, shown[1])):
        (one,) = verdicts.of_page(tmp_path / "page.ipynb", named).values()
        assert (one.claim, one.held) == (expected.claim, expected.held)
    assert verdicts.of_page(tmp_path / "page.ipynb", "Nobody says so.") == {}


def test_the_front_page_counts_a_second_claim_where_the_page_judges_it(tmp_path, monkeypatch):
    page = tmp_path / "notebooks" / "ablation.ipynb"
    page.parent.mkdir()
    first = replace(HOLDS, dataset="imdb", claim="It is best.")
    full_size = replace(
        first, dataset="nottingham", claim=claims._CLAIMS["ablation"].shown["full size"]
    )
    shown = [cell(v._repr_mimebundle_()) for v in (first, full_size)]
    content = {"cells": [{"cell_type": "markdown"}, *shown]}
    verdicts.lift(content["cells"])
    page.write_text(json.dumps(content))
    answers = front_page(tmp_path, monkeypatch)
    rows = answers[(answers.claim == "ablation") & (answers.held != "–")]
    assert list(zip(rows.dataset, rows.measure)) == [("imdb", ""), ("nottingham", "full size")]


def test_the_p_value_of_a_notebook_is_corrected_for_all_tests_of_the_front_page(
    tmp_path, monkeypatch
):
    def shown(p):
        verdict = Verdict("It is best.", "nottingham", "holds", "18 trainings", "", (), p)
        answers = front_page(tmp_path, monkeypatch, ablation=verdict)
        (row,) = answers[
            (answers.claim == "ablation") & (answers.dataset == "nottingham")
        ].itertuples()
        return claims.count(answers)["judged"], row

    # Beside it there are nine verdicts on the authors' grids; three of them have smaller p values.
    n_judged, row = shown(0.007)
    assert n_judged == 10 and row.held == "holds" and row.p_holm == pytest.approx(0.049)
    n_judged, row = shown(0.008)
    assert (row.held, row.alone) == ("inconclusive", "holds") and row.p_holm == pytest.approx(0.056)
    n_judged, row = shown(float("nan"))
    assert n_judged == 10 and row.held == "holds" and math.isnan(row.p_holm)
