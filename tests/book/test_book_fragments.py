"""The fragments of pages say what the records say."""

import json
import re

import pytest
from helpers import a_record

from book.tools import (
    authors_code,
    expected,
    generate,
    protocols,
    record_list,
)
from rru_nb import cli, paper_config
from rru_nb.errors import UserError
from rru_nb.storage import paths
from rru_nb.training import trainer as training
from rru_nb.training.config import CELLS
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
    assert expected.expected(context).count("no record yet") == len(expected.EXAMPLES)
    config = record(paper_config("mnist", "lstm", "laptop"), seconds=3000.0)
    write_record(
        a_record(config, test={"accuracy": 91.5}, seconds=3000.0, epochs=[{}] * 4, **ORIGIN)
    )
    (row,) = [li for li in expected.expected(context).splitlines() if config.id in li]
    cells = [re.sub("<.*?>", "", cell).strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == ["4", "50", "a processor, 2 cores", "accuracy in % 91.500"]


def test_minutes_are_those_of_the_present_code_where_an_epoch_was_timed(context, monkeypatch):
    timed = {"dataset": "jsb", "cell": "rru", "scale": "paper"}
    rows = [{"what": "the bare steps", "median_s": 1.0}, {"what": "an epoch", "median_s": 30.0}]
    benchmark = {"config": timed, "rows": rows, "device": ORIGIN["device"] | {"cores": 8}}
    monkeypatch.setattr(expected.speed, "record", {"epoch-jsb": benchmark}.get)
    record(paper_config("jsb", "rru"), 7.80, seconds=9000.0, epochs=[{}] * 6)
    (row,) = [li for li in expected.expected(context).splitlines() if "7.800" in li]
    assert "| 6 | 3 | a processor, 8 cores |" in row


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


def test_a_protocol_is_told_by_the_seeds_of_two_runs_in_its_own_metric():
    config = paper_config("ptb-char", "rru", "laptop")
    other = paper_config("ptb-char", "rru", "laptop", protocol="standard")
    write_record(a_record(config, test={"bpc": 1.5, "bpc_contiguous": 1.25}, **ORIGIN))
    told = protocols.substitutions()
    command = "rru-nb run --dataset ptb-char --cell rru --scale laptop --set protocol=standard"
    assert f"not measured (`{command}`) with the option" in told["protocol_ptb_char"]
    assert "`rru-nb run --dataset pmnist --cell rru --scale laptop`" in told["protocol_pmnist"]
    assert "--cell gru --set protocol=authors --set max_epochs=12" in told["full_permutation"]
    assert (
        "(`rru-nb run --dataset imdb --cell rru --set protocol=final`) with 2M"
        in (told["protocol_imdb"])
    )
    assert "with 20M, the paper 87.20" in told["protocol_imdb"]
    write_record(a_record(other, test={}, status="failed", **ORIGIN))
    assert f"failed (`{command}`)" in protocols.substitutions()["protocol_ptb_char"]
    write_record(a_record(other, test={"bpc": 1.75, "bpc_contiguous": 1.875}, **ORIGIN))
    told = protocols.substitutions()["protocol_ptb_char"]
    told = re.sub("<.*?>", "", told)
    assert told == (
        "bits per character, every one once: 1.25 as the code, 1.88 with the option; "
        "RRU, scale laptop, one run each, unless a mean is named"
    )
    second = paper_config("ptb-char", "rru", "laptop", seed=1)
    write_record(a_record(second, test={"bpc": 1.5, "bpc_contiguous": 1.35}, **ORIGIN))
    told = protocols.substitutions()["protocol_ptb_char"]
    both = f'<a href="records.html?ids={config.id},{second.id}">1.30</a>'
    assert f"{both} (mean of 2 seeds) as the code, " in told, "as in every other table"


def test_every_fragment_is_included_by_a_page():
    from rru_nb.storage import paths

    pages = "".join(p.read_text() for p in (paths.checkout() / "book").glob("*.md"))
    for name in generate.FRAGMENTS:
        assert f"_parts/{name}" in pages


def test_each_average_stands_in_its_column(context, monkeypatch):
    scores = {"frames": 1.0, "pieces": 2.0, "sounding": 3.0, "windows": 4.0, "batches": 5.0}
    monkeypatch.setattr(
        generate.statistics, "committed_statistics", lambda name: {"baseline": scores}
    )
    head, _, first, *_ = generate.averages(context).splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in (head, first)]
    assert dict(zip(*cells)) == {
        "set": "JSB Chorales",
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
    assert "| JSB Chorales | +25.00 % | GRU −5.00 to −2.50 % (2 runs) |" in told
    assert "| MuseData | +25.00 % | – |" in told


def test_the_music_files_give_the_scores_that_the_authors_of_the_sets_print():
    """Their "note 1-gram", Boulanger-Lewandowski et al. (2012): the same key frequencies."""
    printed = {"jsb": "11.06", "nottingham": "10.25", "musedata": "11.51", "piano-midi": "11.05"}
    for name, score in printed.items():
        baseline = generate.statistics.committed_statistics(name)["baseline"]
        assert f"{baseline['frames']:.2f}" == score


def test_how_far_our_cells_are_from_the_authors_is_told_as_measured(monkeypatch, tmp_path):
    measured = json.loads(authors_code.outcome_file().read_text(encoding="utf-8"))
    music, text = measured["music"], measured["text"]
    assert sorted(music) == sorted(text) == sorted(CELLS)
    assert all(row["apart"] < 1e-12 for row in music.values())
    assert all(row["apart"] < 1e-6 and row["apart_v_read_first"] < 1e-12 for row in text.values())
    rows = (*music.values(), *text.values())
    assert all(row["last"] < 0.9 * row["first"] for row in rows), "they did train"
    assert max(measured["averages_apart"], measured["scores_apart"]) < 1e-12
    music["gru"]["apart"], measured["windows"] = 3.4e-7, {"jsb": 1000, "musedata": 234}
    measured |= {"tokens": {"ptb-word": 5, "ptb-char": 6000}, "scores_apart": 4e-13}
    text["lstm"]["apart"], text["rru"]["apart_v_read_first"] = 2e-5, 9.2e-10
    made_up = tmp_path / "authors_code.json"
    made_up.write_text(json.dumps(measured | {"steps": 7, "authors": "0123456789"}))
    monkeypatch.setattr(authors_code, "outcome_file", lambda: made_up)
    said = authors_code.substitutions()["authors_code"]
    assert said.startswith("in 7 steps of RRU, GRU, LSTM and Mogrifier LSTM as on music no two")
    apart = re.findall(r"\$(\d) \\cdot 10\^{(-\d+)}\$", said)
    assert apart == [("4", "-7"), ("2", "-5"), ("1", "-9"), ("4", "-13")]
    assert "all 1,234 windows" in said
    assert "all 6,005 tokens" in said
    assert said.endswith("their commit 0123456)")
    assert authors_code._power(0.0) == "0" and authors_code._power(9.1e-9) == "$1 \\cdot 10^{-8}$"
    made_up.unlink()
    assert "not measured" in authors_code.substitutions()["authors_code"]
