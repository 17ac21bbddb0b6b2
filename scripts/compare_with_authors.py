"""Train the authors' own cells by their own optimizer, and ours beside them from equal weights.

    git clone https://github.com/LUMII-Syslab/RRU ../RRU
    python scripts/compare_with_authors.py ../RRU

Both take the same steps in float64, on the same made-up batches with the same dropout masks: once
as on music, on piano rolls, and once as on text, on tokens, with an embedding, two layers and, in
the RRU, equation 2. The four music sets are cut into windows by theirs and by ours as well, batches
averaged, and Penn Treebank read, batched and scored. What comes out goes to
`book/authors_code.json`, which the page "Paper, code, book" shows. Their files are read where they
lie; they are of TensorFlow 1, and what they need of modules that are gone since is made here. Keras
has to run on TensorFlow.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections import namedtuple
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from zipfile import ZipFile

import keras
import numpy as np
import tensorflow as tf

from rru_nb import RAdam, load_dataset, paper_config
from rru_nb.data.fetch import locate
from rru_nb.data.music import LOWEST_PITCH
from rru_nb.data.splits import SPLITS
from rru_nb.data.text import encode_bytes
from rru_nb.layers.embedding import Embedding
from rru_nb.layers.registry import CELLS
from rru_nb.storage import files, paths
from rru_nb.tasks import music, task_for
from rru_nb.training import provenance

tf1 = tf.compat.v1
STEPS, BATCH, T, M, N = 50, 16, 20, 88, 24
EMBEDDED = 7  # features of a token; there are M tokens, as there are M keys
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
        "J2/kernel": (0, lambda ours: ours.hidden_kernels[0]),
        "J2/bias": (0, lambda ours: ours.hidden_biases[0]),
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
    "embedding": {"table": (0, "embeddings")},
    "head": {"kernel": (0, "kernel"), "bias": (0, "bias")},
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
        "tensorflow.keras.preprocessing.text": {
            "Tokenizer": tf.keras.preprocessing.text.Tokenizer,
        },
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


def train_theirs(cell, folder, data, more, v_read_first=False):
    """Train a cell of the authors; return its losses, and its weights before, by name.

    `data` are batches of inputs, targets and the masks of each layer, `more` arguments of the cell.
    Their update of an embedding clips by v and multiplies v by beta2, and nothing in their graph
    says which comes first. With `v_read_first` it is the clipping, as for all other variables.
    """
    name, arguments = THEIRS[cell]
    with old_modules(folder), tf.Graph().as_default() as graph, tf1.Session() as session:
        tf1.set_random_seed(0)
        np.random.seed(0)  # their start of S  # noqa: NPY002
        inputs = [tf1.placeholder(a.dtype, a.shape) for a in data[0]]
        x, y, *keeps = inputs
        made = getattr(import_module(f"cells.{name}"), name)
        # The Mogrifier LSTM asks in the graph whether it is trained, the others in Python.
        training = tf.constant(True) if cell == "mogrifier" else True
        scope = {"dtype": tf.float64, "use_resource": False, "reuse": tf1.AUTO_REUSE}
        with tf1.variable_scope("", **scope):
            if len(x.shape) == 2:
                start = tf1.random_uniform_initializer(-1, 1)
                table = tf1.get_variable("embedding/table", [M, EMBEDDED], initializer=start)
                x = tf1.nn.embedding_lookup(table, x)
            steps = tf.unstack(x, axis=1)
            for i, keep in enumerate(keeps):
                masks = iter(tf.unstack(keep))
                tf1.nn.dropout = lambda a, rate, masks=masks: a * next(masks) / (1 - DROPOUT)
                recurrent = made(N, training=training, dropout_rate=DROPOUT, **arguments, **more)
                state = recurrent.zero_state(BATCH, tf.float64)
                with tf1.variable_scope(f"layer_{i}"):
                    for t, x_t in enumerate(steps):
                        steps[t], state = recurrent(x_t, state)
            kernel = tf1.get_variable("head/kernel", [steps[0].shape[1], M])
            bias = tf1.get_variable("head/bias", [M])
        loss = nll(tf.einsum("tbn,nm->btm", tf.stack(steps), kernel) + bias, y)
        update = _in_float64(import_module("RAdam").RAdamOptimizer).minimize(loss)
        if v_read_first:
            names = (f"RAdam/update_embedding/table/{op}" for op in ("Sum", "Assign_1"))
            read, decay = map(graph.get_operation_by_name, names)
            decay._add_control_input(read)
        session.run(tf1.global_variables_initializer())
        before = {v.op.name: session.run(v) for v in tf1.trainable_variables()}
        return [session.run([loss, update], dict(zip(inputs, b)))[0] for b in data], before


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
    """Return the negative log-likelihood of tokens [B, T] or rolls [B, T, M], in nats per step."""
    if len(y.shape) == 2:
        by_step = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    else:
        by_key = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
        by_step = tf.reduce_sum(by_key, -1)
    return tf.reduce_mean(by_step)


def train_ours(cell, before, data, more):
    """Train our fused layers, from the authors' weights, and return their losses."""
    _, made = CELLS[cell].classes()
    options = {"dropout": DROPOUT, "return_sequences": True, **OURS[cell], **more}
    x, _, *keeps = data[0]
    layers = [made(N, name=f"layer_{i}", dtype="float64", **options) for i in range(len(keeps))]
    first = [Embedding(M, EMBEDDED, name="embedding", dtype="float64")] if x.ndim == 2 else []
    head = keras.layers.Dense(M, name="head", dtype="float64")
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), *first, *layers, head])
    start_equally(cell, model, before)
    optimizer, losses = RAdam(LEARNING_RATE, clip_multiplier=CLIP_MULTIPLIER), []
    for x, y, *keeps in data:
        for layer, keep in zip(layers, keeps):
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


def start_equally(cell, model, before):
    """Give our model the authors' weights, each of which has to be used."""
    for path, value in before.items():
        place, name = path.replace("/MogrifierLSTMCell", "").split("/", 1)
        ours = getattr(model.get_layer(place), "cell", model.get_layer(place))
        axis, *names = _ours_of(place if place in WEIGHTS else cell, name)
        parts = [getattr(ours, one) if isinstance(one, str) else one(ours) for one in names]
        ends = np.cumsum([part.shape[axis] for part in parts])[:-1]
        for part, values in zip(parts, np.split(value, ends, axis)):
            part.assign(values)


def _ours_of(owner, name):
    if not name.startswith("fm_"):
        return WEIGHTS[owner][name]
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


def compare_texts(folder, say=print):
    """Read, batch and score Penn Treebank both ways, by words and by characters.

    All tokens and all training windows are equal, and so are the tokens of a made-up enwik8. The
    losses that are scored are made up.

    Returns:
        The tokens of each text, a dict, and how far scores are apart at most.

    Raises:
        AssertionError: if one is not.
    """
    with old_modules(folder):
        lm, get_batch = import_module("lm_utils"), import_module("utils").get_batch
    drawn = np.random.default_rng(0).geometric(0.05, 100_000)  # rare bytes may come late
    content = np.minimum(drawn, 255).astype("uint8").tobytes()
    with TemporaryDirectory() as place:
        theirs = prepare_texts(lm, Path(place), content)
    tokens, scores_apart = {}, 0.0
    ours, _ = encode_bytes(content)
    for split, stream in zip(SPLITS, theirs["enwik8"]):
        np.testing.assert_array_equal(stream, ours[split])
    for dataset in ("ptb-word", "ptb-char"):
        task = task_for(paper_config(dataset, "rru"))
        for split, stream in zip(SPLITS, theirs[dataset]):
            np.testing.assert_array_equal(stream, getattr(task.splits, split))
        tokens[dataset] = sum(map(len, theirs[dataset]))
        compare_training_windows(lm, get_batch, task, theirs[dataset][0])
        for split, stream in zip(SPLITS[1:], theirs[dataset][1:]):
            score = score_theirs(lm, get_batch, task.config, stream)
            scores_apart = max(scores_apart, apart(score_ours(task, split), score))
        say(f"{dataset}: all {tokens[dataset]:,} tokens and all training windows are equal")
    return tokens, scores_apart


def prepare_texts(lm, place, content):
    """Let their code prepare texts; return the streams of training, validation and test of each.

    The characters are spelled from the words, as in Mikolov's files, which are not at hand.
    """
    (place / "penn").mkdir()
    (place / "pennchar").mkdir()
    for split in SPLITS:
        text = locate(f"ptb.{split}.txt").read_text(encoding="utf-8")
        spelled = [" ".join(line.strip().replace(" ", "_")) for line in text.splitlines()]
        (place / "penn" / f"{split}.txt").write_text(text, encoding="utf-8")
        (place / "pennchar" / f"{split}.txt").write_text("\n".join(spelled), encoding="utf-8")
    with ZipFile(place / "enwik8.zip", "w") as archive:
        archive.writestr("enwik8", content)
    lm.unchanged_data_path = lm.prepared_data_path = f"{place}/"
    names = {"ptb-word": "penn", "ptb-char": "pennchar", "enwik8": "enwik8"}
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        lm.prepare_penn(9650)
        lm.prepare_pennchar(51)
        lm.prepare_wikipedia_data_set("enwik8", 207)
        return {name: lm.load_data(theirs)[:3] for name, theirs in names.items()}


def compare_training_windows(lm, get_batch, task, stream):
    """Compare the batches of an epoch: those of words hold the same windows in another order."""
    config, of_characters = task.config, task.config.kind == "char"
    step = config.window // (1 if of_characters else 2)
    indexes = lm.get_window_indexes(len(stream), config.window, step)
    ours, n_batches = list(task.train_batches(1)), len(indexes) // config.batch_size
    sizes = []
    for i in range(n_batches):
        batch = get_batch(indexes, i, config.batch_size, of_characters, of_characters)
        sizes.append(len(batch))
        if of_characters:
            x, y = lm.get_input_data_from_indexes(stream, batch, config.window)
            np.testing.assert_array_equal(x, ours[i]["tokens"][:, :-1])
            np.testing.assert_array_equal(y, ours[i]["tokens"][:, 1:])
    np.testing.assert_array_equal(sizes, [len(batch["tokens"]) for batch in ours])
    if not of_characters:
        x, y = lm.get_input_data_from_indexes(stream, indexes, config.window)
        x = np.column_stack([x, np.array(y)[:, -1]])
        shuffled = np.concatenate([batch["tokens"] for batch in ours])
        np.testing.assert_array_equal(_sorted_rows(x), _sorted_rows(shuffled))


def _sorted_rows(rows):
    return rows[np.lexsort(rows.T)]


def made_up_losses(x, y):
    """Return a loss for each target that depends on target, window and place in it."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return 1 + (y % 7 + x[:, :1] % 5) / 10 + np.arange(x.shape[1]) / 1000


def score_theirs(lm, get_batch, config, stream):
    """Return the score that made-up losses give by the average of their validation loop."""
    of_characters, window = config.kind == "char", config.window
    indexes = lm.get_window_indexes(len(stream), window, window // 2)
    n_batches, total = len(indexes) // config.batch_size, 0.0
    for i in range(n_batches):
        batch = get_batch(indexes, i, config.batch_size, of_characters, of_characters)
        losses = made_up_losses(*lm.get_input_data_from_indexes(stream, batch, window))
        total += losses[:, window // 2 :].mean() if i else 2 * losses.mean()
    return lm.get_average_perplexity(total, n_batches + 1, of_characters)


def score_ours(task, split):
    """Return the score that the same losses give by our task."""
    task.scorer = lambda model: (
        lambda tokens, begin: [made_up_losses(tokens[:, :-1], tokens[:, 1:])[:, begin:]]
    )
    return task.evaluate(SimpleNamespace(inputs=["tokens"]), split)[task.config.metric]


def make_up(cell, text):
    """Return batches of inputs, targets and the dropout masks of each layer."""
    rng, batches = np.random.default_rng(0), []
    features = (EMBEDDED, OURS[cell].get("output_size", N)) if text else (M,)
    masked = [2 * (m + N) if cell == "rru" else N for m in features]
    for _ in range(STEPS):
        if text:
            # Few tokens are frequent, so that the clipping of the embedding acts for each cell.
            tokens = np.minimum(rng.geometric(0.5, (BATCH, T + 1)), M) - 1
            x, y = tokens[:, :-1], tokens[:, 1:]
        else:
            x, y = (rng.random((2, BATCH, T, M)) < 0.1).astype("float64")
        keeps = [(rng.random((T, BATCH, g)) >= DROPOUT).astype("float64") for g in masked]
        batches.append([x, y, *keeps])
    return batches


def compare_cell(cell, folder, text, say=print):
    """Train a cell both ways, as on music or as on text; return losses, and how far apart."""
    more = {"relu_layers": 2} if text and cell == "rru" else {}
    data = make_up(cell, text)
    theirs, before = train_theirs(cell, folder, data, more)
    ours = train_ours(cell, before, data, more)
    row = {"first": float(theirs[0]), "last": float(theirs[-1]), "apart": apart(ours, theirs)}
    if text:
        ordered, _ = train_theirs(cell, folder, data, more, v_read_first=True)
        row["apart_v_read_first"] = apart(ours, ordered)
    say(CELLS[cell].title, "on text:" if text else "on music:", row)
    return row


def apart(ours, theirs):
    """Return how far losses are from theirs at most, as a part of theirs."""
    return float(np.max(np.abs(np.subtract(ours, theirs)) / np.abs(theirs)))


def compare(folder, say=print):
    """Train all four both ways; return what `book/authors_code.json` holds."""
    tokens, scores_apart = compare_texts(folder, say)
    return {
        "authors": authors_commit(folder),
        "steps": STEPS,
        "dropout": DROPOUT,
        "music": {cell: compare_cell(cell, folder, False, say) for cell in CELLS},
        "text": {cell: compare_cell(cell, folder, True, say) for cell in CELLS},
        "windows": compare_windows(folder, say),
        "averages_apart": compare_averages(folder),
        "tokens": tokens,
        "scores_apart": scores_apart,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "versions": provenance.versions(),
    }


def authors_commit(folder):
    """Return the commit of a clone of their repository; leave if it is none."""
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
