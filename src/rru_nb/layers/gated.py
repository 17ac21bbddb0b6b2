"""What the fused gated layers share: when the fused recurrence serves, masks, dropout, loops."""

import keras
import tensorflow as tf

from ..errors import UserError
from .masking import checked


class GatedRNN(keras.layers.RNN):
    """A `keras.layers.RNN` that runs its cell's equations as one recurrence where it can.

    Keras runs a cell step by step and differentiates every operation of every step. A fused
    recurrence computes the same numbers from the same weights, with a gradient written by
    hand: whatever does not feed back leaves the loop over time, the backward loop carries the
    state's chain alone, and each weight gradient is one product over all steps after it.

    A subclass implements `recur`. Dropout masks of all steps are drawn at once, so a seed
    gives other masks than it gives the cell in `keras.layers.RNN`, of the same distribution.

    Args:
        cell: a `GatedCell`.
        fused: True, False (run the cell), or None: fused where it can serve.
        **kwargs: of `keras.layers.RNN`.

    Raises:
        UserError: if `fused=True` can't be honoured; the message says why.
    """

    def __init__(self, cell, fused=None, **kwargs):
        super().__init__(cell, **kwargs)
        if fused not in (True, False, None):
            raise UserError(f"fused = {fused!r} is not valid. Give True, False or None.")
        obstacle = self._obstacle()
        if fused and obstacle:
            raise UserError(f"fused=True can't be honoured: {obstacle}; or give fused=None.")
        self._fused_wanted = fused
        self._fused = fused is not False and obstacle is None
        self.input_spec = keras.layers.InputSpec(ndim=3)
        # XLA alone can't have the loop, which pads sequences by lengths that it does not know.
        self.supports_jit = not self._fused

    @property
    def fused(self):
        """Whether the fused recurrence is used; if not, the cell runs step by step."""
        return self._fused

    def _obstacle(self):
        if keras.backend.backend() != "tensorflow":
            return f"Keras runs on {keras.backend.backend()}, use its TensorFlow backend"
        if self.unroll:
            return "an unrolled layer runs its cell step by step, give unroll=False"
        return None

    def recur(self, inputs, states, drop, valid):
        """All steps at once.

        Args:
            inputs: [T, batch, m], in the order in which they are run.
            states: list of initial states, h first, each of [batch, n].
            drop: dropout factors of [T, batch, n], or None.
            valid: bool [T, batch, 1], False where the states stand still, or None.

        Returns:
            h after every step, [T, batch, n], and the list of final states.
        """
        raise NotImplementedError

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not self.fused:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        inputs = tf.transpose(tf.cast(sequences, self.cell.compute_dtype), [1, 0, 2])
        mask = checked(mask, sequences)
        valid = None if mask is None else tf.transpose(tf.cast(mask, tf.bool))[:, :, None]
        if self.go_backwards:
            inputs = tf.reverse(inputs, [0])
            valid = None if valid is None else tf.reverse(valid, [0])
        drop = self._draw_drop(inputs, training)
        hs, states = self.recur(inputs, list(initial_state), drop, valid)
        outputs = self._masked_outputs(hs, valid)
        # The loop over time forgets how many steps they are.
        outputs = tf.ensure_shape(outputs, [sequences.shape[1], None, None])
        return outputs[-1], tf.transpose(outputs, [1, 0, 2]), states

    def _draw_drop(self, inputs, training):
        """Dropout factors for all steps: 0, or 1 / (1 − rate). None where nothing drops."""
        if not training or self.cell.dropout == 0.0:
            return None
        steps, batch = tf.shape(inputs)[0], tf.shape(inputs)[1]
        # In float32 at least: bfloat16 has too few values to draw a rate with.
        wide = keras.backend.result_type(self.cell.compute_dtype, "float32")
        ones = tf.ones([steps, batch, self.cell.units], wide)
        drop = keras.random.dropout(ones, self.cell.dropout, seed=self.cell.seed_generator)
        drop = tf.ensure_shape(drop, [*inputs.shape[:2], self.cell.units])
        return tf.cast(drop, inputs.dtype)

    def _masked_outputs(self, hs, valid):
        """Keras' convention: where masked, zeros or the last output, zeros before the first."""
        if valid is None:
            return hs
        if not self.zero_output_for_mask:
            valid = tf.cumsum(tf.cast(valid, tf.int32)) > 0  # the state, and so h, stands still
        return tf.where(valid, hs, tf.zeros_like(hs))

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        cell = self.cell.get_config()
        own = {name: cell[name] for name in self.cell_arguments}
        return {**config, **own, "fused": self._fused_wanted}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def cell_options(kwargs):
    """Of a layer's keyword arguments, those that its cell must share."""
    return {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}


def stand_still(valid, new, old):
    """The new states where a step is valid, else the old ones."""
    if valid is None:
        return new
    return tuple(tf.where(valid, a, b) for a, b in zip(new, old))


def split_gradients(valid, *gradients):
    """Gradients of states after a step: what concerns the step, and what passes it by."""
    here = [g if valid is None else tf.where(valid, g, tf.zeros_like(g)) for g in gradients]
    return here, [0 if valid is None else g - h for g, h in zip(gradients, here)]


def previous(first, xs):
    """x before every step, [T, ...], given the first of them and x after every step."""
    return tf.concat([first[None], xs[:-1]], axis=0)


def side_by_side(*xs):
    """Features next to one another, as in the products of the cells."""
    return tf.concat(xs, axis=-1)


def transposed(kernel):
    """Wᵀ for the products of a backward loop, as a tensor of its own.

    TensorFlow on a CPU takes more than twice as long for a product with `transpose_b=True`,
    which packs W anew at every step.
    """
    return tf.transpose(kernel)


def through_sigmoid(gradient, y):
    """The gradient before y = σ(…), from that of y: one operation for three."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=gradient)


def through_tanh(gradient, y):
    """The same for y = tanh(…)."""
    return tf.raw_ops.TanhGrad(y=y, dy=gradient)


def product(x, kernel, transpose=False):
    """x W, or x Wᵀ, for x of [T, batch, features], as one matrix product."""
    y = tf.matmul(_rows(x), kernel, transpose_b=transpose)
    return tf.reshape(y, [*tf.unstack(tf.shape(x)[:2]), y.shape[-1]])


def kernel_gradient(inputs, d_outputs):
    """Gradient of the matrix W in outputs = inputs W, over all steps and sequences."""
    return tf.matmul(_rows(inputs), _rows(d_outputs), transpose_a=True)


def bias_gradient(d_outputs):
    """Gradient of the bias in outputs = … + b, over all steps and sequences."""
    return tf.reduce_sum(_rows(d_outputs), axis=0)


def _rows(x):
    return tf.reshape(x, [-1, x.shape[-1]])
