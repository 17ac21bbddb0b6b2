"""Why gated cells learn word frequencies and no more at laptop scale: Keras' own, with Adam.

    python scripts/plateau.py                      # two layers of keras.layers.GRU
    python scripts/plateau.py --normalize          # a LayerNormalization after each
    python scripts/plateau.py --learning-rate 3e-4

Prints the mean training loss of each 100 updates on the batches of `ptb-word` at scale laptop.
The entropy of the word frequencies is printed first: a loss near it has learned no order of words.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf

from rru_nb import paper_config
from rru_nb.tasks import task_for

UNITS = 80  # about the state size that the budget gives the GRU


def main():
    """Trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--normalize", action="store_true", help="LayerNormalization after a GRU")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--updates", type=int, default=500)
    options = parser.parse_args()
    config = paper_config("ptb-word", "gru", scale="laptop", window=32, batch_size=16)
    task = task_for(config)
    print(f"entropy of the word frequencies: {frequency_entropy(task):.3f} nats")
    keras.utils.set_random_seed(0)
    model = network(config, options.normalize)
    optimizer = keras.optimizers.Adam(options.learning_rate)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def update(tokens):
        with tf.GradientTape() as tape:
            logits = model(tokens[:, :-1], training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[:, 1:], logits)
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    losses, epoch = [], 0
    while len(losses) < options.updates:
        epoch += 1
        for batch in task.train_batches(epoch):
            losses.append(float(update(tf.constant(batch["tokens"], tf.int32))))
            if len(losses) % 100 == 0:
                print(f"updates to {len(losses)}: {np.mean(losses[-100:]):.3f}", flush=True)
            if len(losses) == options.updates:
                break


def frequency_entropy(task):
    """Of the words that training reads, in nats."""
    words = np.concatenate([batch["tokens"].ravel() for batch in task.train_batches(1)])
    shares = np.bincount(words) / len(words)
    return -np.sum(shares * np.log(np.maximum(shares, 1e-12)))


def network(config, normalize):
    """Two layers of Keras' GRU between this project's embedding and output layer."""
    tokens = keras.Input([None], dtype="int32")
    start = keras.initializers.RandomUniform(-1, 1)
    size = config.vocabulary_size
    h = keras.layers.Embedding(size, config.embedding_size, embeddings_initializer=start)(tokens)
    for _ in range(config.layers):
        h = keras.layers.GRU(UNITS, return_sequences=True)(h)
        h = keras.layers.LayerNormalization()(h) if normalize else h
    return keras.Model(tokens, keras.layers.Dense(size)(h))


if __name__ == "__main__":
    main()
