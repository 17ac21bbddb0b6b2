"""The recurrent layer of the LSTM."""

import keras

from ..cells.lstm import LSTMCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class LSTM(RecurrentLayer):
    """`keras.layers.RNN` of an `LSTMCell`: same weights, same numbers, less time.

    The arguments are those of the cell, and then of `RecurrentLayer`.
    """

    loop_name = "lstm"

    def __init__(self, units, dropout=0.0, forget_bias=1.0, seed=None, fused=None, **kwargs):
        options = {"name": "lstm_cell", **cell_options(kwargs)}
        super().__init__(LSTMCell(units, dropout, forget_bias, seed, **options), fused, **kwargs)
