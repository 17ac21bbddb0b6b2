"""What an engine costs: seconds of a run beyond those in this process, and the gain of two workers.

    python scripts/time_engines.py

Sixteen equal runs of the embedded chorales at scale smoke on each engine, whose workers have each
done one before. Writes `benchmarks/records/engines.json`. Wants a machine that does nothing else:
the numbers of a busy one say nothing.
"""

import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `rru-nb` sets it

from rru_nb import paper_config
from rru_nb.experiments.engines import OnWorkers, make_engine
from rru_nb.training import provenance

RECORD = Path(__file__).resolve().parents[1] / "benchmarks" / "records" / "engines.json"
RUNS = 16
ENGINES = {
    "the sweep's own process": {},
    "two processes, `--jobs 2`": {"jobs": 2},
    "one worker of Ray": {"name": "ray", "address": "local", "max_concurrent": 1},
    "two workers of Ray": {"name": "ray", "address": "local", "max_concurrent": 2},
}


def measure(options, runs):
    """Return the seconds until each worker had done a run, and those of each of the runs after."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"RRU_NB_RESULTS": f"{folder}/results", "RRU_NB_STATE": f"{folder}/state"}
        clock = time.perf_counter()
        with make_engine(**options) as engine:
            configs = [paper_config("chorales", "gru", "smoke", s) for s in range(runs)]
            for seed in range(engine.slots):  # imports and warms up
                engine.submit(paper_config("chorales", "gru", "smoke", runs + seed))
            list(engine)
            ready = time.perf_counter()
            for config in configs:
                engine.submit(config)
            trained = sum(record["seconds"] for _, record in engine)
            ended = time.perf_counter()
    return {
        "ready_s": ready - clock,
        "run_s": (ended - ready) / runs,
        "training_s": trained / runs,
    }


def main(runs=RUNS, engines=ENGINES, path=RECORD):
    """Measure each engine and write the record."""
    started, load = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()[0]
    OnWorkers.runs_of_a_process = 3 * runs  # none is replaced meanwhile
    record = {
        "runs": runs,
        "rows": [{"what": name} | measure(options, runs) for name, options in engines.items()],
        "started": started,
        "load_average": {"before": load, "after": os.getloadavg()[0]},
        "device": provenance.device(),
        "versions": provenance.versions(),
        "commit": provenance.commit(),
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
