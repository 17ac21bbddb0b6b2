"""The paper's equations 1 to 6 once more, in NumPy and float64, for the tests of the RRU."""

import numpy as np

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


def relu(z):
    return np.where(z > 0, z, 0.0)


def rru_step(cell, x, h, keep):
    """o and h' of one step; `keep` multiplies the dropped-out activations."""
    weights = {w.name: w.numpy().astype(np.float64) for w in cell.trainable_variables}
    z = x @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
    if cell.normalize:
        z = z / np.sqrt((z * z).sum(axis=1, keepdims=True) / z.shape[1] + 1e-6)
    j = relu(z)
    for k in range(2, cell.relu_layers + 1):
        j = relu(j @ weights[f"hidden_kernel_{k}"] + weights[f"hidden_bias_{k}"])
    d = j * keep
    c = d @ weights["candidate_kernel"] + weights["candidate_bias"]
    o = d @ weights["output_kernel"] + weights["output_bias"]
    if cell.relu_outputs:
        c, o = relu(c), relu(o)
    s = 1.0
    if cell.residual != "identity":
        s = 1 / (1 + np.exp(-10 * weights["residual_logits"]))
    return o, s * h + weights["rezero_scale"] * c


def rru_forward(cell, x, h, valid=None, keep=None, zero_output=False):
    """Outputs [B, T, p] and last state; where not valid, the state stands still.

    The output there is that of the step before, zeros before the first, as in Keras.
    """
    x, h = np.asarray(x, np.float64), np.asarray(h, np.float64)
    output, outputs = np.zeros((len(x), cell.output_size)), []
    for t in range(x.shape[1]):
        new_output, new_h = rru_step(cell, x[:, t], h, 1.0 if keep is None else keep[t])
        here = np.ones((len(x), 1), bool) if valid is None else valid[:, t, None]
        h = np.where(here, new_h, h)
        output = np.where(here, new_output, np.zeros_like(output) if zero_output else output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h


def randomized(layer, features, seed=0, scale=0.5):
    """The layer or cell, built, with all weights drawn anew, so that no term is zero."""
    rng = np.random.default_rng(seed)
    if not layer.built:
        layer.build((None, features) if hasattr(layer, "state_size") else (None, None, features))
        layer.built = True
    for w in layer.trainable_variables:
        near_one = 1.0 if w.name == "rezero_scale" else 0.0
        w.assign(near_one + rng.normal(scale=scale, size=w.shape))
    return layer


def lengths_mask(lengths, steps):
    """[B, T] bool, True for the first `lengths[b]` steps of row b."""
    return np.arange(steps)[None] < np.asarray(lengths)[:, None]
