"""The recurrent layer of the GRU."""

import keras

from ..cells.gru import GRUCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class GRU(RecurrentLayer):
    """`keras.layers.RNN` of a `GRUCell`: same weights, same numbers, less time.

    Args:
        units, dropout, seed: of `GRUCell`.
        fused: True, False, or None for fused where it can serve; see `RecurrentLayer`.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.

    Raises:
        UserError: if an argument is out of its range, or `fused=True` can't be honoured.
    """

    loop_name = "gru"
    cell_arguments = ("units", "dropout", "seed")

    def __init__(self, units, dropout=0.0, seed=None, fused=None, **kwargs):
        cell = GRUCell(units, dropout, seed, name="gru_cell", **cell_options(kwargs))
        super().__init__(cell, fused, **kwargs)
