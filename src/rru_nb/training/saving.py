"""The classes that Keras must know to read a file of a model that holds some of them."""

import keras

from ..layers.any_cell import CellLayer
from ..layers.embedding import Embedding
from ..layers.registry import CELLS
from .radam import RAdam


def custom_objects():
    """Return `{name: class}` of all cells, layers and the optimizer, as Keras' functions take it.

    The names are those under which they are registered, `"rru_nb>GRU"`: Keras' own `GRU` stays what
    it is. Keras finds a class by the name in a file once its module is imported; a new process has
    imported none of them.

    Example::

        known = rru_nb.custom_objects()
        model = keras.models.load_model("m.keras", custom_objects=known)
    """
    of_cells = [cls for spec in CELLS.values() for cls in spec.classes()]
    known = (*of_cells, CellLayer, Embedding, RAdam)
    return {keras.saving.get_registered_name(cls): cls for cls in known}
