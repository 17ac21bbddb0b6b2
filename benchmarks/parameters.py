"""How does the time of a training step grow with the number of parameters?

    python benchmarks/parameters.py --json benchmarks/records/parameters-jsb.json

The RRU with the inputs, batch, steps and multiplier of a size, and states of other widths.
PyTorch's LSTM, with as many parameters each, takes part where it is installed.
"""

import statistics

from measure import (
    SIZES,
    arguments,
    report,
    rru_parameters,
    side_by_side,
    torch_rnn,
    torch_version,
)
from step import rru_candidates

from rru_nb.tasks.budget import units_within

QUESTION = __doc__.splitlines()[0]
BUDGETS = {"tiny": (300, 600)}
PAPER_BUDGETS = (300_000, 1_000_000, 3_000_000, 7_000_000)


def main():
    options = arguments(QUESTION, rounds=5)
    base, candidates, sizes = SIZES[options.size], {}, {}
    for budget in BUDGETS.get(options.size, PAPER_BUDGETS):
        units = units_within(lambda n: rru_parameters(base | {"n": n}), budget)
        size = sizes[budget] = base | {"n": units}
        found = rru_candidates(size)
        if torch_version():
            found["torch.nn.LSTM"] = torch_rnn(size, options.threads)
        candidates |= {(budget, name): run for name, run in found.items()}
    seconds = side_by_side(candidates, options.rounds, warm_up=1)
    rows = [
        {
            "what": name,
            "parameters": rru_parameters(sizes[budget]),
            "n": sizes[budget]["n"],
            "median_s": statistics.median(s),
            "min_s": min(s),
        }
        for (budget, name), s in seconds.items()
    ]
    versions = {"torch": torch_version()} if torch_version() else {}
    report(QUESTION, rows, options, size=options.size, settings=base, versions=versions)


if __name__ == "__main__":
    main()
