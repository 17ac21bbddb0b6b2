"""The layers that tasks share, and how many parameters the recurrent ones have."""

import keras

from ..layers.any_cell import CellLayer
from ..layers.embedding import Embedding
from ..layers.registry import CELLS


def recurrent_layer(config, units, **layer_options):
    """Make one recurrent layer of the config's cell."""
    spec = CELLS[config.cell]
    settings = {name: getattr(config, name) for name in ("dropout", *spec.settings)}
    cell, *layer = spec.classes()
    if layer:
        return layer[0](units, **settings, **layer_options)
    return CellLayer(cell(units, **settings), **layer_options)


def embedding(config, vocabulary_size, **options):
    """Make the embedding of words or characters, uniform between -1 and 1 at first."""
    uniform = keras.initializers.RandomUniform(-1, 1)
    size = config.embedding_size
    return Embedding(vocabulary_size, size, embeddings_initializer=uniform, **options)


def output_features(config, units):
    """Return the number of features of a layer's output: p of the RRU, n of the gated cells."""
    return CELLS[config.cell].features(config, units)


def recurrent_parameters(config, units, n_inputs):
    """Count the trainable parameters of the whole stack of recurrent layers."""
    total = 0
    for _ in range(config.layers):
        total += CELLS[config.cell].parameters(config, units, n_inputs)
        n_inputs = output_features(config, units)
    return total
