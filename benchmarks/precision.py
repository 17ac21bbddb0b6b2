"""How long is a training step whose products are in bfloat16, beside one in float32?

    python benchmarks/precision.py --size words --json benchmarks/records/precision-words.json

Forward, backward and RAdam of each fused layer, as `rru-nb` trains with `precision=bfloat16`. The
gated layers have as many parameters as the RRU.
"""

import statistics

from backends import optimizer_step
from measure import (
    LAYERS,
    SIZES,
    arguments,
    layer_named,
    report,
    rru_parameters,
    side_by_side,
)

from rru_nb.layers.backend import fixed_settings

QUESTION = __doc__.splitlines()[0]
PRECISIONS = ("float32", "bfloat16")


def main():
    options = arguments(QUESTION, rounds=5)
    size, candidates = SIZES[options.size], {}
    for precision in PRECISIONS:
        with fixed_settings(precision):
            steps = {
                name.removesuffix(", fused"): optimizer_step(layer_named(name, size), size)
                for name in LAYERS
                if name != "RRU, plain"
            }
            for step in steps.values():
                step()  # traced here, it keeps the precision
        candidates |= {(name, precision): step for name, step in steps.items()}
    seconds = side_by_side(candidates, options.rounds, warm_up=1)
    rows = []
    for name in steps:
        medians = {p: statistics.median(seconds[name, p]) for p in PRECISIONS}
        rows.append({"what": name} | {f"{p}, median_s": s for p, s in medians.items()})
        rows[-1]["bfloat16 / float32"] = medians["bfloat16"] / medians["float32"]
    about = {"parameters": rru_parameters(size), "size": options.size, "settings": size}
    report(QUESTION, rows, options, **about)


if __name__ == "__main__":
    main()
