"""What the figures of the datasets are drawn from and said to show, on sets that can be counted."""

import numpy as np
import pytest

from rru_nb.analysis.datasets import music, shown
from rru_nb.analysis.datasets.labelled import LENGTH_BINS
from rru_nb.analysis.findings import datasets as said
from rru_nb.listen.player import Listening


@pytest.fixture
def tiny():
    """Three splits of one piece each: 300, 100 and 10 steps of two keys, ten apart."""
    described = {}
    for split, steps in (("train", 300), ("valid", 100), ("test", 10)):
        piece = np.zeros([steps, 88], np.uint8)
        piece[:, [40, 49]] = 1
        piece[0] = 0
        described[split] = music._describe_split([piece])
    return {"tiny": described}


def test_lengths(tiny):
    frame = shown.lengths(tiny)
    assert frame.loc[0, ["pieces", "shortest", "median", "longest"]].tolist() == [3, 10, 100, 300]
    assert frame.loc[0, "over a window, %"] == pytest.approx(100 / 3)
    assert "33 % in tiny" in said.lengths(frame) and "300 steps (tiny)" in said.lengths(frame)


def test_pitches_and_polyphony(tiny):
    pitches, polyphony = shown.pitches(tiny), shown.polyphony(tiny)
    assert pitches["% of the notes"].sum() == pytest.approx(100)
    assert sorted(pitches[pitches["% of the notes"] > 0].pitch) == [61, 70], "keys 40 and 49"
    assert "10 in tiny" in said.pitches(pitches)
    assert polyphony["% of the time steps"].tolist() == pytest.approx(
        [300 / 410, 0, 100 - 300 / 410]
    )
    assert "2 keys in tiny (99 % of its steps)" in said.polyphony(polyphony)


def test_coverage():
    text = {"words": {"protocols": {"authors": {"coverage": [[1, 0.3], [10, 0.6], [100, 0.97]]}}}}
    frame = shown.coverage(text, {"reviews": {"coverage": [[2, 0.5], [9, 0.9]]}})
    assert frame.text.tolist() == ["words, authors"] * 3 + ["reviews"] * 2
    assert "words, authors 10 and 100; reviews 2 and more than there are" in said.coverage(frame)


def test_review_lengths():
    counts = np.zeros(len(LENGTH_BINS) - 1, int)
    counts[[3, 10]] = 3, 1  # 150 to 200 words, 500 to 550
    part = {"lengths": counts, "examples": 4, "over_512": 1}
    numbers = dict.fromkeys(("train", "valid", "test"), part)
    sentence = said.review_lengths(shown.review_lengths(numbers), numbers)
    assert "beginning of 25 % of the reviews" in sentence
    assert "150 to 200 words (75 %)" in sentence


def test_ink_and_digit():
    ink = np.zeros(784)
    ink[100:700] = 255
    told = said.ink(shown.ink({"ink": ink.tolist()}))
    assert "the first 103 hold" in told and "the last 87 another" in told, "0.5 % of 600 steps: 3"
    image, order = np.arange(784) % 256, np.arange(784)[::-1]
    frame = shown.digit(image, order)
    assert frame["row by row"].max() == 1 and frame.permuted.tolist()[0] == image[-1] / 255


def test_what_is_heard():
    roll = np.zeros([6, 88], np.uint8)
    roll[:4, [40, 52]] = 1  # an opening of two steps, two steps of two keys, two of silence
    rolls = {"data": roll[:4], "rru": roll}
    heard = Listening("jsb", 1.0, 0, 2, rolls, configs=[])
    after = heard.after_opening()
    assert after["keys at once"].to_dict() == {"data": 2.0, "rru": 1.0}
    assert after["silent, %"].to_dict() == {"data": 0.0, "rru": 50.0}
    frame = shown.notes(heard.captioned())
    assert len(frame) == 16 and set(frame.pitch) == {61, 73}
    opening = Listening("jsb", 1.0, 0, 4, {"data": roll[:4]}, configs=[], whole=False)
    assert opening.after_opening().empty


def test_a_piece_of_a_windows_length_is_not_longer_than_one():
    lengths = {split: {"lengths": [200, 201]} for split in ("train", "valid", "test")}
    assert shown.lengths({"set": lengths})["over a window, %"].tolist() == [50.0]
