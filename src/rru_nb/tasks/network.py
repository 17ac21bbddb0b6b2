"""The recurrent stack that all tasks share, and how many parameters it has."""

from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.mogrifier import MogrifierLSTM
from ..layers.rru import RRU


def recurrent_layer(config, units, **layer_options):
    """One recurrent layer of the config's cell.

    Args:
        config: a `RunConfig`.
        units: int, the state size n.
        **layer_options: of `keras.layers.RNN`, e.g. `return_sequences=True`.
    """
    if config.cell == "rru":
        return RRU(
            units,
            output_size=config.output_size,
            relu_layers=config.relu_layers,
            hidden_multiplier=config.hidden_multiplier,
            dropout=config.dropout,
            normalize=config.normalize,
            rezero=config.rezero,
            relu_outputs=config.relu_outputs,
            residual=config.residual,
            residual_speed=config.residual_speed,
            **layer_options,
        )
    own = {"dropout": config.dropout} | layer_options
    if config.cell == "gru":
        return GRU(units, **own)
    if config.cell == "lstm":
        return LSTM(units, forget_bias=config.forget_bias, **own)
    return MogrifierLSTM(units, rounds=config.rounds, rank=config.rank, **own)


def output_features(config, units):
    """Features of a layer's output: p of the RRU, n of the gated cells."""
    return config.output_size if config.cell == "rru" else units


def recurrent_parameters(config, units, n_inputs):
    """Trainable parameters of the whole stack of recurrent layers.

    Args:
        config: a `RunConfig`.
        units: int, the state size n of every layer.
        n_inputs: int, features m of the first layer's input.
    """
    total = 0
    for _ in range(config.layers):
        total += _CELL_PARAMETERS[config.cell](config, units, n_inputs)
        n_inputs = output_features(config, units)
    return total


def dense_parameters(n_inputs, n_outputs):
    """Parameters of a dense layer with bias."""
    return (n_inputs + 1) * n_outputs


def _rru(config, n, m):
    g = round(config.hidden_multiplier * (m + n))
    p = config.output_size
    deeper = (config.relu_layers - 1) * dense_parameters(g, g)
    residual = 0 if config.residual == "identity" else n
    rezero = n if config.rezero == "per_feature" else 1
    return dense_parameters(m + n, g) + deeper + dense_parameters(g, n + p) + residual + rezero


def _gru(config, n, m):
    return 3 * dense_parameters(m + n, n)


def _lstm(config, n, m):
    return 4 * dense_parameters(m + n, n)


def _mogrifier(config, n, m):
    # Even rounds gate the input from the state, odd rounds the state from the input.
    x_rounds, h_rounds = (config.rounds + 1) // 2, config.rounds // 2
    low_rank = (n + m) * config.rank
    return _lstm(config, n, m) + x_rounds * (low_rank + m) + h_rounds * (low_rank + n)


_CELL_PARAMETERS = {"rru": _rru, "gru": _gru, "lstm": _lstm, "mogrifier": _mogrifier}
