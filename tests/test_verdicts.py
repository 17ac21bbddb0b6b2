"""Verdicts go from a notebook to the top of its page and to the front page, and claim no more."""

import json

import pandas as pd
import pytest

from book.tools import claims, verdicts
from book.tools.generate import Context
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
        ({"n_missing": 1}, ("1 of 10 runs are not measured",)),
        ({"seeds": (4,)}, ("one seed a point",)),
        ({"n_missing": 10}, ("10 of 10 runs are not measured",)),
    ],
)
def test_a_verdict_is_no_surer_than_its_trainings(trainings, limits):
    for holds in (True, False):
        verdict = judge("It does.", holds, frame_of(**trainings))
        assert verdict.limits == limits
        assert verdict.held == ("inconclusive" if limits else "holds" if holds else "does not hold")


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
    assert [o["data"] for o in cells[1]["outputs"]] == [shown[0], shown[0]]
    assert [o["data"] for c in cells[2:] for o in c["outputs"]] == [shown[1], shown[1]]
    alone = [title, cell(shown[1])]
    verdicts.lift(alone)
    assert len(alone) == 2


def test_the_front_page_says_what_the_notebook_of_a_claim_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    page = tmp_path / "notebooks" / "dropout.ipynb"
    page.parent.mkdir()
    bundle = json.loads(json.dumps(HOLDS._repr_mimebundle_()))
    page.write_text(json.dumps({"cells": [cell({MIME: bundle[MIME]})]}))
    said = claims.claims(Context(tmp_path, None)).partition("</table>")[0]
    (nottingham,) = [p for p in said.split("<div") if "Nottingham: <strong>holds" in p]
    assert "5 %" in nottingham and "8 trainings of ours, scale laptop" in nottingham
    (other,) = [p for p in said.split("<div") if "built without its notebook" in p]
    assert "Character-level Penn Treebank: <strong>–</strong>" in other, "it shows none for it"
