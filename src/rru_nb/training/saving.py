"""The classes that Keras must know to read a file of a model that holds some of them."""

import importlib

_CLASSES = {
    "cells.rru": "RRUCell",
    "cells.gru": "GRUCell",
    "cells.lstm": "LSTMCell",
    "cells.mogrifier": "MogrifierLSTMCell",
    "layers.rru": "RRU",
    "layers.gru": "GRU",
    "layers.lstm": "LSTM",
    "layers.mogrifier": "MogrifierLSTM",
    "layers.embedding": "Embedding",
    "training.radam": "RAdam",
}


def custom_objects():
    """`{name: class}` of all cells, layers and the optimizer, as Keras' functions take it.

    Keras finds a class by the name in a file once its module is imported; a new process has
    imported none of them.

    Example:

        model = keras.models.load_model("m.keras", custom_objects=rru_nb.custom_objects())
    """
    return {
        name: getattr(importlib.import_module(f"rru_nb.{module}"), name)
        for module, name in _CLASSES.items()
    }
