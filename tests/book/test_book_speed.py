"""The page "Speed" is made from the committed records of the benchmarks."""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from helpers import a_record

from book.tools import speed
from book.tools.generate import FRAGMENTS, Context
from rru_nb import paper_config
from rru_nb.experiments.engines import OnWorkers
from rru_nb.training import provenance
from rru_nb.training.records import write_record

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "benchmarks" / "records"


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path, None)


MEASURED = {  # the records that each table shows
    f"speed_{name}.md": [table["record"]] for name, table in speed.TABLES.items()
} | {
    "speed_backends.md": [
        f"backends-{backend}-{size}"
        for backend in ("tensorflow", "jax")
        for size in ("jsb", "pixels")
    ],
}


def rows_of(record):
    return json.loads((RECORDS / f"{record}.json").read_text(encoding="utf-8"))["rows"]


def measured_in(rows):
    """Return the times and megabytes of a record's rows, as a table shows them."""
    for row in rows:
        for name, value in row.items():
            if name.endswith("median_s"):
                yield f"{value:.3f}"
            elif name == "median_ms":
                yield f"{value:,.2f}"
            elif name in ("peak_MB", "step_MB", "median_us"):
                yield f"{value:,.0f}"


def test_every_record_of_a_benchmark_is_shown():
    shown = {record for records in MEASURED.values() for record in records}
    shown |= {"play", "engines"}  # on the pages Play (tests/book/test_play.py) and Reproduce
    for path in RECORDS.glob("*.json"):
        machine = path.stem.rsplit("-", 1)[0]  # one of another machine stands in the same table
        assert path.stem in shown or machine in shown


def test_what_the_engines_cost_is_computed_from_their_record(context, monkeypatch):
    names = "one process", "two processes", "a worker of Ray", "two workers"
    seconds = [2.0, 1.25, 2.5, 1.0]
    rows = [
        {"what": n, "run_s": s, "training_s": 1.8, "ready_s": 9} for n, s in zip(names, seconds)
    ]
    made_up = {"runs": 16, "rows": rows, "started": "2026-01-02T03:04:05+00:00"}
    made_up["device"] = {"cpu": "a processor", "gpu": None, "cores": 2}
    made_up |= {
        "load_average": {"before": 0.1, "after": 1.9},
        "commit": {"sha": None, "dirty": None},
    }
    monkeypatch.setattr(speed, "record", {"engines": made_up}.get)
    text = speed.engines(context)
    assert "0.50 s more" in text and "2.50 times" in text and "1.60 times" in text
    assert "a processor, 2 cores; 2026-01-02; load 0.1" in text
    monkeypatch.setattr(speed, "record", {}.get)
    assert "time_engines" in speed.engines(context)


def test_the_script_measures_what_the_page_shows(context, monkeypatch, tmp_path):
    names = "RRU_NB_RESULTS", "RRU_NB_STATE", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"
    for name in names:  # which the script sets
        monkeypatch.setenv(name, "1")
    from scripts import time_engines

    seeds = []

    def run(config, progress):
        seeds.append(config.seed)
        return a_record(config, seconds=0.25)

    monkeypatch.setattr("rru_nb.training.trainer.run", run)
    monkeypatch.setattr(OnWorkers, "runs_of_a_process", 16)
    monkeypatch.setattr(provenance, "device", lambda: {"gpu": None} | provenance.machine())
    path = tmp_path / "benchmarks" / "records" / "engines.json"
    path.parent.mkdir(parents=True)
    time_engines.main(2, dict.fromkeys(time_engines.ENGINES, {}), path)
    assert seeds == [2, 0, 1] * 4, "the first is not timed"
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    rows = json.loads(path.read_text())["rows"]
    assert [row["training_s"] for row in rows] == [0.25] * 4
    overhead = rows[2]["run_s"] - rows[0]["run_s"]
    shown = f"{overhead:.2f} s more" if overhead > 0 else f"(\N{MINUS SIGN}{-overhead:.2f} s)"
    assert shown in speed.engines(context)


@pytest.mark.parametrize("name", MEASURED)
def test_each_fragment_comes_from_a_committed_record(name, context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    text = FRAGMENTS[name](context)
    page = (ROOT / "book" / "speed.md").read_text(encoding="utf-8")
    assert f"{{include}} _parts/{name}" in page
    if "gpu" in name and not any(RECORDS.glob(f"{MEASURED[name][0]}*.json")):
        assert "Not measured" in text
        return
    assert "Not measured" not in text
    header, rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.count("|") == header.count("|") for row in rows)
    shown = Counter(cell.strip() for row in rows for cell in row.split("|"))
    stems = [p.stem for r in MEASURED[name] for p in RECORDS.glob("*.json") if p.stem.startswith(r)]
    wanted = Counter(n for record in stems for n in measured_in(rows_of(record)))
    assert wanted and wanted <= shown
    assert "commit" in text and "and changes" not in text
    assert sorted(re.findall(r"<../benchmarks/records/(.*?)\.json>", text)) == sorted(stems)
    for figure in re.findall(r"_parts/(\w+\.svg)", text):
        assert ":alt: Seconds" in text
        ET.parse(context.folder / "book" / "_parts" / figure)


def test_the_numbers_are_those_of_the_record(context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    text = FRAGMENTS["speed_step_jsb.md"](context)
    for row in rows_of("step-jsb"):
        assert f"| {row['what']} | {row['median_s']:.3f} | {row['min_s']:.3f} |" in text


def test_scores_in_bfloat16_stand_beside_those_in_float32(context, monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    assert "Not measured" in speed.precision_scores(context)
    for precision, seed, score in (
        ("bfloat16", 0, 7.5),
        ("bfloat16", 1, 7.7),
        ("float32", 0, 7.25),
        ("float32", 1, 7.35),
        ("float32", 2, 5.0),  # a seed that bfloat16 does not have
        ("tf32", 0, 9.0),
    ):
        config = paper_config("jsb", "rru", seed=seed, precision=precision)
        write_record(a_record(config, test={"nll_window": score}))
    text = re.sub("<[^>]+>", "", speed.precision_scores(context))
    assert "7.600 (7.500, 7.700) in bfloat16" in text and "7.300 (7.250, 7.350) in float32" in text
    assert "9.0" not in text


def test_without_a_record_the_page_says_how_to_measure(context, monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    text = FRAGMENTS["speed_gated.md"](context)
    assert "Not measured" in text and "benchmarks/gated.py --json" in text
    assert "Not measured" in FRAGMENTS["speed_backends.md"](context)
    assert "Not measured" in speed.verdict(context)


def test_ratios_are_to_the_lstm_of_the_same_size_and_machine(monkeypatch, tmp_path):
    folder = tmp_path / "benchmarks" / "records"
    folder.mkdir(parents=True)
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    for name, cores, factor in (("a", 1, 1.0), ("b", 2, 10.0)):
        rows = [
            {"what": what, "parameters": size, "median_s": seconds * size}
            for size in (1, 2)
            for what, seconds in ((speed.PEER, factor), ("RRU, fused", 3.0))
        ]
        device = {"gpu": None, "cpu": "Maker", "cores": cores}
        path = folder / f"parameters-{name}.json"
        path.write_text(json.dumps({"rows": rows, "device": device}))
    frame = speed.ratios().set_index(["machine", "what", "parameters"]).ratio
    assert frame["Maker, 1 core", "RRU, fused", 2] == 3.0
    assert frame["Maker, 2 cores", "RRU, fused", 1] == 0.3
    assert (frame.xs(speed.PEER, level="what") == 1.0).all()


def test_the_verdict_is_that_of_the_committed_records(context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    plain = {row["what"]: row["median_s"] for row in rows_of("step-jsb")}
    ratio = speed.beside(speed.record("step-jsb"), "RRU, plain cell", "keras.layers.LSTM")
    assert ratio == plain["RRU, plain cell"] / plain["keras.layers.LSTM"]
    text = speed.verdict(context)
    assert re.search(rf"`keras.layers.LSTM` \\| JSB Chorales .*\\| {ratio:.2f} \\|", text)
    by_two_ways = "takes 1.20 (AMD EPYC, 2 cores) and 1.29 (Intel Xeon, 2 cores) of the time of"
    assert by_two_ways in text, "on the second TensorFlow's own products would say 1.02"
    # What the caption says of the figure.
    for _, frame in speed.ratios().groupby("machine"):
        frame = frame.pivot(index="parameters", columns="what", values="median_s")
        over_floor = frame["RRU, fused"] / frame["bare products"]
        assert over_floor.idxmax() == over_floor.index.min()
    ET.parse(context.folder / "book" / "_parts" / "speed_ratios.svg")


def test_the_verdict_turns_where_the_plain_cell_is_slower(context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    monkeypatch.setattr(speed, "ROUGHLY", 1.45)
    text = speed.verdict(context)
    assert "rru-verdict does-not-hold" in text
    # By the table, on two processors.
    assert "**Holds at the size of JSB Chorales: the plain cell takes 0.90 to 1.17 " in text
    assert "; does not hold at the size of pixels: the plain cell takes 0.91 to 1.54 " in text
    monkeypatch.setattr(speed, "ROUGHLY", 1.6)  # over pixels it is 1.54 on one processor
    assert "rru-verdict holds" in speed.verdict(context)


def test_a_table_is_written_as_agreed(context, monkeypatch, golden):
    rows = [{"cell": "GRU", "parameters": 12_345, "fused, median_s": 0.12345, "plain / fused": 2.5}]
    made_up = {
        "rows": rows,
        "device": {"gpu": None, "cpu": "Maker"},
        "threads": 2,
        "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"},
        "rounds": 9,
        "load_average": {"before": 0.26, "after": 1.0},
        "started": "2026-01-02T03:04:05+00:00",
        "commit": {"sha": "0123456789abcdef", "dirty": False},
        "file": "gated-jsb.json",
    }
    monkeypatch.setattr(speed, "records", lambda name: [made_up])
    golden("speed_gated.md", FRAGMENTS["speed_gated.md"](context))


def test_records_name_no_host_and_no_path():
    for path in RECORDS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'"(/|[A-Z]:\\)|hostname', text), path.name
