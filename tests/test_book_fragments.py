"""The fragments of pages say what the records say."""

import re

import pytest
from test_records import a_record

from rru_nb import paper_config
from rru_nb.book import generate
from rru_nb.records import write_record

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


def cell_of(html, task, column):
    (row,) = [row for row in html.split("<tr>") if task in row]
    return re.findall(r"<td.*?</td>", row)[column]


def test_without_records_nothing_is_claimed(context):
    assert "**0 of the 44 numbers**" in generate.answer(context)
    assert generate.table_1(context).count("rru-open") == 44
    assert "no records" in generate.record_list(context)


def test_table_1_links_colours_and_leaves_open(context):
    near = record(paper_config("jsb", "rru"), 7.80)
    record(paper_config("jsb", "gru"), 9.00)
    record(paper_config("jsb", "gru", seed=1), 9.10)
    failure = {"epoch": 4, "step": 2, "loss": "nan"}
    failed = record(paper_config("jsb", "mogrifier"), status="failed", failure=failure, valid={})
    # A trial of a search, say: not the paper's setting, so not a cell of its table.
    other = paper_config("nottingham", "lstm", dropout=0.1)
    record(other, status="failed", failure=failure, valid={})
    html = generate.table_1(context)
    assert other.id not in html
    rru, gru, lstm, mogrifier = (cell_of(html, "Music JSB", i) for i in range(4))
    assert "rru-agrees" in rru and "7.72" in rru and "7.80" in rru and "+1.0 %" in rru
    assert f'href="records.html#{near.id}"' in rru
    assert "rru-differs" in gru and "9.05" in gru and "2 seeds: 9.00…9.10" in gru
    assert "rru-open" in lstm and "8.33" in lstm
    assert f'href="records.html#{failed.id}">failed' in mogrifier
    assert html.count("rru-open") == 41
    assert "**2 of the 44 numbers**" in generate.answer(context)


def test_a_smoke_run_is_no_answer(context):
    record(paper_config("jsb", "rru", scale="smoke"), 9.0)
    assert "**0 of the 44 numbers**" in generate.answer(context)


def test_the_list_of_records_has_anchor_command_and_file(context):
    config = record(paper_config("jsb", "rru", dropout=0.5), 7.80)
    failure = {"epoch": 4, "step": 2, "loss": "nan"}
    failed = record(paper_config("jsb", "gru"), status="failed", failure=failure, valid={})
    text = generate.record_list(context)
    assert f'<span id="{config.id}"></span>' in text and f'id="{failed.id}"' in text
    assert "rru-nb run --dataset jsb --cell rru --set dropout=0.5" in text
    assert "dropout 0.79362 → 0.5" in text
    assert "failed in epoch 4" in text
    assert "commit 0123456789 and changes" in text
    name = f"rru-paper-s0-{config.id}.json"
    assert f"{{download}}`{name} <../results/jsb/{name}>`" in text


def test_a_record_outside_the_stage_offers_no_download(context, tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "elsewhere"))
    record(paper_config("jsb", "rru"), 7.80)
    assert "{download}" not in generate.record_list(context)


def test_every_fragment_is_included_by_a_page():
    from rru_nb import paths

    pages = "".join(p.read_text() for p in (paths.checkout() / "book").glob("*.md"))
    for name in generate.FRAGMENTS:
        assert f"_parts/{name}" in pages
