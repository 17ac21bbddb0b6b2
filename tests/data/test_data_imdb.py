"""The IMDB reviews, and archives that are damaged or mean harm."""

import gzip
import os
import tarfile
import time
from dataclasses import replace

import fakes
import numpy as np
import pytest

from rru_nb import data, load_dataset
from rru_nb.data import imdb, registry, reviews
from rru_nb.data.reviews import Review
from rru_nb.errors import UserError

MIRROR = os.environ.get("RRU_NB_DATA")

NAME = "aclImdb_v1.tar.gz"


@pytest.fixture(scope="module")
def real(session_cache):
    """The real reviews, encoded once for this module: (splits, cache folder, seconds to load)."""
    if not MIRROR:
        pytest.skip("needs RRU_NB_DATA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RRU_NB_CACHE", str(session_cache))
        data._load.cache_clear()
        load_dataset("imdb")
        data._load.cache_clear()
        begun = time.process_time()
        splits = load_dataset("imdb")
        yield splits, session_cache, time.process_time() - begun
        data._load.cache_clear()


def test_real_archive(mirror, real):
    splits, cache, seconds = real
    sizes = [len(part.labels) for part in (splits.train, splits.valid, splits.test)]
    assert sizes == [20_000, 5_000, 25_000]
    assert splits.train.labels.sum() + splits.valid.labels.sum() == 12_500
    assert splits.test.labels.sum() == 12_500
    assert splits.digest == registry.FILES[NAME].sha256
    # The first words of Keras' word index of the same reviews.
    assert splits.vocabulary[4:14] == ("the", "and", "a", "of", "to", "is", "br", "in", "it", "i")
    assert len(splits.vocabulary) == 10_000
    assert len(cached(cache)) == 1
    assert seconds < 2  # from the cache


def test_real_reviews_are_spelled_right(mirror, real):
    splits = real[0]
    with tarfile.open(mirror / NAME, "r|gz") as archive:
        member = next(member for member in archive if member.name.startswith("aclImdb/test/neg/0_"))
        content = archive.extractfile(member).read().decode()
    words = imdb.split_words(content)
    known = set(splits.vocabulary)
    spelled = ["<start>", *(word if word in known else "<unknown>" for word in words)]
    first = [i for i, x in enumerate(splits.test.inputs) if len(x) == len(spelled)]
    assert spelled in [[splits.vocabulary[n] for n in splits.test.inputs[i]] for i in first]


def cached(cache):
    return sorted(cache.glob("encoded/*"))


# Generated reviews


def words_of(splits, numbers):
    return [splits.vocabulary[i] for i in numbers]


def test_generated_reviews(fake_data):
    splits = load_dataset("imdb")
    parts = (splits.train, splits.valid, splits.test)
    assert [len(part.labels) for part in parts] == [48, 12, 60]
    assert [len(part.inputs) for part in parts] == [48, 12, 60]
    for part in parts:
        for numbers, label in zip(part.inputs, part.labels):
            assert numbers.dtype == np.int32 and numbers[0] == 1 and numbers[1:].min() >= 2
            words = words_of(splits, numbers)
            assert ("great" in words) == bool(label) and ("awful" in words) == (not label)
            assert "br" in words and "it's" in words
            with pytest.raises(ValueError, match="read-only"):
                numbers[0] = 0
    expected = sorted(len(imdb.split_words(r.content.decode())) + 1 for r in fakes.reviews())
    assert sorted(len(x) for part in parts for x in part.inputs) == expected
    assert splits.train.labels.dtype == np.int32
    assert 10 < splits.train.labels.sum() < 38  # shuffled


def test_vocabulary_is_of_the_training_reviews():
    made = [
        Review("train/neg", "a", b"bad bad film <unseen>"),
        Review("train/pos", "b", b"good film, film!"),
        Review("test/neg", "c", b"bad film later"),
    ]
    encoded = imdb.encode(made)
    # film 3 times, bad 2, then by appearance: unseen, good.
    assert encoded["words"].tobytes() == b"film\nbad\nunseen\ngood"
    assert encoded["numbers"].tolist() == [1, 5, 5, 4, 6, 1, 7, 4, 4, 1, 5, 4, 2]
    assert encoded["lengths"].tolist() == [5, 4, 4]


def test_smaller_vocabulary(fake_data):
    whole, small = load_dataset("imdb"), load_dataset("imdb", vocabulary_size=40)
    assert small.vocabulary == whole.vocabulary[:40]
    for a, b in zip(whole.valid.inputs, small.valid.inputs, strict=True):
        np.testing.assert_array_equal(np.where(a < 40, a, 2), b)


def test_order_in_the_archive_does_not_matter(fake_data, tmp_path):
    before = load_dataset("imdb")
    made = [(r.name, r.content) for r in fakes.reviews()]
    (fake_data / NAME).write_bytes(fakes.tar_gz(made))
    data._load.cache_clear()
    after = load_dataset("imdb")
    assert len(cached(tmp_path / "cache")) == 2
    for a, b in zip(before.train.inputs, after.train.inputs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_upstreams_archive_hash_is_enough(fake_data, monkeypatch):
    sha256 = reviews.sha256_of(fake_data / NAME)
    file = replace(registry.FILES[NAME], sha256="0" * 64, upstream_sha256=sha256)
    monkeypatch.setitem(registry.FILES, NAME, file)
    assert data.verify("imdb")[0]["ok"]
    assert len(load_dataset("imdb").test.labels) == 60


def test_encoded_once(fake_data, tmp_path, monkeypatch):
    load_dataset("imdb")
    data._load.cache_clear()
    monkeypatch.setattr(imdb, "read_reviews", None)  # would raise when called
    assert len(load_dataset("imdb").test.labels) == 60
    assert len(cached(tmp_path / "cache")) == 1


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-2000], lambda c: b"", lambda c: c[:999] + b"?" * 99]
)
def test_damaged_cache_is_made_anew(fake_data, tmp_path, spoil):
    before = load_dataset("imdb")
    data._load.cache_clear()
    [path] = cached(tmp_path / "cache")
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    after = load_dataset("imdb")
    np.testing.assert_array_equal(before.train.inputs[0], after.train.inputs[0])
    assert path.read_bytes() == good and cached(tmp_path / "cache") == [path]


def test_cache_that_cannot_be_written(fake_data, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="encoded reviews cannot be kept in"):
        assert len(load_dataset("imdb").test.labels) == 60


# Bad archives


def member(name, kind=tarfile.REGTYPE, size=0, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info, bytes(size)


OTHERS = {
    "climbs out": member("aclImdb/../../evil.txt", size=4),
    "absolute": member("/etc/evil.txt", size=4),
    "symlink": member("aclImdb/train/pos/0_7.txt", tarfile.SYMTYPE, link="/etc/passwd"),
    "hard link": member("aclImdb/train/pos/0_7.txt", tarfile.LNKTYPE, link="/etc/passwd"),
    "device": member("aclImdb/null", tarfile.CHRTYPE),
}


def refused(fake_data, tmp_path, content, message):
    path = fake_data / NAME
    path.write_bytes(content)
    before = sorted(p for p in tmp_path.rglob("*"))
    with pytest.raises(UserError, match=message) as raised:
        load_dataset("imdb")
    assert str(path) in str(raised.value)
    assert sorted(p for p in tmp_path.rglob("*")) == before  # nothing is written anywhere
    row = data.verify("imdb")[0]
    assert not row["ok"] and row["found"] == str(raised.value)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_members_that_are_no_reviews_are_passed_over(fake_data, tmp_path, other):
    """Nothing is unpacked to disk, so that none can mean harm; what counts is in the digest."""
    good = [(r.name, r.content) for r in fakes.reviews()]
    (fake_data / NAME).write_bytes(fakes.tar_gz([good[0], other, *good[1:]]))
    assert len(load_dataset("imdb").test.labels) == 60
    written = {p.name for p in tmp_path.rglob("*") if p.is_file() and fake_data not in p.parents}
    assert written == {cached(tmp_path / "cache")[0].name}


def test_archive_cut_off(fake_data, tmp_path):
    content = (fake_data / NAME).read_bytes()
    refused(fake_data, tmp_path, content[: len(content) // 2], "is damaged or cut off")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404 Not Found</html>", gzip.compress(b"x" * 5000)],
    ids=["empty", "page", "other"],
)
def test_not_an_archive(fake_data, tmp_path, content):
    refused(fake_data, tmp_path, content, "is damaged or cut off: expected a whole tar.gz")


def test_archive_bomb(fake_data, tmp_path, monkeypatch):
    monkeypatch.setattr(reviews, "MAX_TOTAL", 3_000_000)
    bomb = fakes.tar_gz([member("aclImdb/labeledBow.feat", size=5_000_000)])
    refused(fake_data, tmp_path, bomb, "unpacks to at most 3,000,000 bytes, found more")


def test_bomb_in_a_long_name(fake_data, tmp_path, monkeypatch):
    monkeypatch.setattr(reviews, "MAX_TOTAL", 3_000_000)
    info = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=5_000_000)
    refused(fake_data, tmp_path, fakes.tar_gz([info]), "unpacks to at most 3,000,000 bytes")


def test_review_missing_altered_or_twice(fake_data, tmp_path):
    good = [(r.name, r.content) for r in fakes.reviews()]
    for content in (good[1:], [(good[0][0], b"altered"), *good[1:]], [good[0], *good]):
        refused(fake_data, tmp_path, fakes.tar_gz(content), "is not the upstream file: expected")
