"""Training on TensorFlow: a tape in a `tf.function`. See `rru_nb.layers.backend`."""

import os
from contextlib import contextmanager

import tensorflow as tf

from ...errors import UserError

try:  # the setter alone is public; a version without this place only leaves it out of records
    from tensorflow.python.framework.config import is_op_determinism_enabled
except ImportError:

    def is_op_determinism_enabled():
        return False


_LOWERING = (  # variables of the environment that lower the precision of products
    *("TF_SET_ONEDNN_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"),
    "TF_ENABLE_AUTO_MIXED_PRECISION",
)

PADDED_LENGTHS = False  # a graph takes any length


class TrainStep:
    """One step of training; the weights are always in the model's variables."""

    def __init__(self, model, optimizer, loss, spec):
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._compiled = tf.function(self._step, input_signature=_signature([spec]))

    def __call__(self, batch):
        loss, norm = self._compiled(batch)
        return float(loss), float(norm)

    def sync(self):
        """Do nothing."""

    def _step(self, batch):
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self._loss(self._model, batch)
        # Zero rather than None for what a loss does not touch: a classifier reads the last
        # layer's state, so that W^o of that layer has no part in it.
        # TensorFlow's variables, because it makes no zeros from the dtype of Keras' own.
        sources, unconnected = [v.value for v in variables], tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, sources, unconnected_gradients=unconnected)
        norm = tf.linalg.global_norm(gradients)
        self._optimizer.apply(gradients, variables)
        return loss, norm


def compiled(model, function, spec):
    """Compile a function that reads the model's weights; it gives tensors."""
    graph = tf.function(lambda *arguments: function(*arguments), input_signature=_signature(spec))
    # Looking for the graph that fits the arguments takes as long as a time step of music.
    return graph.get_concrete_function()


def _signature(specs):
    def of(spec):
        return tf.TensorSpec([], tf.int32) if spec is int else tf.TensorSpec(spec.shape, spec.dtype)

    return tf.nest.map_structure(of, specs)


def gradients(function, arrays):
    """Return the gradients of a scalar function of a list of arrays, a NumPy array for each."""
    arrays = [tf.convert_to_tensor(a) for a in arrays]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        result = function(arrays)
    d_arrays = tape.gradient(result, arrays, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    # Of an array that rows are looked up in, TensorFlow gives the rows' gradients.
    return [tf.convert_to_tensor(g).numpy() for g in d_arrays]


def gpu():
    """Return the name of the first GPU that TensorFlow may use, as its driver gives it, or None."""
    gpus = tf.config.get_visible_devices("GPU")
    names = [tf.config.experimental.get_device_details(g).get("device_name") for g in gpus]
    return names[0] if names else None


def switches():
    """List what is set in this process that changes last digits and that a run leaves as it is."""
    threading = tf.config.threading
    now = {
        "op_determinism": is_op_determinism_enabled(),
        "intra_op_threads": threading.get_intra_op_parallelism_threads(),
        "inter_op_threads": threading.get_inter_op_parallelism_threads(),
    }
    return {name: str(value) for name, value in now.items() if value}


@contextmanager
def fixed(precision):
    """Compute as `precision` says, in graphs, whatever this process had set; then set it back."""
    _refuse_rewriting()
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    eager = tf.config.functions_run_eagerly()
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    tf.config.run_functions_eagerly(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(tf32)
        tf.config.run_functions_eagerly(eager)


def _refuse_rewriting():
    """Raise if graphs are rewritten in another way or spread over replicas."""
    options = tf.config.optimizer.get_experimental_options()
    off = ("disable_model_pruning", "disable_meta_optimizer", "auto_mixed_precision")  # by default
    set_ones = {
        "tf.config.optimizer.set_jit": tf.config.optimizer.get_jit(),
        "tf.config.optimizer.set_experimental_options": {
            name: value for name, value in options.items() if value or not name.startswith(off)
        },
        "tf.distribute": tf.distribute.has_strategy() and tf.distribute.get_strategy(),
        **{name: os.environ.get(name) for name in _LOWERING},
    }
    for name, value in set_ones.items():
        if value:
            raise UserError(
                f"{name} is set to {value!r}: it changes what a run computes, and no record would "
                "tell. Start a process without it."
            )
