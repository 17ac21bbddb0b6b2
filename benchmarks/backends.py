"""How long is a training step of each layer on the backend that Keras runs on?

    KERAS_BACKEND=jax python benchmarks/backends.py --size words --json benchmarks/records/NAME.json

Forward, backward and RAdam, as `rru-nb` trains. The gated layers and PyTorch's LSTM, which takes
part where it is installed, have as many parameters as the RRU. On a machine with a GPU all use
it; the record says which. TensorFlow need not be installed.
"""

import keras
from measure import (
    LAYERS,
    SIZES,
    arguments,
    inputs,
    layer_named,
    report,
    rru_parameters,
    side_by_side,
    table,
    torch_rnn,
    torch_version,
)

from rru_nb import RAdam
from rru_nb.layers.backend import backend, fixed_settings

QUESTION = __doc__.splitlines()[0]


def main():
    options = arguments(QUESTION, more=_add_options)
    size = SIZES[options.size]
    with fixed_settings(options.precision):
        if options.dtype != "float32":
            keras.config.set_dtype_policy(options.dtype)
        candidates = {name: optimizer_step(layer_named(name, size), size) for name in LAYERS}
        more = {}
        if torch_version() and options.dtype == "float32":
            more["torch"] = torch_version()
            candidates["torch.nn.LSTM"] = torch_rnn(size, options.threads)
        seconds = side_by_side(candidates, options.rounds)
    rows = table(seconds, ("RRU, plain", "torch.nn.LSTM"))
    about = {"parameters": rru_parameters(size), "size": options.size, "settings": size}
    about |= {"dtype": options.dtype, "precision": options.precision}
    report(QUESTION, rows, options, versions=more, **about)


def _add_options(parser):
    parser.add_argument("--dtype", default="float32", help="or mixed_bfloat16")
    parser.add_argument("--precision", choices=("float32", "tf32"), default="float32")


def optimizer_step(layer, size):
    """One step of training on random data, whose loss is a random linear function."""
    model = keras.Sequential([keras.Input((size["T"], size["m"])), layer])
    x, pull = inputs(size | {"p": model.output_shape[-1]})

    def loss(model, batch):
        outputs = keras.ops.cast(model(batch["x"], training=True), "float32")
        return keras.ops.mean(outputs * batch["pull"])

    optimizer = RAdam(1e-4, clip_multiplier=1.5)
    optimizer.build(model.trainable_variables)
    spec = {name: keras.InputSpec("float32", a.shape) for name, a in (("x", x), ("pull", pull))}
    step = backend().TrainStep(model, optimizer, loss, spec)
    return lambda: step({"x": x, "pull": pull})


if __name__ == "__main__":
    main()
