"""What the page Play needs beside its own scripts: the weights of Listen's models, in bytes.

Each dataset becomes a script `book/static/play/<dataset>.js` of the stage. It is a script and not
data, because a page that is opened as a file may load the one and not the other. A matrix is kept
as int8 with a float32 scale for each column, a quarter of its size; `scripts/measure_play.py`
measures what that does to the NLL.
"""

import base64
import json

import numpy as np

from rru_nb.data import chorales
from rru_nb.data.music import pitches_of
from rru_nb.listen import models
from rru_nb.listen.settings import GRIDS, listen_config

FOLDER = "book/static/play"
CELLS = ("rru", "gru")
TITLES = {"jsb": "JSB Chorales", "nottingham": "Nottingham"}
LARGEST = 127  # of an int8, the same on both sides of zero
OCTAVE = 12  # JSB Chorales lies an octave above the scores
CHORALES = {
    "bwv227.1": "Jesu, meine Freude, BWV 227",
    "bwv245.11": "Wer hat dich so geschlagen, BWV 245",
    "bwv66.6": "Christ ist erstanden, BWV 66",
}


def write_weights(folder):
    """Write a script for each dataset whose models are all stored to the stage in `folder`."""
    target = folder / FOLDER
    for dataset in TITLES:
        if all(models.find(listen_config(dataset, cell)) for cell in CELLS):
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{dataset}.js").write_text(script(dataset), encoding="utf-8")


def script(dataset):
    """Return the script that gives the page the openings, grid and weights of a dataset."""
    trained = {cell: models.load(listen_config(dataset, cell)) for cell in CELLS}
    weights = {
        cell: {name: packed(array) for name, array in weights_of(model).items()}
        for cell, (_, model, _) in trained.items()
    }
    content = {
        "title": TITLES[dataset],
        "grid": GRIDS[dataset]._asdict(),
        "openings": _openings(dataset, trained["rru"].opening),
        "weights": weights,
    }
    return f"rruPlay.datasets[{json.dumps(dataset)}] = {json.dumps(content)};\n"


def weights_of(model):
    """Return a music model's weights by name, as the page's scripts use them: σ(S) in place of S'.

    Args:
        model: `keras.Model` of `MusicTask.network` with one recurrent layer.
    """
    cell, head = model.layers[1].cell, model.layers[-1]
    arrays = {weight.name: np.asarray(weight) for weight in cell.weights}
    if "residual_logits" in arrays:
        arrays.pop("residual_logits")
        arrays["residual_scale"] = np.asarray(cell.residual_scale())
    return arrays | {f"head_{weight.name}": np.asarray(weight) for weight in head.weights}


def packed(array):
    """Return what the page unpacks, in base64: int8 and scales of columns, or a vector as it is."""
    if array.ndim < 2:
        return {"float32": _base64(array, "<f4")}
    whole, scale = quantized(array)
    return {"int8": _base64(whole, "i1"), "float32": _base64(scale, "<f4")}


def quantized(array):
    """Return a matrix as int8 and float32 scales of its columns, whose product is close to it."""
    scale = (np.abs(array).max(axis=0) / LARGEST).astype(np.float32)
    scale[scale == 0] = 1
    return np.round(array / scale).astype(np.int8), scale


def rounded(array):
    """Return the float32 array that a weight is on the page."""
    if array.ndim < 2:
        return np.asarray(array, np.float32)
    whole, scale = quantized(array)
    return whole * scale


def _base64(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode("ascii")


def _openings(dataset, stored):
    """Return `[{title, pitches}]`: that of the test piece, and of some chorales of the package."""
    n_steps = GRIDS[dataset].prime_frames
    openings = [{"title": "a test piece", "pitches": pitches_of(stored[:n_steps])}]
    if dataset == "jsb":
        scores = dict(zip(chorales.names("test"), chorales.voices("test")))
        openings += [
            {"title": title, "pitches": (scores[name][:n_steps] + OCTAVE).tolist()}
            for name, title in CHORALES.items()
        ]
    return openings
