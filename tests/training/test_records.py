"""Records: written whole, found by their settings, read into a frame."""

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers import a_record

from rru_nb import UserError, load_records, paper_config
from rru_nb.storage import files, paths
from rru_nb.training.config import CELLS, RunConfig
from rru_nb.training.files import RunFiles
from rru_nb.training.records import (
    SCHEMA,
    find_record,
    found_path,
    make_room,
    write_record,
)

OLD_RECORDS = sorted((Path(__file__).parents[1] / "old_records").glob("*.json"))


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    return tmp_path


def test_a_record_is_found_by_its_settings(results):
    config = paper_config("jsb", "rru", seed=2)
    assert find_record(config) is None
    path = write_record(a_record(config))
    assert path == RunFiles(config).record and path.parent == results / "jsb"
    assert find_record(config)["test"]["nll_frame"] == 8.1
    assert find_record(paper_config("jsb", "rru", seed=2, dropout=0.5)) is None
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing half-written is left"


def test_a_failed_write_leaves_nothing(results):
    config = paper_config("jsb", "rru")
    with pytest.raises(ValueError):
        write_record(a_record(config, seconds=float("nan")))
    assert not [p for p in results.rglob("*") if p.is_file()]


def test_the_frame_has_a_row_for_each_run():
    for cell in ("rru", "gru"):
        write_record(a_record(paper_config("jsb", cell)))
    write_record(a_record(paper_config("nottingham", "gru", dropout=0.1)))
    frame = load_records()
    columns = (
        "id dataset cell scale seed protocol status n_params best_epoch seconds differences "
        "valid_nll_window valid_nll_frame test_nll_window test_nll_frame"
    )
    assert set(columns.split()) <= set(frame.columns)
    assert len(frame) == 3
    assert load_records(dataset="jsb", cell=["gru", "lstm"]).cell.tolist() == ["gru"]
    changed = load_records(dataset="nottingham").differences.item()
    assert changed == {"dropout": {"paper": 0.33787, "here": 0.1}}


def test_no_records_is_an_empty_frame_with_its_columns():
    frame = load_records(dataset="jsb")
    assert frame.empty and "test_nll_window" not in frame and "seed" in frame


def test_an_unknown_filter_is_refused():
    with pytest.raises(UserError, match="'datset'.*'dataset'"):
        load_records(datset="jsb")


@pytest.mark.parametrize(
    ("column", "wrong", "nearest"),
    [
        ("dataset", "notingham", "nottingham"),
        ("cell", ["rru", "lsmt"], "lstm"),
        ("scale", "labtop", "laptop"),
        ("status", "fialed", "failed"),
    ],
)
def test_a_name_that_there_is_not_is_refused(column, wrong, nearest):
    with pytest.raises(UserError, match=f"{column}.*Did you mean '{nearest}'"):
        load_records(**{column: wrong})


def test_names_may_be_spelled_as_in_the_paper():
    write_record(a_record(paper_config("jsb", "mogrifier")))
    write_record(a_record(paper_config("jsb", "rru")))
    assert len(load_records(dataset="JSB Chorales", cell="Mogrifier LSTM")) == 1
    assert load_records(cell={"RRU"}).cell.tolist() == ["rru"]


DAMAGED = ["", "{", "[]", '{"id": 3}', '{"schema": 1, "id": "x"}', "[" * 100_000, "\udcff"]


@pytest.mark.parametrize("content", [*DAMAGED, '{"schema": 99, "id": "x"}'])
def test_a_file_that_is_no_record_is_named_and_left_out(results, content):
    write_record(a_record(paper_config("jsb", "rru")))
    broken = results / "jsb" / "broken.json"
    broken.write_text(content, errors="surrogateescape")
    with pytest.warns(UserWarning, match="broken.json"):
        assert len(load_records()) == 1


@pytest.mark.parametrize("name", ["dataset", "scale"])
def test_a_record_of_a_name_that_there_is_not_is_left_out(name):
    """Such records of another version would end every table that sorts them."""
    path = write_record(a_record(paper_config("jsb", "rru")))
    record = json.loads(path.read_text())
    record["config"][name] = "huge"
    path.write_text(json.dumps(record))
    with pytest.warns(UserWarning, match=f"{name} 'huge' is unknown"):
        assert load_records().empty


def test_records_are_plain_json(results):
    path = write_record(a_record(paper_config("jsb", "rru")))
    assert json.loads(path.read_text())["config"]["dataset"] == "jsb"


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_in_a_records_place_is_set_aside(results, content):
    config = paper_config("jsb", "rru")
    path = write_record(a_record(config))
    for suffix in (".corrupt", ".corrupt2"):
        path.write_text(content, errors="surrogateescape")
        with pytest.warns(UserWarning, match=f"{path.name} is damaged.*now {path.name}{suffix},"):
            make_room(config)
        assert find_record(config) is None
        aside = path.with_name(path.name + suffix)
        assert aside.read_text(errors="surrogateescape") == content, "never deleted"
    write_record(a_record(config))
    assert len(load_records()) == 1


def test_a_good_record_stays_in_its_place(results):
    config = paper_config("jsb", "rru")
    path = write_record(a_record(config))
    before = path.read_bytes()
    make_room(config)
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_a_record_of_a_newer_version_is_not_replaced(results):
    config = paper_config("jsb", "rru")
    path = write_record(a_record(config, schema=SCHEMA + 1))
    with pytest.warns(UserWarning, match="newer"):
        assert find_record(config) is None
    with pytest.raises(UserError, match=f"{path.name} is of a newer rru_nb.*Update"):
        make_room(config)


def test_a_folder_that_cannot_be_written_is_told_before_the_training(results):
    (results / "jsb").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot be written.*RRU_NB_RESULTS"):
        make_room(paper_config("jsb", "rru"))


def test_no_space_for_a_record_is_one_error_and_leaves_nothing(results, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device.*RRU_NB_RESULTS"):
        write_record(a_record(paper_config("jsb", "rru")))
    assert not [p for p in results.rglob("*") if p.is_file()]


def test_what_a_killed_writer_of_a_record_left_goes_with_its_checkpoints():
    path = write_record(a_record(paper_config("jsb", "rru")))
    dead, of_another = (path.with_name(f".{stem}-a.part") for stem in (path.name, "other"))
    for left in (dead, of_another):
        left.write_text("{")
    RunFiles(paper_config("jsb", "rru")).forget()
    assert sorted(path.parent.iterdir()) == sorted([path, of_another])


@pytest.mark.parametrize("old", OLD_RECORDS, ids=lambda path: path.stem)
def test_records_of_earlier_versions_are_found_and_load(results, old):
    """Files as they were written, before settings were added; never to be brought up to date."""
    written = json.loads(old.read_text())
    config = RunConfig.from_dict(written["config"])
    assert config.id == written["id"] and old.stem.endswith(config.id)
    (results / config.dataset).mkdir()
    shutil.copy(old, RunFiles(config).record)
    make_room(config)
    assert find_record(config) == written
    (row,) = load_records().itertuples()
    assert row.test_nll_window == written["test"]["nll_window"] and row.epochs


def test_there_is_an_old_record_of_each_schema():
    assert {json.loads(old.read_text())["schema"] for old in OLD_RECORDS} == {*range(1, SCHEMA + 1)}


def test_own_records_come_before_packaged_ones(tmp_path_factory, monkeypatch):
    packaged = tmp_path_factory.mktemp("packaged")
    monkeypatch.setattr(paths, "packaged_results_dir", lambda: packaged)
    config, other = paper_config("jsb", "rru"), paper_config("jsb", "gru")
    with monkeypatch.context() as patch:
        patch.setenv("RRU_NB_RESULTS", str(packaged))
        for one in (config, other):
            write_record(a_record(one, units=4))
    assert find_record(config)["units"] == 4
    own = write_record(a_record(config, units=5))
    assert find_record(config)["units"] == 5 and found_path(config) == own
    assert load_records().units.tolist() == [5, 4], "each run once, the own record of it"


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_others_may_read_a_record():
    path = write_record(a_record(paper_config("jsb", "rru")))
    assert path.stat().st_mode & 0o777 == 0o644


def test_records_that_are_asked_for_by_id_are_noted_as_used(tmp_path, monkeypatch):
    config, other = paper_config("jsb", "rru"), paper_config("jsb", "gru")
    for one in (config, other):
        write_record(a_record(one))
    used = tmp_path / "used"
    monkeypatch.setenv("RRU_NB_USED", str(used))
    load_records(dataset="jsb")
    assert not used.exists(), "a look through all of them is no use of each"
    load_records(id=[config.id, "0" * 12])
    find_record(other)
    assert used.read_text().split() == [config.id, other.id]


def test_rows_stand_in_the_papers_order_of_cells():
    for cell in sorted(CELLS):
        write_record(a_record(paper_config("jsb", cell)))
    assert load_records().cell.tolist() == list(CELLS)


def changed(change):
    """The path of a record whose file somebody has changed."""
    path = write_record(a_record(paper_config("jsb", "rru")))
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(seconds=None),
        lambda record: record.update(epochs=[1, 2]),
        lambda record: record.update(epochs=None),
        lambda record: record.update(differences=[]),
        lambda record: record["test"].update(nll_window="7.7"),
        lambda record: record["published"].pop("value"),
    ],
)
def test_a_record_of_another_form_is_damaged(change):
    path = changed(change)
    with pytest.warns(UserWarning, match="is damaged.*left out"):
        assert load_records().empty
    with pytest.warns(UserWarning, match="is damaged"):
        make_room(paper_config("jsb", "rru"))
    assert not path.exists()


def test_another_runs_record_under_a_runs_name_is_not_its_record():
    mine, other = paper_config("jsb", "rru"), paper_config("jsb", "gru")
    path = write_record(a_record(other))
    RunFiles(mine).record.write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match=f"the record {other.id}, of another file"):
        assert find_record(mine) is None


def test_a_record_whose_settings_were_edited_is_left_out_and_named_once(results, recwarn):
    config = paper_config("jsb", "gru")
    record = a_record(config)
    record["config"]["dropout"] = 0.1
    path = write_record(record)  # where a run with that rate has its own
    path = path.rename(path.with_name(f"gru-paper-s0-{config.id}.json"))
    for _ in range(2):
        assert load_records(dataset="jsb").empty
    (warned,) = [str(w.message) for w in recwarn if "left out" in str(w.message)]
    assert str(path) in warned and "its settings are not those of its id" in warned


def test_a_filter_takes_whatever_can_be_gone_through():
    for seed in (0, 1):
        write_record(a_record(paper_config("jsb", "rru", seed=seed)))
    for seeds in ([0, 1], range(2), iter((0, 1)), {0: "a dict's keys", 1: ""}.keys()):
        assert len(load_records(seed=seeds)) == 2
