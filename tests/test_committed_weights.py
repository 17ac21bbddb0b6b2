"""The weights in the repository: whole, small, and of the records beside them."""

from pathlib import Path

import pytest

from rru_nb.data import catalogue
from rru_nb.listen import weights
from rru_nb.listen.declared import declared, listen_config
from rru_nb.listen.music import GRIDS
from rru_nb.tasks import task_for

FOLDER = Path(__file__).parents[1] / "results" / "weights"
FILES = sorted(FOLDER.glob("*/*.npz"))
HEARD = [(path.parent.name, path.name.split("-")[0]) for path in FILES]


def test_a_committed_dataset_has_all_its_cells():
    datasets = {dataset for dataset, _ in HEARD}
    assert "jsb" in datasets
    assert sorted(HEARD) == sorted((d, c) for d in datasets for c in declared()["cells"])


@pytest.mark.parametrize("dataset, cell", HEARD)
def test_committed_weights_load_and_belong_to_a_committed_record(dataset, cell):
    config = listen_config(dataset, cell)
    trained = weights.load(config)
    assert weights.find(config) in FILES, "declared settings and weights are of one run"
    assert trained.record["status"] == "ok" and not trained.record["commit"]["dirty"]
    assert trained.model.count_params() == trained.record["n_params"] <= config.n_params
    assert len(trained.opening) >= GRIDS[dataset].prime_frames


def test_committed_weights_are_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.*")) < 3e6


@pytest.mark.parametrize("cell", declared()["cells"])
def test_committed_weights_score_as_their_record(cell):
    if next(row["found"] == "missing" for row in catalogue() if row["name"] == "jsb"):
        pytest.skip("JSB_Chorales.mat is not at hand")
    trained = weights.load(listen_config("jsb", cell))
    scores = task_for(trained.config).evaluate(trained.model, "test")
    recorded = trained.record["test"]  # from before there were three averages
    found = {name: scores[name] for name in recorded}
    assert recorded and found == pytest.approx(recorded, abs=1e-4)
