"""What the page on the datasets says of them: its functions, on committed and on made-up counts."""

import ast
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pages import NOTEBOOKS, functions_of

from rru_nb.data import DATASETS, mnist
from rru_nb.data.registry import DATASETS_BY_NAME

TITLES = {name: dataset.title for name, dataset in DATASETS_BY_NAME.items()}
page = functions_of("datasets", SPLITS=["train", "valid", "test"], TITLES=TITLES)
VARIABLES = page.size.__globals__


def constants():
    """The strings that the page assigns: its quotations."""
    cells = json.loads((NOTEBOOKS / "datasets.ipynb").read_text())["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    assigned = ast.parse(code.replace("get_ipython()", "None")).body
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in assigned
        if isinstance(node, ast.Assign) and node.targets[0].id.isupper()
        if isinstance(node.value, ast.Constant)
    }


@pytest.fixture
def committed(monkeypatch):
    """The committed counts, for the page's functions; without files."""
    monkeypatch.setattr("rru_nb.analysis.datasets.load_dataset", None)
    monkeypatch.setitem(VARIABLES, "catalogue", list)
    counts = {name: page.load_counts(name) for name in DATASETS}
    monkeypatch.setitem(VARIABLES, "counts", counts)
    monkeypatch.setitem(VARIABLES, "MUSIC", ["jsb", "nottingham", "musedata", "piano-midi"])
    return counts


def test_three_numbers_of_the_paper_are_not_what_its_code_has(committed):
    compared = page.stated()
    assert set(compared.dataset) == set(DATASETS) - {"chorales"}, "the eleven have one each"
    differ = compared[compared.differs].set_index(["dataset", "paper"]).counted
    assert differ.to_dict() == {
        ("ptb-word", 10_000): 9_650,
        ("imdb", 25_000): 88_583,
        ("imdb", 500): 512,
    }
    assert set(compared[compared.counted.isna()].dataset) == {"enwik8", "text8"}
    sizes = compared[(compared.dataset == "imdb") & (compared.kind == "size")]
    assert sizes.counted.tolist() == [25_000, 5_000, 25_000], "training with validation"


def test_verdicts_follow_the_counts(committed):
    compared = page.stated()
    size = page.verdict(compared, "size", "A claim.")
    assert (size.held, size.dataset, size.note) == ("holds", "3 datasets", "")
    assert size.rests_on == "9 numbers of section 4.1; enwik8 and text8 are not counted"
    content = page.verdict(compared, "content", "A claim.")
    assert content.held == "does not hold" and "9,650 words" in content.note
    named = [name in content.dataset for name in ("Treebank", "IMDB", "Permuted")]
    assert named == [True, True, False]
    committed["mnist"] = committed["mnist"] | {"test": {"examples": 9_999}}
    size = page.verdict(page.stated(), "size", "A claim.")
    assert (size.held, size.dataset) == ("does not hold", "Sequential MNIST")
    assert size.note == "9,999 for testing (the paper: 10,000)"


def test_texts_are_counted_where_their_files_are(committed):
    splits = {"train": 900, "valid": 50, "test": 50}
    of_text = {split: {"symbols": n} for split, n in splits.items()}
    committed["text8"] = {"protocols": {"authors": of_text}}
    compared = page.stated()
    assert compared[compared.dataset == "text8"].counted.tolist() == [90, 5, 5, 256]
    committed["text8"]["protocols"]["authors"]["test"]["symbols"] = 60
    assert page.stated().set_index("dataset").differs["text8"].tolist() == [True] * 3 + [False]


def test_the_table_has_a_row_for_each_dataset(committed):
    table = page.overview(page.stated())
    assert list(table.index) == [TITLES[name] for name in DATASETS]
    assert table.train["Sentiment analysis IMDB"] == "20,000"
    assert table.test["JSB Chorales"] == "77" and table.train["Character-level text8"] == "–"
    assert table.counted["Word-level Penn Treebank"] == "9,650 words in the vocabulary"
    assert table.counted["Sequential MNIST"] == "as stated"
    assert table.counted["Character-level enwik8"] == "not counted"


def test_music_is_counted_over_its_splits(committed, monkeypatch):
    part = {"silent_frames": 1, "pitches": [0, 1]}
    tiny = {
        "train": part | {"frames": 300, "lengths": [100, 200], "polyphony": [1, 0, 299]},
        "valid": part | {"frames": 100, "lengths": [100], "polyphony": [1, 99]},
        "test": part | {"frames": 500, "lengths": [500], "polyphony": [1, 0, 0, 499]},
    }
    committed["jsb"] = tiny
    monkeypatch.setitem(VARIABLES, "MUSIC", ["jsb"])
    assert page.total("jsb", "polyphony").tolist() == [3, 99, 299, 499]
    row = page.music_table(200).loc["JSB Chorales"]
    assert row.to_dict() == {
        "pieces": "4",
        "time steps": "900",
        "of them silent": "3",
        "keys at once": "2.4",
        "median length": "150",
        "longest": "500",
        "over 200 steps": "25 %",  # a piece of a window's length is not longer than one
    }


def test_symbols_that_cover_a_share(committed):
    coverage = [[1, 0.3], [10, 0.6], [100, 0.97]]
    assert [page.reaching(coverage, share) for share in (0.3, 0.45, 0.6)] == [1, 4, 10], "√10"
    assert np.isnan(page.reaching(coverage, 0.99))
    table = page.text_table()
    words, characters = (
        table.loc[f"{kind}-level Penn Treebank, authors"] for kind in ("Word", "Character")
    )
    columns = ["half of the text", "95 % of it"]
    # Counted from the files they are 82 and 4,668.
    assert words[columns].tolist() == ["82", "4,670"], "as the figure's caption says"
    assert characters[columns].tolist() == ["6", "22"], "exactly"
    assert words.tokens == f"{887_644 + 70_338 + 78_808:,}"


def test_the_permuted_example_is_the_other_one_permuted(committed):
    pixels, permuted = (committed[name]["example"]["pixels"] for name in ("mnist", "pmnist"))
    assert np.array(pixels)[mnist.permutation("paper")].tolist() == permuted != pixels


def test_quotations_are_of_the_files(mirror):
    quoted = constants()
    assert (mirror / "ptb.train.txt").read_text().split("\n")[1].strip() == quoted["SENTENCE"]
    assert (mirror / "enwik8.prefix").read_bytes()[:200].decode() == quoted["ENWIK8"]
    assert len(quoted["TEXT8"]) == 200 and not set(quoted["TEXT8"]) - set(
        " abcdefghijklmnopqrstuvwxyz"
    )


def test_a_piano_roll_names_its_octaves():
    roll = np.zeros([20, 88], np.uint8)
    roll[:, 20] = roll[:12, 70] = 1
    ax = plt.subplots()[1]
    page.draw_roll(ax, roll, "a piece")
    plt.close("all")
    assert ax.get_xlim() == (0, 20) and ax.get_ylim()[0] < 20 < 70 < ax.get_ylim()[1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["C3", "C4", "C5", "C6"]


def test_the_numbers_of_a_roll_are_a_row_a_note():
    notes = page.notes_of({"a": np.eye(2, 88), "b": np.eye(1, 88, 87)})
    assert notes.values.tolist() == [["a", 0, 21], ["a", 1, 22], ["b", 0, 108]]
