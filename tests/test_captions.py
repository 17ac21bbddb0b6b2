"""Captions of figures begin with what was found."""

import pytest

from rru_nb.book.captions import first_sentence, say_findings


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("The RRU has 7.80 nats. More.", "The RRU has 7.80 nats."),
        ("**It holds**: 8.19 of Liu et al. Are few. Yes", "It holds: 8.19 of Liu et al. Are few."),
        ("No end", "No end"),
        ("", ""),
    ],
)
def test_first_sentence(text, sentence):
    assert first_sentence(text) == sentence


def test_the_finding_goes_to_the_figure_above_it_and_to_no_other():
    def figure(caption):
        return {"metadata": {"mystnb": {"figure": {"caption": caption}}}}

    def finding(text):
        output = {"data": {"text/markdown": [text]}}
        return {"metadata": {"tags": ["remove-input", "finding"]}, "outputs": [output]}

    cells = [
        figure("A."),
        {"metadata": {}},
        figure("B."),
        finding("Blue wins. By far."),
        figure("C."),
    ]
    say_findings([*cells, finding("")])
    captions = [
        c["metadata"]["mystnb"]["figure"]["caption"] for c in (cells[0], cells[2], cells[4])
    ]
    assert captions == ["A.", "Blue wins. B.", "C."]
