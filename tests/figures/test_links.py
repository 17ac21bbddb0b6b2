"""Marks of figures and numbers of tables lead to the records that they show."""

import base64
import re
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import frame_of, robustness_points, steep

from rru_nb import figures
from rru_nb.experiments import authors_grid

matplotlib.use("Agg")
SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@pytest.fixture
def shown(monkeypatch):
    """What a cell shows as HTML."""
    html = []
    monkeypatch.setattr("rru_nb.figures.files.display", lambda shown: html.append(shown.data))
    yield html
    plt.close("all")


def links_of(shown):
    """Return `[(address or None, title)]` of the marks in the SVG that a figure saves."""
    (saved,) = re.findall(r'svg\+xml;base64,([^"]+)"', shown[-1])
    tree = ElementTree.fromstring(base64.b64decode(saved))
    return [(a.get(LINK), a.find(f"{SVG}title").text) for a in tree.iter(f"{SVG}a")]


def test_one_record_is_opened_and_several_are_listed():
    assert figures.address(["a1"]) == "../book/records.html#a1"
    assert figures.address(["a1", "b2"]) == "../book/records.html?ids=a1,b2"
    assert figures.link("7.80", ["a1"]) == '<a href="../book/records.html#a1">7.80</a>'
    assert figures.link("", ["a1"]) == "", "nothing to click on"


def test_each_square_leads_to_its_record_and_says_its_score(shown):
    frame = frame_of(
        robustness_points(), steep, lambda p: "missing" if p.config.n_params < 1e5 else "ok"
    )
    figures.heatmaps(frame.assign(cut_off=True), "n_params", "learning_rate")
    figures.show("grid", frame)
    links = dict(links_of(shown))
    measured = frame[frame.status == "ok"]
    assert set(links) - {None} == {figures.address([run]) for run in measured.id}
    for run in measured.to_dict("records"):
        title = links[figures.address([run["id"]])]
        assert f"{run['n_params']:,}" in title and f"{run['learning_rate']:g}" in title
        assert title.endswith(f"{run['test']:.3f}") and "seed 0" in title
    assert links[None].endswith("missing"), "a title, but no link"


def test_a_square_of_several_seeds_leads_to_all_of_them(shown):
    points = robustness_points(["rru"])
    one = frame_of(points, steep)
    two = one.assign(seed=1, id=[f"{name}x" for name in one.id], test=one.test + 1)
    both = pd.concat([one, two], ignore_index=True)
    url = figures.url(both[(both.learning_rate == 1e-3) & (both.n_params == 1e5)], "learning_rate")
    address, title = url.split("|")
    assert address.count(",") == 1 and "?ids=" in address
    assert "seed 0, 1" in title and title.endswith("4.500"), "the mean"


def test_squares_of_the_authors_have_titles_alone_and_are_light_enough_for_a_page(shown):
    frame = authors_grid("robustness", "nottingham")
    figures.heatmaps(frame, "n_params", "learning_rate")
    figures.show("authors", frame)
    links = links_of(shown)
    assert len(links) == 2 * 400 and {address for address, _ in links} == {None}
    assert sum("parameters 10,300,000," in title for _, title in links) == 2 * 40
    assert len(shown[-1]) < 600_000, "SVG and CSV in base64"


def test_points_of_a_line_have_links_that_nobody_sees(shown):
    frame = frame_of(robustness_points(["rru"]), steep)
    _, ax = plt.subplots()
    ax.plot(frame.n_params, frame.test)
    figures.link_points(ax, frame.n_params, frame.test, frame, "learning_rate")
    figures.show("line", frame)
    assert [address for address, _ in links_of(shown)] == [figures.address([i]) for i in frame.id]
    assert ax.collections[0].get_alpha() < 0.05


def test_a_title_may_hold_any_character_and_numbers_of_text_keep_their_digits(shown):
    _, ax = plt.subplots()
    ax.scatter([0.123456], [1.0], urls=["there|5 < 6 & 7"])
    ax.set_title("0.00012345")
    figures.show("odd")
    assert links_of(shown) == [("there", "5 < 6 & 7")]
    saved = base64.b64decode(re.search(r'svg\+xml;base64,([^"]+)', shown[-1])[1]).decode()
    assert ">0.00012345<" in saved
    assert not re.search(r' d="[^"]*\d\.\d{3}', saved), "coordinates are rounded"


def test_the_same_figure_gives_the_same_file(shown):
    figures.use_style()
    for _ in range(2):
        frame = frame_of(robustness_points(), steep)
        figures.heatmaps(frame.assign(cut_off=True), "n_params", "learning_rate")
        figures.show("grid", frame)
        plt.close("all")
    assert shown[0] == shown[1]


def test_a_table_shows_links_and_saves_plain_numbers(shown):
    table = pd.DataFrame(
        {"a": [figures.link("7.80", ["x"]), ""], "b": [1, np.nan]}, index=["p", "q"]
    )
    figures.table("numbers", table.rename_axis("corner"))
    html, links = shown
    assert '<a href="../book/records.html#x">7.80</a>' in html
    assert html.count("<tr") == 3 and "corner" in html, "one row of heads"
    saved = re.search(r'text/csv;base64,([^"]+)', links)[1]
    assert base64.b64decode(saved).decode() == "corner,a,b\np,7.80,1.0\nq,,\n"
