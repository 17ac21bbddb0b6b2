"""The Residual Recurrent Unit, as its equations read."""

import math

import keras
from keras import ops

from ..errors import UserError, check_choice, check_count, check_number, is_number
from ._base import RecurrentCell
from ._dropout import drop, split

NORM_EPSILON = 1e-6  # in the mean square of eq. 1's normalization, as in the authors' code
RESIDUAL_RANGE = (0.01, 0.99)  # of σ(S) at the start, for residual="uniform"
SMALLEST_SHARE = 2.0**-23  # nearer to 0 or 1, float32 has no σ(S) to start from


@keras.saving.register_keras_serializable(package="rru_nb")
class RRUCell(RecurrentCell):
    """Residual Recurrent Unit: a recurrent cell without gates.

    With x the input, h the state and ⊙ the elementwise product::

        j = ReLU(Normalize(W^x x + W^h h + B^j))     (1)
        j = ReLU(W^k j + B^k)                        (2), relu_layers − 1 times
        d = Dropout(j)                               (3)
        c = W^c d + B^c                              (4)
        h' = σ(S) ⊙ h + Z ⊙ c                        (5)
        o = W^o d + B^o                              (6)

    Normalize(z) = z / sqrt(mean(z²) + 1e-6), the mean taken over the g features. The output is
    o: it has its own size, and does not feed back. Source: the paper's section 3, equations 1
    to 6; what they leave open (normalization, speed of S, initial values) is as in the authors'
    code. The options from `normalize` to `residual` are the ablations of section 7.

    Args:
        units: int, features n of the state.
        output_size: int or None, features p of the output; None means n.
        relu_layers: int, how many ReLU layers there are: the one of eq. 1, then those of eq. 2.
        hidden_multiplier: float q, the hidden size is g = round(q · (m + n)).
        dropout: float in [0, 1), the part of the last hidden layer's features that are dropped
            in training, with a fresh mask at every time step; the others are scaled by
            1 / (1 - dropout).
        normalize: bool, whether eq. 1 normalizes.
        rezero: `"per_feature"`, Z has n features, or `"scalar"`, one Z for all.
        relu_outputs: bool, whether a ReLU follows eq. 4 and eq. 6.
        residual: `"uniform"`, σ(S) starts uniform between 0.01 and 0.99; a float in (0, 1), the
            value at which every σ(S) starts; or `"identity"`, σ(S) is 1 for good and there is
            no S. In half precision what is kept of the state is rounded: above 0.998, bfloat16
            keeps all of it.
        residual_speed: float above 0, k of S = k·S': the weight is S', so that the optimizer
            moves S k times faster than other weights. The authors' code has 10, the paper no k.
        seed: int or None, the seed of the dropout masks.

    Attributes:
        kernel: W^x, [m, g].
        recurrent_kernel: W^h, [n, g].
        bias: B^j, [g].
        hidden_kernels, hidden_biases: lists of W^k, [g, g], and B^k, [g].
        candidate_kernel: W^c, [g, n].
        candidate_bias: B^c, [n].
        output_kernel: W^o, [g, p].
        output_bias: B^o, [p].
        residual_logits: S' = S / k, [n]; None for `residual="identity"`.
        rezero_scale: Z, [n], or [] for `rezero="scalar"`; starts at 0.

    Raises:
        UserError: if an argument is out of its range.

    In a stateful `keras.layers.RNN`, `reset_state()` writes zeros, which is not the RRU's initial
    state: use the layer `RRU`, which restores h_0. On JAX, a cell with dropout needs the layer too,
    which draws the masks before the loop; and so do masked time steps, at which Keras' own loop
    there takes the state for the output (Keras 3.15).

    Example::

        layer = keras.layers.RNN(RRUCell(128, output_size=64), return_sequences=True)
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
        **kwargs,
    ):
        super().__init__(units, dropout, seed, **kwargs)
        if output_size is not None:
            self.output_size = check_count("output_size", output_size)
        self.relu_layers = check_count("relu_layers", relu_layers)
        self.hidden_multiplier = check_number("hidden_multiplier", hidden_multiplier, above=0)
        self.normalize = _check_flag("normalize", normalize)
        self.rezero = check_choice("rezero", rezero, ("per_feature", "scalar"))
        self.relu_outputs = _check_flag("relu_outputs", relu_outputs)
        self.residual = _check_residual(residual)
        self.residual_speed = check_number("residual_speed", residual_speed, above=0)

    def build(self, input_shape):
        m, n, p = self._n_inputs(input_shape), self.units, self.output_size
        g = self._hidden_size(m)
        # The authors hold W^x and W^h in one matrix, W^c and W^o in another: their limits.
        into, out_of = _glorot_uniform(m + n, g), _glorot_uniform(g, n + p)
        self.kernel = self._weight("kernel", into, m, g)
        self.recurrent_kernel = self._weight("recurrent_kernel", into, n, g)
        self.bias = self._weight("bias", "zeros", g)
        self.hidden_kernels, self.hidden_biases = [], []
        for k in range(2, self.relu_layers + 1):
            kernel = self._weight(f"hidden_kernel_{k}", "glorot_uniform", g, g)
            self.hidden_kernels.append(kernel)
            self.hidden_biases.append(self._weight(f"hidden_bias_{k}", "zeros", g))
        self.candidate_kernel = self._weight("candidate_kernel", out_of, g, n)
        self.candidate_bias = self._weight("candidate_bias", "zeros", n)
        self.output_kernel = self._weight("output_kernel", out_of, g, p)
        self.output_bias = self._weight("output_bias", "zeros", p)
        self.residual_logits = self._add_residual_logits()
        scales = (n,) if self.rezero == "per_feature" else ()
        self.rezero_scale = self._weight("rezero_scale", "zeros", *scales)
        self._group_for_clipping()

    def _group_for_clipping(self):
        """Mark what is one variable in the authors' code: `RAdam` clips its joint norm."""
        for together in (
            (self.kernel, self.recurrent_kernel),
            (self.candidate_kernel, self.output_kernel),
            (self.candidate_bias, self.output_bias),
        ):
            group = object()
            for variable in together:
                variable.clip_group = group

    @property
    def dropped_features(self):
        """How many features a dropout mask covers: the last hidden layer's g."""
        return self.bias.shape[0]

    def _hidden_size(self, m):
        g = round(self.hidden_multiplier * (m + self.units))
        if g < 1:
            raise UserError(
                f"hidden_multiplier = {self.hidden_multiplier} leaves no hidden feature: "
                f"round({self.hidden_multiplier} · ({m} + {self.units})) = 0. Give at least "
                f"{1 / (m + self.units):.3g}."
            )
        return g

    def _add_residual_logits(self):
        if self.residual == "identity":
            return None
        low, high = RESIDUAL_RANGE if self.residual == "uniform" else (self.residual,) * 2
        # No autocast: the sigmoid is taken in float32, for its gradient. Its value is rounded then.
        initializer = _logits_of_uniform(low, high, self.residual_speed)
        return self._weight("residual_logits", initializer, self.units, autocast=False)

    def call(self, inputs, states, training=False):
        """Compute one time step.

        Args:
            inputs: x, [batch, m]; with a mask of dropout as a `Step`.
            states: [h], h of [batch, n].
            training: bool, whether to drop out.

        Returns:
            o of [batch, p], and [h'], h' of [batch, n].
        """
        (x, keep), listed = split(inputs), isinstance(states, (list, tuple))
        h = states[0] if listed else states
        wx, wh, z = self.kernel, self.recurrent_kernel, self.rezero_scale
        j = ops.relu(self._norm(ops.matmul(x, wx) + ops.matmul(h, wh) + self.bias))  # (1)
        for kernel, bias in zip(self.hidden_kernels, self.hidden_biases):
            j = ops.relu(ops.matmul(j, kernel) + bias)  # (2)
        d = drop(self, j, keep, training)  # (3)
        c = self._activate(ops.matmul(d, self.candidate_kernel) + self.candidate_bias)  # (4)
        h = ops.cast(self.residual_scale(), h.dtype) * h + z * c  # (5)
        o = self._activate(ops.matmul(d, self.output_kernel) + self.output_bias)  # (6)
        return o, [h] if listed else h

    def residual_scale(self):
        """Return σ(S) = σ(k·S'), the part of the state that a step keeps: [n], in (0, 1).

        All ones for `residual="identity"`.
        """
        if self.residual_logits is None:
            return ops.ones((self.units,), dtype=self.variable_dtype)
        return ops.sigmoid(self.residual_speed * self.residual_logits)

    def _norm(self, z):
        if not self.normalize:
            return z
        # Sums in half precision would lose digits, and squares overflow float16.
        wide = ops.cast(z, keras.backend.result_type(z.dtype, "float32"))
        mean_square = ops.mean(ops.square(wide), axis=-1, keepdims=True)
        return z * ops.cast(ops.rsqrt(mean_square + NORM_EPSILON), z.dtype)

    def _activate(self, y):
        return ops.relu(y) if self.relu_outputs else y

    def get_initial_state(self, batch_size=None):
        """Return [h_0], h_0 of [batch_size, n]: √n / 4 in the first feature, else zeros.

        All zeros would blow up in the normalization where the input is zero too (section 3).
        """
        first = ops.full((batch_size, 1), math.sqrt(self.units) / 4, dtype=self.compute_dtype)
        others = ops.zeros((batch_size, self.units - 1), dtype=self.compute_dtype)
        return [ops.concatenate([first, others], axis=-1)]

    def get_config(self):
        names = ("output_size", "relu_layers", "hidden_multiplier", "normalize", "rezero")
        names += ("relu_outputs", "residual", "residual_speed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _check_flag(what, value):
    if not isinstance(value, bool):
        raise UserError(f"{what} = {value!r} is not valid. Give True or False.")
    return value


def _check_residual(residual):
    if isinstance(residual, str):
        return check_choice("residual", residual, ("uniform", "identity"))
    if not is_number(residual) or not 0 < residual < 1:
        raise UserError(
            f"residual = {residual!r} is not valid. Give 'uniform', 'identity', or the value "
            "that σ(S) starts from, a number above 0 and below 1."
        )
    return float(residual)


def _glorot_uniform(fan_in, fan_out):
    limit = math.sqrt(6 / (fan_in + fan_out))
    uniform = keras.initializers.RandomUniform  # made anew for each weight: one repeats its values
    return lambda shape, dtype=None: uniform(-limit, limit)(shape, dtype=dtype)


def _logits_of_uniform(low, high, speed):
    """Make an initializer of S': σ(speed · S') is uniform between `low` and `high`."""

    def initialize(shape, dtype=None):
        dtype = dtype or keras.backend.floatx()
        wide = keras.backend.result_type(dtype, "float32")  # half precision rounds 0.999 to 1
        share = keras.initializers.RandomUniform(low, high)(shape, dtype=wide)
        share = ops.clip(share, SMALLEST_SHARE, 1 - SMALLEST_SHARE)  # whose logits are finite
        return ops.cast((ops.log(share) - ops.log1p(-share)) / speed, dtype)

    return initialize
