"""What is committed of the datasets: their statistics, and the scores that need no input."""

import json

import numpy as np

from ..errors import UserError
from ..storage import paths
from ..training.config import KINDS


def baseline(config, split="test"):
    """The committed score of the answer that looks at no input, in the run's metric.

    Words and characters: the frequencies of the training text, each symbol but the first scored
    once. Reviews and digits: the most frequent class. Music: the share of the training's time
    steps in which each key sounds.

    Args:
        config: `RunConfig`. split: "test", or of texts also "valid".

    Returns:
        A float; NaN where no such score is committed.
    """
    described = committed_statistics(config.dataset) or {}
    described = described.get("protocols", {}).get(config.protocol, described)
    if KINDS[config.dataset] == "word" and config.vocabulary_size != described.get("vocabulary"):
        described = described.get("vocabularies", {}).get(str(config.vocabulary_size), {})
    scores = described.get("baseline" if split == "test" else f"baseline_{split}", {})
    names = {"word": "perplexity", "char": "bits", "music": "windows"}
    return scores.get(names.get(KINDS[config.dataset], "accuracy"), np.nan)


def committed_statistics(name):
    """The committed statistics of a set, or None.

    Raises:
        UserError: if the file is damaged.
    """
    root = paths.checkout()  # its results too, where RRU_NB_RESULTS points elsewhere
    checked_out = root / "results" if root else None
    for folder in (paths.results_dir(), paths.packaged_results_dir(), checked_out):
        path = folder / "statistics" / f"{name}.json" if folder else None
        if path and path.is_file():
            return _read(path, name)
    return None


def _read(path, name):
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        if numbers["name"] != name:
            raise ValueError(f"it is of {numbers['name']!r}")
        numbers.get("protocols", {"authors": numbers})["authors"]["train"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}); `rru-nb data describe {name}` writes it anew."
        ) from error
    return numbers
