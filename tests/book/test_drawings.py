"""Figures inside pages, and what is said of what made them."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pytest

from book.tools import captions, drawings, execute, front, generate, origin
from rru_nb import figures
from rru_nb.storage import paths
from rru_nb.training import provenance

matplotlib.use("Agg")
ADDRESS = "https://github.com/someone/rru_nb"


@pytest.fixture
def saved(monkeypatch):
    """A function that gives the links below the present figure, as its cell shows them."""

    def links(name):
        html = []
        monkeypatch.setattr("rru_nb.figures.files.display", lambda shown: html.append(shown.data))
        figures.show(name)
        return html[0]

    figures.use_style()
    yield links
    plt.close("all")


def cell_with(*outputs, alt="A line", tags=()):
    mystnb = {"figure": {"caption": "A.", "name": "fig-a"}, "image": {"alt": alt}}
    outputs = [{"output_type": "display_data", "metadata": {}, "data": data} for data in outputs]
    return {"cell_type": "code", "id": "x-1", "source": "draw()", "outputs": outputs} | {
        "metadata": {"mystnb": mystnb, "tags": [*tags]}
    }


def drawn(saved, name="line", alt="A line"):
    """Return the figure as it stands in its page."""
    cell = cell_with({"image/png": "..."}, {"text/html": saved(name)}, alt=alt)
    drawings.put_inline([cell])
    return cell["outputs"][0]["data"]["text/html"]


def test_the_page_has_the_drawing_with_its_links_and_its_alternative_text(saved):
    _, ax = plt.subplots()
    ax.scatter([1, 2], [3, 4], urls=["../book/records.html#a1|The first", "|The second"])
    tree = ElementTree.fromstring(drawn(saved, alt='A "line" <up>'))
    (svg,) = tree
    assert svg.get("aria-label") == 'A "line" <up>' and svg.get("role") == "group"
    links = {a.find("title").text: a.get("href") for a in tree.iter("a")}
    assert links == {"The first": "../book/records.html#a1", "The second": None}
    assert not any(a.get("target") for a in tree.iter("a"))
    assert not list(tree.iter("style")), "its rules would hold for the whole page"
    ax.clear()
    (svg,) = ElementTree.fromstring(drawn(saved))
    assert svg.get("role") == "img", "nothing in it is a link"


def test_two_figures_of_a_page_share_no_id_and_every_reference_finds_its_own(saved):
    pages = []
    for name in ("one", "two"):
        _, ax = plt.subplots()
        ax.bar([1, 2], [1, 2], hatch="//")
        ax.plot([1, 2], [1, 2], "o")
        pages.append(drawn(saved, name))
    ids = [set(re.findall(r'\bid="([^"]+)"', page)) for page in pages]
    assert ids[0] and not ids[0] & ids[1]
    for known, page in zip(ids, pages):
        used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)
        assert used and {a or b for a, b in used} <= known


def test_black_white_and_grey_follow_the_page_and_squares_keep_their_colours(saved):
    _, ax = plt.subplots()
    ax.add_patch(plt.Rectangle((0, 0), 0.5, 0.5, fc="#123456", ec="white", hatch="//", lw=0))
    ax.add_patch(plt.Rectangle((0.5, 0), 0.5, 0.5, fc="#abcdef", lw=0))
    ax.text(0.2, 0.2, "dark", ha="center", color="white")
    ax.text(0.7, 0.2, "light", ha="center", color="black")
    ax.plot([0, 1], [0, 1], color="0.2")
    page = drawn(saved)
    assert "light-dark(#333333, #cccccc)" in page
    assert 'style="fill: #abcdef' in page and "#123456" in page
    assert 'style="fill: #ffffff"' not in page, "no ground of its own"
    (pattern,) = re.findall(r"<pattern.*?</pattern>", page, re.DOTALL)
    assert "stroke: #ffffff" in pattern
    fills = [re.search(rf"<text([^>]*)>{word}<", page)[1] for word in ("dark", "light")]
    assert "fill: #ffffff" in fills[0] and "fill" not in fills[1], "black is what SVG begins with"


def test_each_figure_of_a_cell_gets_its_own_drawing_and_a_heavy_one_stays_a_picture(saved):
    html = []
    for name in ("a", "b"):
        plt.subplots()[1].set_title(f"this is {name}")
        html.append(saved(name))
    png = '<p class="rru-downloads"><a download="c.png" href="data:image/png;base64,AA">c</a></p>'
    picture = {"image/png": "..."}
    cells = [
        cell_with(picture, *({"text/html": h} for h in html[:1]), picture, {"text/html": html[1]}),
        cell_with(picture, {"text/html": png}),
        {"cell_type": "markdown", "metadata": {}},
    ]
    drawings.put_inline(cells)
    first, _, second, _ = (output["data"] for output in cells[0]["outputs"])
    assert "this is a" in first["text/html"] and "this is b" in second["text/html"]
    assert cells[1]["outputs"][0]["data"] == picture


def test_an_image_of_a_fragments_plot_becomes_its_drawing_and_others_stay(tmp_path):
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], color="0.2")
    context = generate.Context(tmp_path, None)
    drawings.write(context, figure, "rising")
    page = tmp_path / "book" / "page.html"
    plot = '<figure><img alt="It &lt; rises" class="rru-plot" src="_parts/rising.svg" /></figure>'
    other = '<img alt="Another" src="_parts/other.svg" />'
    text = drawings.put_plots_inline(plot + other, page)
    assert text.endswith(other) and "rru-plot" not in text
    (svg,) = ElementTree.fromstring(text.removesuffix(other)).iter("svg")
    assert svg.get("aria-label") == "It < rises"
    assert "light-dark(#333333, #cccccc)" in text and 'style="fill: #ffffff"' not in text


def test_a_page_shows_the_drawing_above_its_caption_and_no_empty_text(saved):
    plt.subplots()
    outputs = {"image/png": "..."}, {"text/html": saved("line")}, {"text/markdown": [""]}
    text = {"cell_type": "code", "id": "x-2", "metadata": {}, "source": "say()"}
    finding = text | {"outputs": [{"data": {"text/markdown": "It grows. Fast."}}]}
    finding["metadata"] = {"tags": [captions.TAG]}
    cells = execute.arrange([cell_with(*outputs), finding])
    assert [len(cell["outputs"]) for cell in cells] == [1, 1, 1]
    assert "<svg" in cells[0]["outputs"][0]["data"]["text/html"]
    assert cells[0]["metadata"]["mystnb"]["figure"]["caption"] == "It grows. A."
    top, *_ = execute.arrange([cell_with(*outputs, tags=[captions.TOP]), finding])
    assert top["metadata"]["mystnb"]["figure"]["caption"] == "A.", "the verdict stands above it"


# What made it


def test_a_figure_names_its_notebook_and_commit_and_links_where_there_is_an_address(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(provenance, "commit", lambda: {"sha": "ab" * 20, "dirty": False})
    page = {"cells": [{"outputs": [{"data": {"text/html": '<p class="rru-downloads">Save</p>'}}]}]}
    page["cells"].append({"outputs": [{"data": {"text/html": "<p>Else</p>"}}]})
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.ipynb").write_text(json.dumps(page))

    def signed(repository):
        origin.sign_notebook(tmp_path, Path("notebooks/a.ipynb"), repository)
        cells = json.loads((tmp_path / "notebooks" / "a.ipynb").read_text())["cells"]
        return [cell["outputs"][0]["data"]["text/html"] for cell in cells]

    first, second = signed(None)
    assert "notebooks/a.ipynb" in first and "commit ababababab" in first and "<a" not in first
    assert second == "<p>Else</p>"
    assert f'href="{ADDRESS}/blob/{"ab" * 20}/notebooks/a.ipynb"' in signed(ADDRESS)[0]


def test_every_table_and_figure_of_a_fragment_names_the_function_that_made_it():
    assert origin.sign_fragment("Plain text.", front.answer, None) == "Plain text."
    signed = origin.sign_fragment("| a |\n| --- |\n| 1 |\n", front.table_1, ADDRESS)
    (line,) = re.findall(r"/blob/\w+/book/tools/front\.py#L(\d+)", signed)
    source = (paths.checkout() / "book" / "tools" / "front.py").read_text().splitlines()
    assert source[int(line) - 1].startswith("def table_1(")
    for function in generate.FRAGMENTS.values():  # each has a file and a line, partial or not
        assert "book/tools/" in origin.sign_fragment("<table>", function, ADDRESS)


def test_changed_code_is_said_to_be_changed(monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: {"sha": None, "dirty": None})
    assert origin.made_by("a.py", ADDRESS) == "Made by <code>a.py</code>, commit unknown"
    monkeypatch.setattr(provenance, "commit", lambda: {"sha": "cd" * 20, "dirty": True})
    assert origin.made_by("a.py", None).endswith("commit cdcdcdcdcd and changes")
