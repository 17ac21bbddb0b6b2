"""Statistics of the datasets: hand-counted small ones, and the committed ones against the files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from rru_nb.analysis import datasets as statistics
from rru_nb.analysis.datasets import labelled, music, texts
from rru_nb.analysis.datasets.splits import coverage
from rru_nb.data import DATASETS, Labelled


def splits_of(**parts):
    return lambda *_, **__: SimpleNamespace(**parts)


def test_coverage_counted_by_hand():
    assert coverage(np.array([1, 0, 6, 3])) == [[1, 0.6], [2, 0.9], [3, 1.0]]


def test_a_piece_counted_by_hand():
    piece = np.zeros([4, 88], np.uint8)
    piece[0, [0, 5]] = piece[2, 5] = 1
    described = music.describe("jsb", splits_of(train=[piece], valid=[piece], test=[piece, piece]))
    assert described["train"] == {
        "pieces": 1,
        "frames": 4,
        "silent_frames": 2,
        "notes_per_frame": 0.75,
        "lengths": [4],
        "pitches": [1, 0, 0, 0, 0, 2] + [0] * 82,
        "polyphony": [2, 1, 1],
    }
    assert described["test"]["frames"] == 8


def test_a_text_counted_by_hand():
    vocabulary = ("<padding>", "<unknown>", "a", " ")
    part = np.array([2, 3, 2, 1])
    load = splits_of(train=part, valid=part, test=part[:2], vocabulary=vocabulary)
    numbers = texts.describe("ptb-char", load)["protocols"]["authors"]
    assert numbers["vocabulary"] == 4
    assert numbers["frequent"][:3] == [["a", 0.5], ["<unknown>", 0.25], ["space", 0.25]]
    assert numbers["valid"] == {"symbols": 4, "unknown": 1}
    assert numbers["test"] == {"symbols": 2, "unknown": 0}
    # The second symbol, a space: seen once among four, and once more each of four symbols.
    assert numbers["baseline"] == {"perplexity": 4.0, "bits": 2.0}


def test_reviews_counted_by_hand():
    reviews = tuple(np.full(n, w) for n, w in ((3, 4), (513, 2), (2007, 4)))
    part = Labelled(reviews, np.array([0, 1, 1]))
    load = splits_of(train=part, valid=part, test=part, vocabulary=range(6))
    numbers = labelled.describe_reviews("imdb", load)["train"]
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


def test_overview_names_all_and_shows_no_size_that_is_not_known():
    table = statistics.overview({}, [])
    assert list(table.index) == list(DATASETS)
    assert table.loc["enwik8", "train"] == "90,000,000"
    assert table.loc["imdb", "train"] == "–"


def test_the_tables_tell_of_each_split_its_own():
    long, short = np.ones([9, 88], np.uint8), np.ones([3, 88], np.uint8)
    load = splits_of(train=[long, short, short], valid=[short], test=[long])
    table = music.counts({"jsb": music.describe("jsb", load)})
    assert table.loc[("jsb", "train"), ["median length", "longest"]].tolist() == [3, 9]
    vocabulary = ("<padding>", "<unknown>", "a", " ")
    part = np.array([2, 3, 2, 1])
    load = splits_of(train=part, valid=part[:2], test=part, vocabulary=vocabulary)
    table = texts.counts({"ptb-char": texts.describe("ptb-char", load)})
    of_authors = table.loc[("ptb-char", "authors"), "unknown, %"]
    assert of_authors.tolist() == [25.0, 0.0, 25.0]
    reviews = tuple(np.full(n, w) for n, w in ((3, 4), (513, 2), (2007, 4)))
    part = Labelled(reviews, np.array([0, 1, 1]))
    load = splits_of(train=part, valid=part, test=part, vocabulary=range(6))
    (row, *_) = labelled.counts({"imdb": labelled.describe_reviews("imdb", load)}).to_dict(
        "records"
    )
    assert row["largest class, %"] == 66.67 and row["over 512 words, %"] == 66.7
    assert row["unknown words, %"] == pytest.approx(100 * 513 / 2523, abs=0.01)
