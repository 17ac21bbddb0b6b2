"""Captions of figures begin with what was found."""

import pytest

from book.tools.captions import first_sentence, move_links, say_findings


@pytest.mark.parametrize(
    "text, sentence, rest",
    [
        ("The RRU has 7.80 nats. More.", "The RRU has 7.80 nats.", "More."),
        (
            "**It holds**: 8.1 of Liu et al. Are few. Yes",
            "It holds: 8.1 of Liu et al. Are few.",
            "Yes",
        ),
        ("**It holds.** **Yes**.", "It holds.", "**Yes**."),
        ("It holds.\n\n- One.\n- Two.", "It holds.", "- One.\n- Two."),
        ("No end", "No end", ""),
        ("", "", ""),
    ],
)
def test_first_sentence(text, sentence, rest):
    assert first_sentence(text) == (sentence, rest)


def test_the_finding_goes_to_the_figure_above_it_and_to_no_other():
    def figure(caption):
        return {"cell_type": "code", "metadata": {"mystnb": {"figure": {"caption": caption}}}}

    def finding(text):
        output = {"data": {"text/markdown": [text]}}
        tags = ["remove-input", "finding"]
        return {"cell_type": "code", "metadata": {"tags": tags}, "outputs": [output]}

    cells = [
        figure("A."),
        {"cell_type": "code", "metadata": {}},
        figure("B."),
        {"cell_type": "code", "metadata": {}},
        finding("Blue wins. By far."),
        figure("C."),
        {"cell_type": "markdown", "metadata": {}},
        finding("Red wins. By far."),
        figure("D."),
        finding(""),
        finding("Of no figure."),
        figure("E."),
        finding("Green wins."),
    ]
    say_findings(cells)
    captions = [
        c["metadata"]["mystnb"]["figure"]["caption"] for c in cells if "mystnb" in c["metadata"]
    ]
    assert captions == ["A.", "Blue wins. B.", "Red wins. C.", "D.", "Green wins. E."]
    told = [c["outputs"][0]["data"]["text/markdown"] for c in (cells[4], cells[7])]
    assert told == ["By far.", ["Red wins. By far."]], "the first goes on below the caption"
    assert not cells[-1]["outputs"], "nothing is left to say"


def test_links_that_save_a_figure_go_below_its_caption_and_those_of_a_table_stay():
    picture = {"data": {"image/png": "..."}}
    svg, csv = (
        {"data": {"text/html": [f'<p class="rru-downloads">{name}</p>']}} for name in ("svg", "csv")
    )

    def code(name, metadata, *outputs):
        return {"cell_type": "code", "id": name, "metadata": metadata, "outputs": list(outputs)}

    caption = {"mystnb": {"figure": {"caption": "A."}}}
    cells = [
        code("x-1", caption, picture, svg, picture, csv),
        code("x-2", {}, csv),
        code("x-3", caption, picture),
    ]
    moved = move_links(cells)
    assert [cell["id"] for cell in moved] == ["x-1", "x-1-files", "x-2", "x-3"]
    assert [cell["outputs"] for cell in moved] == [[picture, picture], [svg, csv], [csv], [picture]]
    links = moved[1]
    assert links["metadata"] == {"tags": ["remove-input"]}, "no caption is given twice"
    assert links["source"].strip(), "MyST-NB leaves out a cell without a source"
