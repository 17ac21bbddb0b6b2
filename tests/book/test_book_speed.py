"""The page "Speed" is made from the committed records of the benchmarks."""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from book.tools import speed
from book.tools.generate import FRAGMENTS, Context

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "benchmarks" / "records"


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path, None)


MEASURED = {  # the records that each fragment shows
    "speed_step_jsb.md": ["step-jsb"],
    "speed_step_pixels.md": ["step-pixels"],
    "speed_parameters.md": ["parameters-jsb"],
    "speed_length.md": ["length-jsb"],
    "speed_gated.md": ["gated-jsb"],
    "speed_memory.md": ["memory-jsb"],
    "speed_epoch.md": ["epoch-jsb"],
    "speed_backends.md": [
        f"backends-{backend}-{size}"
        for backend in ("tensorflow", "jax")
        for size in ("jsb", "pixels")
    ],
}


def rows_of(record):
    return json.loads((RECORDS / f"{record}.json").read_text(encoding="utf-8"))["rows"]


def measured_in(rows):
    """Return the seconds and megabytes of a record's rows, as a table shows them."""
    for row in rows:
        for name, value in row.items():
            if name.endswith("median_s"):
                yield f"{value:.3f}"
            elif name in ("peak_MB", "step_MB"):
                yield f"{value:.0f}"


def test_no_fragment_is_left_out():
    assert MEASURED.keys() == speed.FRAGMENTS.keys()


@pytest.mark.parametrize("name", speed.FRAGMENTS)
def test_each_fragment_comes_from_a_committed_record(name, context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    text = FRAGMENTS[name](context)
    assert "Not measured" not in text
    page = (ROOT / "book" / "speed.md").read_text(encoding="utf-8")
    assert f"{{include}} _parts/{name}" in page
    header, rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.count("|") == header.count("|") for row in rows)
    shown = Counter(cell.strip() for row in rows for cell in row.split("|"))
    wanted = Counter(n for record in MEASURED[name] for n in measured_in(rows_of(record)))
    assert wanted and wanted <= shown
    assert "commit" in text and "and changes" not in text
    for figure in re.findall(r"_parts/(\w+\.svg)", text):
        assert ":alt: Seconds" in text
        ET.parse(context.folder / "book" / "_parts" / figure)


def test_the_numbers_are_those_of_the_record(context, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(ROOT))
    text = speed.step_jsb(context)
    for row in rows_of("step-jsb"):
        assert f"| {row['what']} | {row['median_s']:.3f} | {row['min_s']:.3f} |" in text


def test_without_a_record_the_page_says_how_to_measure(context, monkeypatch, tmp_path):
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    text = speed.gated(context)
    assert "Not measured" in text and "benchmarks/gated.py --json" in text


def test_records_name_no_host_and_no_path():
    for path in RECORDS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'"(/|[A-Z]:\\)|hostname', text), path.name
