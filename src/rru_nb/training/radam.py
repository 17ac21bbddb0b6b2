"""Rectified Adam as the paper's authors ran it, and as Liu et al. published it."""

import math
from collections import namedtuple

import keras
from keras import ops

from ..errors import UserError, check_choice, check_number

VARIANTS = ("authors", "liu")
CLIP_FLOOR = 0.01  # lets the first step through, where the second moment is still zero

# 1 / (1 − β1^t); 1 / (1 − β2^t); r_t, or 1 while not rectified; and whether ρ_t ≥ 5.
_Rates = namedtuple("_Rates", "unbias_m unbias_v rectifier rectified")


@keras.saving.register_keras_serializable(package="rru_nb")
class RAdam(keras.optimizers.Optimizer):
    r"""Rectified Adam, with the gradient's norm clipped against its own history.

    At step t = 1, 2, … each variable θ with gradient g has moments v and m, zero at first.
    With a `clip_multiplier` κ, g is first scaled down to a norm of at most::

        κ · sqrt(Σ v / (1 − β2^t)) + 0.01

    where v is still that of the step before. Then::

        v ← β2·v + (1 − β2)·g²           v̂ = v / (1 − β2^t)

    =============  =================================  ========================  ===================
    ``variant``    m                                  step, rectified           step, while ρ_t < 5
    =============  =================================  ========================  ===================
    ``"authors"``  β1·m + (1 − β1)·g / (sqrt(v̂) + ε)  lr·r_t·m̂                  lr·m̂
    ``"liu"``      β1·m + (1 − β1)·g                  lr·r_t·m̂ / (sqrt(v̂) + ε)  lr·m̂
    =============  =================================  ========================  ===================

    with m̂ = m / (1 − β1^t), ρ_∞ = 2 / (1 − β2) − 1, ρ_t = ρ_∞ − 2·t·β2^t / (1 − β2^t) and
    r_t² = (ρ_t − 4)(ρ_t − 2)ρ_∞ / ((ρ_∞ − 4)(ρ_∞ − 2)ρ_t). The authors' momentum is one of
    normalized gradients, so that their first steps are normalized too. Liu et al.'s are not.

    Variables that carry one and the same `clip_group` (any attribute value but None) are
    clipped by their joint norm, as if they were one. A cell whose matrices were one matrix in
    the authors' code marks them so.

    A variable whose attribute `liu_form` is true takes Liu et al.'s form under either variant.
    `rru_nb.layers.embedding.Embedding` marks its table so, because the authors' code does this
    to sparse gradients, which are embeddings'. There too, all rows decay and move at every
    step, those without a gradient included, and the norm that is clipped is that of the
    gradient summed over repeated rows. Whether a gradient comes as a `tf.IndexedSlices` changes
    nothing: not every backend has sparse gradients, and all take the same steps. One detail may
    differ: nothing in the authors' graph says whether the clipping of a sparse gradient reads v
    before or after it is multiplied by β2. Here it is before, as for all other variables.

    Both attributes are read when the optimizer is built.

    Source: Liu et al. (2020), arXiv:1908.03265, algorithm 2 (with 5 as the threshold, as in
    their code); the authors' variant is that of their code, named in section 4.2.

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
            not known in time; or if a variable is of float16.

    Example::

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
        self.beta_1 = check_number("beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = check_number("beta_2", beta_2, at_least=0.7, below=1)
        self.epsilon = check_number("epsilon", epsilon, above=0)

    def build(self, variables):
        if self.built:
            return
        _refuse_float16(variables)
        super().build(variables)
        self._first, self._second = self.add_optimizer_variables(variables, ["m", "v"])
        self._liu_form = [getattr(variable, "liu_form", False) for variable in variables]
        groups = [getattr(variable, "clip_group", None) for variable in variables]
        self._clip_groups = groups if self.clip_multiplier else [None] * len(groups)
        self._check_clip_groups()

    def apply(self, grads, trainable_variables=None):
        if trainable_variables is None:
            if len(grads) == len(self._trainable_variables):  # else Keras says so
                grads = self._clip_jointly(grads, self._trainable_variables)
            return super().apply(grads)
        variables = list(trainable_variables)
        self.build(variables)
        self._check_variables_are_known(variables)  # Keras' message, before ours looks them up
        return super().apply(self._clip_jointly(grads, variables), variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self._first[index], self._second[index]
        authors = self.variant == "authors" and not self._liu_form[index]
        g, rates = gradient, self._rates(variable.dtype)
        if self.clip_multiplier and self._clip_groups[index] is None:
            g = g * self._clip_factor(ops.sum(ops.square(g)), ops.sum(v), rates)

        # Arranged for few passes over tensors: v changes in place, and a factor of the whole of
        # sqrt(v̂) + ε, which is root · deviation, goes with the other numbers.
        self.assign_add(v, (1 - self.beta_2) * (ops.square(g) - v))
        root = ops.sqrt(rates.unbias_v)
        deviation = ops.sqrt(v) + self.epsilon / root
        new = (1 - self.beta_1) / root * (g / deviation) if authors else (1 - self.beta_1) * g
        self.assign(m, self.beta_1 * m + new)

        scale = ops.cast(learning_rate, variable.dtype) * rates.unbias_m * rates.rectifier
        if authors:
            self.assign_sub(variable, scale * m)
        else:
            divisor = ops.where(rates.rectified, deviation, 1 / root)
            self.assign_sub(variable, scale / root * m / divisor)

    def _rates(self, dtype):
        """Return what the step number alone decides."""
        wide = "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"
        t = ops.cast(self.iterations, wide) + 1
        rho_inf, rho = 2 / (1 - self.beta_2) - 1, _rho(self.beta_2, t)
        rectified = rho >= 5
        square = (rho - 4) * (rho - 2) / rho * (rho_inf / ((rho_inf - 4) * (rho_inf - 2)))
        rectifier = ops.where(rectified, ops.sqrt(ops.maximum(square, 0)), 1.0)
        floats = (_unbias(self.beta_1, t), _unbias(self.beta_2, t), rectifier)
        return _Rates(*(ops.cast(x, dtype) for x in floats), rectified)

    def _clip_factor(self, squares, sum_of_v, rates):
        """Return the factor of at most 1 that brings a gradient's norm within its limit."""
        limit = self.clip_multiplier * ops.sqrt(sum_of_v * rates.unbias_v) + CLIP_FLOOR
        return limit / ops.maximum(ops.sqrt(squares), limit)

    def _clip_jointly(self, grads, variables):
        """Return dense gradients, those of each clip group scaled by the group's factor."""
        grads, members = [_dense(g, variable) for g, variable in zip(grads, variables)], {}
        indices = [self._get_variable_index(variable) for variable in variables]
        for i, gradient in enumerate(grads):
            group = self._clip_groups[indices[i]]
            if group is not None and gradient is not None:
                members.setdefault(group, []).append(i)
        unscale = 1 / (self.loss_scale_factor or 1)
        for positions in members.values():
            factor = self._clip_factor(
                sum(ops.sum(ops.square(grads[i] * unscale)) for i in positions),
                sum(ops.sum(self._second[indices[i]]) for i in positions),
                self._rates(grads[positions[0]].dtype),
            )
            for i in positions:
                grads[i] = grads[i] * factor
        return grads

    def _check_clip_groups(self):
        replicas = 1  # other backends than TensorFlow sum gradients before
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

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
        names = ("clip_multiplier", "variant", "beta_1", "beta_2", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _unbias(beta, t):
    """Return 1 / (1 − β^t), which cancels in float32 as written; JAX has no float64."""
    return -1 / ops.expm1(t * (math.log(beta) if beta else -math.inf))


def _rho(beta, t):
    """Return ρ_t, in two formulas that do not cancel in float32.

    With L = −log β and P(s) = coth(s/2) − 2/s, ρ_∞ is coth(L/2), and ρ_t turns into
    t·(1 − P(t·L)) + P(L), where P is a short series while t·L is small. After that the
    definition itself serves: ρ_∞ − 2·t / (β^−t − 1).
    """
    L = -math.log(beta)
    s = t * L
    early = t * (1 - _p(ops.minimum(s, 0.5))) + _p(L)
    late = 2 / (1 - beta) - 1 - 2 * t / ops.expm1(ops.minimum(s, 80.0))  # no overflow
    return ops.where(s < 0.5, early, late)


def _p(s):
    """Return coth(s/2) − 2/s to twelve decimals, for s from 0 to 0.5."""
    q = s * s
    return s * (1 / 6 - q * (1 / 360 - q * (1 / 15120 - q * (1 / 604800 - q / 23950080))))


def _dense(gradient, variable):
    """Return the gradient as one tensor, `tf.IndexedSlices` summed over repeated rows."""
    if gradient is None:
        return None
    # Reshaping makes dense what `ops.convert_to_tensor` leaves sparse, and costs nothing else.
    return ops.cast(ops.reshape(gradient, variable.shape), variable.dtype)


def _refuse_float16(variables):
    for variable in variables:
        if keras.backend.standardize_dtype(variable.dtype) == "float16":
            raise UserError(
                f"RAdam can't train {variable.path}, which is of float16: v and ε, squares of "
                "gradients and 1e-7, round to zero there, and steps are 0 / 0. Give the layer "
                "dtype='mixed_float16', which computes in float16 from weights of float32."
            )
