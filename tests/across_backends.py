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
    """Names, layers of a stack, and the mask: every cell in both stacks, ablations in one."""
    for name, make in {**GATED, **ABLATED}.items():
        if name in GATED or "plain" in name:
            yield f"{name}, one layer", [make], None
            yield f"{name}, two layers", [make, make], HOLES
        else:
            yield name, [make], HOLES


def numbers(dtype):
    """Outputs, states and all gradients of all cases, with dropout, by what they are of."""
    found = {}
    for name, stack, mask in cases():
        rng = np.random.default_rng(1)
        layers, features = [], M
        for k, make in enumerate(stack):
            layers.append(make(dropout=0.25, dtype=dtype, **FULL))
            randomized(layers[-1], features, seed=k)
            use_masks(layers[-1], random_masks(layers[-1].cell, rng))
            features = layers[-1].cell.output_size
        for part, arrays in results(layers, random_inputs(layers, rng), mask).items():
            for i, array in enumerate(keras.tree.flatten(arrays)):
                found[f"{dtype}: {name}: {part} {i}"] = array
    return found


def save_model(folder):
    """A model with every layer, and what it gives."""
    recurrent = [make(return_sequences=True, dropout=0.3) for make in LAYERS.values()]
    layers = [keras.Input((T,), dtype="int32"), Embedding(7, M, mask_zero=True), *recurrent]
    model = keras.Sequential(layers)
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    folder.mkdir()
    model.save(folder / "model.keras")
    np.save(folder / "outputs.npy", model.predict_on_batch(TOKENS))


def load_model(folder):
    """What a saved model gives here, and what it gave where it was saved."""
    model = keras.models.load_model(folder / "model.keras")
    assert model.layers[0].embeddings.liu_form and all(layer.fused for layer in model.layers[1:])
    return model.predict_on_batch(TOKENS), np.load(folder / "outputs.npy")


def main(what, folder):
    """Write a "model" and what another backend's model gives, or the numbers in a dtype."""
    if what == "model":
        save_model(folder / BACKEND)
        ours, theirs = load_model(folder / "tensorflow")
        np.savez(folder / "found.npz", ours=ours, theirs=theirs)
        return
    if BACKEND == "jax" and what == "float64":
        import jax

        jax.config.update("jax_enable_x64", True)
    np.savez(folder / "numbers.npz", **numbers(what))
