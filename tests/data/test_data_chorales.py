"""The chorales inside the package."""

import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

from rru_nb import data
from rru_nb.data import chorales

DIGEST = "f2fb9543f6d34f09145bb6c686fb1cb7d0c6bc03ea51c2f09cd5b0c86dc27a4f"
SPLITS = ("train", "valid", "test")


def test_file_is_the_one_that_the_script_writes():
    assert hashlib.sha256(chorales.FILE.read_bytes()).hexdigest() == DIGEST
    assert chorales.FILE.stat().st_size < 100_000


def test_script_gives_the_same_bytes(tmp_path, monkeypatch):
    """Where music21 is installed, in the version that the file was made with (40 s)."""
    music21 = pytest.importorskip("music21")
    if music21.__version__ != "10.5.1":
        pytest.skip("made with music21 10.5.1")
    script = Path(__file__).parents[2] / "scripts" / "make_chorales.py"
    again = tmp_path / "again.npz"
    monkeypatch.setattr("sys.argv", [str(script), str(again)])
    runpy.run_path(str(script), run_name="__main__")
    assert again.read_bytes() == chorales.FILE.read_bytes()


def test_counts():
    splits = data.load_dataset("chorales")
    counts = [
        (len(part), sum(map(len, part))) for part in (splits.train, splits.valid, splits.test)
    ]
    assert counts == [(228, 12409), (57, 3350), (57, 2948)]
    assert splits.digest == DIGEST
    assert splits.source == "rru_nb package"


def test_voices_keep_to_their_ranges():
    for split in SPLITS:
        for pitches in chorales.voices(split):
            for voice, (low, high) in zip(pitches.T, [(57, 81), (53, 74), (48, 69), (36, 64)]):
                sung = voice[voice > 0]
                assert low <= sung.min() and sung.max() <= high


def test_four_parts_sound_nearly_always():
    splits = data.load_dataset("chorales")
    for part in (splits.train, splits.valid, splits.test):
        keys = np.concatenate(part).sum(axis=1)
        # Two parts may share a pitch, so that four parts are fewer keys.
        assert keys.max() == 4
        assert 3.6 < keys.mean() < 4.0
        assert (keys == 0).mean() < 0.02


def test_rolls_are_the_voices():
    for split, part in zip(SPLITS, _parts()):
        for piece, pitches in zip(part, chorales.voices(split), strict=True):
            assert piece.dtype == np.uint8 and piece.shape == (len(pitches), 88)
            for keys, chord in zip(piece, pitches):
                assert set(np.flatnonzero(keys) + 21) == set(chord[chord > 0].tolist())


def test_pieces_are_in_one_split_and_no_two_alike():
    names = [name for split in SPLITS for name in chorales.names(split)]
    assert len(set(names)) == len(names) == 342
    contents = {pitches.tobytes() for split in SPLITS for pitches in chorales.voices(split)}
    assert len(contents) == 342


def test_a_known_chorale():
    """BWV 66.6, music21's own example, begins on the chord of A major."""
    where = {name: (s, i) for s in SPLITS for i, name in enumerate(chorales.names(s))}
    split, i = where["bwv66.6"]
    first = chorales.voices(split)[i][:4]
    # The soprano sings c#'' b' (eighths), a', b', c#'': the second eighth is between the grid.
    assert first[:, 0].tolist() == [73, 69, 71, 73]
    assert set(first[0] % 12) == {1, 4, 9}  # c#, e, a


def test_nobody_can_change_them():
    with pytest.raises(ValueError, match="read-only"):
        data.load_dataset("chorales").test[0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        chorales.voices("test")[0][0, 0] = 1


def _parts():
    splits = data.load_dataset("chorales")
    return splits.train, splits.valid, splits.test
