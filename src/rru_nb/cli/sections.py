"""The commands for whole sections of the paper: `rru-nb sweep`, `rru-nb status`, `rru-nb tune`."""

from types import SimpleNamespace
from typing import Annotated

import typer

from ..errors import UserError, check_choice
from ..storage.streams import tell
from . import options as common
from . import output

Jobs = Annotated[int, typer.Option(help="runs at a time, of the engine local")]
Engine = Annotated[str, typer.Option(help="local, or ray: a cluster")]
Address = Annotated[
    str | None, typer.Option(help="of the Ray cluster; default: RAY_ADDRESS, or this machine")
]
GpusPerRun = Annotated[float | None, typer.Option(help="on Ray; 0.25: four share a GPU")]
CpusPerRun = Annotated[float | None, typer.Option(help="on Ray; default: 1")]
MaxConcurrent = Annotated[int | None, typer.Option(help="on Ray; default: as there is room")]


def status(
    section: Annotated[
        list[str], typer.Argument(help="default: all sections", autocompletion=common.sections)
    ] = (),
    scale: common.OnlyScale = None,
    dataset: common.OnlyDataset = None,
    everything: Annotated[
        bool, typer.Option("--all", help="a line for each dataset of a section")
    ] = False,
):
    """Show what each section lacks, and its hours here."""
    _status(SimpleNamespace(**locals()))


def sweep(
    section: common.Section,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="default: each dataset that the paper shows, in turn",
            autocompletion=common.datasets,
        ),
    ] = None,
    scale: common.Scale = "laptop",
    cells: Annotated[
        str | None, typer.Option(help="e.g. rru,gru; default: those of the section")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="e.g. 0,1,2; default: those of the section")
    ] = None,
    jobs: Jobs = 1,
    engine: Engine = "local",
    address: Address = None,
    gpus_per_run: GpusPerRun = None,
    cpus_per_run: CpusPerRun = None,
    max_concurrent: MaxConcurrent = None,
):
    """Run what a section of the paper lacks.

    The most telling runs come first. Stop it with Ctrl-C; the same command goes on.
    """
    _sweep(SimpleNamespace(**locals()))


def tune(
    dataset: Annotated[
        str, typer.Option(help="a music set or ptb-word", autocompletion=common.datasets)
    ],
    cell: common.Cell,
    scale: common.Scale = "paper",
    trials: Annotated[int, typer.Option(help="how many in the end")] = 100,
    select_on: Annotated[
        str, typer.Option(help="valid, or test: as the authors chose their values")
    ] = "valid",
    seed: Annotated[int, typer.Option(help="of search and trainings")] = 0,
    jobs: Jobs = 1,
    engine: Engine = "local",
    address: Address = None,
    gpus_per_run: GpusPerRun = None,
    cpus_per_run: CpusPerRun = None,
    max_concurrent: MaxConcurrent = None,
    quiet: common.Quiet = False,
):
    """Search hyperparameters as the paper did (section 4.2).

    HyperOpt's TPE over the ranges of Table 3. Stop it with Ctrl-C; the same command goes on with
    new points. Each trial leaves a record.
    """
    _tune(SimpleNamespace(**locals()))


def _engine(options, progress=False):
    from ..experiments.engines import make_engine

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
    from ..experiments import SECTIONS
    from ..experiments.status import status
    from ..training.config import SCALES

    sections = [check_choice("section", name, SECTIONS) for name in options.section or SECTIONS]
    scales = [check_choice("scale", options.scale, SCALES)] if options.scale is not None else SCALES
    datasets = None if options.dataset is None else [canonical_name(options.dataset)]
    table = status(sections, scales, datasets)
    if table.empty:
        output.note("no section has a grid for that")
        return
    if not (options.everything or datasets):
        table = table.groupby(["section", "scale"], sort=False).sum(numeric_only=True).reset_index()
    rows = [row | {"hours left": _hours(row["hours left"])} for row in table.to_dict("records")]
    output.print_table(rows, {"recorded": _style_of_recorded})
    output.note(
        "Hours on this machine, one run after the other, from similar records; of the runs under "
        "`estimated` from operations counted and a speed measured here."
    )


def _hours(hours):
    return f"{hours:.1f}" if hours < 10 else f"{hours:.0f}"


def _style_of_recorded(row):
    return "green" if row["recorded"] == row["runs"] else "yellow" if row["recorded"] else "red"


def _names(text):
    return None if text is None else [name.strip() for name in text.split(",")]


def _numbers(option, text):
    try:
        return None if text is None else [int(number) for number in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text!r} must be whole numbers, e.g. {option} 0,1,2.") from None
