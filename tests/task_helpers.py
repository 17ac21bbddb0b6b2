"""Networks of tasks with weights from a seed, and short trainings of them."""

import attrs
import keras
import numpy as np

from rru_nb.training.loop import Fit
from rru_nb.training.progress import Progress


def seeded_network(task, units):
    keras.utils.set_random_seed(0)
    return task.network(units)


def random_network(task, units, seed=1):
    """A network with random weights all over: an untrained RRU starts with Z = 0."""
    model, rng = seeded_network(task, units), np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign_add(rng.normal(size=weight.shape))
    return model


def fit_of(task, units, epochs, **changes):
    """The training of a seeded network after so many epochs."""
    config = attrs.evolve(task.config, max_epochs=epochs, patience=epochs, **changes)
    fit = Fit(config, task, seeded_network(task, units))
    with Progress(config, enabled=False) as bar:
        fit.run(bar)
    return fit
