"""`rru-nb run`: train one setting, or show its record if there is one."""

from typing import Annotated

import typer

from ..errors import UserError
from . import options, output
from .record import facts_of, title_of


def run(
    dataset: options.Dataset,
    cell: options.Cell,
    scale: options.Scale = "paper",
    seed: Annotated[int, typer.Option(help="of every random number")] = 0,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="change a setting; may be given several times; `rru-nb settings` lists them",
            autocompletion=options.settings,
        ),
    ] = (),
    quiet: options.Quiet = False,
):
    """Train one setting, or show its record if there is one."""
    from ..training.config import paper_config

    config = paper_config(dataset, cell, scale, seed, **changes_of(changes))
    from ..training.records import found_path
    from ..training.trainer import run

    stored = found_path(config) is not None
    record = run(config, progress=not quiet)
    print_outcome(config, record, "stored record" if stored else "new record", found_path(config))


def print_outcome(config, record, word, path):
    """Print what came of a run, where its record lies, and the command to go on with."""
    ends = [(word, path), ("next", next_command(config, record))]
    output.print_panel(title_of(record), [*facts_of(record), *ends])


def settings():
    """List what `run --set` may change."""
    from ..layers.registry import CELL_TITLES
    from ..training.settings import changeable, owners_of

    rows = [
        {
            "setting": name,
            "meaning": setting.meaning,
            "valid": setting.wanted,
            "of": ", ".join(CELL_TITLES[cell] for cell in owners_of(name)) or setting.whose,
        }
        for name, setting in changeable().items()
    ]
    output.print_table(rows)


def next_command(config, record):
    """Return the command that is of most use after a run."""
    from ..training.config import command, paper_config

    if record.get("failure"):
        return f"rru-nb show {config.id}"
    if config.scale == "smoke":  # all that one can learn of it is that everything works
        return command(paper_config(config.dataset, config.cell, "laptop"))
    return f"rru-nb results --dataset {config.dataset}"


def changes_of(assignments):
    """Return `{"dropout": 0.5}` for `["dropout=0.5"]`; values are read as YAML scalars."""
    from ..training.settings import IDENTITY, value_of

    changes = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"--set {assignment!r} is not NAME=VALUE, e.g. --set dropout=0.5")
        if name.strip() in IDENTITY:
            raise UserError(f"--set {assignment!r}: that is the option --{name.strip()}.")
        changes[name.strip()] = value_of(value)
    return changes
