"""Notebooks run headless, from any folder, and refuse a typo before any work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml
from helpers import a_record

from rru_nb import paper_config
from rru_nb.analysis.verdicts import MIME
from rru_nb.experiments import section
from rru_nb.experiments.tuning import Search, suggest
from rru_nb.training.records import write_record

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
ORIGIN = {
    "device": {"gpu": None, "cpu": "a processor", "cores": 2},
    "commit": {"sha": "0123456789abcdef", "dirty": False},
    "versions": {"tensorflow": "2"},
}
PARAMETER_FILES = sorted((ROOT / "params" / "papermill").glob("*.yml"))
pytestmark = pytest.mark.usefixtures("quick_kernels")


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)


def execute(name, **parameters):
    return papermill.execute_notebook(
        NOTEBOOKS / f"{name}.ipynb", "out.ipynb", parameters, progress_bar=False
    )


def text_of(notebook):
    return json.dumps([cell.get("outputs", []) for cell in notebook.cells])


def pictures(notebook):
    """Figures shown; a figure's download may hold a picture too, and is not counted."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def check_examples(notebook):
    """The page of the datasets shows something of each."""
    shown = text_of(notebook)
    assert pictures(notebook) == 7
    for example in ("JSB Chorales", "pierre | unk | n", "anarchism", "mediawiki", "labelled"):
        assert example in shown
    assert shown.count(MIME) == 2, "two verdicts"


def test_datasets_shows_examples_of_all_without_their_files(tmp_path, monkeypatch):
    """With files, `test_papermill_without_an_output_path_prints_the_notebook` sees them."""
    monkeypatch.delenv("RRU_NB_DATA", raising=False)
    monkeypatch.setenv("RRU_NB_CACHE", str(tmp_path / "cache"))
    check_examples(execute("datasets", dataset="jsb"))
    assert not (tmp_path / "cache").exists(), "no download was tried"


def test_cell_by_numbers():
    parameters = yaml.safe_load((ROOT / "params/papermill/cell_by_numbers-smoke.yml").read_text())
    notebook = execute("cell_by_numbers", **parameters)
    assert pictures(notebook) == 2
    assert "After 3 updates" in text_of(notebook)


def test_main_results_trains_what_is_missing_and_keeps_what_there_is():
    parameters = yaml.safe_load((ROOT / "params/papermill/main_results-smoke.yml").read_text())
    for config in section("main_results").runs("chorales", ["rru"], "smoke", [0]):
        write_record(a_record(config, **ORIGIN))
    search = Search("chorales", "rru", "smoke")
    values = suggest(search, [])
    trial = search.config(values)
    write_record(a_record(trial, **ORIGIN))
    search.add({"id": trial.id, "values": values, "loss": 9.0})
    for seed in (1, 2, 3):  # of the four more that the best trial gets
        again = paper_config("chorales", "rru", "smoke", seed, **values)
        write_record(a_record(again, **ORIGIN))
    made_up = {path: path.read_text() for path in Path("results").rglob("*.json")}
    notebook = execute("main_results", **(parameters | {"cells": ["rru", "gru"]}))
    assert pictures(notebook) == 3
    stored = {path: path.read_text() for path in Path("results").rglob("*.json")}
    assert made_up.items() <= stored.items(), "what there is stays as it is"
    new = sorted(path.parent.name for path in stored.keys() - made_up.keys())
    tuned = ["chorales"] * (1 + 4)  # each cell's best trial with four other seeds
    assert new == ["chorales", "chorales", *tuned, "trials"], "the GRU's run, its trial, its list"
    assert "Tuned here by validation, 1 trial for each cell" in text_of(notebook)


def test_listen_trains_what_is_missing_and_plays_it():
    parameters = yaml.safe_load((ROOT / "params/papermill/listen-smoke.yml").read_text())
    notebook = execute("listen", **parameters)
    shown = text_of(notebook)
    heard = 3 + 2  # the piece and two models, and these two again, blind
    assert shown.count("data:audio/mpeg;base64,") == heard
    assert shown.count("data:audio/midi;base64,") == heard
    assert len(list(Path("results/weights/chorales").glob("*.npz"))) == 2
    assert "nats apart" in shown and "Nothing is counted yet" in shown


def test_listen_without_weights_says_how_to_make_them():
    shown = text_of(execute("listen", dataset="chorales", scale="smoke", train=False, also=[]))
    assert "rru-nb weights --dataset chorales --cell gru --scale smoke" in shown
    assert shown.count("data:audio/mpeg;base64,") == 1, "the piece itself is heard"


def test_missing_records_are_shown_with_their_command_and_nothing_is_invented():
    notebook = execute("main_results", dataset="nottingham", train=False, live_scale="smoke")
    shown = text_of(notebook)
    assert "rru-nb run --dataset nottingham --cell mogrifier" in shown
    assert "4 of the 4 runs are not measured" in shown and "No search is recorded" in shown
    assert not list(Path("results").glob("nottingham/*"))


def test_a_refused_parameter_ends_papermill_in_its_message():
    """What is refused, `test_injection.py` tries without a kernel."""
    with pytest.raises(papermill.PapermillExecutionError) as error:
        execute("main_results", datset="jsb")
    assert error.value.ename == "UserError"
    assert "'datset'" in error.value.evalue and "'dataset'" in error.value.evalue


def test_papermill_without_an_output_path_prints_the_notebook(tmp_path):
    """With its output redirected, as in CI, papermill needs no output path.

    And with a kernel that is no fork. The chorales' files are there, within the package.
    """
    command = [sys.executable, "-m", "papermill", "--no-progress-bar"]
    done = subprocess.run(
        [*command, str(NOTEBOOKS / "datasets.ipynb"), "-p", "dataset", "chorales"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    check_examples(nbformat.reads(done.stdout, as_version=4))


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=lambda path: path.name)
def test_parameter_files_fit_their_notebook(path):
    name = path.stem.split("-")[0]
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    known = {line.split("=")[0].strip() for line in cell.source.splitlines() if "=" in line}
    assert set(yaml.safe_load(path.read_text())) <= known
