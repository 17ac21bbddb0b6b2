"""The GRU as the paper's authors ran it: Cho et al.'s first form, with recurrent dropout."""

import keras
from keras import ops

from ._base import GatedCell
from ._dropout import drop, split


@keras.saving.register_keras_serializable(package="rru_nb")
class GRUCell(GatedCell):
    """Gated recurrent unit, the reset gate before the candidate's matrix product.

    With x the input, h the state, [x, h] their concatenation and ⊙ the elementwise product::

        r, u = σ([x, h] W_g + b_g)
        c = Dropout(tanh([x, r ⊙ h] W_c + b_c))
        h' = u ⊙ h + (1 − u) ⊙ c

    The output is h'. `keras.layers.GRU` resets after the product by default, and has no
    dropout on the candidate. Source: Cho et al. (2014), arXiv:1406.1078, equations 5 to 8;
    dropout (the paper's section 4.2) and initial values as in the code of the paper's authors.

    Args:
        units: int, features n of the state and of the output.
        dropout: float in [0, 1), recurrent dropout on the candidate c, in training only, with
            a fresh mask at every time step.
        seed: int or None, the seed of the dropout masks.

    Attributes:
        gate_kernel: W_g, [m + n, 2n], reset gate first; its first m rows act on x.
        gate_bias: b_g, [2n], starts at 1.
        candidate_kernel: W_c, [m + n, n]; its first m rows act on x.
        candidate_bias: b_c, [n], starts at 0.

    Raises:
        UserError: if an argument is out of its range.

    Example::

        layer = keras.layers.RNN(GRUCell(64, dropout=0.3), return_sequences=True)
        outputs = layer(np.zeros((16, 200, 88), "float32"))  # [16, 200, 64]
    """

    def build(self, input_shape):
        n = self.units
        rows = self._n_inputs(input_shape) + n
        self.gate_kernel = self._weight("gate_kernel", "glorot_uniform", rows, 2 * n)
        self.gate_bias = self._weight("gate_bias", "ones", 2 * n)
        self.candidate_kernel = self._weight("candidate_kernel", "glorot_uniform", rows, n)
        self.candidate_bias = self._weight("candidate_bias", "zeros", n)

    def call(self, inputs, states, training=False):
        """Compute one time step: h' and [h'], from the states [h]."""
        (x, keep), h = split(inputs), states[0] if isinstance(states, (list, tuple)) else states
        xh = ops.concatenate([x, h], axis=-1)
        gates = ops.sigmoid(ops.matmul(xh, self.gate_kernel) + self.gate_bias)
        r, u = ops.split(gates, 2, axis=-1)
        xrh = ops.concatenate([x, r * h], axis=-1)
        c = ops.tanh(ops.matmul(xrh, self.candidate_kernel) + self.candidate_bias)
        h = u * h + (1 - u) * drop(self, c, keep, training)
        return h, [h] if isinstance(states, (list, tuple)) else h
