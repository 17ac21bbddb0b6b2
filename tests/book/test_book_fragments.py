"""The fragments of pages say what the records say."""

import json
import re

import pytest
from helpers import a_record

from book.tools import (
    expected,
    generate,
    page_status,
    paper_map,
    paper_settings,
    protocols,
    record_list,
)
from rru_nb import cli, paper_config
from rru_nb.errors import UserError
from rru_nb.experiments import section
from rru_nb.storage import paths
from rru_nb.training import provenance
from rru_nb.training import trainer as training
from rru_nb.training.records import write_record

ORIGIN = {
    "device": {"gpu": None, "cpu": "a processor", "cores": 2},
    "commit": {"sha": "0123456789abcdef", "dirty": True},
    "versions": {"python": "3.11.2", "tensorflow": "2.21.0"},
}


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    monkeypatch.setenv("RRU_NB_RESULTS", str(folder))
    return folder


@pytest.fixture
def context(tmp_path):
    return generate.Context(tmp_path, None)


def record(config, window=None, **changes):
    test = {"nll_window": window, "nll_frame": window + 0.25} if window else {}
    write_record(a_record(config, test=test, **ORIGIN, **changes))
    return config


def test_without_records_nothing_is_listed(context):
    assert "no records" in record_list.record_list(context)


def test_the_examples_of_the_page_tell_what_their_records_say(context):
    page = (paths.checkout() / "book" / "reproduce.md").read_text(encoding="utf-8")
    shown = {line.partition("  ")[0] for line in page.splitlines()}
    assert set(expected.EXAMPLES) <= shown
    assert expected.expected(context).count("not measured") == len(expected.EXAMPLES)
    config = record(paper_config("jsb", "rru"), 7.80)
    (told,) = [li for li in expected.expected(context).splitlines() if "a processor" in li]
    assert told.startswith("| `rru-nb run --dataset jsb --cell rru` | ")
    assert f'NLL, mean of windows <a href="records.html#{config.id}">7.800</a> |' in told


@pytest.mark.parametrize("command", expected.EXAMPLES)
def test_an_example_is_the_run_that_its_command_asks_for(command, monkeypatch):
    asked = []

    def run(config, progress):
        asked.append(config)
        raise UserError("enough")

    monkeypatch.setattr(training, "run", run)
    program, *arguments = command.split()
    assert program == "rru-nb" and cli.main(arguments) != 0
    assert asked == [expected.EXAMPLES[command]]


def test_a_protocol_is_told_by_two_runs_in_its_own_metric():
    config = paper_config("ptb-char", "rru", "laptop")
    other = paper_config("ptb-char", "rru", "laptop", protocol="standard")
    write_record(a_record(config, test={"bpc": 1.5, "bpc_contiguous": 1.25}, **ORIGIN))
    told = protocols.substitutions()
    command = "rru-nb run --dataset ptb-char --cell rru --scale laptop --set protocol=standard"
    assert told["protocol_ptb_char"] == f"not measured (`{command}`)"
    assert "`rru-nb run --dataset pmnist --cell rru --scale laptop`" in told["protocol_pmnist"]
    write_record(a_record(other, test={}, status="failed", **ORIGIN))
    assert protocols.substitutions()["protocol_ptb_char"] == f"failed (`{command}`)"
    write_record(a_record(other, test={"bpc": 1.75, "bpc_contiguous": 1.875}, **ORIGIN))
    told = protocols.substitutions()["protocol_ptb_char"]
    told = re.sub("<.*?>", "", told)
    assert told == (
        "bits per character, every one once: 1.25 as the code and 1.88 with the option; "
        "RRU, scale laptop, one run each"
    )


def test_changes_of_the_source_count_the_records_that_are_older(context, monkeypatch):
    monkeypatch.setattr(provenance, "changes_since", lambda sha: [])
    assert "none of those files" in page_status.changes(context)
    record(paper_config("jsb", "rru"), 7.80)
    older = {"sha": "older", "dirty": False}
    write_record(a_record(paper_config("jsb", "gru"), **ORIGIN | {"commit": older}))
    second = ("b", "2026-02-02", "A loop <unrolled>")
    log = {"older": [second, ("a", "2026-01-01", "First")], ORIGIN["commit"]["sha"]: [second]}
    monkeypatch.setattr(provenance, "changes_since", log.get)
    told = page_status.changes(context)
    assert "The 2 changes" in told
    assert "- 2026-02-02, A loop &lt;unrolled&gt; (2 records are older)\n" in told
    assert "- 2026-01-01, First (1 record is older)" in told


def test_the_list_of_records_has_anchor_command_and_file(context):
    config = record(paper_config("jsb", "rru", dropout=0.5), 7.80)
    failure = {"epoch": 4, "step": 2, "loss": "nan"}
    failed = record(paper_config("jsb", "gru"), status="failed", failure=failure, valid={})
    text = record_list.record_list(context)
    assert f'<span id="{config.id}"></span>' in text and f'id="{failed.id}"' in text
    assert "rru-nb run --dataset jsb --cell rru --set dropout=0.5" in text
    assert "dropout 0.79362 → 0.5" in text
    assert "failed in epoch 4" in text
    assert "commit 0123456789 and changes" in text
    name = f"rru-paper-s0-{config.id}.json"
    assert f"{{download}}`{name} <../results/jsb/{name}>`" in text


def test_records_of_other_settings_are_folded(context):
    record(paper_config("jsb", "rru"), 7.80)
    other = record(paper_config("jsb", "rru", dropout=0.5), 7.90)
    shown, folded = record_list.record_list(context).split("<details")
    assert "7.800" in shown and "7.900" not in shown
    assert "1 with other settings" in folded and other.id in folded


def test_a_record_outside_the_stage_offers_no_download(context, tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "elsewhere"))
    record(paper_config("jsb", "rru"), 7.80)
    assert "{download}" not in record_list.record_list(context)


def test_every_fragment_is_included_by_a_page():
    from rru_nb.storage import paths

    pages = "".join(p.read_text() for p in (paths.checkout() / "book").glob("*.md"))
    for name in generate.FRAGMENTS:
        assert f"_parts/{name}" in pages


def test_the_status_page_says_what_ran_and_whether_the_source_is_still_the_same(context):
    now = provenance.source_tree()
    ids = [
        record(paper_config("jsb", "rru", seed=seed), 7.8, **extra).id
        for seed, extra in enumerate([{"source_tree": now}, {"source_tree": "another"}, {}])
    ]
    folder = context.folder / "notebooks"
    folder.mkdir()
    ran = {"start_time": "2026-01-02T03:04:05.6", "end_time": "x", "duration": 12.3}
    for name, metadata in {
        "ran": {"papermill": ran, "rru_nb": {"records": ids}},
        "not": {},
    }.items():
        content = {"cells": [{"source": ["# Title " + name + "\n", "text"]}], "metadata": metadata}
        (folder / f"{name}.ipynb").write_text(json.dumps(content))
    text = page_status.page_status(context)
    assert "[Title ran](../notebooks/ran.ipynb) | 2026-01-02 03:04 | 12 s | 3 |" in text
    assert "1 yes, 1 no, 1 not known" in text
    assert "Title not" in text and "not executed in this build" in text


@pytest.mark.parametrize(
    "number, wanted",
    [
        (3, "| RRU | middle layer size multiplier $q$ | 0.1 | 8 | uniform |"),
        (4, "| LSTM | forget bias | 0.76843 | -0.04104 | 1.85746 | 0.59993 | -2.33114 |"),
        (5, "| Mogrifier LSTM | feature mask rank | 24 | 79 | 79 | 40 | 50 | 50 |"),
        (6, "| Mogrifier LSTM | dropout rate | "),
    ],
)
def test_tables_of_settings_are_the_papers(number, wanted):
    lines = paper_settings.FRAGMENTS[f"paper_table_{number}.md"](None).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert [line for line in lines if line.startswith(wanted)]


def test_the_examples_tell_minutes(context):
    record(paper_config("jsb", "rru"), 7.80, seconds=3000.0)
    assert "--cell rru` | 50 | a processor" in expected.expected(context)


def test_the_map_counts_runs_and_their_minutes(context):
    points = section("ablation").points("imdb", scale="laptop")
    for minutes, point in zip((2, 8), points[1:]):
        outcome = {"test": {"accuracy": 80.0}, "seconds": 60.0 * minutes}
        write_record(a_record(point.config, **ORIGIN | outcome))
    pages = {"ablation.ipynb"}
    (row,) = [li for li in paper_map.paper_map(pages).splitlines() if "sweep ablation" in li]
    assert "(../notebooks/ablation.ipynb)" in row
    assert re.search(r"\| 0 of \d+ runs \| 2 of \d+ runs, 10 minutes \|$", row), row


def test_each_average_stands_in_its_column(context, monkeypatch):
    scores = {"frames": 1.0, "pieces": 2.0, "sounding": 3.0, "windows": 4.0, "batches": 5.0}
    monkeypatch.setattr(
        generate.statistics, "committed_statistics", lambda name: {"baseline": scores}
    )
    head, _, first, *_ = generate.averages(context).splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in (head, first)]
    assert dict(zip(*cells)) == {
        "set": "jsb",
        "mean of all time steps": "1.00",
        "mean of pieces": "2.00",
        "mean of steps that are not silent": "3.00",
        "mean of windows": "4.00",
        "mean of the authors' batches": "5.00",
    }
    # In per cent of the mean of windows, of the trivial model and of the records that have both.
    for seed, batches in enumerate((7.6, 7.8)):
        test = {"nll_window": 8.0, "nll_batches": batches}
        write_record(a_record(paper_config("jsb", "gru", seed=seed), test=test, **ORIGIN))
    record(paper_config("jsb", "rru"), 7.7)
    told = generate.batches(context).replace("&nbsp;", " ")
    assert "| jsb | +25.00 % | GRU -5.00 to -2.50 % (2 runs) |" in told
    assert "| musedata | +25.00 % | not measured |" in told
