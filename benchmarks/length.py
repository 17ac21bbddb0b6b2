"""How does a step of the fused RRU grow with the number of time steps, and its compile time?

Each number of steps has a graph of its own here, made for it alone; TensorFlow's work on a
graph before it runs depends on the graph's operations.

    python benchmarks/length.py --json benchmarks/records/length-jsb.json
"""

import time

from measure import SIZES, arguments, report, rru_options, side_by_side, training_step

from rru_nb import RRU

QUESTION = __doc__.splitlines()[0]
LENGTHS = {"tiny": (12, 24)}
PAPER_LENGTHS = (200, 400, 800, 1600)


def step_for(steps, options):
    size = SIZES[options.size] | {"T": steps}
    layer = RRU(size["n"], **rru_options(size), return_sequences=True, fused=True)
    return training_step(layer, size, traced_steps=steps)


def operations(graph):
    """The operations of a graph, those of its loops' bodies among them."""
    definition = graph.as_graph_def()
    return len(definition.node) + sum(len(f.node_def) for f in definition.library.function)


def main():
    options = arguments(QUESTION, rounds=3)
    candidates, tracing = {}, {}
    step_for(12, options).trace()  # what is done once in a process is no part of the answer
    for steps in LENGTHS.get(options.size, PAPER_LENGTHS):
        candidates[steps] = step_for(steps, options)
        start = time.perf_counter()
        graph = candidates[steps].trace()
        tracing[steps] = {
            "tracing_s": time.perf_counter() - start,
            "graph operations": operations(graph),
        }
    seconds = side_by_side(candidates, options.rounds, warm_up=1)
    rows = [
        {
            "time steps": steps,
            "median_s": sorted(s)[len(s) // 2],
            "min_s": min(s),
            "ms a time step": 1000 * min(s) / steps,
        }
        | tracing[steps]
        for steps, s in seconds.items()
    ]
    report(QUESTION, rows, options, size=options.size, settings=SIZES[options.size])


if __name__ == "__main__":
    main()
