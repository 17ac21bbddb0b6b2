"""What training needs of a Keras backend beyond `keras.ops`, the same for each.

`backend()` gives the module for the backend that Keras runs on, `backend/tensorflow.py` or
`backend/jax.py`. Each has

    TrainStep(model, optimizer, loss, spec)   one step of training, compiled; see below
    compiled(model, function, spec)           a function that reads the model's weights; it takes
                                              NumPy's arrays or the backend's, and gives these
    gradients(function, arrays)               of a scalar function of a list of arrays
    gpu()                                     the GPU's name as its driver gives it, or None
    PADDED_LENGTHS                            whether batches are padded to few lengths
    fixed(precision)                          a context in which its process-wide settings are ours
    switches()                                {name: text} of those that are left as they are

A `TrainStep` is called with a batch and gives its loss and the gradient's norm, once the weights
have moved. Between calls the weights may be its own: `sync()` brings them into the model's and the
optimizer's variables, and must come before anything else reads or changes these. A `spec` is that
of one argument, a `keras.InputSpec` or a dict or list of these, or a list of such, one for each
argument; `int` stands for a whole number of which there are few.
"""

import importlib
import importlib.util
import json
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import UserError, check_choice
from ..products import products_in

TRAINS = ("tensorflow", "jax")
KNOWN = (*TRAINS, "torch")
PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib")}  # that decide about numbers
INSTALL = {
    "tensorflow": 'pip install "rru_nb"',
    "jax": 'pip install "rru_nb[jax]", or "rru_nb[jax-cuda]" for an NVIDIA GPU',
}


def backend():
    """Import the module of the backend that Keras runs on."""
    name = backend_name()
    if name not in TRAINS:
        raise UserError(
            f"Keras runs on the backend {name!r}, and rru_nb trains on {' or '.join(TRAINS)}. "
            f"Set KERAS_BACKEND={TRAINS[0]}, or {TRAINS[1]}, before Keras is imported."
        )
    return importlib.import_module(f".{name}", __name__)


def backend_name():
    """Return the backend that Keras runs on, or would; without importing it."""
    keras = sys.modules.get("keras")
    if keras:
        return keras.backend.backend()
    return os.environ.get("KERAS_BACKEND") or _in_keras_file() or TRAINS[0]


def _in_keras_file():
    """Read the backend that `keras.json` names, where Keras looks for it, or None."""
    home = os.path.expanduser("~")
    home = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    file = Path(os.environ.get("KERAS_HOME", home), "keras.json").expanduser()
    with suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8")).get("backend")
    return None


def choose(name=None):
    """Set the backend of Keras for this process, before Keras is imported.

    Args:
        name: "tensorflow" or "jax"; None leaves it to `KERAS_BACKEND`, or to Keras' own file,
            whose name is checked.
    """
    if name is None:
        given = bool(os.environ.get("KERAS_BACKEND"))
        check_choice("KERAS_BACKEND" if given else "backend of Keras", backend_name(), KNOWN)
        return
    check_choice("backend", name, TRAINS)
    if importlib.util.find_spec(name) is None:
        raise _not_installed(name)
    keras = sys.modules.get("keras")
    if keras and keras.backend.backend() != name:
        raise UserError(
            f"backend {name!r} comes too late: Keras runs on {keras.backend.backend()!r} "
            f"already. Set KERAS_BACKEND={name} before Keras is imported."
        )
    os.environ["KERAS_BACKEND"] = name


def cores():
    """Count the cores that this process may use: a container's may be fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def installed():
    """Turn a failed import of a backend into one line that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").split(".")[0]
        if name not in KNOWN:
            raise
        raise _not_installed(name) from None


def _not_installed(name):
    others = [other for other in TRAINS if importlib.util.find_spec(other)]
    instead = "".join(f" Or set KERAS_BACKEND={other}, which is installed." for other in others)
    mend = (
        f": {INSTALL[name]}" if name in INSTALL else f", and rru_nb trains on {' or '.join(TRAINS)}"
    )
    return UserError(f"the backend {name!r} is not installed{mend}.{instead}")


@contextmanager
def fixed_settings(precision):
    """Hold every process-wide setting that numbers depend on, then set each back.

    A record then tells what was computed, whatever a program or Keras' own file had set before.

    Args:
        precision: "float32", "tf32" or "bfloat16", how matrix products are computed.

    Raises:
        UserError: if something is set that changes numbers and can't be set back.
    """
    import keras

    now, here = keras.config, backend()
    if keras.distribution.distribution() is not None:
        raise UserError(
            "keras.distribution is set: a run trains on one device. Call "
            "keras.distribution.set_distribution(None) before it."
        )
    settings = [
        (now.set_floatx, now.floatx(), "float32"),
        (now.set_dtype_policy, now.dtype_policy(), "float32"),
        (now.set_epsilon, now.epsilon(), 1e-7),
        (now.set_image_data_format, now.image_data_format(), "channels_last"),
    ]
    try:
        for change, _, value in settings:
            change(value)
        with here.fixed(precision), products_in("bfloat16" if precision == "bfloat16" else None):
            yield
    finally:
        for change, before, _ in settings:
            change(before)
