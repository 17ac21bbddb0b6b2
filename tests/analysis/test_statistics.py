"""Statistics of the datasets: hand-counted small ones, and the committed ones against the files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from rru_nb.analysis import datasets as statistics
from rru_nb.analysis.datasets import coverage, describe
from rru_nb.data import DATASETS, load_dataset
from rru_nb.data.music import pitches_of, roll_of
from rru_nb.data.splits import Labelled


@pytest.fixture
def described(monkeypatch):
    """A function that describes made-up splits as those of a dataset."""

    def describe_splits(name, **parts):
        splits = SimpleNamespace(name=name, digest="", source="", **parts)
        monkeypatch.setattr(statistics, "load_dataset", lambda *_, **__: splits)
        return describe(name)

    return describe_splits


def test_coverage_counted_by_hand():
    assert coverage(np.array([1, 0, 6, 3])) == [[1, 0.6], [2, 0.9], [3, 1.0]]


def test_a_piece_counted_by_hand(described):
    piece = np.zeros([4, 88], np.uint8)
    piece[0, [0, 5]] = piece[2, 5] = 1
    numbers = described("jsb", train=[piece], valid=[piece], test=[piece, piece])
    assert numbers["train"] == {
        "pieces": 1,
        "frames": 4,
        "silent_frames": 2,
        "notes_per_frame": 0.75,
        "lengths": [4],
        "pitches": [1, 0, 0, 0, 0, 2] + [0] * 82,
        "polyphony": [2, 1, 1],
    }
    assert numbers["test"]["frames"] == 8
    assert numbers["example"] == [[21, 26], [], [26], []]


def test_a_text_counted_by_hand(described):
    vocabulary = ("<padding>", "<unknown>", "a", " ")
    part = np.array([2, 3, 2, 1])
    text = described("ptb-char", train=part, valid=part, test=part[:2], vocabulary=vocabulary)
    numbers = text["protocols"]["authors"]
    assert numbers["vocabulary"] == 4
    assert numbers["frequent"][:3] == [["a", 0.5], ["<unknown>", 0.25], ["space", 0.25]]
    assert numbers["valid"] == {"symbols": 4, "unknown": 1}
    assert numbers["test"] == {"symbols": 2, "unknown": 0}
    # The second symbol, a space: seen once among four, and once more each of four symbols.
    assert numbers["baseline"] == {"perplexity": 4.0, "bits": 2.0}


def test_reviews_counted_by_hand(described):
    reviews = tuple(np.full(n, w) for n, w in ((3, 4), (513, 2), (2007, 4)))
    part = Labelled(reviews, np.array([0, 1, 1]))
    vocabulary = ["<padding>", "<start>", "<unknown>", "<unused>", "good", "bad"]
    reviews = described("imdb", train=part, valid=part, test=part, vocabulary=vocabulary)
    assert reviews["different_words"] == 2, "beside the four special ones"
    assert reviews["example"] == {"label": 0, "words": 3, "end": "good good good"}
    numbers = reviews["train"]
    assert (numbers["words"], numbers["unknown"], numbers["over_512"]) == (2523, 513, 2)
    assert numbers["classes"] == [1, 2] and numbers["median"] == 513
    assert (
        numbers["lengths"][0] == 1 and numbers["lengths"][10] == 1 and numbers["lengths"][-1] == 1
    )


@pytest.mark.parametrize("name", [n for n in DATASETS if statistics.committed_statistics(n)])
def test_committed_statistics_are_those_of_the_files(name, mirror):
    assert json.loads(json.dumps(statistics.describe(name))) == (
        statistics.committed_statistics(name)
    )


def test_every_dataset_but_the_wiki_texts_has_committed_statistics():
    committed = {name for name in DATASETS if statistics.committed_statistics(name)}
    assert committed == set(DATASETS) - {"enwik8", "text8"}


def test_rolls_and_pitches_give_each_other_back():
    roll = load_dataset("chorales").test[0].copy()
    roll[3] = 0
    np.testing.assert_array_equal(roll_of(pitches_of(roll)), roll)
    assert pitches_of(np.eye(2, 88)) == [[21], [22]]
