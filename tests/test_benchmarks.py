"""Every benchmark script runs, at a size that says nothing, and writes a whole record."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import forked
import pytest

from book.tools import speed
from book.tools.generate import Context

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SHARED = {"measure", "products"}
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if path.stem not in SHARED)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_a_table_and_writes_its_record(script, tmp_path):
    record = tmp_path / "record.json"
    command = [sys.executable, BENCHMARKS / f"{script}.py", "--size", "tiny", "--rounds", "1"]
    command += ["--json", record]
    if script == "gpu":  # on JAX, where compiling takes most of the time
        quickly = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=quickly, timeout=300)
    else:
        done = forked.run(command, first="" if script == "backends" else forked.QUICK)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(record.read_text(encoding="utf-8"))
    assert found["question"] in done.stdout and found["question"].endswith("?")
    assert found["rows"] and found["size"] == "tiny" and found["rounds"] == 1
    for name, value in found["rows"][0].items():
        assert name in done.stdout
        assert not isinstance(value, float) or value > 0 or "MB" in name
    assert {"device", "versions", "threads", "load_average", "commit"} <= found.keys()
    backend = found["device"]["backend"]
    assert backend == ("jax" if script == "gpu" else "tensorflow")
    assert found["versions"].keys() >= {"python", backend, "keras"}


def test_the_page_speed_has_a_place_for_each_script(tmp_path, monkeypatch):
    """Where nothing is measured, each of its fragments says which script measures it."""
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    told = "".join(fragment(Context(tmp_path, None)) for fragment in speed.FRAGMENTS.values())
    assert set(re.findall(r"python benchmarks/(\w+)\.py", told)) == set(SCRIPTS)
