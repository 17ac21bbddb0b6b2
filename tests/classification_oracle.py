"""What a classifier computes, from the definitions: in float64, one example or step at a time."""

import keras
import numpy as np


def log_probabilities(logits):
    """Natural logarithms of the softmax of one example's logits [classes]."""
    shifted = np.float64(logits) - np.max(logits)
    return shifted - np.log(np.sum(np.exp(shifted)))


def smoothed_loss(logits, labels, smoothing):
    """The mean cross-entropy with targets mixed with the uniform distribution, in nats."""
    total = 0.0
    for row, label in zip(logits, labels):
        target = np.full(len(row), smoothing / len(row))
        target[label] += 1 - smoothing
        total -= np.sum(target * log_probabilities(row))
    return total / len(labels)


def scores(logits, labels):
    """Accuracy in percent and cross-entropy in nats."""
    right = [int(np.argmax(row)) == label for row, label in zip(logits, labels)]
    nats = [-log_probabilities(row)[label] for row, label in zip(logits, labels)]
    return {"accuracy": 100 * np.mean(right), "cross_entropy": np.mean(nats)}


def logits_of_one(model, sequence):
    """Logits [classes] of a sequence [T, m]: the cells step by step, then h_T through the head."""
    xs = [keras.ops.convert_to_tensor(x[None], "float32") for x in sequence]
    for layer in (each for each in model.layers if isinstance(each, keras.layers.RNN)):
        states = layer.cell.get_initial_state(batch_size=1)
        states = states if isinstance(states, list | tuple) else [states]
        outputs = []
        for x in xs:
            o, states = layer.cell(x, states)
            outputs.append(o)
        xs = outputs
    head = model.layers[-1]
    return (np.float64(states[0]) @ np.float64(head.kernel) + np.float64(head.bias))[0]
