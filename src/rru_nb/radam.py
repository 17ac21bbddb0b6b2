"""Rectified Adam as the paper's authors ran it, and as Liu et al. published it."""

from dataclasses import dataclass

import keras
import tensorflow as tf

from .cells._checks import check_number
from .errors import UserError, check_choice

VARIANTS = ("authors", "liu")
CLIP_FLOOR = 0.01  # lets the first step through, where the second moment is still zero


@keras.saving.register_keras_serializable(package="rru_nb")
class RAdam(keras.optimizers.Optimizer):
    r"""Rectified Adam, with the gradient's norm clipped against its own history.

    At step t = 1, 2, … each variable θ with gradient g has moments v and m, zero at first.
    With a `clip_multiplier` κ, g is first scaled down to a norm of at most

        κ · sqrt(Σ v / (1 − β2^t)) + 0.01

    where v is still that of the step before. Then

        v ← β2·v + (1 − β2)·g²           v̂ = v / (1 − β2^t)

    | `variant` | m | step, rectified | step, while ρ_t < 5 |
    | --- | --- | --- | --- |
    | `"authors"` | β1·m + (1 − β1)·g / (sqrt(v̂) + ε) | lr·r_t·m̂ | lr·m̂ |
    | `"liu"` | β1·m + (1 − β1)·g | lr·r_t·m̂ / (sqrt(v̂) + ε) | lr·m̂ |

    with m̂ = m / (1 − β1^t), ρ_∞ = 2 / (1 − β2) − 1, ρ_t = ρ_∞ − 2·t·β2^t / (1 − β2^t) and
    r_t² = (ρ_t − 4)(ρ_t − 2)ρ_∞ / ((ρ_∞ − 4)(ρ_∞ − 2)ρ_t). The authors' momentum is one of
    normalized gradients, so that their first steps are normalized too. Liu et al.'s are not.

    Variables that carry one and the same `clip_group` (any attribute value but None) are
    clipped by their joint norm, as if they were one. A cell whose matrices were one matrix in
    the authors' code marks them so.

    A variable whose gradient is sparse (a `tf.IndexedSlices`, as an embedding's) takes Liu et
    al.'s form under either variant, as in the authors' code. There too, all rows decay and
    move at every step, those without a gradient included, and the norm that is clipped is
    that of the gradient summed over repeated rows. With `gradient_accumulation_steps` Keras
    makes such a gradient dense before it gets here.

    Source: Liu et al. (2020), arXiv:1908.03265, algorithm 2 (with 5 as the threshold, as in
    their code); the authors' variant is that of their code, named in section 4.1.

    Args:
        learning_rate: float, a `keras.optimizers.schedules.LearningRateSchedule`, or a
            callable without arguments.
        clip_multiplier: float above 0, κ, or None for no clipping. It holds for both variants.
            The authors used 1.5 for music, 10 for language, 5 for IMDB and MNIST.
        variant: `"authors"` or `"liu"`.
        beta_1: float in [0, 1), β1.
        beta_2: float in [0.7, 1), β2; with less, ρ_∞ < 5.7 and hardly a step is ever rectified.
        epsilon: float above 0, ε.
        **kwargs: of `keras.optimizers.Optimizer`, e.g. `weight_decay` (None here as there).

    Raises:
        UserError: if an argument is out of its range; on `build`, if there are clip groups
            and gradients are accumulated or summed over replicas, where their joint norm is
            not known in time.

    Example:

        model.compile(optimizer=RAdam(1e-3, clip_multiplier=1.5), loss="mse")
    """

    def __init__(
        self,
        learning_rate=0.001,
        clip_multiplier=None,
        variant="authors",
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        name="radam",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if clip_multiplier is not None:
            clip_multiplier = check_number("clip_multiplier", clip_multiplier, above=0)
        self.clip_multiplier = clip_multiplier
        self.variant = check_choice("variant", variant, VARIANTS)
        self.beta_1 = _check_decay("beta_1", beta_1)
        self.beta_2 = _check_decay("beta_2", beta_2, at_least=0.7)
        self.epsilon = check_number("epsilon", epsilon, above=0)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._first, self._second = self.add_optimizer_variables(variables, ["m", "v"])
        groups = [getattr(variable, "clip_group", None) for variable in variables]
        self._clip_groups = groups if self.clip_multiplier else [None] * len(groups)
        self._check_clip_groups()

    def apply(self, grads, trainable_variables=None):
        if trainable_variables is None:
            return super().apply(self._clip_jointly(grads, self._trainable_variables))
        variables = list(trainable_variables)
        self.build(variables)
        self._check_variables_are_known(variables)  # Keras' message, before ours looks them up
        return super().apply(self._clip_jointly(grads, variables), variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self._first[index], self._second[index]
        rates = self._rates(variable.dtype)
        authors = self.variant == "authors" and not isinstance(gradient, tf.IndexedSlices)
        g = _dense(gradient, variable.dtype)
        if self.clip_multiplier and self._clip_groups[index] is None:
            g *= self._clip_factor(_sum_of_squares(g), tf.reduce_sum(v), rates)

        self.assign(v, self.beta_2 * v + (1 - self.beta_2) * tf.square(g))
        deviation = tf.sqrt(v * rates.unbias_v) + self.epsilon
        self.assign(m, self.beta_1 * m + (1 - self.beta_1) * (g / deviation if authors else g))

        scale = tf.cast(learning_rate, variable.dtype) * rates.unbias_m
        if authors:
            self.assign_sub(variable, scale * rates.rectifier * m)
        else:
            divisor = tf.where(rates.rectified, deviation, 1.0)
            self.assign_sub(variable, scale * rates.rectifier * m / divisor)

    def _rates(self, dtype):
        """What the step number alone decides."""
        t = tf.cast(self.iterations, tf.float64) + 1  # 1 − β^t cancels badly in float32
        power_1, power_2 = tf.pow(_double(self.beta_1), t), tf.pow(_double(self.beta_2), t)
        rho_inf = 2 / (1 - self.beta_2) - 1
        rho = rho_inf - 2 * t * power_2 / (1 - power_2)
        rectified = rho >= 5
        square = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
        rectifier = tf.where(rectified, tf.sqrt(tf.maximum(square, 0)), 1)
        floats = (tf.cast(x, dtype) for x in (1 / (1 - power_1), 1 / (1 - power_2), rectifier))
        return _Rates(*floats, rectified)

    def _clip_factor(self, squares, sum_of_v, rates):
        """The factor of at most 1 that brings a gradient's norm within its limit."""
        limit = self.clip_multiplier * tf.sqrt(sum_of_v * rates.unbias_v) + CLIP_FLOOR
        return limit / tf.maximum(tf.sqrt(squares), limit)

    def _clip_jointly(self, grads, variables):
        """The gradients, those of each clip group scaled by the group's factor."""
        grads, members = list(grads), {}
        for i, variable in enumerate(variables):
            group = self._clip_groups[self._get_variable_index(variable)]
            if group is not None and grads[i] is not None:
                members.setdefault(group, []).append(i)
        unscale = 1 / (self.loss_scale_factor or 1)
        for positions in members.values():
            dense = [_dense(grads[i], variables[i].dtype) * unscale for i in positions]
            moments = [self._second[self._get_variable_index(variables[i])] for i in positions]
            factor = self._clip_factor(
                tf.add_n([_sum_of_squares(g) for g in dense]),
                tf.add_n([tf.reduce_sum(v) for v in moments]),
                self._rates(dense[0].dtype),
            )
            for i in positions:
                grads[i] = _scaled(grads[i], factor)
        return grads

    def _check_clip_groups(self):
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        grouped = any(group is not None for group in self._clip_groups)
        if not grouped or (replicas == 1 and not self.gradient_accumulation_steps):
            return
        raise UserError(
            f"RAdam can't clip groups of variables jointly with gradient_accumulation_steps = "
            f"{self.gradient_accumulation_steps!r} on {replicas} replicas: it sees their gradients "
            "before they are summed. Train on one device with a larger batch, or give "
            "clip_multiplier=None."
        )

    def get_config(self):
        own = ("clip_multiplier", "variant", "beta_1", "beta_2", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@dataclass(frozen=True)
class _Rates:
    unbias_m: tf.Tensor  # 1 / (1 − β1^t)
    unbias_v: tf.Tensor  # 1 / (1 − β2^t)
    rectifier: tf.Tensor  # r_t, or 1 while not rectified
    rectified: tf.Tensor  # ρ_t ≥ 5


def _dense(gradient, dtype):
    return tf.cast(tf.convert_to_tensor(gradient), dtype)  # sums the rows given more than once


def _scaled(gradient, factor):
    factor = tf.cast(factor, gradient.dtype)
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def _sum_of_squares(x):
    return 2 * tf.nn.l2_loss(x)  # one pass, without a tensor of squares


def _double(x):
    return tf.constant(x, tf.float64)


def _check_decay(what, value, at_least=0.0):
    value = check_number(what, value)
    if not at_least <= value < 1:
        raise UserError(
            f"{what} = {value!r} is not valid. Give a number from {at_least:g} to below 1."
        )
    return value
