"""Training on JAX: `value_and_grad` of a stateless call, in a `jit`. See `rru_nb.backend`."""

from contextlib import ExitStack, contextmanager

import jax
import jax.numpy as jnp
import keras
import numpy as np

PADDED_LENGTHS = True  # each shape is compiled anew

# What decides about numbers, as JAX has it unless someone says otherwise.
_SETTINGS = {
    "jax_enable_x64": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_numpy_dtype_promotion": "standard",
    "jax_disable_jit": False,
}
_PRODUCTS = {"float32": "highest", "tf32": "tensorfloat32"}


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
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in gradients))
        apply = self._optimizer.stateless_apply
        weights, of_optimizer = apply(of_optimizer, gradients, weights)
        return loss, norm, [weights, others, of_optimizer]

    def _stateless_loss(self, weights, others, batch):
        variables, non_trainable, _ = self._variables()
        pairs = [*zip(variables, weights), *zip(non_trainable, others)]
        with keras.StatelessScope(state_mapping=pairs) as scope:
            loss = self._loss(self._model, batch)
        return loss, [scope.get_current_value(v) for v in non_trainable]


def compiled(model, function, spec=None):
    """Compile a function that reads the model's weights; it gives NumPy arrays."""
    variables = model.variables

    def stateless(values, *arguments):
        with keras.StatelessScope(state_mapping=list(zip(variables, values))):
            return function(*arguments)

    static = [1 + i for i, one in enumerate(spec or ()) if one is int]
    graph = jax.jit(stateless, static_argnums=static)
    return lambda *arguments: jax.tree.map(
        np.asarray, graph([v.value for v in variables], *arguments)
    )


def gradients(function, arrays):
    """The gradients of a scalar function of a list of arrays, a NumPy array for each."""
    found = jax.jit(jax.grad(function))([jnp.asarray(a) for a in arrays])
    return [np.asarray(g) for g in found]


def gpu():
    """The name of the first GPU that JAX sees, as its driver gives it, or None."""
    device = jax.devices()[0]
    return device.device_kind if device.platform == "gpu" else None


@contextmanager
def fixed(precision):
    """Compute as `precision` says, whatever this process had set; then set it back."""
    settings = _SETTINGS | {"jax_default_matmul_precision": _PRODUCTS[precision]}
    before = {name: getattr(jax.config, name) for name in settings}
    with ExitStack() as stack:
        for name, value in settings.items():
            stack.callback(jax.config.update, name, before[name])
            jax.config.update(name, value)
        yield
