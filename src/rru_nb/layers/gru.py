"""The recurrent layer of the GRU."""

import keras

from ..cells.gru import GRUCell
from ._recurrent import LayerOfCell


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(LayerOfCell):
    """`keras.layers.RNN` of a `GRUCell`: same weights, same numbers, less time.

    The arguments are those of the cell, and then of `RecurrentLayer`.
    """

    cell_class, cell_name, loop_name = GRUCell, "gru_cell", "gru"
