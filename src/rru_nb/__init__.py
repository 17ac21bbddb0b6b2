"""The companion of "Gates are not what you need in RNNs": every public name, in one place.

Names are imported when first used, so that the command line answers without TensorFlow.
"""

import importlib

from .layers.backend import choose, installed
from .layers.registry import CELLS

__version__ = "0.1.0"

_HOME = {
    **{name: module for module, name in (spec.cell.split(":") for spec in CELLS.values())},
    "RRU": "layers.rru",
    "register_cell": "layers.registry",
    "unregister_cell": "layers.registry",
    "RAdam": "training.radam",
    "custom_objects": "training.saving",
    "DATASETS": "data",
    "load_dataset": "data",
    "read_midi": "data.midi",
    "write_midi": "data.midi",
    "RunConfig": "training.config",
    "paper_config": "training.config",
    "run": "training.trainer",
    "load_records": "training.records",
    "check_parameters": "training.parameters",
    "UserError": "errors",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    choose()
    with installed():
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
