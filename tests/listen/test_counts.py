"""What is counted in music: by hand on passages of a few frames, and properties."""

import numpy as np
import pytest

from rru_nb.listen.counts import chords, counts_of, outside_scale

C_MAJOR = [60, 64, 67]


def roll(*frames):
    made = np.zeros([len(frames), 88], np.uint8)
    for row, pitches in zip(made, frames):
        row[np.array(pitches, int) - 21] = 1
    return made


def test_a_passage_counted_by_hand():
    passage = roll(C_MAJOR, C_MAJOR, [], [60, 61], [60, 61])
    found = counts_of(passage, chords([roll(C_MAJOR, [72])]))
    assert found["notes"] == pytest.approx(10 / 5)
    assert found["repeated"] == pytest.approx(100 * 2 / 4)
    assert found["silent"] == pytest.approx(100 / 5)
    # F minor's relative, A flat major, has C, D flat and G of the passage: all but the two E.
    assert found["outside"] == pytest.approx(100 * 2 / 10)
    assert found["new"] == pytest.approx(100 * 2 / 4)


def test_silence_has_no_scale_and_no_chords():
    found = counts_of(roll([], [], []), set())
    assert found["silent"] == 100 and found["notes"] == 0 and found["repeated"] == 100
    assert np.isnan(found["outside"]) and np.isnan(found["new"])


def test_a_transposed_major_scale_is_inside_and_a_chromatic_one_is_not():
    major, chromatic = [60, 62, 64, 65, 67, 69, 71], range(60, 72)
    for steps in range(12):
        for scale, outside in ((major, 0), (chromatic, 100 * 5 / 12)):
            found = outside_scale(roll(*[[pitch + steps] for pitch in scale]))
            assert found == pytest.approx(outside), f"{list(scale)} moved by {steps}"


def test_pieces_know_their_own_chords_but_not_transposed_ones():
    piece = roll(C_MAJOR, [62, 65, 69])
    assert counts_of(piece, chords([piece]))["new"] == 0
    assert counts_of(np.roll(piece, 12, axis=1), chords([piece]))["new"] == 100
