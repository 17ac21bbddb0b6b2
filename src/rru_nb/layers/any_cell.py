"""The recurrent layer of a cell that has none of its own."""

import keras

from ._recurrent import RecurrentLayer


@keras.saving.register_keras_serializable(package="rru_nb")
class CellLayer(RecurrentLayer):
    """`keras.layers.RNN` of a cell, with the dropout masks of all steps drawn before the loop.

    Args:
        cell: a cell on the base `rru_nb.cells.GatedCell`.
        **kwargs: of `keras.layers.RNN`, e.g. `return_sequences=True`.
    """

    loop_name = None
    get_config = keras.layers.RNN.get_config
    from_config = classmethod(keras.layers.RNN.from_config.__func__)
