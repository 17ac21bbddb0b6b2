"""The commands behind the page "Listen": `rru-nb weights`, `rru-nb listen`."""

from typing import Annotated

import typer

from . import options


def weights(
    dataset: options.Dataset,
    cell: options.Cell,
    scale: Annotated[
        str | None,
        typer.Option(help="laptop (default, as declared) or smoke", autocompletion=options.scales),
    ] = None,
    seed: Annotated[int, typer.Option(help="of every random number")] = 0,
    quiet: options.Quiet = False,
):
    """Train a small music model for the page Listen.

    It is the model that params/listen.yml declares. Its record is written as `rru-nb run` does, and
    its weights under results/weights/.
    """
    from ..listen import models
    from ..training.records import find_record

    config = models.listen_config(dataset, cell, scale, seed)
    stored = models.find(config) is not None
    path = models.make(config, progress=not quiet)
    print(
        "stored weights:" if stored else "new weights:", f"{path} ({path.stat().st_size:,} bytes)"
    )
    record = find_record(config)
    if record:
        scores = "  ".join(f"{name} {value:.4f}" for name, value in record["test"].items())
        print(f"record {config.id}: test  {scores}")


def listen(dataset: options.Dataset):
    """Count what such models play, beside the data.

    The models of `rru-nb weights` play on after the opening of each test piece. What can be
    counted, theirs and the data's, is written to results/listen/.
    """
    from ..data import canonical_name
    from ..listen import counts, models
    from ..listen.player import grid_of

    dataset = canonical_name(dataset)
    grid_of(dataset)
    counts.check_room(dataset)
    path = counts.write(counts.count(dataset, models.settings()["cells"]))
    print(f"counted: {path}")
