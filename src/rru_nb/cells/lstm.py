"""The LSTM as the paper's authors ran it, with recurrent dropout."""

import keras
from keras import ops

from ..errors import check_number
from ._base import GatedCell
from ._dropout import drop, split


@keras.saving.register_keras_serializable(package="rru_nb")
class LSTMCell(GatedCell):
    """Long short-term memory without peepholes.

    With x the input, h and c the states, [x, h] a concatenation, ⊙ the elementwise product::

        i, j, f, o = [x, h] W + b
        c' = c ⊙ σ(f + forget_bias) + σ(i) ⊙ Dropout(tanh(j))
        h' = tanh(c') ⊙ σ(o)

    The output is h'. Source: Zaremba et al. (2014), arXiv:1409.2329; dropout (the
    paper's section 4.2) and initial values as in the code of the paper's authors.

    Args:
        units: int, features n of each state and of the output.
        dropout: float in [0, 1), recurrent dropout on the candidate tanh(j), in training only,
            with a fresh mask at every time step.
        forget_bias: float, added to the forget gate's pre-activation at every step; it is no
            part of the learned bias, which starts at 0.
        seed: int or None, the seed of the dropout masks.

    Attributes:
        kernel: W, [m + n, 4n], for i, j, f, o; its first m rows act on x.
        bias: b, [4n], starts at 0.

    Raises:
        UserError: if an argument is out of its range.

    Example::

        layer = keras.layers.RNN(LSTMCell(64, dropout=0.3), return_sequences=True)
        outputs = layer(np.zeros((16, 200, 88), "float32"))  # [16, 200, 64]
    """

    def __init__(self, units, dropout=0.0, forget_bias=1.0, seed=None, **kwargs):
        super().__init__(units, dropout, seed, **kwargs)
        self.forget_bias = check_number("forget_bias", forget_bias)
        self.state_size = [self.units, self.units]

    def build(self, input_shape):
        n = self.units
        rows = self._n_inputs(input_shape) + n
        self.kernel = self._weight("kernel", "glorot_uniform", rows, 4 * n)
        self.bias = self._weight("bias", "zeros", 4 * n)

    def call(self, inputs, states, training=False):
        """Compute one time step: h' and [h', c'], from the states [h, c]."""
        (x, keep), (h, c) = split(inputs), states
        xh = ops.concatenate([x, h], axis=-1)
        i, j, f, o = ops.split(ops.matmul(xh, self.kernel) + self.bias, 4, axis=-1)
        candidate = drop(self, ops.tanh(j), keep, training)
        c = c * ops.sigmoid(f + self.forget_bias) + ops.sigmoid(i) * candidate
        h = ops.tanh(c) * ops.sigmoid(o)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), "forget_bias": self.forget_bias}
