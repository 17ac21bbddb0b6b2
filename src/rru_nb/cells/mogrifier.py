"""The Mogrifier LSTM as the paper's authors ran it, with recurrent dropout."""

import math

import keras
from keras import ops

from ..errors import check_count
from ._base import GatedCell
from ._dropout import drop, split


@keras.saving.register_keras_serializable(package="rru_nb")
class MogrifierLSTMCell(GatedCell):
    """LSTM whose input and state gate each other for some rounds before each step.

    With x the input, h and c the states, ⊙ the elementwise product, for k = 0 … rounds − 1::

        x ← x ⊙ 2σ(h A_k B_k + d_k)   if k is even
        h ← h ⊙ 2σ(x A_k B_k + d_k)   if k is odd

    and then, with [x, h] the concatenation of what the rounds left::

        j, o, f, i = [x, h] W
        c′ = σ(f + b_f) ⊙ c + min(1 − σ(f + b_f), σ(i + b_i)) ⊙ Dropout(tanh(j + b_j))
        h′ = σ(o + b_o) ⊙ tanh(c′)

    The output is h'. Capping the input gate keeps c' in [−1, 1] without dropout. Source:
    Melis et al. (2020), arXiv:1909.01792; rounds, dropout and initial values as in the code of
    the paper's authors, which took them from Melis et al.

    Args:
        units: int, features n of each state and of the output.
        dropout: float in [0, 1), recurrent dropout on the candidate tanh(j), in training only,
            with a fresh mask at every time step.
        rounds: int, how often x and h gate each other; 0 gives an LSTM with a capped gate.
        rank: int, the inner size of the factors A_k and B_k.
        seed: int or None, the seed of the dropout masks.

    Attributes:
        kernel: W, [m + n, 4n], for j, o, f, i; its first m rows act on x. Truncated normal,
            with a variance of 1.3 / m (rows of x) and 1.3 / n (rows of h) before truncation.
        candidate_bias, output_gate_bias, forget_gate_bias, input_gate_bias: b_j, b_o, b_f and
            b_i, [n] each, start at 0. There is no constant forget bias.
        round_factors_a: list of A_k, [n, rank] if k is even, [m, rank] if odd.
        round_factors_b: list of B_k, [rank, m] if k is even, [rank, n] if odd. A_k and B_k are
            truncated normal, so that A_k B_k has a variance of about 1 / (rows of A_k).
        round_biases: list of d_k, [m] if k is even, [n] if odd, start at 0.

    Raises:
        UserError: if an argument is out of its range.

    Example::

        cell = MogrifierLSTMCell(64, dropout=0.3, rounds=5, rank=40)
        layer = keras.layers.RNN(cell, return_sequences=True)
        outputs = layer(np.zeros((16, 200, 88), "float32"))  # [16, 200, 64]
    """

    def __init__(self, units, dropout=0.0, rounds=5, rank=40, seed=None, **kwargs):
        super().__init__(units, dropout, seed, **kwargs)
        self.rounds = check_count("rounds", rounds, at_least=0)
        self.rank = check_count("rank", rank)
        self.state_size = [self.units, self.units]

    def build(self, input_shape):
        m, n = self._n_inputs(input_shape), self.units
        self.kernel = self._weight("kernel", _rows_by_fan_in(m, n), m + n, 4 * n)
        self.candidate_bias = self._weight("candidate_bias", "zeros", n)
        self.output_gate_bias = self._weight("output_gate_bias", "zeros", n)
        self.forget_gate_bias = self._weight("forget_gate_bias", "zeros", n)
        self.input_gate_bias = self._weight("input_gate_bias", "zeros", n)
        self.round_factors_a, self.round_factors_b, self.round_biases = [], [], []
        for k in range(self.rounds):
            self._add_round(k, *((n, m) if k % 2 == 0 else (m, n)))

    def _add_round(self, k, n_from, n_to):
        # A_k B_k sums `rank` products: with this deviation its variance is 1 / n_from.
        deviation = (1 / (n_from * self.rank)) ** 0.25
        for factors, name, shape in (
            (self.round_factors_a, f"round_{k}_a", (n_from, self.rank)),
            (self.round_factors_b, f"round_{k}_b", (self.rank, n_to)),
        ):
            initializer = keras.initializers.TruncatedNormal(stddev=deviation)
            factors.append(self._weight(name, initializer, *shape))
        self.round_biases.append(self._weight(f"round_{k}_bias", "zeros", n_to))

    def call(self, inputs, states, training=False):
        """Compute one time step: h' and [h', c'], from the states [h, c]."""
        (x, keep), (h, c) = split(inputs), states
        xh = ops.concatenate(self.mogrify(x, h), axis=-1)
        j, o, f, i = ops.split(ops.matmul(xh, self.kernel), 4, axis=-1)
        candidate = drop(self, ops.tanh(j + self.candidate_bias), keep, training)
        f = ops.sigmoid(f + self.forget_gate_bias)
        i = ops.minimum(1 - f, ops.sigmoid(i + self.input_gate_bias))
        c = f * c + i * candidate
        h = ops.sigmoid(o + self.output_gate_bias) * ops.tanh(c)
        return h, [h, c]

    def mogrify(self, x, h):
        """Return x and h after the rounds in which they gate each other."""
        for k in range(self.rounds):
            if k % 2 == 0:
                x = x * self._gate(k, h)
            else:
                h = h * self._gate(k, x)
        return x, h

    def _gate(self, k, other):
        low_rank = ops.matmul(other, self.round_factors_a[k])
        return 2 * ops.sigmoid(ops.matmul(low_rank, self.round_factors_b[k]) + self.round_biases[k])

    def get_config(self):
        return {**super().get_config(), "rounds": self.rounds, "rank": self.rank}


def _rows_by_fan_in(m, n):
    """Make an initializer of W: rows for x and rows for h, each by their own number."""

    def initialize(shape, dtype=None):
        normal = keras.initializers.TruncatedNormal
        blocks = [normal(0, math.sqrt(1.3 / rows))((rows, shape[1]), dtype) for rows in (m, n)]
        return ops.concatenate(blocks, axis=0)

    return initialize
