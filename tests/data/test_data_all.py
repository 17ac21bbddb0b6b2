"""All datasets are to be had in the tests, real or generated."""

import itertools

import pytest

from rru_nb import DATASETS, data, load_dataset
from rru_nb.data import registry

QUICK = [name for name in DATASETS if name != "imdb"]  # which takes a while, and has own tests

TEXTS = ("word", "char", "sentiment")


@pytest.mark.parametrize("name", QUICK)
def test_every_dataset_loads(any_data, name):
    splits = load_dataset(name)
    assert splits.name == name and len(splits.digest) == 64 and splits.source
    assert bool(splits.vocabulary) == (registry.DATASETS_BY_NAME[name].kind in TEXTS)
    assert all(len(part) for part in (splits.train, splits.valid, splits.test))


def test_none_is_missing(any_data):
    assert {row["found"] for row in data.catalogue()} <= {"mirror", "cache", "package"}


def test_digests_are_equal_where_the_files_are(fake_data):
    digests = {name: load_dataset(name).digest for name in DATASETS}
    files = {name: dataset.files for name, dataset in registry.DATASETS_BY_NAME.items()}
    for a, b in itertools.combinations(DATASETS, 2):
        assert (digests[a] == digests[b]) == (files[a] == files[b]), (a, b)


def test_verify_finds_all_generated_files_good(fake_data):
    for name in DATASETS:
        assert all(row["ok"] for row in data.verify(name)), data.verify(name)
