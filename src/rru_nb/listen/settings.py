"""Which models of the page Listen there are, `params/listen.yml`, and how their sets are played.

Nothing here needs a backend.
"""

from typing import NamedTuple

from ..data import canonical_name
from ..errors import check_choice
from ..storage import files, paths
from ..training.config import canonical_cell, paper_config
from ..training.parameters import music_dataset


class Grid(NamedTuple):
    """How a music set is played."""

    steps_per_quarter: int
    tempo: float  # quarter notes a minute, our choice
    prime_frames: int  # time steps of the opening, if nobody says
    frames: int  # and after it


GRIDS = {  # chorales in quarter notes; tunes in eighths: 192 steps are 32 bars of a jig
    "jsb": Grid(1, 100.0, prime_frames=16, frames=40),
    "chorales": Grid(1, 100.0, prime_frames=16, frames=24),
    "nottingham": Grid(2, 120.0, prime_frames=24, frames=96),
}


def grid_of(dataset):
    """Return the `Grid` of a dataset; a `UserError` for one that has none."""
    return GRIDS[check_choice("dataset", dataset, GRIDS, "is none to listen to")]


def settings():
    """Return the settings of `params/listen.yml`."""
    return files.read_yaml(paths.params_dir() / "listen.yml")


def listen_config(dataset, cell, scale=None, seed=0):
    """Return the `RunConfig` of a model that plays, at "laptop" or "smoke"; None: as declared.

    The sizes of `params/listen.yml` hold for its scale alone.
    """
    given, cell = settings(), canonical_cell(cell)
    scale = given["scale"] if scale is None else scale
    check_choice("scale", scale, ("laptop", "smoke"), "is not that of a model that plays")
    dataset = music_dataset(canonical_name(dataset))
    changes = {}
    if scale == given["scale"]:
        changes = given["all"] | given.get(dataset, {}) | given.get(cell, {})
    return paper_config(dataset, cell, scale, seed, **changes)


def command(config):
    """Return the command that makes the weights of a run of `listen_config`."""
    scale = "" if config.scale == settings()["scale"] else f" --scale {config.scale}"
    seed = f" --seed {config.seed}" if config.seed else ""
    return f"rru-nb weights --dataset {config.dataset} --cell {config.cell}{scale}{seed}"
