"""The recurrent layer of the RRU."""

import keras

from ..cells.rru import RRUCell
from ._recurrent import RecurrentLayer, cell_options


@keras.saving.register_keras_serializable(package="rru_nb")
class RRU(RecurrentLayer):
    """Recurrent layer of Residual Recurrent Units, used as `keras.layers.GRU` is.

    Args:
        units: int, features n of the state.
        output_size, relu_layers, ..., seed: the other arguments of `RRUCell`.
        return_sequences: bool, whether to return the outputs of all time steps or the last.
        return_state: bool, whether to return the last state too.
        go_backwards: bool, whether to run through the time steps backwards, and return the
            outputs in that order.
        stateful: bool, whether a batch starts from the last state of the batch before. The
            batch size must be fixed then.
        unroll: bool, whether to unroll the loop over the time steps; for short sequences.
        zero_output_for_mask: bool, whether outputs are zeros at masked steps; else the output
            of the step before is repeated.
        fused: True, False (run the cell step by step), or None: fused where it can serve. The
            attribute `fused` says which it is.
        **kwargs: of `keras.layers.Layer`, e.g. `name`, `dtype`.

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
    cell_arguments = (
        "units",
        "output_size",
        "relu_layers",
        "hidden_multiplier",
        "dropout",
        "normalize",
        "rezero",
        "relu_outputs",
        "residual",
        "residual_speed",
        "seed",
    )

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
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
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
        super().__init__(
            cell,
            fused,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
