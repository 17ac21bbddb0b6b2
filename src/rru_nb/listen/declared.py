"""Which models the page "Listen" plays: `params/listen.yml`, resolved."""

import yaml

from ..data import canonical_name
from ..errors import check_choice
from ..storage import paths
from ..training.config import KINDS, canonical_cell, paper_config


def declared():
    """The settings of `params/listen.yml`."""
    return yaml.safe_load((paths.params_dir() / "listen.yml").read_text(encoding="utf-8"))


def listen_config(dataset, cell, scale=None, seed=0):
    """The run whose weights serve the page: declared in `params/listen.yml`.

    Args:
        dataset: a music set. cell: e.g. `"rru"`. scale: None for the declared one; at another
            scale its own sizes hold. seed: int.

    Raises:
        UserError: for a dataset that is no music, another scale than laptop or smoke, or an
            unknown name.
    """
    settings, cell = declared(), canonical_cell(cell)
    if scale is not None:
        check_choice("scale of a model that plays", scale, ("laptop", "smoke"))
    dataset = check_music(canonical_name(dataset))
    changes = {}
    if scale in (None, settings["scale"]):
        changes = settings["all"] | settings.get(dataset, {}) | settings.get(cell, {})
    return paper_config(dataset, cell, scale or settings["scale"], seed, **changes)


def check_music(dataset):
    """The dataset, or a `UserError` if it is no music set."""
    return check_choice("music set", dataset, [n for n, kind in KINDS.items() if kind == "music"])


def command(config):
    """The command that makes the weights of a run of `listen_config`."""
    own = "" if config.scale == declared()["scale"] else f" --scale {config.scale}"
    seed = f" --seed {config.seed}" if config.seed else ""
    return f"rru-nb weights --dataset {config.dataset} --cell {config.cell}{own}{seed}"
