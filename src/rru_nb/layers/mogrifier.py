"""The recurrent layer of the Mogrifier LSTM."""

import keras

from ..cells.mogrifier import MogrifierLSTMCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class MogrifierLSTM(RecurrentLayer):
    """`keras.layers.RNN` of a `MogrifierLSTMCell`: same weights, same numbers, less time.

    Args:
        units, dropout, rounds, rank, seed: of `MogrifierLSTMCell`.
        fused: True, False, or None for fused where it can serve; see `RecurrentLayer`.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.

    Raises:
        UserError: if an argument is out of its range, or `fused=True` can't be honoured.
    """

    loop_name = "mogrifier"
    cell_arguments = ("units", "dropout", "rounds", "rank", "seed")

    def __init__(self, units, dropout=0.0, rounds=5, rank=40, seed=None, fused=None, **kwargs):
        options = {"name": "mogrifier_lstm_cell", **cell_options(kwargs)}
        cell = MogrifierLSTMCell(units, dropout, rounds, rank, seed, **options)
        super().__init__(cell, fused, **kwargs)
