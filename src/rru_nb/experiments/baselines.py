"""What is committed of the datasets: their statistics, and the scores that need no input."""

import numpy as np

from ..storage import files, paths
from ..training.config import KINDS


def baseline(config, split="test"):
    """Return the committed score of the baseline, which ignores the input, in the run's metric.

    Words and characters: the frequencies of the training text, each token but the first scored
    once. Reviews and digits: the most frequent class. Music: the share of the training's time
    steps in which each key sounds. Texts alone have one of the split "valid" too. It is that of the
    whole split, though an `eval_limit` scores only its beginning. NaN where no such score is
    committed.
    """
    described = committed_statistics(config.dataset) or {}
    described = described.get("protocols", {}).get(config.protocol, described)
    if KINDS[config.dataset] == "word" and config.vocabulary_size != described.get("vocabulary"):
        described = described.get("vocabularies", {}).get(str(config.vocabulary_size), {})
    scores = described.get("baseline" if split == "test" else f"baseline_{split}", {})
    names = {"word": "perplexity", "char": "bits", "music": "windows"}
    return scores.get(names.get(KINDS[config.dataset], "accuracy"), np.nan)


def committed_statistics(name):
    """Return the committed statistics of a set, or None."""
    root = paths.checkout()  # its results too, where RRU_NB_RESULTS points elsewhere
    others = [root / "results"] if root else []
    path = paths.find_result("statistics", f"{name}.json", others=others)
    remedy = f"`rru-nb data describe {name}` writes it anew."
    return path and files.read_json(path, lambda numbers: _check(numbers, name), remedy)


def _check(numbers, name):
    if numbers["name"] != name:
        raise ValueError(f"it is of {numbers['name']!r}")
    described = numbers.get("protocols", {"authors": numbers})["authors"]
    [described[split] for split in ("train", "valid", "test")]
