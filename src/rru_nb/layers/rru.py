"""The recurrent layer of the RRU."""

import keras

from ..cells.rru import RRUCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class RRU(RecurrentLayer):
    """Recurrent layer of Residual Recurrent Units, used as `keras.layers.GRU` is.

    It has no regularizers, constraints, initializers or `recurrent_dropout`; the weights are
    attributes of its `cell`. On JAX, `fit` and `predict` do not carry the states of a stateful
    layer from batch to batch, which they do for no layer of Keras (3.15): call the layer itself, or
    pass `initial_state`. On TensorFlow on a processor, each new batch size is compiled anew, in
    about half a second: where it varies at every call, `fused=False` serves.

    Args:
        units: int, features n of the state.
        output_size, relu_layers, ..., seed: the other arguments of `RRUCell`.
        fused: True, False (run the cell step by step), or None: fused where it can serve. The
            attribute `fused` says which it is. JAX's forward mode, `jax.jvp`, needs False.
        **kwargs: of `keras.layers.RNN`: `return_sequences`, `return_state`, `go_backwards`,
            `stateful`, `unroll`, `zero_output_for_mask`, `name`, `dtype` and so on.

    Call arguments:
        sequences: [batch, time, m].
        initial_state: list of one tensor [batch, n]; by default the cell's initial state.
        mask: bool [batch, time], False where a step is skipped: the state stands still.
        training: bool, whether to drop out.

    Returns:
        Outputs, [batch, time, p] if `return_sequences`, else [batch, p]; and, if
        `return_state`, the last state, [batch, n].

    Raises:
        UserError: if an argument is out of its range, or `fused=True` can't be honoured.

    Example::

        layer = RRU(128, output_size=64, dropout=0.5, return_sequences=True)
        outputs = layer(np.zeros((16, 200, 88), "float32"))  # [16, 200, 64]
    """

    loop_name = "rru"

    def __init__(
        self,
        units,
        output_size=None,
        relu_layers=1,
        hidden_multiplier=2.0,
        dropout=0.0,
        normalize=True,
        rezero="per_feature",
        relu_outputs=False,
        residual="uniform",
        residual_speed=10.0,
        seed=None,
        fused=None,
        **kwargs,
    ):
        cell = RRUCell(
            units,
            output_size=output_size,
            relu_layers=relu_layers,
            hidden_multiplier=hidden_multiplier,
            dropout=dropout,
            normalize=normalize,
            rezero=rezero,
            relu_outputs=relu_outputs,
            residual=residual,
            residual_speed=residual_speed,
            seed=seed,
            name="rru_cell",
            **cell_options(kwargs),
        )
        super().__init__(cell, fused, **kwargs)
