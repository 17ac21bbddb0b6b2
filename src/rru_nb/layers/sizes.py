"""How many trainable parameters each cell has, and how many features it puts out.

Functions of a config, of n, the features of the state, and of m, those of the input.
"""


def dense_parameters(n_inputs, n_outputs):
    """Return the parameters of a dense layer with bias."""
    return (n_inputs + 1) * n_outputs


def rru(config, n, m):
    g = round(config.hidden_multiplier * (m + n))
    p = config.output_size
    deeper = (config.relu_layers - 1) * dense_parameters(g, g)
    residual = 0 if config.residual == "identity" else n
    rezero = n if config.rezero == "per_feature" else 1
    return dense_parameters(m + n, g) + deeper + dense_parameters(g, n + p) + residual + rezero


def rru_features(config, n):
    return config.output_size


def gru(config, n, m):
    return 3 * dense_parameters(m + n, n)


def lstm(config, n, m):
    return 4 * dense_parameters(m + n, n)


def mogrifier(config, n, m):
    # Even rounds gate the input from the state, odd rounds the state from the input.
    x_rounds, h_rounds = (config.rounds + 1) // 2, config.rounds // 2
    low_rank = (n + m) * config.rank
    return lstm(config, n, m) + x_rounds * (low_rank + m) + h_rounds * (low_rank + n)


def state_features(config, n):
    return n
