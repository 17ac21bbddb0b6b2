"""Files of results: a place that cannot be written is told before the work; none is ever half."""

import json
import os
import pathlib
import shutil
import time

import pytest

from rru_nb import UserError
from rru_nb.analysis import datasets as statistics
from rru_nb.cli import main
from rru_nb.experiments.tuning import Search
from rru_nb.listen import models
from rru_nb.listen.settings import listen_config
from rru_nb.storage import files


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


# What each command would do for minutes or hours
WORK = {
    "trials": ("rru_nb.training.trainer.run", "tune --dataset jsb --cell rru --trials 1"),
    "statistics": ("rru_nb.analysis.datasets.describe", "data describe chorales"),
    "listen": ("rru_nb.listen.counts.count", "listen --dataset chorales"),
    "weights": ("rru_nb.listen.models.train", "weights --dataset chorales --cell rru"),
}


@pytest.mark.parametrize("folder", WORK)
def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    results, folder, monkeypatch, capsys
):
    work, command = WORK[folder]

    def no_work(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr(work, no_work)
    with pytest.raises(AssertionError, match="the work began"):  # where the folder is as it was
        main(command.split())
    shutil.rmtree(results / folder)
    (results / folder).write_text("a file where the folder should be")
    assert main(command.split()) == 2
    told = capsys.readouterr().err
    assert str(results / folder) in told and "RRU_NB_RESULTS" in told


@pytest.mark.parametrize("old", [None, "old"])
def test_what_breaks_off_leaves_the_file_as_it_was(tmp_path, old):
    path = tmp_path / "x.json"
    if old:
        path.write_text(old)

    def half(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="the numbers .*x.json cannot be written: No space left"):
        files.write_bytes(path, half, "the numbers")
    assert [p.name for p in tmp_path.glob("*x.json*")] == (["x.json"] if old else [])
    assert not old or path.read_text() == old


def test_a_reader_sees_the_old_text_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path, seen = tmp_path / "x.json", []
    path.write_text("old")
    replace = os.replace

    def watched(partial, target):
        seen.append((path.read_text(), pathlib.Path(partial).read_text()))
        replace(partial, target)

    monkeypatch.setattr(files.os, "replace", watched)
    files.write_json(path, ["new"], "the text")
    assert seen == [("old", '[\n "new"\n]\n')] and path.read_text() == seen[0][1]
    assert path.stat().st_mode & 0o777 == 0o644


def test_partial_files_of_killed_writers_go_after_a_day_and_others_stay(tmp_path):
    old, new, of_another = (tmp_path / f".x.{end}.part" for end in ("json-a", "json-b", "npz-c"))
    for path in (old, new, of_another):
        path.write_text("half")
    for path in (old, of_another):
        os.utime(path, (time.time() - 90_000,) * 2)
    files.write_json(tmp_path / "x.json", "whole", "the description")
    assert not old.exists() and new.exists() and of_another.exists()


def test_weights_whose_description_is_not_written_are_not_found(results, monkeypatch):
    config = listen_config("chorales", "rru", "smoke")
    model = models.network(config)

    def full(path, content, what, indent):
        raise UserError("full")

    with monkeypatch.context() as patched:
        patched.setattr(models.files, "write_json", full)
        with pytest.raises(UserError, match="full"):
            models.save(config, model)
    assert models.find(config) is None
    path = models.save(config, model)
    assert models.find(config) == path


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-40],
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace('"chorales"', '"jsb"', 1),
        lambda text: text.replace('"valid"', '"invalid"'),
    ],
    ids=["half", "a list", "nothing", "of another set", "without a split"],
)
def test_damaged_statistics_are_one_error_that_names_the_command(results, damage):
    path = statistics.write_statistics("chorales")
    assert statistics.committed_statistics("chorales") == json.loads(path.read_text())
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"chorales\.json is damaged.*data describe chorales"):
        statistics.committed_statistics("chorales")


@pytest.mark.parametrize(
    "trials", [["x"], [{"id": "x", "values": {}}], [{"id": "x", "values": 3, "loss": 1.0}], 7]
)
def test_trials_of_another_form_are_one_error(trials):
    search = Search("jsb", "gru")
    search.path.parent.mkdir(parents=True)
    search.path.write_text(json.dumps({"ranges": search.ranges(), "trials": trials}))
    with pytest.raises(UserError, match="damaged.*Move it away"):
        search.trials()
