"""Options that several commands have, and what the shell completes."""

import glob
from typing import Annotated

import typer

from ..layers.registry import CELLS


def datasets(incomplete: str):
    """Return the names of datasets that begin as typed so far, with their titles."""
    from ..data.registry import DATASETS_BY_NAME

    known = [(name, dataset.title) for name, dataset in DATASETS_BY_NAME.items()]
    return [(name, title) for name, title in known if name.startswith(incomplete)]


def cells(incomplete: str):
    """Return the cells that begin as typed so far, with their titles."""
    return [(name, spec.title) for name, spec in CELLS.items() if name.startswith(incomplete)]


def scales(incomplete: str):
    """Return the scales that begin as typed so far."""
    from ..training.settings import SCALES

    return [scale for scale in SCALES if scale.startswith(incomplete)]


def sections(incomplete: str):
    """Return the sections of the paper that begin as typed so far."""
    from ..storage import paths  # the sections' module would import pandas

    files = (paths.params_dir() / "sections").glob(f"{glob.escape(incomplete)}*.yml")
    return sorted(path.stem for path in files)


def settings(incomplete: str):
    """Return what `--set` may change, as `name=`, with the meanings."""
    from ..training.settings import changeable

    known = [(f"{name}=", setting.meaning) for name, setting in changeable().items()]
    return [(name, meaning) for name, meaning in known if name.startswith(incomplete)]


def ids(incomplete: str):
    """Return the ids of records that begin as typed so far, with dataset, cell, scale and seed."""
    from ..storage import paths

    files = [path for folder in paths.result_folders() for path in folder.glob("*/*-s*-*.json")]
    known = {path.stem.rpartition("-")[2]: path for path in files}
    return [
        (name, f"{path.parent.name} {path.stem.rpartition('-')[0]}")
        for name, path in sorted(known.items())
        if name.startswith(incomplete)
    ]


_CELLS = ", ".join(CELLS)
Dataset = Annotated[str, typer.Option(help="as in `rru-nb data list`", autocompletion=datasets)]
Cell = Annotated[str, typer.Option(help=_CELLS, autocompletion=cells)]
Scale = Annotated[str, typer.Option(help="paper, laptop or smoke", autocompletion=scales)]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress bar")]
OnlyDataset = Annotated[
    str | None, typer.Option("--dataset", help="only this dataset", autocompletion=datasets)
]
OnlyCell = Annotated[
    str | None, typer.Option("--cell", help="only this cell", autocompletion=cells)
]
OnlyScale = Annotated[
    str | None, typer.Option("--scale", help="only this scale", autocompletion=scales)
]
Section = Annotated[str, typer.Argument(help="a section of the paper", autocompletion=sections)]
RecordId = Annotated[
    str, typer.Argument(metavar="ID", help="of a record, or how it begins", autocompletion=ids)
]
