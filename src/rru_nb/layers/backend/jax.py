"""Training on JAX: `value_and_grad` of a stateless call, in a `jit`. See `layers.backend`."""

from contextlib import ExitStack, contextmanager

import jax
import jax.experimental
import jax.numpy as jnp
import keras
import numpy as np

PADDED_LENGTHS = True  # each shape is compiled anew

# What decides about numbers, or about whether there are any, as JAX has it by default.
_SETTINGS = {
    "enable_x64": False,
    "default_prng_impl": "threefry2x32",
    "threefry_partitionable": True,
    "numpy_dtype_promotion": "standard",
    "numpy_rank_promotion": "allow",
    "softmax_custom_jvp": False,
    "disable_jit": False,
    "debug_nans": False,  # a number that is not finite is ours to find
    "debug_infs": False,
}
_PRODUCTS = {"float32": "highest", "tf32": "tensorfloat32", "bfloat16": "highest"}
_RECORDED = {  # other last digits; JAX's defaults
    "jax_disable_most_optimizations": False,
    "jax_exec_time_optimization_effort": 0.0,
    "jax_optimization_level": "UNKNOWN",
    "jax_use_direct_linearize": True,
}


class TrainStep:
    """One step of training; between steps the weights are its own, in donated buffers."""

    def __init__(self, model, optimizer, loss, spec):
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._values = None  # of the variables, while they are newer than these
        self._compiled = jax.jit(self._step, donate_argnums=0)

    def __call__(self, batch):
        if self._values is None:
            self._values = [[v.value for v in group] for group in self._variables()]
        loss, norm, self._values = self._compiled(self._values, batch)
        return float(loss), float(norm)

    def sync(self):
        """Bring the weights into the variables."""
        if self._values is not None:
            for group, values in zip(self._variables(), self._values):
                for variable, value in zip(group, values):
                    variable.assign(value)
            self._values = None

    def _variables(self):
        model = self._model
        return model.trainable_variables, model.non_trainable_variables, self._optimizer.variables

    def _step(self, values, batch):
        weights, others, of_optimizer = values
        differentiate = jax.value_and_grad(self._stateless_loss, has_aux=True)
        (loss, others), gradients = differentiate(weights, others, batch)
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in gradients))
        apply = self._optimizer.stateless_apply
        weights, of_optimizer = apply(of_optimizer, gradients, weights)
        return loss, norm, [weights, others, of_optimizer]

    def _stateless_loss(self, weights, others, batch):
        variables, non_trainable, _ = self._variables()
        pairs = [*zip(variables, weights), *zip(non_trainable, others)]
        with keras.StatelessScope(state_mapping=pairs) as scope:
            loss = self._loss(self._model, batch)
        return loss, [scope.get_current_value(v) for v in non_trainable]


def compiled(model, function, spec):
    """Compile a function that reads the model's weights; it gives JAX's arrays."""
    variables = model.variables

    def stateless(values, *arguments):
        with keras.StatelessScope(state_mapping=list(zip(variables, values))):
            return function(*arguments)

    static = [1 + i for i, one in enumerate(spec) if one is int]
    graph = jax.jit(stateless, static_argnums=static)
    return lambda *arguments: graph([v.value for v in variables], *arguments)


def gradients(function, arrays):
    """Return the gradients of a scalar function of a list of arrays, a NumPy array for each."""
    result = jax.jit(jax.grad(function))([jnp.asarray(a) for a in arrays])
    return [np.asarray(g) for g in result]


def gpu():
    """Return the name of the GPU that JAX computes on, as its driver gives it, or None."""
    (device,) = jnp.zeros([]).devices()
    return device.device_kind if device.platform == "gpu" else None


def switches():
    """List what is set in this process that changes last digits and that a run leaves as it is."""
    now = {name: jax.config.values.get(name, default) for name, default in _RECORDED.items()}
    return {name: str(value) for name, value in now.items() if value != _RECORDED[name]}


@contextmanager
def fixed(precision):
    """Compute as `precision` says, whatever this process had set; then set it back."""
    settings = _SETTINGS | {"default_matmul_precision": _PRODUCTS[precision]}
    with ExitStack() as stack:
        for name, value in settings.items():
            # Contexts, because `jax.config.update` has no say within someone else's context.
            # The one of `enable_x64` was experimental up to JAX 0.7.
            home = jax if hasattr(jax, name) else jax.experimental
            stack.enter_context(getattr(home, name)(value))
        yield
