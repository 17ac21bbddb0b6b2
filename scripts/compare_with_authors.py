"""Train the authors' own cells by their own optimizer, and ours beside them from equal weights.

    git clone https://github.com/LUMII-Syslab/RRU ../RRU
    python scripts/compare_with_authors.py ../RRU

Both take the same steps on the same made-up piano rolls with the same dropout masks, in float64.
The four music sets are cut into windows by theirs and by ours as well, and batches averaged. What
comes out goes to `book/authors_code.json`, which the page "Paper, code, book" shows. Their files
are read where they lie; they are of TensorFlow 1, and what they need of modules that are gone since
is made here. Keras has to run on TensorFlow.
"""

import subprocess
import sys
from argparse import ArgumentParser
from collections import namedtuple
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

from rru_nb import RAdam, load_dataset, paper_config
from rru_nb.data.music import LOWEST_PITCH
from rru_nb.layers.registry import CELLS
from rru_nb.storage import files, paths
from rru_nb.tasks import music
from rru_nb.training import provenance

tf1 = tf.compat.v1
STEPS, BATCH, T, M, N = 50, 16, 20, 88, 24
DROPOUT, CLIP_MULTIPLIER = 0.5, 1.5
LEARNING_RATE = 2.0**-8  # which float32 holds exactly: Keras keeps the rate so
ROUNDS, RANK = 5, 8
# The file of a cell in their repository, which is its class too, and its own arguments.
THEIRS = {
    "rru": ("RRUCell", {"output_size": 16, "middle_layer_size_multiplier": 2.0}),
    "gru": ("GRUCell", {}),
    "lstm": ("BasicLSTMCell", {"forget_bias": 1.0}),
    "mogrifier": ("MogrifierLSTMCell", {"feature_mask_rounds": ROUNDS, "feature_mask_rank": RANK}),
}
OURS = {  # the same by our names
    "rru": {"output_size": 16, "hidden_multiplier": 2.0},
    "gru": {},
    "lstm": {"forget_bias": 1.0},
    "mogrifier": {"rounds": ROUNDS, "rank": RANK},
}
# Their variables, and ours, several of them side by side along an axis.
WEIGHTS = {
    "rru": {
        "J/kernel": (0, "kernel", "recurrent_kernel"),
        "J/bias": (0, "bias"),
        "S/bias": (0, "residual_logits"),
        "W/kernel": (1, "candidate_kernel", "output_kernel"),
        "W/bias": (0, "candidate_bias", "output_bias"),
        "W_smul/bias": (0, "rezero_scale"),
    },
    "gru": {
        "gates/kernel": (0, "gate_kernel"),
        "gates/bias": (0, "gate_bias"),
        "candidate/kernel": (0, "candidate_kernel"),
        "candidate/bias": (0, "candidate_bias"),
    },
    "lstm": {"kernel": (0, "kernel"), "bias": (0, "bias")},
    "mogrifier": {
        "tiled_linear/W": (0, "kernel"),
        "tiled_linear/B_j": (0, "candidate_bias"),
        "tiled_linear/B_o": (0, "output_gate_bias"),
        "tiled_linear/B_f": (0, "forget_gate_bias"),
        "tiled_linear/B_i": (0, "input_gate_bias"),
    },
}
States = namedtuple("States", "c h")


class OldCell:
    """What a cell inherited in TensorFlow 1: variables, made at its first call."""

    def __init__(self, **_):
        self.dtype, self.built = tf.float64, False

    def add_variable(self, name, shape, initializer=None):
        return tf1.get_variable(name, shape, initializer=initializer)

    def zero_state(self, batch, dtype):
        sizes = self.state_size
        if isinstance(sizes, int):
            return tf.zeros([batch, sizes], dtype)
        return States(*(tf.zeros([batch, n], dtype) for n in sizes))

    def __call__(self, inputs, state):
        if not self.built:
            self.build(inputs.shape)
        return self.call(inputs, state)


class OldModule:
    """What a module inherited of Sonnet: a scope of its own."""

    def __init__(self, name):
        self.scope_name = name

    def __call__(self, *inputs):
        with tf1.variable_scope(self.scope_name):
            return self._build(*inputs)


@contextmanager
def old_modules(folder):
    """Let the files in `folder` be imported as in TensorFlow 1."""
    nest = SimpleNamespace(is_sequence=tf.nest.is_nested, flatten=tf.nest.flatten)
    made = {
        "tensorflow.contrib": {"framework": SimpleNamespace(nest=nest)},
        "tensorflow.python.ops.rnn_cell_impl": {
            "LayerRNNCell": OldCell,
            "LSTMStateTuple": States,
            "_check_supported_dtypes": lambda dtype: None,
            "_check_rnn_cell_input_dtypes": lambda inputs: None,
        },
        "sonnet.python.modules": {"base": SimpleNamespace(AbstractModule=OldModule)},
        **{name: {} for name in ("sonnet", "sonnet.python")},
    }
    before, nn = dict(sys.modules), dict(vars(tf1.nn))
    for name, content in made.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(content)
    sys.modules["tensorflow"] = sys.modules["tensorflow.compat.v1"] = tf1
    tf1.nn.rnn_cell = SimpleNamespace(RNNCell=OldCell, LSTMStateTuple=States)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.clear()
        sys.modules.update(before)
        vars(tf1.nn).clear()
        vars(tf1.nn).update(nn)


def train_theirs(cell, folder, data):
    """Train a cell of the authors; return its losses, and its weights before, by name."""
    name, arguments = THEIRS[cell]
    with old_modules(folder), tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(0)
        np.random.seed(0)  # their start of S  # noqa: NPY002
        x, y = (tf1.placeholder(tf.float64, [BATCH, T, M]) for _ in range(2))
        keep = tf1.placeholder(tf.float64, [T, BATCH, None])
        masks, outputs = iter(tf.unstack(keep)), []
        tf1.nn.dropout = lambda a, rate: a * next(masks) / (1 - DROPOUT)
        made = getattr(import_module(f"cells.{name}"), name)
        # The Mogrifier LSTM asks in the graph whether it is trained, the others in Python.
        training = tf.constant(True) if cell == "mogrifier" else True
        recurrent = made(N, training=training, dropout_rate=DROPOUT, **arguments)
        state = recurrent.zero_state(BATCH, tf.float64)
        scope = {"dtype": tf.float64, "use_resource": False, "reuse": tf1.AUTO_REUSE}
        with tf1.variable_scope("", **scope):
            for x_t in tf.unstack(x, axis=1):
                output, state = recurrent(x_t, state)
                outputs.append(output)
            head = [
                tf1.get_variable(f"head_{i}", s)
                for i, s in enumerate(([outputs[0].shape[1], M], [M]))
            ]
        loss = nll(tf.einsum("tbn,nm->btm", tf.stack(outputs), head[0]) + head[1], y)
        update = _in_float64(import_module("RAdam").RAdamOptimizer).minimize(loss)
        session.run(tf1.global_variables_initializer())
        before = {v.op.name: session.run(v) for v in tf1.trainable_variables()}
        feeds = [dict(zip((x, y, keep), batch)) for batch in data]
        return [session.run([loss, update], feed)[0] for feed in feeds], before


def _in_float64(optimizer):
    """Return the authors' optimizer, whose numbers would be float32."""

    class Wide(optimizer):
        def _create_non_slot_variable(self, initial_value, name, colocate_with):
            value = np.float64(initial_value)
            return super()._create_non_slot_variable(value, name, colocate_with)

    numbers = {"learning_rate": LEARNING_RATE, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
    numbers |= {"clip_multiplier": CLIP_MULTIPLIER, "clip_epsilon": 0.01}
    return Wide(clip_gradients=True, **{name: np.float64(v) for name, v in numbers.items()})


def nll(logits, y):
    """Return the negative log-likelihood in nats per time step."""
    by_key = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
    return tf.reduce_mean(tf.reduce_sum(by_key, -1))


def train_ours(cell, before, data):
    """Train our fused layer, from the authors' weights, and return its losses."""
    _, made = CELLS[cell].classes()
    layer = made(N, dropout=DROPOUT, return_sequences=True, dtype="float64", **OURS[cell])
    head = keras.layers.Dense(M, dtype="float64")
    model = keras.Sequential([keras.Input((T, M), dtype="float64"), layer, head])
    start_equally(cell, layer.cell, head, dict(before))
    optimizer, losses = RAdam(LEARNING_RATE, clip_multiplier=CLIP_MULTIPLIER), []
    for x, y, keep in data:
        layer._draw = lambda shape, keep=keep: tf.constant(_laid_out(keep, shape) > 0)
        with tf.GradientTape() as tape:
            loss = nll(model(x, training=True), y)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        losses.append(float(loss))
    return losses


def _laid_out(keep, shape):
    """Turn masks [T, B, features] features first if that is the shape asked for."""
    return keep if keep.shape == tuple(map(int, shape)) else keep.transpose(0, 2, 1)


def start_equally(cell, ours, head, before):
    """Give our cell and its head the authors' weights, each of which has to be used."""
    head.set_weights([before.pop("head_0"), before.pop("head_1")])
    for name, value in before.items():
        axis, *names = _ours_of(cell, name.removeprefix("MogrifierLSTMCell/"))
        parts = [getattr(ours, one) if isinstance(one, str) else one(ours) for one in names]
        ends = np.cumsum([part.shape[axis] for part in parts])[:-1]
        for part, values in zip(parts, np.split(value, ends, axis)):
            part.assign(values)


def _ours_of(cell, name):
    if not name.startswith("fm_"):
        return WEIGHTS[cell][name]
    _, k, *kind = name.split("_")  # fm_0_weight_a, fm_0_bias
    factors = {"weight_a": "round_factors_a", "weight_b": "round_factors_b", "bias": "round_biases"}
    return 0, lambda ours: getattr(ours, factors["_".join(kind)])[int(k)]


def compare_windows(folder, say=print):
    """Cut each music set both ways; return how many windows there are, all of them equal.

    Raises:
        AssertionError: if one is not.
    """
    counts = {}
    with old_modules(folder):
        theirs = import_module("mm_utils")
        theirs.MIDI_numbers, theirs.MIDI_delay = M, LOWEST_PITCH  # which their script sets
        for dataset in ("jsb", "nottingham", "musedata", "piano-midi"):
            config = paper_config(dataset, "rru")
            ours = music.MusicTask(config)
            for split, step in (("train", config.window // 2), ("valid", None), ("test", None)):
                songs = [
                    [tuple(np.flatnonzero(row) + LOWEST_PITCH) for row in piece]
                    for piece in getattr(load_dataset(dataset), split)
                ]
                parts = theirs.split_data_in_parts(
                    theirs.mask_the_data(songs), config.window, step or config.window, M
                )
                windows = ours._windows[split]
                for window, x, y, length in zip(windows, *parts, strict=True):
                    padding = np.zeros([config.window - length, M])
                    np.testing.assert_array_equal(x, np.concatenate([window[:-1], padding]))
                    np.testing.assert_array_equal(y, np.concatenate([window[1:], padding]))
                counts[dataset] = counts.get(dataset, 0) + len(windows)
            say(f"{dataset}: all {counts[dataset]} windows are equal")
    return counts


def compare_averages(folder):
    """Return how far our mean of batches is from theirs, for made-up losses of 77 windows."""
    losses, size = np.random.default_rng(0).normal(8, 1, 77), 16
    with old_modules(folder):
        batch = import_module("utils").get_batch
        means = [np.mean(batch(losses, i, size, False)) for i in range(len(losses) // size)]
    ours = music.averages(losses, np.ones(len(losses)), size)["nll_batches"]
    return float(abs(ours - np.mean(means)))


def compare(folder, say=print):
    """Train all four both ways; return what `book/authors_code.json` holds."""
    authors, rows = _commit(folder), {}
    for cell, spec in CELLS.items():
        features = {"rru": 2 * (M + N)}.get(cell, N)
        rng = np.random.default_rng(0)
        data = [
            [rng.random((BATCH, T, M)) < 0.1, rng.random((BATCH, T, M)) < 0.1]
            + [rng.random((T, BATCH, features)) >= DROPOUT]
            for _ in range(STEPS)
        ]
        data = [[a.astype("float64") for a in batch] for batch in data]
        theirs, before = train_theirs(cell, folder, data)
        ours = train_ours(cell, before, data)
        apart = float(np.max(np.abs(np.subtract(ours, theirs)) / np.abs(theirs)))
        rows[cell] = {"first": float(theirs[0]), "last": float(theirs[-1]), "apart": apart}
        say(f"{spec.title}: loss {theirs[0]:.4f} to {theirs[-1]:.4f}, apart by {apart:.1e} of it")
    return {
        "authors": authors,
        "steps": STEPS,
        "dropout": DROPOUT,
        "cells": rows,
        "windows": compare_windows(folder, say),
        "averages_apart": compare_averages(folder),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "versions": provenance.versions(),
    }


def _commit(folder):
    git = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    done = subprocess.run(git, capture_output=True, text=True)  # noqa: S603 (git alone, no shell)
    if done.returncode or not (folder / "cells" / "RRUCell.py").is_file():
        sys.exit(f"{folder} is no clone of the authors' repository with its cells/RRUCell.py.")
    return done.stdout.strip()


def main():
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a clone of the authors' repository")
    outcome = compare(parser.parse_args().folder.resolve())
    files.write_json(paths.checkout() / "book" / "authors_code.json", outcome, "the comparison")


if __name__ == "__main__":
    main()
