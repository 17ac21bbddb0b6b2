"""Penn Treebank, enwik8 and text8 as streams of numbers."""

import gc
import hashlib
import time
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from rru_nb import load_dataset
from rru_nb.data import registry, text
from rru_nb.data.text import split_words
from rru_nb.errors import UserError

SPLITS = ("train", "valid", "test")


def streams(splits):
    return [splits.train, splits.valid, splits.test]


def spelled(splits, stream):
    return [splits.vocabulary[i] for i in stream.tolist()]


# The real files


def test_real_words_as_the_field_counts_them(mirror):
    splits = load_dataset("ptb-word", protocol="standard")
    assert [len(s) for s in streams(splits)] == [929_589, 73_760, 82_430]
    assert len(splits.vocabulary) == len(set(splits.vocabulary)) == 10_000
    assert spelled(splits, splits.test[:12]) == (
        ["no", "it", "was", "n't", "black", "monday", "<eos>", "but", "while", "the", "new", "york"]
    )
    assert sum((s == splits.vocabulary.index("<eos>")).sum() for s in streams(splits)) == 49_199


def test_real_words_as_keras_tokenizes_them(mirror):
    """The authors give each word to Keras' `Tokenizer`, num_words=9650; whole lines do as well."""
    tokenizer_of = pytest.importorskip("keras.src.legacy.preprocessing.text").Tokenizer
    texts = {split: (mirror / f"ptb.{split}.txt").read_text().split("\n") for split in SPLITS}
    tokenizer = tokenizer_of(num_words=9650, oov_token="C_UNK")
    tokenizer.fit_on_texts(texts["train"])
    splits = load_dataset("Word-level Penn Treebank")
    assert len(splits.vocabulary) == 9650
    for split, stream in zip(SPLITS, streams(splits)):
        expected = [i for line in tokenizer.texts_to_sequences(texts[split]) for i in line]
        np.testing.assert_array_equal(stream, expected)


def test_real_characters(mirror):
    """Mikolov's counts with line ends; without, 49 symbols and the authors' two."""
    splits = load_dataset("ptb-char", protocol="standard")
    assert [len(s) for s in streams(splits)] == [5_017_482, 393_042, 442_423]
    assert len(splits.vocabulary) == 50
    head = "".join(spelled(splits, splits.test[:60]))
    assert head.startswith("no it was n't black monday\nbut while the new york stock")
    splits = load_dataset("Character-level Penn Treebank")
    assert [len(s) for s in streams(splits)] == [4_975_414, 389_672, 438_662]
    assert len(splits.vocabulary) == 51
    assert "".join(spelled(splits, splits.test[:40])).startswith("no it was n't black mondaybut")
    assert min(stream.min() for stream in streams(splits)) == 2  # all are known


def test_real_prefix_of_enwik8(mirror):
    content = (mirror / "enwik8.prefix").read_bytes()[:100_000]
    parts, vocabulary = text.encode_bytes(content)
    assert [len(parts[split]) for split in SPLITS] == [90_000, 5_000, 5_000]
    assert vocabulary[:6] == ("<padding>", "<unknown>", b"<", b"m", b"e", b"d")
    assert b"".join(vocabulary[i] for i in parts["train"][:60]) == content[:60]


# Generated files


@pytest.mark.parametrize("name", ["ptb-word", "ptb-char", "enwik8", "text8"])
@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_streams_are_numbers_into_the_vocabulary(fake_data, name, protocol):
    splits = load_dataset(name, protocol)
    assert len(set(splits.vocabulary)) == len(splits.vocabulary)
    for stream in streams(splits):
        assert stream.ndim == 1 and stream.dtype == (np.int32 if name == "ptb-word" else np.uint8)
        assert len(stream) > 100 and stream.max() < len(splits.vocabulary)
        with pytest.raises(ValueError, match="read-only"):
            stream[0] = 0
    assert load_dataset(name, protocol) is splits


def lines_of(folder, split):
    return (folder / f"ptb.{split}.txt").read_text().split("\n")[:-1]


def test_words_spell_the_file(fake_data):
    splits = load_dataset("ptb-word", "standard")
    for split, stream in zip(SPLITS, streams(splits)):
        words = [w for line in lines_of(fake_data, split) for w in [*line.split(), "<eos>"]]
        assert spelled(splits, stream) == words
    counts = np.bincount(splits.train)
    assert (np.diff(counts) <= 0).all()  # the most frequent first


def test_words_of_the_authors(fake_data):
    splits = load_dataset("ptb-word")
    words = split_words(" ".join(lines_of(fake_data, "test")))
    assert spelled(splits, splits.test) == words
    assert splits.vocabulary[:2] == ("<padding>", "<unknown>")
    assert {"unk", "n", "v", "'s"} <= set(words) and not {"<unk>", "N", "$", "n.v."} & set(words)


@pytest.mark.parametrize(
    "line, words",
    [
        (" pierre <unk> N years old nov. N ", "pierre unk n years old nov n"),
        ("hydro-quebec 's $ N", "hydro quebec 's n"),
        ("u.s.\tA&P wo n't", "u s a p wo n't"),
        ("!?", ""),
    ],
)
def test_split_words(line, words):
    assert split_words(line) == words.split()


def test_smaller_vocabulary(fake_data):
    whole, small = load_dataset("ptb-word"), load_dataset("ptb-word", vocabulary_size=50)
    assert small.vocabulary == whole.vocabulary[:50]
    np.testing.assert_array_equal(small.valid, np.where(whole.valid < 50, whole.valid, 1))
    standard = load_dataset("ptb-word", "standard", vocabulary_size=50)
    unknown = standard.vocabulary.index("<unk>")
    whole = load_dataset("ptb-word", "standard").test
    np.testing.assert_array_equal(standard.test, np.where(whole < 50, whole, unknown))


def test_characters_spell_the_file(fake_data):
    splits = load_dataset("ptb-char", "standard")
    text_of_test = "".join(line.strip() + "\n" for line in lines_of(fake_data, "test"))
    assert "".join(spelled(splits, splits.test)) == text_of_test
    splits = load_dataset("ptb-char")
    assert "".join(spelled(splits, splits.test)) == text_of_test.replace("\n", "")


@pytest.mark.parametrize("name", ["enwik8", "text8"])
def test_bytes_spell_the_file(fake_data, name):
    content = zipfile.ZipFile(fake_data / f"{name}.zip").read(name)
    splits = load_dataset(name)
    n = len(content)
    assert [len(s) for s in streams(splits)] == [n - 2 * (n * 5 // 100), n // 20, n // 20]
    whole = np.concatenate(streams(splits)).tolist()
    for i, byte in zip(whole, content):
        assert i == 1 or splits.vocabulary[i] == bytes([byte])
    first = dict.fromkeys(content[: len(splits.train)])
    assert b"".join(splits.vocabulary[2:]) == bytes(first)
    assert load_dataset(name, "standard") is splits


def test_unseen_bytes_are_unknown():
    content = b"ab" * 45 + b"abxab" + b"yabab"
    parts, vocabulary = text.encode_bytes(content)
    assert vocabulary == ("<padding>", "<unknown>", b"a", b"b")
    assert parts["valid"].tolist() == [2, 3, 1, 2, 3]
    assert parts["test"].tolist() == [1, 2, 3, 2, 3]


def test_hundred_megabytes_take_little_time_and_memory(fake_data, monkeypatch):
    """100 MB, in a zip archive, from the file to the streams."""
    rng = np.random.default_rng(0)
    page = rng.choice(np.frombuffer(b" abcdefghijklmnopqrstuvwxyz", np.uint8), 10_000).tobytes()
    with zipfile.ZipFile(fake_data / "text8.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        z.writestr("text8", page * 10_000)
    sha256 = sha256_of(page * 10_000)
    file = replace(registry.FILES["text8.zip"], size=100_000_000, sha256=sha256)
    monkeypatch.setitem(registry.FILES, "text8.zip", file)
    gc.collect()
    tracemalloc.start()
    begun = time.process_time()
    splits = load_dataset("text8")
    seconds = time.process_time() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(s) for s in streams(splits)] == [90_000_000, 5_000_000, 5_000_000]
    assert len(splits.vocabulary) == 29
    assert seconds < 5 and peak < 1e9


def sha256_of(content):
    return hashlib.sha256(content).hexdigest()


# Bad input


def test_a_character_that_the_training_text_lacks_is_unknown(fake_data, monkeypatch):
    path = fake_data / "ptb.test.txt"
    path.write_bytes(path.read_bytes().replace(b" n.v. ", b" n.V. ", 1))
    file = replace(registry.FILES[path.name], sha256=sha256_of(path.read_bytes()))
    monkeypatch.setitem(registry.FILES, path.name, file)
    assert 1 in load_dataset("ptb-char").test


def test_altered_file(fake_data):
    path = fake_data / "ptb.test.txt"
    path.write_bytes(path.read_bytes().replace(b"the", b"teh", 1)[:-1] + b"x")
    with pytest.raises(UserError, match="ptb.test.txt is not the upstream file"):
        load_dataset("ptb-word")


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("ptb-word", {"protocol": "standart"}, "'standart' is unknown. Did you mean 'standard'"),
        ("ptb-word", {"protocol": "paper"}, "protocol of 'ptb-word' 'paper' is unknown"),
        ("jsb", {"protocol": "standard"}, "protocol of 'jsb' 'standard' is unknown"),
        ("ptb-word", {"vocabulary_size": 3}, "vocabulary_size = 3 is not valid. Give a"),
        ("imdb", {"vocabulary_size": "all"}, "vocabulary_size = 'all' is not valid"),
        ("text8", {"vocabulary_size": 30}, "the vocabulary of 'text8' is fixed"),
    ],
)
def test_wrong_options(name, options, message):
    with pytest.raises(UserError, match=message):
        load_dataset(name, **options)


def test_the_first_byte_of_the_validation_text_is_no_training_byte():
    parts, vocabulary = text.encode_bytes(b"ab" * 45 + b"xabab" * 2)
    assert vocabulary == ("<padding>", "<unknown>", b"a", b"b")
    assert parts["valid"].tolist() == [1, 2, 3, 2, 3]
