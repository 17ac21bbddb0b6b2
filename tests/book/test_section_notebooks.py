"""The notebooks of the sections at smoke scale: drawn from records, one run trained on the spot."""

import json
from pathlib import Path

import papermill
import pytest
import yaml
from helpers import a_record

from book.tools import claims
from rru_nb.experiments import section
from rru_nb.training.records import find_record, write_record

ROOT = Path(__file__).parents[2]
ORIGIN = {
    "device": {"gpu": None, "cpu": "a processor", "cores": 2},
    "commit": {"sha": "0123456789abcdef", "dirty": False},
    "versions": {"tensorflow": "2"},
}
OTHER_CLAIM = claims._CLAIMS["dropout"].shown["results"]
FAILED = {"status": "failed", "failure": {"epoch": 3, "step": 1}, "test": {}, "valid": {}}
pytestmark = pytest.mark.usefixtures("quick_kernels")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def smoke(name):
    parameters = yaml.safe_load((ROOT / f"params/papermill/{name}-smoke.yml").read_text())
    return parameters | ({"judges": 0} if "judges" in parameters else {})  # no other seeds


def execute(name, **parameters):
    notebook = papermill.execute_notebook(
        ROOT / f"notebooks/{name}.ipynb", "out.ipynb", parameters, progress_bar=False
    )
    return json.dumps([cell.get("outputs", []) for cell in notebook.cells])


def points_of(name):
    return section(name).points("chorales", scale="smoke", seeds=[0])


def fill(points, failing=()):
    """A made-up record for each point, of which some failed."""
    for i, point in enumerate(points):
        scores = {"nll_window": 8.0 + i, "nll_frame": 8.0}
        outcome = FAILED if i in failing else {"test": scores}
        write_record(a_record(point.config, **ORIGIN, **outcome))


@pytest.mark.parametrize(
    "name, images, fragments",
    [
        ("robustness", 4, ["within 10 % of its own best", "Failed trainings: GRU 1 of 4"]),
        ("dropout", 1, ["Inconclusive", "pronounced effect", OTHER_CLAIM, "failed"]),
        ("ablation", 1, ["no normalization", "Inconclusive", "performs best", "baseline"]),
        ("normalization", 3, ["with normalization", "Failed trainings", "After training"]),
    ],
)
def test_reads_records_trains_the_missing_one_and_shows_the_failed_one(name, images, fragments):
    points = points_of(name)
    last = points[-1].config
    # Of the records of one section some may belong to two of its points.
    fill([p for p in points[:-1] if p.config.id != last.id], failing=[1])
    shown = execute(name, **smoke(name))
    assert find_record(last)["n_params"] != 100, "trained, not made up"
    made_up = {p.config.id: p.config for p in points if p.config.id != last.id}.values()
    assert {find_record(config)["n_params"] for config in made_up} == {100}, "none trained again"
    assert shown.count('"image/png":') == images
    assert f"rru-nb sweep {name}" not in shown, "nothing of the section is missing"
    for fragment in fragments:
        assert fragment in shown, fragment


@pytest.mark.parametrize("name", ["robustness", "dropout", "ablation"])
def test_without_records_the_page_is_empty_and_says_how_to_fill_it(name):
    shown = execute(name, train=False, **smoke(name))
    n = len(points_of(name))
    assert f"{n} of the {n} runs are not measured yet" in shown
    assert f"rru-nb sweep {name} --dataset chorales --scale smoke" in shown
    nothing = "are not measured; " if name != "robustness" else "Nothing is measured here yet"
    assert nothing in shown
    assert not list(Path("results").glob("*/*.json"))
