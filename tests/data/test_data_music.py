"""The four music sets and MAT files that are not what they should be."""

import hashlib

import numpy as np
import pytest
import scipy.io

from rru_nb import data
from rru_nb.data import music, registry
from rru_nb.data.checks import check_counts
from rru_nb.errors import UserError

SETS = ["jsb", "nottingham", "musedata", "piano-midi"]

# Computed from the files by another program: longest test piece, notes per time step of the test
# set, silent time steps of the three splits.
KNOWN = {
    "jsb": (160, 3.887, (18, 29, 17)),
    "nottingham": (1793, 3.990, (487, 51, 19)),
    "musedata": (4273, 3.293, (12962, 4412, 5042)),
    "piano-midi": (2645, 2.945, (4917, 251, 652)),
}


@pytest.mark.parametrize("name", SETS)
def test_real_file(name, mirror):
    splits = data.load_dataset(name)
    longest, notes, silent = KNOWN[name]
    assert max(map(len, splits.test)) == longest
    test = np.concatenate(splits.test)
    assert test.shape[1] == 88
    assert test.sum() / len(test) == pytest.approx(notes, abs=5e-4)
    parts = (splits.train, splits.valid, splits.test)
    assert tuple(sum(int((~p.any(1)).sum()) for p in part) for part in parts) == silent
    content = (mirror / splits.source).read_bytes()
    assert splits.digest == hashlib.sha256(content).hexdigest()


def test_loaded_once_and_nobody_can_change_it(mirror):
    splits = data.load_dataset("jsb")
    assert data.load_dataset("Music JSB Chorales") is splits
    piece = splits.train[0]
    assert piece.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        piece[0, 0] = 1


def cells(pieces):
    column = np.empty([1, len(pieces)], object)
    for i, piece in enumerate(pieces):
        column[0, i] = piece
    return column


def roll(steps, seed=0):
    return (np.random.default_rng(seed).random([steps, 88]) < 0.05).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    def write(**changes):
        fields = {"traindata": cells([roll(5), roll(3, 1)])}
        fields |= {"validdata": cells([roll(4, 2)]), "testdata": cells([roll(1, 3)])}
        path = tmp_path / "own.mat"
        fields = {k: v for k, v in (fields | changes).items() if v is not None}
        scipy.io.savemat(path, fields)
        return path

    return write


def test_own_file_is_read(write):
    parts = music.read_mat(write(testdata=cells([roll(2, 3).astype(float)])))
    np.testing.assert_array_equal(parts["train"][1], roll(3, 1))
    np.testing.assert_array_equal(parts["test"][0], roll(2, 3))
    assert parts["test"][0].dtype == np.uint8
    assert [len(parts[split]) for split in ("train", "valid", "test")] == [2, 1, 1]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"validdata": None}, "no field 'validdata'"),
        ({"testdata": roll(4)}, r"testdata is a matrix \(4, 88\), expected a cell array"),
        ({"testdata": cells([roll(4)[:, :80]])}, r"piece 0 of testdata has the shape \(4, 80\)"),
        ({"traindata": cells([roll(4), roll(4) * 2])}, "piece 1 of traindata holds other values"),
        ({"traindata": cells([roll(4) * 0.5])}, "piece 0 of traindata holds other values"),
        ({"traindata": cells(["notes"])}, "piece 0 of traindata has the shape"),
        ({"traindata": cells([np.zeros([0, 88])])}, r"shape \(0, 88\)"),
    ],
)
def test_wrong_content(write, changes, message):
    path = write(**changes)
    with pytest.raises(UserError, match=message) as raised:
        music.read_mat(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"MThd not a mat file" * 20, b"\0" * 200])
def test_not_a_mat_file(tmp_path, content):
    path = tmp_path / "x.mat"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.mat (cannot be read as a MAT file|has no field)"):
        music.read_mat(path)


def test_cut_off_file(write):
    path = write()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="cannot be read as a MAT file"):
        music.read_mat(path)


def test_counts_are_compared():
    parts = {"train": (roll(5), roll(6)), "valid": (roll(3),), "test": (roll(2),)}
    found = music.count(parts)
    assert found == {"train": (2, 11), "valid": (1, 3), "test": (1, 2)}
    check_counts("x", found, {"train": (2, 11), "valid": (1, 3)}, music.UNITS)
    message = "x: expected 1 pieces and 4 time steps in the valid split, found 1 pieces and 3 time"
    with pytest.raises(UserError, match=message):
        check_counts("x", found, {"train": (2, 11), "valid": (1, 4)}, music.UNITS)


def test_registry_has_counts_of_all_music():
    for name in [*SETS, "chorales"]:
        assert set(registry.DATASETS_BY_NAME[name].counts) == {"train", "valid", "test"}
