"""Figures show what the frame says: failed, missing and best runs have their marks."""

import base64
import re
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import frame_of, robustness_points, steep
from matplotlib.colors import to_rgba

from rru_nb import figures
from rru_nb.figures.grids import BEST, FAILED

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def colours(ax):
    return [patch.get_facecolor() for patch in ax.patches if patch.get_fill()]


def test_a_heatmap_marks_failed_missing_and_best():
    def status(point):
        if point.config.learning_rate > 2e-3:
            return "failed" if point.config.cell == "gru" else "missing"
        return "ok"

    frame = frame_of(robustness_points(), steep, status)
    figure = figures.heatmaps(frame, "learning_rate", "n_params")
    rru, gru = figure.axes[:2]
    red = to_rgba(FAILED)
    assert sum(c == red for c in colours(gru)) == 4 and red not in colours(rru)
    assert sum(bool(patch.get_hatch()) for patch in rru.patches) == 4
    (ring,) = [p for p in rru.patches if p.get_edgecolor() == to_rgba(BEST)]
    best = frame[(frame.cell == "rru") & (frame.status == "ok")].sort_values("test").iloc[0]
    assert ring.get_x() + 0.45 == [1e-4, 1e-3, 1e-2].index(best.learning_rate)
    assert {t.get_text() for t in gru.texts} == {"5.20", "4.00", "×"}


def test_what_the_limit_cut_off_is_hatched_over_its_colour():
    frame = frame_of(robustness_points(), steep)
    plain = colours(figures.heatmaps(frame, "n_params", "learning_rate").axes[0])
    frame.loc[(frame.cell == "rru") & (frame.learning_rate == 1e-4), "cut_off"] = True
    figure = figures.heatmaps(frame, "n_params", "learning_rate")
    rru, gru = figure.axes[:2]
    hatched = [patch for patch in rru.patches if patch.get_hatch()]
    assert {patch.get_y() for patch in hatched} == {-0.5}, "the lowest rate, at the bottom"
    assert len(hatched) == 4 and not any(patch.get_hatch() for patch in gru.patches)
    assert colours(rru) == plain
    assert "cut off" in " ".join(text.get_text() for text in figure.legends[0].texts)
    assert [t.get_text() for t in figure.axes[2].get_xticklabels()] == [
        "40k",
        "100k",
        "160k",
        "220k",
    ]


def test_epochs_are_not_drawn_where_they_are_those_of_the_limit():
    frame = frame_of(robustness_points(), steep).assign(cut_off=False)
    titles = [len(figures.heatmaps(frame, "n_params", "learning_rate").axes)]
    frame.loc[frame.index[: len(frame) // 4], "cut_off"] = True
    titles.append(len(figures.heatmaps(frame, "n_params", "learning_rate").axes))
    cells = frame.cell.nunique()
    assert titles == [2 * cells + 2, cells + 1], "panels, and a colour bar a row"


def test_panels_of_a_row_share_one_scale_and_good_is_dark():
    frame = frame_of(robustness_points(), steep)
    figure = figures.heatmaps(frame, "learning_rate", "n_params")
    rru, gru = (dict(zip([t.get_text() for t in ax.texts], colours(ax))) for ax in figure.axes[:2])
    assert rru["4.00"] == gru["4.00"], "the same number, the same colour in both panels"
    blue, yellow = gru["4.00"], gru["5.20"]
    assert blue[2] > blue[0] and yellow[0] > yellow[2]
    grey = [np.dot(c[:3], (0.3, 0.59, 0.11)) for c in (blue, yellow)]
    assert grey[1] - grey[0] > 0.3, "told apart in grey"


def test_for_accuracies_good_is_the_high_end():
    frame = frame_of(robustness_points(["rru"]), lambda p: 100 - steep(p), metric="accuracy")
    frame.loc[frame.learning_rate == 1e-2, "test"] = 60.0
    ax = figures.heatmaps(frame, "learning_rate", "n_params").axes[0]
    shown = dict(zip([t.get_text() for t in ax.texts], colours(ax)))
    assert shown["96.0"][2] > shown["96.0"][0] and shown["60.0"][0] > shown["60.0"][2]


def test_an_empty_grid_is_drawn_as_empty():
    frame = frame_of(robustness_points(), steep, lambda p: "missing")
    figure = figures.heatmaps(frame, "learning_rate", "n_params")
    assert all(patch.get_hatch() for patch in figure.axes[0].patches)


def test_a_figure_comes_with_its_file_and_its_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr("rru_nb.figures.files.display", lambda html: shown.append(html.data))
    plt.plot([1, 2], [3, 4])
    plt.title("a title")
    numbers = pd.DataFrame({"x": [1, 2], "y": [3.5, 4.25], "epochs": [[], []]})
    figures.show("some-figure", numbers)
    assert len(shown) == 1, "one line of links"
    kinds = re.findall(
        r'download="some-figure\.(\w+)" href="data:([^;]+);base64,([^"]+)"', shown[0]
    )
    content = {kind: base64.b64decode(text).decode() for kind, _, text in kinds}
    assert [mime for _, mime, _ in kinds] == ["image/svg+xml", "text/csv"]
    assert content["csv"] == "x,y\n1,3.5\n2,4.25\n"
    assert ElementTree.fromstring(content["svg"]).tag.endswith("svg")
    assert "a title" in content["svg"], "text is text, not outlines"


def test_a_figure_of_very_many_parts_is_offered_as_png(monkeypatch):
    shown = []
    monkeypatch.setattr("rru_nb.figures.files.display", lambda html: shown.append(html.data))
    plt.scatter(*np.random.default_rng(0).random([2, 5000]))
    figures.show("many")
    assert 'download="many.png"' in shown[0] and len(shown[0]) < 400_000
