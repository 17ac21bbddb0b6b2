"""The recurrent layer of the LSTM."""

import keras

from ..cells.lstm import LSTMCell
from ._recurrent import LayerOfCell


@keras.saving.register_keras_serializable(package="rru_nb")
class LSTM(LayerOfCell):
    """`keras.layers.RNN` of an `LSTMCell`: same weights, same numbers, less time.

    The arguments are those of the cell, and then of `RecurrentLayer`.
    """

    cell_class, cell_name, loop_name = LSTMCell, "lstm_cell", "lstm"
