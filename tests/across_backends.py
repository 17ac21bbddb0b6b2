"""What two backends must agree on. Under one of them, `main` leaves its part in a folder."""

import keras
import numpy as np
from cell_oracles import randomized
from layer_cases import (
    ABLATED,
    FULL,
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


def cases(dtype):
    """Names, layers of a stack, and the mask; ablations in float64 alone.

    That each is right by itself is for `backend/test_layers.py` to show.
    """
    for name, make in LAYERS.items():
        yield f"{name}, two layers", [make, make], HOLES
    if dtype == "float64":
        for name, make in ABLATED.items():
            yield name, [make], None


def numbers(dtype):
    """Outputs, states and all gradients of all cases, with dropout, by what they are of."""
    found = {}
    for name, stack, mask in cases(dtype):
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


def main(folder):
    """Write a model, what another backend's model gives, and the numbers in both dtypes."""
    save_model(folder / BACKEND)
    ours, theirs = load_model(folder / "tensorflow")
    np.savez(folder / "found.npz", ours=ours, theirs=theirs)
    for dtype in ("float32", "float64"):
        if BACKEND == "jax":
            import jax

            jax.config.update("jax_enable_x64", dtype == "float64")
        np.savez(folder / f"{dtype}.npz", **numbers(dtype))
