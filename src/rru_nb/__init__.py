"""The companion of "Gates are not what you need in RNNs": every public name, in one place.

Names are imported when first used, so that the command line answers without TensorFlow.
"""

import importlib

from .backend import choose, installed

__version__ = "0.1.0"

_HOME = {
    "RRUCell": "cells.rru",
    "GRUCell": "cells.gru",
    "LSTMCell": "cells.lstm",
    "MogrifierLSTMCell": "cells.mogrifier",
    "RRU": "layers.rru",
    "RAdam": "radam",
    "custom_objects": "saving",
    "DATASETS": "data",
    "load_dataset": "data",
    "read_midi": "data.midi",
    "write_midi": "data.midi",
    "RunConfig": "config",
    "paper_config": "config",
    "run": "training",
    "load_records": "records",
    "check_parameters": "parameters",
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
