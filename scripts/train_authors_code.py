"""Train and test a model on music by the authors' own script.

    git clone https://github.com/LUMII-Syslab/RRU ../RRU
    python scripts/train_authors_code.py ../RRU --cell mogrifier --learning-rate 6e-3 --seed 0

Their `mm_main.py` cuts windows, shuffles, trains, stops and tests; what it needs of TensorFlow 1 is
made here: one layer over time, unrolled, and the shuffling of scikit-learn. Data, settings and
hidden size are this book's, but for `score_average`: it stops by the mean of batches. The outcome
goes to `params/paper/grids/authors_script/`, named as our own record of these settings, and the
page "Robustness" shows both; nothing else writes there. A training at the smallest size takes some
20 minutes on a core.
"""

import sys
import time
from argparse import ArgumentParser
from contextlib import chdir
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace

import numpy as np
import tensorflow as tf
from compare_with_authors import OldCell, authors_commit, old_modules

from rru_nb.data.music import KEYS
from rru_nb.data.splits import SPLITS
from rru_nb.experiments import section
from rru_nb.storage import files, paths
from rru_nb.tasks import budget, task_for
from rru_nb.tasks.music import without_silences
from rru_nb.training import provenance

tf1 = tf.compat.v1
MUSIC = ("jsb", "nottingham", "musedata", "piano-midi")
CELLS = {"rru": "RRU", "gru": "GRU", "lstm": "LSTM", "mogrifier": "MogrifierLSTM"}  # their names
OWN_SETTINGS = {  # a cell's own, by our names and theirs
    "rru": {"hidden_multiplier": "middle_layer_size_multiplier", "relu_layers": "relu_layers"},
    "gru": {},
    "lstm": {"forget_bias": "forget_bias"},
    "mogrifier": {"rounds": "feature_mask_rounds", "rank": "feature_mask_rank"},
}


class OneLayer:
    """Do what `MultiRNNCell` does with one cell."""

    def __init__(self, cells):
        (self.cell,) = cells

    def zero_state(self, batch_size, dtype):
        self.cell.dtype = dtype
        return self.cell.zero_state(batch_size, dtype)


def run_over_time(layer, inputs, initial_state, dtype):
    """Do what `dynamic_rnn` does, unrolled: outputs [B, T, n], and the last state."""
    cell, outputs, state = layer.cell, [], initial_state
    with tf1.variable_scope("rnn", reuse=tf1.AUTO_REUSE, dtype=dtype):
        for x in tf.unstack(inputs, axis=1):
            output, state = cell(x, state)
            outputs.append(output)
    return tf.stack(outputs, axis=1), state


def shuffle_together(*lists):
    """Do what scikit-learn's `shuffle` does with lists of one length."""
    order = np.random.permutation(len(lists[0]))  # noqa: NPY002, theirs has the global seed
    return [[one[i] for i in order] for one in lists]


class Call(OldCell):
    """A cell whose Python branches on tensors become those of the graph, as in TensorFlow 1."""

    def __call__(self, inputs, state):
        if not self.built:
            self.build(inputs.shape)
        return tf.autograph.to_graph(type(self).call)(self, inputs, state)


class Curve:
    """In the place of what prints: keeps the averages of each epoch."""

    def __init__(self):
        self.train, self.valid, self.started = [], [], time.monotonic()

    def epoch_end(self, epoch, results, seconds):
        self.train.append(float(results[0][1]))

    def evaluation_end(self, split, results, seconds):
        if split == "validation":
            self.valid.append(float(results[0][1]))
            minutes = (time.monotonic() - self.started) / 60
            losses = f"train {self.train[-1]:.4f}, valid {self.valid[-1]:.4f}"
            print(f"epoch {len(self.valid)}: {losses}, {minutes:.1f} min", file=sys.stderr)

    def __getattr__(self, name):
        return lambda *_: None


def train(folder, config):
    """Train and test by their script at the settings of one of our runs; return the outcome."""
    task, curve = task_for(config), Curve()
    units = budget.units_within(task.parameters, config.n_params)
    with old_modules(folder), TemporaryDirectory() as place, chdir(place):
        script = _imported(config.seed)
        script.vocabulary_size, script.NetworkPrint = KEYS, curve
        script.print_after_this_many_steps = 0
        script.learning_rate, script.dropout_rate = config.learning_rate, config.dropout
        script.clip_multiplier = config.clip_multiplier
        script.break_epochs_no_gain = config.patience
        script.cell_name = CELLS[config.cell]
        for ours, theirs in OWN_SETTINGS[config.cell].items():
            setattr(script, theirs, getattr(config, ours))
        information = script.get_cell_information(script.cell_name)
        script.cell_fn, script.model_name, has_output_size, _ = information
        if not has_output_size:
            script.output_size = None
        model = script.MusicModelingModel(units)
        n_params = int(sum(np.prod(v.shape.as_list()) for v in tf1.trainable_variables()))
        if n_params != task.parameters(units):
            sys.exit(f"Their model has {n_params:,} parameters, ours {task.parameters(units):,}.")
        train_data, valid_data, test_data = (
            [list(without_silences(piece).astype(float)) for piece in getattr(task.splits, split)]
            for split in SPLITS
        )
        model.fit(train_data, valid_data)
        test = float(model.evaluate(test_data))
    best = int(np.argmin(curve.valid))
    return {
        "config": config.as_dict(),
        "n_params": n_params,
        "test": {"nll_batches": test},
        "best_epoch": best + 1,
        "epochs": {"train": curve.train, "valid": curve.valid},
        "seconds": round(time.monotonic() - curve.started, 1),
        "data": task.splits.digest,
    }


def _imported(seed):
    """Import their script, with what of TensorFlow 1 and scikit-learn it needs."""
    tf1.contrib = SimpleNamespace(rnn=SimpleNamespace(MultiRNNCell=OneLayer))
    tf1.nn.dynamic_rnn = run_over_time
    sys.modules["sklearn"] = ModuleType("sklearn")
    sys.modules["sklearn.utils"] = SimpleNamespace(shuffle=shuffle_together)
    sys.modules["tensorflow.python.ops.rnn_cell_impl"].LayerRNNCell = Call
    np.product = np.prod  # which NumPy 2 left out
    reset = tf1.reset_default_graph

    def reset_and_seed():
        reset()
        tf1.set_random_seed(seed)

    tf1.reset_default_graph = reset_and_seed
    np.random.seed(seed)  # noqa: NPY002, the script's own source of chance
    return import_module("mm_main")


def main():
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a clone of the authors' repository")
    parser.add_argument("--dataset", choices=MUSIC, default="nottingham")
    parser.add_argument("--cell", choices=CELLS, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--n-params", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    folder, started = chosen.folder.resolve(), datetime.now(UTC).isoformat(timespec="seconds")
    grid = {"learning_rate": [chosen.learning_rate], "n_params": [chosen.n_params]}
    robustness = section("robustness")
    (point,) = robustness.points(chosen.dataset, [chosen.cell], "paper", [chosen.seed], **grid)
    target = paths.checkout() / f"params/paper/grids/authors_script/{point.config.id}.json"
    if target.exists():
        sys.exit(f"{target} holds this training. Delete it to train again.")
    files.check_room(target, "the training")
    about = {
        "authors": authors_commit(folder),
        "started": started,
        "commit": provenance.commit(),
        "versions": provenance.versions(),
        "device": provenance.device(),
    }
    tf1.disable_v2_behavior()
    outcome = train(folder, point.config) | about
    files.write_json(target, outcome, "the training")


if __name__ == "__main__":
    main()
