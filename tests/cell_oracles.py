"""The equations of the four cells once more, in NumPy and float64, and layers to try them on."""

import numpy as np

from rru_nb.cells.gru import GRUCell
from rru_nb.cells.lstm import LSTMCell
from rru_nb.cells.mogrifier import MogrifierLSTMCell
from rru_nb.cells.rru import RRUCell

ABLATIONS = {
    "plain": {},
    "no normalization": {"normalize": False},
    "one Z": {"rezero": "scalar"},
    "ReLU outputs": {"relu_outputs": True},
    "constant start of S": {"residual": 0.7},
    "no S": {"residual": "identity"},
    "all at once": {
        "normalize": False,
        "rezero": "scalar",
        "relu_outputs": True,
        "residual": "identity",
    },
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.where(z > 0, z, 0.0)


# One step each: the output and the new states. `keep` multiplies what is dropped out.


def rru_step(cell, w, x, states, keep):
    """Equations 1 to 6 of the paper."""
    (h,) = states
    z = x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
    if cell.normalize:
        z = z / np.sqrt((z * z).sum(axis=1, keepdims=True) / z.shape[1] + 1e-6)
    j = relu(z)
    for k in range(2, cell.relu_layers + 1):
        j = relu(j @ w[f"hidden_kernel_{k}"] + w[f"hidden_bias_{k}"])
    d = j * keep
    c = d @ w["candidate_kernel"] + w["candidate_bias"]
    o = d @ w["output_kernel"] + w["output_bias"]
    if cell.relu_outputs:
        c, o = relu(c), relu(o)
    s = 1.0 if cell.residual == "identity" else sigmoid(cell.residual_speed * w["residual_logits"])
    return o, [s * h + w["rezero_scale"] * c]


def gru_step(cell, w, x, states, keep):
    (h,) = states
    m, n = x.shape[1], h.shape[1]
    gates, b = w["gate_kernel"], w["gate_bias"]
    r = sigmoid(x @ gates[:m, :n] + h @ gates[m:, :n] + b[:n])
    u = sigmoid(x @ gates[:m, n:] + h @ gates[m:, n:] + b[n:])
    candidate = w["candidate_kernel"]
    c = np.tanh(x @ candidate[:m] + (r * h) @ candidate[m:] + w["candidate_bias"])
    h = u * h + (1 - u) * c * keep
    return h, [h]


def lstm_step(cell, w, x, states, keep):
    h, c = states
    i, j, f, o = _four(x, h, w["kernel"], w["bias"])
    c = sigmoid(f + cell.forget_bias) * c + sigmoid(i) * np.tanh(j) * keep
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def mogrifier_step(cell, w, x, states, keep):
    h, c = states
    for k in range(cell.rounds):
        product = w[f"round_{k}_a"] @ w[f"round_{k}_b"]
        if k % 2 == 0:
            x = x * 2 * sigmoid(h @ product + w[f"round_{k}_bias"])
        else:
            h = h * 2 * sigmoid(x @ product + w[f"round_{k}_bias"])
    j, o, f, i = _four(x, h, w["kernel"], np.zeros(4 * h.shape[1]))
    f = sigmoid(f + w["forget_gate_bias"])
    i = np.minimum(sigmoid(i + w["input_gate_bias"]), 1 - f)
    c = f * c + i * np.tanh(j + w["candidate_bias"]) * keep
    h = sigmoid(o + w["output_gate_bias"]) * np.tanh(c)
    return h, [h, c]


def _four(x, h, kernel, bias):
    """The pre-activations of four gates, in the order of the kernel's columns."""
    m, n = x.shape[1], h.shape[1]
    columns = [slice(k * n, (k + 1) * n) for k in range(4)]
    return (x @ kernel[:m, k] + h @ kernel[m:, k] + bias[k] for k in columns)


STEPS = {
    RRUCell: rru_step,
    GRUCell: gru_step,
    LSTMCell: lstm_step,
    MogrifierLSTMCell: mogrifier_step,
}


def weights_of(cell):
    """Each weight by its name, in float64."""
    return {w.name: np.asarray(w.numpy(), np.float64) for w in cell.trainable_variables}


def forward(cell, weights, x, states, valid=None, keep=None, zero_output=False):
    """Outputs [B, T, p] and the last states; where not valid, the states stand still.

    The output there is that of the step before, zeros before the first, as in Keras; or always
    zeros. `keep`: bool [B, T, features], what dropout leaves.
    """
    output, outputs = np.zeros((len(x), cell.output_size)), []
    for t in range(x.shape[1]):
        factor = 1.0 if keep is None else keep[:, t] / (1 - cell.dropout)
        new_output, new = STEPS[type(cell)](cell, weights, x[:, t], states, factor)
        here = np.ones((len(x), 1), bool) if valid is None else valid[:, t, None]
        states = [np.where(here, a, b) for a, b in zip(new, states)]
        output = np.where(here, new_output, np.zeros_like(output) if zero_output else output)
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def randomized(layer, features, seed=0, scale=0.5):
    """The layer or cell, built, with all weights drawn anew, so that no term is zero."""
    rng = np.random.default_rng(seed)
    if not layer.built:
        layer.build((None, None, features) if hasattr(layer, "cell") else (None, features))
        layer.built = True
    for w in layer.trainable_variables:
        near_one = 1.0 if w.name == "rezero_scale" else 0.0
        w.assign(near_one + rng.normal(scale=scale, size=w.shape))
    return layer


def lengths_mask(lengths, steps):
    """[B, T] bool, True for the first `lengths[b]` steps of row b."""
    return np.arange(steps)[None] < np.asarray(lengths)[:, None]
