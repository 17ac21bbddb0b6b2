"""Recurrent layers of all kinds, and what they compute: values and gradients on any backend."""

import keras
import numpy as np
from cell_oracles import ABLATIONS
from keras import ops

from rru_nb.layers.backend import backend
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.mogrifier import MogrifierLSTM
from rru_nb.layers.rru import RRU

B, T, M, N, P = 3, 5, 4, 6, 2  # batch, time, input, state, output of the RRU: all different


def rru(**options):
    return RRU(N, output_size=P, hidden_multiplier=1.3, **options)


GATED = {
    "gru": lambda **options: GRU(N, **options),
    "lstm": lambda **options: LSTM(N, forget_bias=0.7, **options),
    "mogrifier": lambda **options: MogrifierLSTM(N, rounds=3, rank=2, **options),
}
LAYERS = {"rru": rru, **GATED}
ABLATED = {
    f"rru, r = {r}, {name}": lambda r=r, ablation=ablation, **options: rru(
        relu_layers=r, **ablation, **options
    )
    for r in (1, 2)
    for name, ablation in ABLATIONS.items()
}
HOLES = np.array([[0, 1, 1, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 0, 0]], bool)
FULL = {"return_sequences": True, "return_state": True}


def random_masks(cell, rng, steps=T):
    """Dropout masks by time step, [B, T, features]."""
    return rng.random((B, steps, cell.dropped_features)) >= cell.dropout


def use_masks(layer, keep):
    """Let a layer drop out by these masks, [B, T, features], in the layout that it wants."""

    def draw(shape):
        axes = [keep.shape.index(int(size)) for size in shape]
        assert sorted(axes) == [0, 1, 2]
        by_step = axes[0] == 1  # then the layer has turned its inputs around already
        given = keep[:, ::-1] if by_step and layer.go_backwards else keep
        return ops.convert_to_tensor(np.ascontiguousarray(given.transpose(axes)))

    layer._draw = draw


def random_inputs(layers, rng, batch=B, steps=T):
    """Inputs of a stack, initial states, and the weights of its results in the loss."""
    states = [[(batch, s) for s in np.atleast_1d(layer.cell.state_size)] for layer in layers]
    outputs = (batch, steps, layers[-1].cell.output_size)
    sizes = {"pull": outputs, "pulls": states, "x": (batch, steps, M), "states": states}
    return _map_sizes(lambda size: 0.7 * rng.normal(size=size), sizes)


def _map_sizes(function, sizes):
    if isinstance(sizes, dict):
        return {name: _map_sizes(function, one) for name, one in sizes.items()}
    if isinstance(sizes, list):
        return [_map_sizes(function, one) for one in sizes]
    return function(sizes)


def results(layers, inputs, mask=None, training=True):
    """Outputs, last states, and all gradients of a sum of these, weighted by `inputs`.

    The gradients by the weights of the sum are the outputs and states themselves. Returns a
    dictionary as `inputs`, with the gradients by the layers' weights as "weights".
    """
    variables = [v for layer in layers for v in layer.trainable_variables]
    dtype = layers[0].compute_dtype
    inputs = inputs | {"weights": [v.numpy() for v in variables]}

    def loss(arrays):
        given = keras.tree.pack_sequence_as(inputs, arrays)
        x, total = given["x"], 0.0
        with keras.StatelessScope(state_mapping=list(zip(variables, given["weights"]))):
            for layer, start, pulls in zip(layers, given["states"], given["pulls"]):
                x, *states = layer(x, initial_state=start, mask=mask, training=training)
                total += sum(ops.sum(p * s) for p, s in zip(pulls, states))
        return total + ops.sum(given["pull"] * x)

    arrays = [np.asarray(a, dtype) for a in keras.tree.flatten(inputs)]
    return keras.tree.pack_sequence_as(inputs, _gradients(loss, arrays))


def _gradients(function, arrays):
    if keras.backend.backend() != "torch":
        return backend().gradients(function, arrays)
    import torch

    arrays = [torch.tensor(a, requires_grad=True) for a in arrays]
    found = torch.autograd.grad(function(arrays), arrays, materialize_grads=True)
    return [g.numpy() for g in found]
