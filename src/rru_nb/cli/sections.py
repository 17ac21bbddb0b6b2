"""The commands for whole sections of the paper: `rru-nb sweep`, `rru-nb status`, `rru-nb tune`."""

from ..errors import UserError
from ..experiments import SECTIONS
from ..experiments.engines import make_engine
from ..storage.streams import tell
from ..training.config import CELLS, SCALES


def add_to(commands):
    """Adds the commands to the subparsers of `rru-nb`."""
    _add_sweep(commands)
    _add_status(commands)
    _add_tune(commands)


def _add_sweep(commands):
    sweep = commands.add_parser(
        "sweep",
        help="run what a section of the paper lacks",
        description="Runs every run of a section that has no record, the most telling first. "
        "Stop it with Ctrl-C; the same command goes on.",
    )
    sweep.add_argument("section", help=", ".join(SECTIONS))
    sweep.add_argument("--dataset", help="default: each dataset that the paper shows, in turn")
    sweep.add_argument("--scale", default="laptop", help="paper, laptop (default) or smoke")
    sweep.add_argument("--cells", help="e.g. rru,gru; default: those of the section")
    sweep.add_argument("--seeds", help="e.g. 0,1,2; default: those of the section")
    _add_engine(sweep)
    sweep.set_defaults(do=_sweep)


def _add_status(commands):
    status = commands.add_parser(
        "status",
        help="how many runs of each section exist, and what the rest would cost here",
    )
    status.add_argument("section", nargs="*", help="default: all sections")
    status.add_argument("--scale", help=f"default: {', '.join(SCALES)}")
    status.add_argument("--dataset", help="default: those that the paper shows")
    status.add_argument(
        "--time",
        action="store_true",
        help="first time some steps of what no record of this machine tells: minutes; kept",
    )
    status.set_defaults(do=_status)


def _add_tune(commands):
    tune = commands.add_parser(
        "tune",
        help="search hyperparameters as the paper did (section 4.2)",
        description="HyperOpt's TPE over the ranges of Table 3. Stop it with Ctrl-C; the same "
        "command goes on with new points. Each trial leaves a record.",
    )
    tune.add_argument("--dataset", required=True, help="a music set or ptb-word")
    tune.add_argument("--cell", required=True, help=" or ".join(CELLS))
    tune.add_argument("--scale", default="paper", help="paper (default), laptop or smoke")
    tune.add_argument("--trials", type=int, default=100, help="how many in the end, default 100")
    tune.add_argument(
        "--select-on",
        default="valid",
        help="valid (default), or test: as the authors chose their values",
    )
    tune.add_argument("--seed", type=int, default=0, help="of search and trainings, default 0")
    _add_engine(tune)
    tune.add_argument("--quiet", action="store_true", help="no progress bars")
    tune.set_defaults(do=_tune)


def _add_engine(command):
    command.add_argument("--jobs", type=int, default=1, help="runs at a time, default 1")
    command.add_argument("--engine", default="local", help="local (default), or ray: a cluster")
    command.add_argument("--address", help="of the Ray cluster; default: RAY_ADDRESS, or here")
    command.add_argument("--gpus-per-run", type=float, help="on Ray; 0.25: four share a GPU")
    command.add_argument("--cpus-per-run", type=float, help="on Ray, default 1")
    command.add_argument("--max-concurrent", type=int, help="on Ray; default: as there is room")


def _engine(options, progress=False):
    names = ("address", "gpus_per_run", "cpus_per_run", "max_concurrent")
    cluster = {name: getattr(options, name) for name in names}
    return make_engine(options.engine, options.jobs, progress, **cluster)


def _tune(options):
    from ..experiments.tuning import Search, tune

    search = Search.of(
        options.dataset, options.cell, options.scale, options.select_on, options.seed
    )
    if options.trials < 1:
        raise UserError(f"--trials {options.trials} must be at least 1.")
    done = tune(search, options.trials, _engine(options, progress=not options.quiet))
    finished = [trial for trial in done if trial["loss"] is not None]
    print(f"{len(done)} trials, {len(done) - len(finished)} failed: {search.path}")
    if finished:
        best = min(finished, key=lambda trial: trial["loss"])
        print(f"best by {search.select_on}: record {best['id']}, {best['values']}")


def _sweep(options):
    from ..experiments import section
    from ..experiments.sweep import sweep

    engine = _engine(options)
    found = section(options.section)
    cells, seeds = _names(options.cells), _numbers("--seeds", options.seeds)
    if options.dataset is not None:
        sweep(found, options.dataset, options.scale, cells, seeds, engine)
        return
    failed = []
    for dataset in found.datasets:  # one whose file is not at hand holds up no other
        try:
            sweep(found, dataset, options.scale, cells, seeds, engine)
        except UserError as error:
            tell(f"{dataset} is left out: {error}")
            failed.append(dataset)
    if failed:
        raise UserError(f"not done, as said above: {', '.join(failed)}.")


def _status(options):
    from ..data import canonical_name
    from ..errors import check_choice
    from ..experiments.status import status, time_steps

    sections = [check_choice("section", name, SECTIONS) for name in options.section or SECTIONS]
    scales = [check_choice("scale", options.scale, SCALES)] if options.scale is not None else SCALES
    datasets = None if options.dataset is None else [canonical_name(options.dataset)]
    if options.time:
        time_steps(sections, scales, datasets)
    table = status(sections, scales, datasets)
    if table.empty:
        print("no section has a grid for that")
        return
    hours = [_hours(*row) for row in zip(table["hours left"], table.untold)]
    print(table.drop(columns="untold").assign(**{"hours left": hours}).to_string(index=False))
    print("\nHours on this machine, one run after the other, from the seconds of similar records")
    print("and from the steps that `rru-nb status --time` timed.")


def _hours(hours, untold):
    """What is left: `"1.5"`, `"1.5 + 3 runs"` where nothing like those was measured here."""
    runs = f"{untold} run{'s' if untold > 1 else ''}"
    if not untold:
        return f"{hours:.1f}"
    return f"{hours:.1f} + {runs}" if hours else f"{runs}, unknown"


def _names(text):
    return None if text is None else [name.strip() for name in text.split(",")]


def _numbers(option, text):
    try:
        return None if text is None else [int(number) for number in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text!r} must be whole numbers, e.g. {option} 0,1,2.") from None
