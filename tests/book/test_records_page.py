"""The pages Records and Reproduce: their values, the files beside the site, the table alive."""

import csv
import json
import os
import re
import shutil
import zipfile

import pytest
from helpers import a_record

from book.tools import generate, paper_map, record_list, rerun, site
from rru_nb import paper_config
from rru_nb.experiments import section
from rru_nb.training import provenance, trainer
from rru_nb.training.records import load_records, write_record

ORIGIN = {
    "device": {"gpu": None, "cpu": "Some(R) Make(TM) Processor", "cores": 2},
    "commit": {"sha": "0123456789abcdef", "dirty": True},
    "versions": {"python": "3.11.2", "tensorflow": "2.21.0"},
}
EPOCHS = [
    {"epoch": n, "train_loss": 9.0 - n, "valid_nll_window": score, "seconds": 20.0}
    for n, score in enumerate((9.0, 8.0, 8.5, 7.0), 1)
]


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))


@pytest.fixture
def context(tmp_path):
    return generate.Context(tmp_path / "stage", None)


@pytest.fixture
def three(context):
    """Three made-up records: at the paper's setting, at another one, failed."""
    plain = paper_config("jsb", "rru")
    changed = paper_config("jsb", "rru", dropout=0.5)
    failed = paper_config("nottingham", "gru", "laptop", seed=1)
    test = {"nll_window": 7.8, "nll_frame": 7.9}
    write_record(a_record(plain, test=test, epochs=EPOCHS, best_epoch=4, **ORIGIN))
    write_record(a_record(changed, test=test | {"nll_window": 8.2}, n_params=1_234_567, **ORIGIN))
    failure = {"epoch": 4, "step": 2, "loss": "nan"}
    write_record(a_record(failed, status="failed", failure=failure, valid={}, test={}, **ORIGIN))
    return plain, changed, failed


def described(config, own=True):
    (row,) = load_records(id=config.id).itertuples()
    return record_list.describe(row, own)


def test_a_record_is_described_by_plain_values(three):
    plain, changed, failed = (described(config, own) for config, own in zip(three, (1, 0, 1)))
    assert plain["score"] == 7.8 and plain["unit"] == "nats" and plain["minutes"] == 1 / 60
    assert plain["scale"] == "paper" and plain["dataset"] == "JSB Chorales"
    assert plain["device"] == "Some Make, 2 cores" and plain["differences"] == {}
    assert changed["scale"] == "paper, changed"
    assert changed["differences"] == {"dropout": {"paper": 0.79362, "here": 0.5}}
    assert changed["command"] == "rru-nb run --dataset jsb --cell rru --set dropout=0.5"
    assert failed["score"] is None and failed["status"] == "failed" and failed["test"] == {}


@pytest.mark.parametrize("n_epochs, wanted", [(3, "cut off"), (8, "ok")])
def test_a_training_that_patience_did_not_end_is_cut_off(n_epochs, wanted):
    config = paper_config("jsb", "rru", max_epochs=8)
    epochs = [{"epoch": n + 1, "valid_nll_window": 9.0} for n in range(n_epochs)]
    write_record(a_record(config, epochs=epochs, best_epoch=1, **ORIGIN))
    assert config.patience == 7
    assert described(config)["status"] == wanted


def test_a_training_that_a_failure_ended_is_not_cut_off():
    config, epochs = paper_config("jsb", "rru"), [{"epoch": 1, "valid_nll_window": 9.0}]
    failure = {"epoch": 2, "reason": "loss nan"}
    write_record(a_record(config, epochs=epochs, best_epoch=1, failure=failure, **ORIGIN))
    assert described(config)["status"] == "ok"


def test_a_curve_fills_its_box_from_the_largest_score_to_the_smallest():
    drawn = record_list.curve(EPOCHS, "valid_nll_window")
    width, height = record_list.CURVE
    assert (drawn["low"], drawn["high"]) == (7.0, 9.0)
    assert drawn["points"] == [(0, 0), (80, height / 2), (160, height / 4), (width, height)]
    level = [{"epoch": n, "valid_bpc": score} for n, score in enumerate((9, 1, 1, 1, 1, 5), 1)]
    drawn = record_list.curve(level, "valid_bpc")["points"]
    assert drawn == [(0, 0), (48, 80), (192, 80), (240, 40)], "within the level piece none"
    assert record_list.curve(EPOCHS[:1], "valid_nll_window") is None
    assert record_list.curve(EPOCHS, "test_nll_window") is None


def test_the_table_is_written_as_agreed(three, context, golden):
    folder = context.folder / "notebooks"
    folder.mkdir(parents=True)
    page = {
        "cells": [{"source": ["# Main <results>\n"]}],
        "metadata": {"rru_nb": {"records": [three[0].id]}},
    }
    (folder / "main.ipynb").write_text(json.dumps(page))
    golden("records.html", record_list.record_list(context))


def test_own_settings_stand_before_changed_ones_in_the_papers_order(three, context):
    write_record(a_record(paper_config("jsb", "gru"), **ORIGIN))
    ids = re.findall(r'<tr id="(\w+)">', record_list.record_list(context))
    plain, changed, failed = (config.id for config in three)
    assert ids == [plain, paper_config("jsb", "gru").id, changed, failed]


def test_every_file_is_beside_the_site(three, context):
    text = record_list.record_list(context)
    folder = context.folder / record_list.FILES
    names = re.findall(r'_static/records/(\w+/[\w.-]+\.json)"', text)
    assert len(names) == 3
    for config, name in zip(three, names):
        assert json.loads((folder / name).read_text())["id"] == config.id
    with zipfile.ZipFile(folder / "records.zip") as archive:
        assert sorted(archive.namelist()) == sorted(f"records/{name}" for name in names)
    rows = list(csv.DictReader((folder / "records.csv").open(encoding="utf-8")))
    assert [row["id"] for row in rows] == [config.id for config in three]
    assert rows[1]["n_params"] == "1234567" and float(rows[1]["test_nll_window"]) == 8.2


def test_the_records_of_the_present_code_are_counted(context):
    for seed, tree in enumerate((provenance.source_tree(), "another", None)):
        write_record(a_record(paper_config("jsb", "rru", seed=seed), source_tree=tree, **ORIGIN))
    assert "2 of them were made by earlier versions" in record_list.record_list(context)


def test_without_records_there_is_no_table(context):
    assert "<table" not in record_list.record_list(context)


HARNESS = """<!doctype html><html lang="en" data-theme="dark"><head><title>t</title></head>
<body>{}</body></html>"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_the_table_works_from_a_file_and_opens_what_the_address_names(three, context, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    page_folder, static = tmp_path / "built" / "book", tmp_path / "built" / "_static"
    page_folder.mkdir(parents=True)
    table = record_list.record_list(context)
    shutil.copytree(context.folder / "_vendor", static)
    site.vendor_datatables(static / "datatables")
    for name in ("records.js", "rru_nb.css"):
        shutil.copy(generate.__file__.replace("tools/generate.py", f"static/{name}"), static)
    html = HARNESS.format(table)
    (page_folder / "records.html").write_text(html, encoding="utf-8")
    plain, changed, failed = (config.id for config in three)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        wrong = []
        page.on("pageerror", lambda error: wrong.append(error))
        page.on("request", lambda request: request.url.startswith("http") and wrong.append(request))
        address = (page_folder / "records.html").as_uri()
        page.goto(f"{address}#{changed}", timeout=120_000)
        opened = page.locator("tr:not([id]) .rru-record")
        assert opened.count() == 1 and "--set dropout=0.5" in opened.inner_text()
        assert page.locator("tbody tr[id]").count() == 3

        page.get_by_label("Search").fill("Nottingham")
        page.wait_for_function("document.querySelectorAll('tbody tr[id]').length == 1")
        assert page.locator("tbody tr[id]").get_attribute("id") == failed
        page.evaluate(f"location.hash = '{plain}'")  # as a link does; the row is filtered out
        page.wait_for_function(f"document.getElementById('{plain}') != null")
        assert page.locator(f"tr[id='{plain}'] + tr .rru-record polyline").count() == 1

        page.locator("th", has_text="test score").click()
        scores = page.locator("tbody tr[id] td:nth-child(6)").all_inner_texts()
        assert scores.index("7.80 nats") < scores.index("8.20 nats")

        page.goto(f"{address}?ids={plain},{failed}")  # as from a mean of several seeds
        assert {row.get_attribute("id") for row in page.locator("tbody tr[id]").all()} == {
            plain,
            failed,
        }
        page.get_by_text("Show all records").click()
        page.wait_for_function("document.querySelectorAll('tbody tr[id]').length == 3")
        assert not wrong
        browser.close()


def test_the_styles_of_the_table_know_how_the_theme_marks_the_dark(tmp_path):
    site.vendor_datatables(tmp_path)
    style = (tmp_path / "datatables.css").read_text(encoding="utf-8")
    assert not re.search(r"(html|:root)\.dark\b", style)
    assert ':root[data-theme="dark"]' in style and "html[data-theme" in style
    assert "export{" not in (tmp_path / "datatables.js").read_text(encoding="utf-8")


def test_the_map_counts_the_trainings_of_each_section(context):
    points = section("ablation").points("imdb", scale="laptop")
    for point in points[1:3]:
        write_record(a_record(point.config, test={"accuracy": 80.0}, **ORIGIN))
    found = {row["name"]: row for row in paper_map.sections()}
    assert found["ablation"]["laptop"]["recorded"] == 2
    assert found["robustness"]["laptop"]["recorded"] == 0
    all_runs = sum(
        len(section("ablation").points(name, scale="laptop"))
        for name in section("ablation").datasets
    )
    assert found["ablation"]["laptop"]["runs"] == all_runs
    (context.folder / "notebooks").mkdir(parents=True)
    (context.folder / "notebooks" / "ablation.ipynb").touch()
    (line,) = [li for li in paper_map.paper_map(context).splitlines() if "sweep ablation" in li]
    assert "(../notebooks/ablation.ipynb)" in line and f"| 2 of {all_runs} |" in line


def test_the_line_that_clones_works_once_the_address_is_known(tmp_path):
    address = "https://github.com/someone/rru_nb"
    known, unknown = generate.Context(tmp_path, address), generate.Context(tmp_path, None)
    assert f"git clone {address} rru_nb && cd rru_nb" in generate.clone(known)
    assert "git clone ADDRESS rru_nb" in generate.clone(unknown)
    assert "rocket" in generate.colab(known) and "rocket" not in generate.colab(unknown)


# -------------------------------------------------------------------------------- the rerun


def again(epochs, test=None, **device):
    made = {"epochs": epochs, "test": test or {"nll_window": 7.8}, "versions": ORIGIN["versions"]}
    return made | {"device": ORIGIN["device"] | device}


def recorded(**outcome):
    config = paper_config("jsb", "rru")
    return a_record(config, epochs=EPOCHS, test={"nll_window": 7.8}, **ORIGIN | outcome)


def test_the_same_digits_are_the_same_whatever_the_time():
    later = [epoch | {"seconds": 99.0} for epoch in EPOCHS]
    assert rerun.compare(recorded(), again(later))["same"]
    compared = rerun.compare(recorded(), again(later[:2]))
    assert compared["same"] and (compared["epochs"], compared["of_epochs"]) == (2, 4)
    assert compared["then"] == compared["now"] == 8.0


def test_one_other_digit_is_found_in_its_epoch():
    other = [dict(epoch) for epoch in EPOCHS]
    other[2]["train_loss"] += 1e-12
    compared = rerun.compare(recorded(), again(other))
    assert not compared["same"] and compared["first_difference"] == 3
    assert rerun.compare(recorded(), again(other[:2]))["same"], "the third was not trained"


def test_the_test_score_counts_where_no_epoch_is_missing():
    assert not rerun.compare(recorded(), again(EPOCHS, {"nll_window": 7.9}))["same"]
    assert rerun.compare(recorded(), again(EPOCHS[:3], {"nll_window": 7.9}))["same"]


def test_as_many_epochs_are_trained_as_the_record_made_in_the_time():
    assert [rerun.epochs_within(recorded(), budget) for budget in (5, 40, 59, 60, 900)] == [
        1, 2, 2, 3, 4,
    ]  # fmt: skip


def test_the_sample_is_one_of_each_kind_and_of_this_processor_first():
    here = ORIGIN["device"] | {"cpu": "here"}
    for config, seconds, device in (
        (paper_config("jsb", "rru"), 10.0, ORIGIN["device"]),
        (slow := paper_config("nottingham", "gru"), 90.0, here),
        (paper_config("imdb", "gru"), 1.0, ORIGIN["device"]),
        (paper_config("imdb", "rru", dropout=0.1), 5.0, ORIGIN["device"]),
        (quick := paper_config("imdb", "rru"), 4.0, ORIGIN["device"]),
    ):
        write_record(a_record(config, seconds=seconds, **ORIGIN | {"device": device}))
    assert set(rerun.choose(load_records(), "here")) == {slow.id, quick.id}


def test_only_like_circumstances_promise_the_same_digits():
    assert rerun.alike(recorded(), again(EPOCHS))
    assert not rerun.alike(recorded(), again(EPOCHS, cores=4))
    assert not rerun.alike(recorded(), again(EPOCHS) | {"versions": {"python": "3.12"}})
    assert not rerun.alike(recorded(), again(EPOCHS) | {"source_tree": "another"})


def an_outcome(three):
    plain, changed, _ = three
    run = {"epochs": 4, "of_epochs": 4, "first_difference": None, "then": 7.0, "now": 7.0}
    other = run | {"first_difference": 1, "now": 7.07}
    return {
        "started": "2026-02-03T04:05:06+00:00",
        "commit": {"sha": "fedcba9876543210", "dirty": False},
        "device": ORIGIN["device"],
        "versions": ORIGIN["versions"],
        "runs": [
            {"id": plain.id, "alike": True, "same": True} | run,
            {"id": changed.id, "alike": False, "same": False} | other,
            {"id": "gone", "alike": True, "same": True} | run,
        ],
    }


def test_the_last_rerun_is_told_with_its_date_and_commit(
    three, context, tmp_path, monkeypatch, golden
):
    path = tmp_path / "rerun.json"
    monkeypatch.setattr(rerun, "outcome_file", lambda: path)
    assert "make rerun" in rerun.fragment(context)
    path.write_text(json.dumps(an_outcome(three)))
    golden("rerun.md", rerun.fragment(context))


def test_of_an_accuracy_the_distance_is_one_of_error_rates(context, tmp_path, monkeypatch):
    config, path = paper_config("imdb", "rru"), tmp_path / "rerun.json"
    write_record(a_record(config, test={"accuracy": 80.0}, valid={"accuracy": 80.0}, **ORIGIN))
    run = {"id": config.id, "alike": False, "same": False, "then": 80.0, "now": 81.0}
    run |= {"epochs": 1, "of_epochs": 1, "first_difference": 1}
    outcome = {"started": "2026-02-03", "commit": {"sha": "f"}, "runs": [run]}
    path.write_text(json.dumps(outcome | {"device": ORIGIN["device"], "versions": {}}))
    monkeypatch.setattr(rerun, "outcome_file", lambda: path)
    said = rerun.fragment(context)
    assert "furthest from its record's is 5 % off" in said and "Of 1 made with other vers" in said


def test_a_record_is_trained_again_for_fewer_epochs_on_its_cores(monkeypatch):
    config, cores = paper_config("chorales", "rru", "smoke"), []
    monkeypatch.setattr(trainer, "train", lambda *arguments: arguments)
    known = hasattr(os, "sched_setaffinity")
    if known:
        monkeypatch.setattr(os, "sched_setaffinity", lambda _, some: cores.extend(some))
    again, progress = rerun.train_again(config.as_dict(), 1, 1)
    assert not progress and again.as_dict() == config.as_dict() | {"max_epochs": 1}
    assert len(cores) == known


def test_the_committed_outcome_is_of_records_that_are_there(monkeypatch):
    monkeypatch.delenv("RRU_NB_RESULTS")
    outcome = json.loads(rerun.outcome_file().read_text(encoding="utf-8"))
    ids = [run["id"] for run in outcome["runs"]]
    assert sorted(load_records(id=ids).id) == sorted(ids)
    assert all(run["same"] for run in outcome["runs"] if run["alike"])
    assert all(run["same"] == (run["first_difference"] is None) for run in outcome["runs"])
