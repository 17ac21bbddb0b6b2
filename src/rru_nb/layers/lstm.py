"""The recurrent layer of the LSTM."""

import keras

from ..cells.lstm import LSTMCell
from ._recurrent import RecurrentLayer


@keras.saving.register_keras_serializable(package="rru_nb")
class LSTM(RecurrentLayer):
    """`keras.layers.RNN` of an `LSTMCell`: same weights, same numbers, less time.

    Arguments are those of the cell, and those of `RecurrentLayer`, which says what it raises.
    """

    cell_class, cell_name, loop_name = LSTMCell, "lstm_cell", "lstm"
