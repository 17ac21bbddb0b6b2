"""The recurrent layer of the Mogrifier LSTM."""

import keras

from ..cells.mogrifier import MogrifierLSTMCell
from ._recurrent import RecurrentLayer


@keras.saving.register_keras_serializable(package="rru_nb")
class MogrifierLSTM(RecurrentLayer):
    """`keras.layers.RNN` of a `MogrifierLSTMCell`: same weights, same numbers, less time.

    Arguments are those of the cell, and those of `RecurrentLayer`, which says what it raises.
    """

    cell_class, cell_name, loop_name = MogrifierLSTMCell, "mogrifier_lstm_cell", "mogrifier"
