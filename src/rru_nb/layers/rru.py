"""The recurrent layer of the RRU."""

import keras
import tensorflow as tf

from ..cells.rru import RRUCell
from ..errors import UserError
from .dropout import keep_mask
from .masking import checked, hold, last
from .rru_scan import ScanWeights, rru_scan

_CELL_OPTIONS = (
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


@keras.saving.register_keras_serializable(package="rru_nb")
class RRU(keras.layers.RNN):
    """Recurrent layer of Residual Recurrent Units, used as `keras.layers.GRU` is.

    Args:
        units: int, features n of the state.
        output_size, relu_layers, hidden_multiplier, dropout, normalize, rezero, relu_outputs,
            residual, residual_speed, seed: of the cell, see `RRUCell`.
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

    Example:

        layer = RRU(128, output_size=64, dropout=0.5, return_sequences=True)
        outputs = layer(np.zeros((16, 200, 88), "float32"))  # [16, 200, 64]
    """

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
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="rru_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
        self.input_spec = keras.layers.InputSpec(ndim=3)
        if fused not in (True, False, None):
            raise UserError(f"fused = {fused!r} is not valid. Give True, False or None.")
        self._asked_for_fused = fused
        obstacle = self._obstacle()
        if fused and obstacle:
            raise UserError(f"fused=True cannot be honoured: {obstacle}. Leave `fused` out.")
        self.fused = fused is not False and obstacle is None
        # XLA alone can't have the loop, which pads sequences by lengths that it does not know.
        self.supports_jit = not self.fused

    def _obstacle(self):
        if keras.backend.backend() != "tensorflow":
            return f"the fused RRU needs Keras' TensorFlow backend, not {keras.backend.backend()!r}"
        return "unroll=True asks for a graph of single steps" if self.unroll else None

    def reset_state(self):
        """Restores the initial state of a stateful layer; it is not all zeros."""
        if self.states is not None:
            start = self.get_initial_state(self.states[0].shape[0])
            for variable, value in zip(self.states, start):
                variable.assign(value)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not self.fused:
            return super().inner_loop(sequences, initial_state, mask, training)
        mask = checked(mask, sequences)
        x = tf.transpose(self._cast(sequences), [1, 2, 0])  # [T, m, B]: a step is one slice
        present = None if mask is None else tf.transpose(tf.cast(mask, tf.bool))  # [T, B]
        if self.go_backwards:
            x = tf.reverse(x, [0])
            present = None if present is None else tf.reverse(present, [0])
        o, h = self._scan(x, initial_state[0], present, training)
        o = tf.transpose(o, [0, 2, 1])
        if not self.return_sequences:
            o, present = last(o, present, zero=self.zero_output_for_mask)
        o = hold(o, present, zero=self.zero_output_for_mask)
        outputs = tf.transpose(o, [1, 0, 2])  # [B, T, p]; T = 1 where only the last is asked for
        if self.return_sequences:  # the loops over time forget how many steps they are
            outputs = tf.ensure_shape(outputs, [None, sequences.shape[1], None])
        return outputs[:, -1], outputs, [h]

    def _scan(self, x, h_0, present, training):
        """Outputs of all steps, [T, p, B], and the last state, [B, n]."""
        keep, scale = self._draw_mask(x, training)
        present = None if present is None else present[:, None, :]
        weights = self._weights(scale)
        o, h = rru_scan(x, tf.transpose(h_0), weights, keep, present, self.cell.normalize)
        return tf.nn.relu(o) if self.cell.relu_outputs else o, tf.transpose(h)  # (6)

    def _draw_mask(self, x, training):
        """The dropout masks of all steps, and 1 / keep; `(None, 1.0)` without dropout."""
        if not training or not self.cell.dropout:
            return None, 1.0
        n_steps, batch = tf.shape(x)[0], tf.shape(x)[2]
        shape = tf.stack([n_steps, self.cell.bias.shape[0], batch])
        seed = self.cell.seed_generator.next()
        return keep_mask(shape, self.cell.dropout, seed, tf.bool)

    def _weights(self, scale):
        """The cell's weights as `rru_scan` wants them; TensorFlow derives through the folding."""
        cell = self.cell
        # In float32 at least: the gradient of Z sums over g, which half precision cannot.
        wide = tf.as_dtype(keras.backend.result_type(self.compute_dtype, "float32"))
        rezero = self._cast(cell.rezero_scale, wide) * tf.ones([cell.units], wide)
        factor = tf.ones_like(rezero) if cell.relu_outputs else rezero
        candidate = self._cast(cell.candidate_kernel, wide) * (factor * scale)
        output = self._cast(cell.output_kernel, wide) * scale
        bias = self._cast(cell.candidate_bias, wide) * factor
        joint = [cell.recurrent_kernel, cell.kernel, cell.bias[None]]
        hidden = [w for pair in zip(cell.hidden_kernels, cell.hidden_biases) for w in pair]
        return ScanWeights(
            joint=tf.concat([self._cast(w) for w in joint], 0),
            candidate=self._cast(tf.concat([candidate, output], 1)),
            bias=self._cast(tf.concat([bias, self._cast(cell.output_bias, wide)], 0)),
            residual=self._cast(cell.residual_scale()),
            rezero=self._cast(rezero) if cell.relu_outputs else None,
            hidden=tuple(self._cast(w) for w in hidden),
        )

    def _cast(self, weight, dtype=None):
        return tf.cast(tf.convert_to_tensor(weight), dtype or self.compute_dtype)

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        return {
            **config,
            **{name: getattr(self.cell, name) for name in _CELL_OPTIONS},
            "fused": self._asked_for_fused,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
