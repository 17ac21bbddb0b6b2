"""The four music sets."""

import hashlib

import numpy as np
import pytest

from rru_nb import data
from rru_nb.data import registry

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
    counts = registry.DATASETS_BY_NAME[name].counts
    assert tuple(counts.values()) == tuple((len(p), sum(map(len, p))) for p in parts)
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


def test_registry_has_counts_of_all_music():
    for name in [*SETS, "chorales"]:
        assert set(registry.DATASETS_BY_NAME[name].counts) == {"train", "valid", "test"}
