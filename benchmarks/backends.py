"""How long is a training step of each layer on the backend that Keras runs on?

    KERAS_BACKEND=jax python benchmarks/backends.py --size words --json benchmarks/records/NAME.json

Forward, backward and RAdam, as `rru-nb` trains. The gated layers and PyTorch's LSTM, which takes
part where it is installed, have as many parameters as the RRU. On a machine with a GPU all use
it; the record says which. TensorFlow need not be installed.
"""

import keras
from measure import (
    SIZES,
    arguments,
    inputs,
    report,
    rru_options,
    rru_parameters,
    side_by_side,
    table,
    torch_rnn,
    torch_version,
)

from rru_nb import RRU, RAdam
from rru_nb.layers.backend import backend, fixed_settings
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.mogrifier import MogrifierLSTM
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_parameters
from rru_nb.training.config import paper_config

QUESTION = __doc__.splitlines()[0]
GATED = {"gru": GRU, "lstm": LSTM, "mogrifier": MogrifierLSTM}


def main():
    options = arguments(QUESTION, more=_add_options)
    size = SIZES[options.size]
    with fixed_settings(options.precision):
        if options.dtype != "float32":
            keras.config.set_dtype_policy(options.dtype)
        candidates = {"RRU, fused": rru_step(size, True), "RRU, plain": rru_step(size, False)}
        candidates |= {layer.__name__: gated_step(size, cell) for cell, layer in GATED.items()}
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


def rru_step(size, fused):
    return _step(RRU(size["n"], **rru_options(size), return_sequences=True, fused=fused), size)


def gated_step(size, cell):
    own = {"rounds": 5, "rank": size.get("rank", 40)} if cell == "mogrifier" else {}
    config = paper_config("jsb", cell, **own)
    units = units_within(lambda n: recurrent_parameters(config, n, size["m"]), rru_parameters(size))
    layer = GATED[cell](units, dropout=size["dropout"], return_sequences=True, **own)
    return _step(layer, size)


def _step(layer, size):
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
