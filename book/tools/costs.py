"""What the whole reproduction costs: core-hours from records, a bound for GPUs, a schedule.

Hours are those of the machine that most records come from. Runs of which nothing similar was
measured there are counted beside, never guessed.
"""

import heapq
from collections import Counter

import numpy as np

from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.errors import UserError
from rru_nb.experiments import SECTIONS, section
from rru_nb.experiments.costs import Costs, duration
from rru_nb.experiments.tuning import searches
from rru_nb.training.config import CELLS, KINDS, SCALES
from rru_nb.training.records import load_records

WORKERS = (1, 8, 64)
TRIALS = 100  # of a search, in the paper
DRAWS = 50

# Float32 operations and bytes of memory, both a second, by the makers' data sheets.
GPUS = {"T4": (8.1e12, 320e9), "H100": (66.9e12, 3.35e12)}
PASSES = 3  # forward, and backward to the inputs and to the weights


def costs(context):
    """A row for each section and scale: runs, core-hours, hours with several workers, GPUs."""
    records = load_records()
    machine = usual_machine(records)
    if machine is None:
        return "*Nothing is measured here yet.*\n"
    known = Costs(machine)
    ratios = spread(known)
    workers = [f"{n} worker{'s' * (n > 1)}" for n in WORKERS]
    head = ["what", "scale", "runs", "core-hours", *workers, *(f"{gpu}-hours" for gpu in GPUS)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [_row(*group, known, machine["cores"], ratios) for group in groups()]
    low, high = np.quantile(ratios, [0.1, 0.9])
    cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
    note = f"""
Core-hours come from {len(known.runs)} records of the {machine["cpu"]}, {cores}, which did other
work too; runs that are like none of these stand after a plus. The time with several such workers is
the mean of simulated schedules, in which each run takes longer or shorter than expected as the
recorded ones did: eight of ten took {low:.2f} to {high:.2f} times as long. GPU-hours are **an
estimate, not measured**: the least that a card's arithmetic and memory take (its roofline), for the
music sets and word-level Penn Treebank. Starting kernels takes time too, and most of it for small
models.
"""
    return "\n".join(lines) + "\n" + note


def groups():
    """Yield what, scale and configs of each row."""
    for name in SECTIONS:
        for scale in SCALES[:-1]:  # the last is a matter of seconds
            configs = [run for data in section(name).datasets for run in _runs(name, data, scale)]
            yield f"{section(name).title}: {section(name).paper}", scale, configs
    tuned = [s for d in section("main_results").datasets for s in searches(d, CELLS)]
    configs = [search.config({}) for search in tuned for _ in range(TRIALS)]
    yield f"Hyperparameters: section 4.2, {TRIALS} trials for each cell", "paper", configs


def _runs(name, dataset, scale):
    try:
        return section(name).runs(dataset, scale=scale)
    except UserError:  # the section has no such grid
        return []


def _row(what, scale, configs, known, cores, ratios):
    seconds = [known.seconds(config) for config in configs]
    told = [s for s in seconds if s is not None]
    unknown = len(seconds) - len(told)
    cells = [what, scale, f"{len(configs):,}"]
    cells += [f"{sum(told) * cores / 3600:,.1f}{_and_more(unknown)}"]
    cells += [duration(simulate(told, ratios, n)) if told else "" for n in WORKERS]
    for gpu in GPUS:
        bounds = [gpu_seconds(config, known.epochs(config), gpu) for config in configs]
        of_gpu = [bound for bound in bounds if bound is not None]
        left_out = len(bounds) - len(of_gpu)
        hours = f"at least {sum(of_gpu) / 3600:.2g}{_and_more(left_out)}"
        cells.append(hours if of_gpu else "")
    return f"| {' | '.join(cells)} |"


def _and_more(n):
    return f" + {n} run{'s' * (n > 1)}" if n else ""


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
    """Return the least seconds of a training on a GPU by its roofline; None where not known.

    In each time step of a batch every weight is read once a pass, and takes a multiplication and
    an addition for each sequence.
    """
    counts = DATASETS_BY_NAME[config.dataset].counts
    if config.scale != "paper" or not config.n_params or not _counts_time_steps(config):
        return None
    arithmetic, memory = GPUS[gpu]
    weights = config.n_params
    time_step = PASSES * weights * max(2 * config.batch_size / arithmetic, 4 / memory)
    return epochs * counts["train"][1] / config.batch_size * time_step


def _counts_time_steps(config):
    return KINDS[config.dataset] == "music" or config.dataset == "ptb-word"
