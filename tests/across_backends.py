"""What two backends must agree on. Under one of them, `main` leaves its part in a folder."""

import keras
import numpy as np
from cell_oracles import randomized
from layer_cases import (
    ABLATED,
    FULL,
    GATED,
    HOLES,
    LAYERS,
    M,
    T,
    random_inputs,
    random_masks,
    results,
    use_masks,
)

from rru_nb.layers.embedding import Embedding

BACKEND = keras.backend.backend()
TOKENS = np.array([[0, 3, 4, 0, 1], [6, 2, 1, 5, 3], [1, 0, 0, 0, 0]])


def cases():
    """Names, how many layers there are, and what makes one."""
    for name, make in {**GATED, **ABLATED}.items():
        both = name in GATED or "plain" in name
        for n_layers in (1, 2) if both else (1 + ("r = 2" in name),):
            yield f"{name}, layers = {n_layers}", n_layers, make


def numbers(dtype):
    """Outputs, states and all gradients of all cases, with dropout, by what they are of."""
    found = {}
    for name, n_layers, make in cases():
        rng = np.random.default_rng(1)
        layers, features = [], M
        for k in range(n_layers):
            layers.append(make(dropout=0.25, dtype=dtype, **FULL))
            randomized(layers[-1], features, seed=k)
            use_masks(layers[-1], random_masks(layers[-1].cell, rng))
            features = layers[-1].cell.output_size
        mask = HOLES if n_layers == 2 or "r = 1" in name else None
        for part, arrays in results(layers, random_inputs(layers, rng), mask).items():
            for i, array in enumerate(keras.tree.flatten(arrays)):
                found[f"{dtype}: {name}: {part} {i}"] = array
    return found


def save_models(folder):
    """A model with each layer, and what it gives."""
    folder.mkdir()
    for name, make in LAYERS.items():
        layers = [Embedding(7, M, mask_zero=True), make(return_sequences=True, dropout=0.3), make()]
        model = keras.Sequential([keras.Input((T,), dtype="int32"), *layers])
        rng = np.random.default_rng(2)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(size=variable.shape) / 2)
        model.save(folder / f"{name}.keras")
        np.save(folder / f"{name}.npy", model.predict_on_batch(TOKENS))


def reload_models(folder):
    """What saved models give here, and what they gave where they were saved, by name."""
    for name in LAYERS:
        model = keras.models.load_model(folder / f"{name}.keras")
        assert model.layers[0].embeddings.liu_form and model.layers[1].fused
        yield name, model.predict_on_batch(TOKENS), np.load(folder / f"{name}.npy")


def main(what, folder):
    """Write "models", or the numbers in a dtype."""
    if what == "models":
        save_models(folder / BACKEND)
        for name, ours, theirs in reload_models(folder / "tensorflow"):
            np.savez(folder / f"{name}.npz", ours=ours, theirs=theirs)
        return
    if BACKEND == "jax" and what == "float64":
        import jax

        jax.config.update("jax_enable_x64", True)
    np.savez(folder / "numbers.npz", **numbers(what))
