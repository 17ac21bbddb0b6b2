"""How much memory does a training step take at its peak, fused and by the plain cell?

    python benchmarks/memory.py --json benchmarks/records/memory-jsb.json

Each in a process of its own; the peak is the operating system's, less the peak of a step
over nine time steps. Not for a GPU, whose memory the operating system does not count.
"""

import multiprocessing
import resource

from measure import SIZES, arguments, report, rru_options, training_step

from rru_nb import RRU

QUESTION = __doc__.splitlines()[0]


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(fused, size, queue):
    layer = RRU(size["n"], **rru_options(size), return_sequences=True, fused=fused)
    step = training_step(layer, size)
    step(n_steps=9)  # traces: the graph's own memory is no part of the answer
    before = peak_megabytes()
    step()
    step()
    queue.put({"before_MB": before, "peak_MB": peak_megabytes()})


def main():
    options = arguments(QUESTION)
    size, rows = SIZES[options.size], []
    context = multiprocessing.get_context("spawn")
    for name, fused in (("RRU, fused", True), ("RRU, plain cell", False)):
        queue = context.Queue()
        process = context.Process(target=measured, args=(fused, size, queue))
        process.start()
        row = queue.get()
        process.join()
        rows.append({"what": name, **row, "step_MB": row["peak_MB"] - row["before_MB"]})
    report(QUESTION, rows, options, size=options.size, settings=size)


if __name__ == "__main__":
    main()
