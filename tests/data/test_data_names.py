"""Names of datasets, and the registry behind them."""

import re

import pytest

from rru_nb import data
from rru_nb.data import fetch, registry
from rru_nb.errors import UserError

NAMES = (
    "jsb nottingham musedata piano-midi ptb-word ptb-char enwik8 text8 imdb mnist pmnist chorales"
)


def test_names():
    assert " ".join(data.DATASETS) == NAMES


PAPER = {  # how the paper's text and tables, and readers, spell the names
    "jsb": ["JSB Chorales", "Music JSB Chorales", "JSB"],
    "nottingham": ["Music Nottingham"],
    "musedata": ["MuseData", "Muse"],
    "piano-midi": ["Piano-midi.de"],
    "ptb-word": ["Word-level Penn Treebank", "word-level penn treebank", "Word PTB"],
    "ptb-char": ["Character-level Penn Treebank", "Character PTB"],
    "enwik8": ["Character-level enwik8"],
    "text8": ["text8"],
    "imdb": ["Sentiment analysis IMDB", "IMDB"],
    "mnist": ["Sequential MNIST"],
    "pmnist": ["Permuted MNIST", "P-MNIST"],
    "chorales": ["Chorales"],
}


def test_spellings_of_the_paper():
    assert PAPER.keys() == set(data.DATASETS)
    wanted = {spelling: name for name, spellings in PAPER.items() for spelling in spellings}
    assert {spelling: data.canonical_name(spelling) for spelling in wanted} == wanted


@pytest.mark.parametrize("wrong, nearest", [("notingham", "nottingham"), ("ptb-words", "ptb-word")])
def test_unknown_name(wrong, nearest):
    with pytest.raises(
        UserError, match=f"{wrong!r} is unknown. Did you mean {nearest!r}"
    ) as raised:
        data.load_dataset(wrong)
    assert all(repr(name) in str(raised.value) for name in data.DATASETS)


def test_no_name():
    for wrong in ("", None, 3, ["jsb"]):
        with pytest.raises(UserError, match=re.escape(f"{wrong!r} is unknown")):
            data.load_dataset(wrong)


def test_registry_is_complete():
    used = {name for dataset in registry.DATASETS_BY_NAME.values() for name in dataset.files}
    assert used == set(registry.FILES)
    for name, file in registry.FILES.items():
        assert file.name == name and file.size > 0
        assert file.urls or (fetch.PACKAGE / name).is_file()
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert all(url.startswith("https://") and url.endswith(name) for url in file.urls)


def test_no_spelling_means_two_datasets():
    for dataset in registry.DATASETS_BY_NAME.values():
        for spelling in (dataset.name, dataset.title, *dataset.also):
            assert data.canonical_name(spelling) == dataset.name
