"""How does a step of the fused RRU grow with the number of time steps, and its compile time?

python benchmarks/length.py --json benchmarks/records/length-jsb.json
"""

import time

from measure import SIZES, arguments, report, side_by_side, training_step
from step import rru_options

from rru_nb import RRU

QUESTION = __doc__.splitlines()[0]
LENGTHS = {"tiny": (12, 24)}
PAPER_LENGTHS = (200, 400, 800, 1600)


def main():
    options = arguments(QUESTION, rounds=3)
    candidates, first = {}, {}
    for steps in LENGTHS.get(options.size, PAPER_LENGTHS):
        size = SIZES[options.size] | {"T": steps}
        layer = RRU(size["n"], **rru_options(size), return_sequences=True, fused=True)
        candidates[steps] = training_step(layer, size)
        start = time.perf_counter()
        candidates[steps]()
        first[steps] = time.perf_counter() - start
    seconds = side_by_side(candidates, options.rounds, warm_up=1)
    rows = [
        {
            "time steps": steps,
            "median_s": sorted(s)[len(s) // 2],
            "min_s": min(s),
            "ms a time step": 1000 * min(s) / steps,
            "tracing and compiling_s": first[steps] - min(s),
        }
        for steps, s in seconds.items()
    ]
    report(QUESTION, rows, options, size=options.size, settings=SIZES[options.size])


if __name__ == "__main__":
    main()
