"""What an engine costs: seconds of a run beyond those in this process, and the gain of two workers.

    python scripts/time_engines.py

Sixteen equal runs of the embedded chorales at scale smoke, on each engine, in a folder of results
of its own. Wants a machine that does nothing else: the numbers of a busy one say nothing.
"""

import json
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from rru_nb import paper_config
from rru_nb.experiments.engines import make_engine

RUNS = 16
ENGINES = {
    "in process": {},
    "2 processes": {"jobs": 2},
    "ray, 1 worker": {"name": "ray", "address": "local", "max_concurrent": 1},
    "ray, 2 workers": {"name": "ray", "address": "local", "max_concurrent": 2},
}


def measure(options):
    """Return the seconds until the engine was ready, and those of the runs after the first."""
    configs = [paper_config("chorales", "gru", "smoke", seed) for seed in range(RUNS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"RRU_NB_RESULTS": f"{folder}/results", "RRU_NB_STATE": f"{folder}/state"}
        clock = time.perf_counter()
        with make_engine(**options) as engine:
            engine.submit(configs[0])  # imports and warms up
            list(engine)
            ready = time.perf_counter()
            for config in configs[1:]:
                engine.submit(config)
            trained = sum(record["seconds"] for _, record in engine)
            ended = time.perf_counter()
    return {
        "ready after": ready - clock,
        "seconds a run": (ended - ready) / RUNS,
        "of these training": trained / RUNS,
    }


def main():
    results = {name: measure(options) for name, options in ENGINES.items()}
    one, two = (results[f"ray, {n}"]["seconds a run"] for n in ("1 worker", "2 workers"))
    alone = results["in process"]["seconds a run"]
    results["load average"] = os.getloadavg()
    results |= {"overhead of ray, seconds a run": one - alone, "speed-up of 2 workers": one / two}
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
