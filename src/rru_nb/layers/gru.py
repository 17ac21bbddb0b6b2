"""The recurrent layer of the GRU."""

import keras

from ..cells.gru import GRUCell
from ._recurrent import RecurrentLayer


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(RecurrentLayer):
    """`keras.layers.RNN` of a `GRUCell`: same weights, same numbers, less time.

    Arguments are those of the cell, and those of `RecurrentLayer`, which says what it raises.
    """

    cell_class, cell_name, loop_name = GRUCell, "gru_cell", "gru"
