"""The commands that fill the book: sections of the paper, the search, the models of Listen."""

from typing import Annotated

from typer import Option

from ..data import canonical_name
from ..errors import UserError, check_choice
from ..layers.registry import CELLS
from ..storage.streams import tell
from ..training.config import canonical_cell
from ..training.records import find_record
from ..training.settings import SCALES
from . import options, output


def status(
    section: options.Sections = None,
    scale: options.OnlyScale = None,
    dataset: options.OnlyDataset = None,
    everything: Annotated[bool, Option("--all", help="a line for each dataset")] = False,
):
    """Show what each section lacks, and its hours here."""
    from ..experiments import SECTIONS
    from ..experiments.sweep import status as measured

    scales = SCALES if scale is None else [check_choice("scale", scale, SCALES)]
    datasets = None if dataset is None else [canonical_name(dataset)]
    table = measured(section or SECTIONS, scales, datasets)
    if table.empty:
        output.note("no section has a grid for that")
        return
    if not (everything or datasets):
        table = table.groupby(["section", "scale"], sort=False).sum(numeric_only=True).reset_index()
    rows = table.to_dict("records")
    for row in rows:
        done, hours = row["recorded"], row["hours left"]
        row["hours left"] = f"{hours:.1f}" if hours < 10 else f"{hours:.0f}"
        colour = "green" if done == row["runs"] else "yellow" if done else "red"
        row["recorded"] = output.Styled(done, colour)
    output.print_table(rows)
    source = "similar records; under `estimated`, operations counted and a measured speed"
    output.note(f"Hours on this machine, one run after the other. They are from {source}.")


def sweep(
    section: options.Section,
    dataset: options.OnlyDataset = None,
    scale: options.Scale = "laptop",
    cells: Annotated[str | None, Option(help="e.g. rru,gru; default: the section's")] = None,
    seeds: options.Seeds = None,
    jobs: options.Jobs = 1,
    engine: options.Engine = "local",
    address: options.Address = None,
    gpus_per_run: options.GpusPerRun = None,
    cpus_per_run: options.CpusPerRun = None,
    max_concurrent: options.MaxConcurrent = None,
):
    """Run what a section of the paper lacks. After Ctrl-C the same command goes on."""
    from ..experiments import section as declared
    from ..experiments.engines import make_engine
    from ..experiments.sweep import sweep

    cluster = {"address": address, "gpus_per_run": gpus_per_run, "cpus_per_run": cpus_per_run}
    runner = make_engine(engine, jobs, **cluster, max_concurrent=max_concurrent)
    grid = declared(section)
    check_choice("scale", scale, SCALES)
    cells = None if cells is None else [canonical_cell(name.strip()) for name in cells.split(",")]
    failed = []
    for name in grid.datasets if dataset is None else [dataset]:
        try:
            sweep(grid, name, scale, cells, seeds, runner, say=output.show)
        except UserError as error:  # one whose file is missing holds up no other
            if dataset is not None:
                raise
            tell(f"{name} is left out: {error}")
            failed.append(name)
    if failed:
        raise UserError(f"not done, as said above: {', '.join(failed)}.")


def tune(
    dataset: options.Dataset,
    cell: options.Cell,
    scale: options.Scale = "paper",
    trials: Annotated[int, Option(help="how many in the end", parser=options.integer)] = 100,
    select_on: Annotated[str, Option(help="valid, or test as the authors did")] = "valid",
    seed: options.Seed = 0,
    jobs: options.Jobs = 1,
    engine: options.Engine = "local",
    address: options.Address = None,
    gpus_per_run: options.GpusPerRun = None,
    cpus_per_run: options.CpusPerRun = None,
    max_concurrent: options.MaxConcurrent = None,
    quiet: options.Quiet = False,
):
    """Search hyperparameters as the paper did (section 4.2).

    HyperOpt's TPE over the ranges of Table 3. After Ctrl-C the same command goes on.
    """
    from ..experiments.engines import make_engine
    from ..experiments.tuning import Search, tune

    search = Search(dataset, cell, scale, select_on, seed)
    if trials < 1:
        raise UserError(f"--trials {trials} must be at least 1.")
    cluster = {"address": address, "gpus_per_run": gpus_per_run, "cpus_per_run": cpus_per_run}
    runner = make_engine(engine, jobs, not quiet, **cluster, max_concurrent=max_concurrent)
    done = tune(search, trials, runner)
    finished = [trial for trial in done if trial["loss"] is not None]
    print(f"{len(done)} trials, {len(done) - len(finished)} failed: {search.path}")
    if finished:
        best = min(finished, key=lambda trial: trial["loss"])
        output.show(f"best by {search.select_on}: record {best['id']}, {best['values']}")


def weights(
    dataset: options.Dataset,
    cell: options.Cell,
    scale: Annotated[options.Text, Option(help="laptop (default) or smoke")] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
):
    """Train a small music model for the page Listen. Its weights go to results/weights/."""
    from ..experiments.engines import import_keras
    from ..listen.settings import listen_config

    config = listen_config(dataset, cell, scale, seed)
    import_keras()
    from ..listen import models

    word = "stored" if models.find(config) else "new"
    path = models.make(config, progress=not quiet)
    print(f"{word} weights: {path} ({path.stat().st_size:,} bytes)")
    if record := find_record(config):
        print(f"record {config.id}: test {output.join(record['test'], '.4f')}")


def listen(dataset: options.Dataset):
    """Count what such models play. The counts, and the data's, go to results/listen/."""
    from ..experiments.engines import import_keras
    from ..listen.settings import grid_of, listen_config, settings

    dataset = canonical_name(dataset)
    grid_of(dataset)
    import_keras()
    from ..listen import counts, models

    played = set(settings()["cells"])
    played |= {cell for cell in CELLS if models.find(listen_config(dataset, cell))}
    print(f"counted: {counts.write(dataset, [cell for cell in CELLS if cell in played])}")
