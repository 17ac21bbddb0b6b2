"""The recurrent layer of the LSTM."""

import keras

from ..cells.lstm import LSTMCell
from ._recurrent import RecurrentLayer


@keras.saving.register_keras_serializable(package="rru_nb")
class LSTM(RecurrentLayer):
    """`keras.layers.RNN` of an `LSTMCell`: same weights, same numbers, less time.

    Args:
        units, dropout, forget_bias, seed: of `LSTMCell`.
        fused: True, False, or None for fused where it can serve; see `RecurrentLayer`.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.

    Raises:
        UserError: if an argument is out of its range, or `fused=True` can't be honoured.
    """

    cell_class, cell_name, loop_name = LSTMCell, "lstm_cell", "lstm"
