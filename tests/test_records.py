"""Records: written whole, found by their settings, read into a frame."""

import json

import pytest

from rru_nb import UserError, load_records, paper_config
from rru_nb.records import find_record, record_path, write_record


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    return tmp_path


def a_record(config, **outcome):
    return {
        "schema": 1,
        "id": config.id,
        "config": config.as_dict(),
        "differences": config.differences,
        "published": config.published,
        "status": "ok",
        "units": 3,
        "n_params": 100,
        "best_epoch": 1,
        "seconds": 1.0,
        "started": "2026-01-01T00:00:00+00:00",
        "epochs": [{"epoch": 1, "valid_nll_window": 9.0}],
        "valid": {"nll_window": 9.0, "nll_frame": 9.1},
        "test": {"nll_window": 8.0, "nll_frame": 8.1},
    } | outcome


def test_a_record_is_found_by_its_settings(results):
    config = paper_config("jsb", "rru", seed=2)
    assert find_record(config) is None
    path = write_record(a_record(config))
    assert path == record_path(config) and path.parent == results / "jsb"
    assert find_record(config)["test"]["nll_frame"] == 8.1
    assert find_record(paper_config("jsb", "rru", seed=2, dropout=0.5)) is None
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing half-written is left"


def test_a_failed_write_leaves_nothing(results):
    config = paper_config("jsb", "rru")
    with pytest.raises(ValueError):
        write_record(a_record(config, seconds=float("nan")))
    assert list((results / "jsb").iterdir()) == []


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


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 3}', '{"schema": 99, "id": "x"}'])
def test_a_file_that_is_no_record_is_named_and_left_out(results, content):
    write_record(a_record(paper_config("jsb", "rru")))
    broken = results / "jsb" / "broken.json"
    broken.write_text(content)
    with pytest.warns(UserWarning, match="broken.json"):
        assert len(load_records()) == 1


def test_records_are_plain_json(results):
    path = write_record(a_record(paper_config("jsb", "rru")))
    assert json.loads(path.read_text())["config"]["dataset"] == "jsb"
