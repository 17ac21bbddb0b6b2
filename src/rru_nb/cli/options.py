"""Options that several commands have, how numbers are read, and what the shell completes."""

from typing import Annotated

from typer import Argument, BadParameter, Option

from ..data.registry import DATASETS_BY_NAME
from ..layers.registry import CELL_TITLES
from ..storage import paths
from ..training.settings import SCALES, changeable


def _completion(names):
    """Return a function that lists what `names` returns, `{name: meaning}`, for typer to pick."""
    return lambda: list(names().items())


def _ids():
    names = [f"{dataset}/*-s[0-9]*-*.json" for dataset in DATASETS_BY_NAME]
    files = [p for folder in paths.result_folders() for name in names for p in folder.glob(name)]
    runs = [(path.parent.name, *path.stem.rsplit("-", 1)) for path in files]
    return {record_id: f"{dataset} {run}" for dataset, run, record_id in runs}


datasets = _completion(lambda: {name: dataset.title for name, dataset in DATASETS_BY_NAME.items()})
cells = _completion(lambda: CELL_TITLES)
scales = _completion(lambda: dict.fromkeys(SCALES, ""))
settings = _completion(lambda: {f"{name}=": s.meaning for name, s in changeable().items()})
sections = _completion(  # from the files: the sections' module would import pandas
    lambda: {path.stem: "" for path in sorted((paths.params_dir() / "sections").glob("*.yml"))}
)
ids = _completion(_ids)


def _parser(kind, wanted):
    """Return what reads a number; its error quotes the value, which typer's own does not."""

    def parse(text):
        try:
            return kind(text)
        except ValueError:
            raise BadParameter(f"{text!r} must be {wanted}") from None

    parse.__name__ = kind.__name__  # which the help shows
    return parse


integer, number = _parser(int, "a whole number, e.g. 3"), _parser(float, "a number, e.g. 0.5")
integers = _parser(lambda text: [int(n) for n in text.split(",")], "whole numbers, e.g. 0,1,2")

Text = str | None
Dataset = Annotated[str, Option(help="as in `rru-nb data list`", autocompletion=datasets)]
Cell = Annotated[str, Option(help=", ".join(CELL_TITLES), autocompletion=cells)]
Scale = Annotated[str, Option(help="paper, laptop or smoke", autocompletion=scales)]
Seed = Annotated[int, Option(help="of every random number", parser=integer)]
Seeds = Annotated[Text, Option(metavar="0,1,2", help="default: the section's", parser=integers)]
Quiet = Annotated[bool, Option("--quiet", help="no progress bar")]
OnlyDataset = Annotated[Text, Option("--dataset", help="default: all", autocompletion=datasets)]
OnlyCell = Annotated[Text, Option("--cell", help="default: all", autocompletion=cells)]
OnlyScale = Annotated[Text, Option("--scale", help="default: all", autocompletion=scales)]
Names = Annotated[list[str], Argument(metavar="DATASET...", autocompletion=datasets)]
RecordId = Annotated[str, Argument(metavar="ID", help="or how it begins", autocompletion=ids)]
Section = Annotated[str, Argument(help="a section of the paper", autocompletion=sections)]
Sections = Annotated[list[str], Argument(help="default: all", autocompletion=sections)]
Jobs = Annotated[int, Option(help="runs at a time, of the engine local", parser=integer)]
Engine = Annotated[str, Option(help="local, or ray: a cluster")]
Address = Annotated[Text, Option(help="of Ray's cluster; default: RAY_ADDRESS, or this machine")]
GpusPerRun = Annotated[float | None, Option(help="on Ray; 0.25: four share one", parser=number)]
CpusPerRun = Annotated[float | None, Option(help="on Ray; default: 1", parser=number)]
MaxConcurrent = Annotated[int | None, Option(help="on Ray; default: what fits", parser=integer)]
