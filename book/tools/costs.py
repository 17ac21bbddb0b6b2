"""What the whole reproduction costs: core-hours from records, a bound for GPUs, a schedule.

Hours are those of the machine that most records come from. Runs of which nothing similar was
measured there are estimated from their operations, at the speed of those that were, and counted.
"""

import heapq
from collections import Counter

import numpy as np

from rru_nb.errors import UserError
from rru_nb.experiments import SECTIONS, section
from rru_nb.experiments.costs import EVALUATION, Costs, duration, operations, time_steps
from rru_nb.experiments.tuning import searches
from rru_nb.training.config import CELLS, SCALES
from rru_nb.training.records import load_records

WORKERS = (1, 8, 64)
TRIALS = 100  # of a search, in the paper
DRAWS = 50

# Float32 operations and bytes of memory, both a second, by the makers' data sheets.
GPUS = {"T4": (8.1e12, 320e9), "H100": (66.9e12, 3.35e12)}
PASSES = 3  # forward, and backward to the inputs and to the weights


def costs(context):
    """Return a row for each section and scale: runs, core-hours, hours by workers, GPUs."""
    records = load_records()
    machine = usual_machine(records)
    if machine is None:
        return "*Nothing is measured here yet.*\n"
    known = Costs(machine)
    ratios = spread(known)
    workers = [f"{n} worker{'s' * (n > 1)}" for n in WORKERS]
    head = [
        "what",
        "scale",
        "runs",
        "core-hours",
        *workers,
        *(f"{gpu}-hours, at least" for gpu in GPUS),
    ]
    lines = [f"| {' | '.join(head)} |", f"| :--- | :--- |{' ---: |' * (len(head) - 2)}"]
    lines += [_row(*group, known, machine["cores"], ratios) for group in groups()]
    low, high = np.quantile(ratios, [0.1, 0.9])
    cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
    note = f"""
Core-hours come from {len(known.runs)} records of the {machine["cpu"]}, {cores}, which did other
work too. Runs that are like none of these are **estimated** from the operations of an epoch, at the
median speed of the recorded ones; brackets say how many. The time with several such workers is the
mean of simulated schedules, in which each run takes longer or shorter than expected as the recorded
ones did: eight of ten took {low:.2f} to {high:.2f} times as long. GPU-hours are **an estimate, not
measured**: the least that a card's arithmetic and memory take (its roofline). Starting kernels
takes time too, and most of it for small models.
"""
    return "\n".join(lines) + "\n" + note


def groups():
    """Yield what, scale and configs of each row."""
    for name in SECTIONS:
        for scale in SCALES[:-1]:  # the last is a matter of seconds
            configs = [run for data in section(name).datasets for run in _runs(name, data, scale)]
            yield section(name).title, scale, configs
    tuned = [s for d in section("main_results").datasets for s in searches(d, CELLS)]
    configs = [search.config({}) for search in tuned for _ in range(TRIALS)]
    yield f"Search, {TRIALS} trials for each cell", "paper", configs


def _runs(name, dataset, scale):
    try:
        return section(name).runs(dataset, scale=scale)
    except UserError:  # the section has no such grid
        return []


def _row(what, scale, configs, known, cores, ratios):
    seconds, estimated = expected(configs, known)
    runs = f"{len(configs):,}" + (f" ({estimated:,})" if estimated else "")
    hours = sum(seconds) * cores / 3600
    cells = [what, scale, runs, f"{hours:,.{1 if hours < 100 else 0}f}" if seconds else "not known"]
    cells += [duration(simulate(seconds, ratios, n)) if seconds else "" for n in WORKERS]
    for gpu in GPUS:
        bound = sum(gpu_seconds(config, known.epochs(config), gpu) for config in configs) / 3600
        cells.append(f"{bound:.2g}" if bound < 100 else f"{bound:,.0f}")
    return f"| {' | '.join(cells)} |"


def expected(configs, known):
    """Return the expected seconds of runs, and how many are estimated; none without records."""
    seconds = [known.seconds(config) for config in configs]
    if not known.runs:
        return [], 0
    speed = np.median([_operations(config, known) / actual for config, actual in known.runs])
    filled = [
        _operations(config, known) / speed if measured is None else measured
        for config, measured in zip(configs, seconds)
    ]
    return filled, seconds.count(None)


def _operations(config, known):
    return known.epochs(config) * EVALUATION * operations(config)


def usual_machine(records):
    """Return `{"cpu": ..., "cores": ...}` of most records without a GPU, or None."""
    devices = [d for d in records.device if d and not d.get("gpu")]
    most = Counter((d["cpu"], d["cores"]) for d in devices).most_common(1)
    return dict(zip(("cpu", "cores"), most[0][0])) if most else None


def spread(known):
    """Return how many times as long as expected the recorded runs of a machine took."""
    ratios = [actual / known.seconds(config) for config, actual in known.runs if actual > 0]
    return np.array(ratios or [1.0])


def simulate(seconds, ratios, workers, draws=DRAWS, seed=0):
    """Return the mean seconds until workers that take the next run when idle have done all.

    Args:
        seconds: expected ones of each run, in order.
        ratios: of which one is drawn for each run, by which it is longer.
    """
    rng, ends = np.random.default_rng(seed), []
    for _ in range(draws):
        free = [0.0] * workers
        for length in np.asarray(seconds) * rng.choice(ratios, len(seconds)):
            heapq.heapreplace(free, free[0] + length)
        ends.append(max(free))
    return float(np.mean(ends))


def gpu_seconds(config, epochs, gpu):
    """Return the least seconds of a training on a GPU by its roofline.

    In each time step of a batch every weight is read once a pass, and takes a multiplication and
    an addition for each sequence.
    """
    arithmetic, memory = GPUS[gpu]
    n_steps = time_steps(config)
    weights = operations(config) / (2 * PASSES * n_steps)
    time_step = PASSES * weights * max(2 * config.batch_size / arithmetic, 4 / memory)
    return epochs * n_steps / config.batch_size * time_step
