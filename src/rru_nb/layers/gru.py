"""The recurrent layer of the GRU."""

import keras

from ..cells.gru import GRUCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(RecurrentLayer):
    """`keras.layers.RNN` of a `GRUCell`: same weights, same numbers, less time.

    The arguments are those of the cell, and then of `RecurrentLayer`.
    """

    loop_name = "gru"

    def __init__(self, units, dropout=0.0, seed=None, fused=None, **kwargs):
        cell = GRUCell(units, dropout, seed, name="gru_cell", **cell_options(kwargs))
        super().__init__(cell, fused, **kwargs)
