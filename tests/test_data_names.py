"""Names of datasets, and the registry behind them."""

import re

import pytest

from rru_nb import data
from rru_nb.data import registry
from rru_nb.errors import UserError

NAMES = (
    "jsb nottingham musedata piano-midi ptb-word ptb-char enwik8 text8 imdb mnist pmnist chorales"
)


def test_names():
    assert " ".join(data.DATASETS) == NAMES


@pytest.mark.parametrize(
    "spelling, name",
    [
        ("JSB Chorales", "jsb"),
        ("Music JSB Chorales", "jsb"),
        ("JSB", "jsb"),
        ("Music Nottingham", "nottingham"),
        ("MuseData", "musedata"),
        ("Muse", "musedata"),
        ("Piano-midi.de", "piano-midi"),
        ("Word-level Penn Treebank", "ptb-word"),
        ("word-level penn treebank", "ptb-word"),
        ("Word PTB", "ptb-word"),
        ("Character-level Penn Treebank", "ptb-char"),
        ("Character PTB", "ptb-char"),
        ("Character-level enwik8", "enwik8"),
        ("text8", "text8"),
        ("Sentiment analysis IMDB", "imdb"),
        ("IMDB", "imdb"),
        ("Sequential MNIST", "mnist"),
        ("Permuted MNIST", "pmnist"),
        ("P-MNIST", "pmnist"),
        ("Chorales", "chorales"),
    ],
)
def test_spellings_of_the_paper(spelling, name):
    assert data.canonical_name(spelling) == name


@pytest.mark.parametrize("wrong, nearest", [("notingham", "nottingham"), ("ptb-words", "ptb-word")])
def test_unknown_name(wrong, nearest):
    with pytest.raises(
        UserError, match=f"{wrong!r} is unknown. Did you mean {nearest!r}"
    ) as raised:
        data.load_dataset(wrong)
    assert all(repr(name) in str(raised.value) for name in data.DATASETS)


@pytest.mark.parametrize("wrong", ["", None, 3, ["jsb"]])
def test_no_name(wrong):
    with pytest.raises(UserError, match="is unknown"):
        data.load_dataset(wrong)


def test_registry_is_complete():
    used = {name for dataset in registry.DATASETS_BY_NAME.values() for name in dataset.files}
    assert used == set(registry.FILES)
    for name, file in registry.FILES.items():
        assert file.name == name and file.size > 0 and file.urls
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert all(url.startswith("https://") and url.endswith(name) for url in file.urls)


def test_no_spelling_means_two_datasets():
    spellings = [
        (data._folded(spelling), d.name)
        for d in registry.DATASETS_BY_NAME.values()
        for spelling in (d.name, d.title, *d.also)
    ]
    assert len(dict(spellings)) == len({spelling for spelling, _ in set(spellings)})
    assert len(set(spellings)) == len(dict(spellings))
