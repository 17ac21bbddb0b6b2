"""The recurrent layer of the Mogrifier LSTM."""

import keras

from ..cells.mogrifier import MogrifierLSTMCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class MogrifierLSTM(RecurrentLayer):
    """`keras.layers.RNN` of a `MogrifierLSTMCell`: same weights, same numbers, less time.

    The arguments are those of the cell, and then of `RecurrentLayer`.
    """

    loop_name = "mogrifier"

    def __init__(self, units, dropout=0.0, rounds=5, rank=40, seed=None, fused=None, **kwargs):
        options = {"name": "mogrifier_lstm_cell", **cell_options(kwargs)}
        cell = MogrifierLSTMCell(units, dropout, rounds, rank, seed, **options)
        super().__init__(cell, fused, **kwargs)
