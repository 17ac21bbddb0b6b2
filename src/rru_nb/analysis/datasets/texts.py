"""Texts in numbers: symbols, vocabulary, what is unknown, how few symbols cover how much."""

import numpy as np
import pandas as pd

from ...data import registry
from ...data.text import UNKNOWN_NUMBER
from ..baselines import symbol_frequencies
from .splits import SPLITS, by_split, coverage

SHOWN = 12  # of the most frequent symbols
SMALLER = {"ptb-word": (2000,)}  # vocabularies that a section's grid uses at scale laptop


def describe(name, load):
    """`protocols`: for each protocol of the text, the `vocabulary` size, the most `frequent`
    training symbols with their shares, the `coverage` (see `splits.coverage`), the scores of
    `baselines.symbol_frequencies` on the test text as `baseline` and on the validation text as
    `baseline_valid`, both also in `vocabularies` by a smaller vocabulary's size, and for each split
    the number of `symbols` and of `unknown` ones.
    """
    protocols = registry.DATASETS_BY_NAME[name].protocols
    if name in ("enwik8", "text8"):
        protocols = protocols[:1]  # they differ in how a model is scored, not in the text
    return {"protocols": {p: _describe_protocol(name, load, p) for p in protocols}}


def _describe_protocol(name, load, protocol):
    smaller = {
        str(size): _baselines(load(name, protocol=protocol, vocabulary_size=size))
        for size in SMALLER.get(name, ())
    }
    described = _describe_text(load(name, protocol=protocol))
    return described | ({"vocabularies": smaller} if smaller else {})


def _baselines(splits):
    return {
        "baseline": symbol_frequencies(splits),
        "baseline_valid": symbol_frequencies(splits, "valid"),
    }


def _describe_text(splits):
    vocabulary = splits.vocabulary
    counts = np.bincount(splits.train, minlength=len(vocabulary))
    unknown = UNKNOWN_NUMBER if vocabulary[UNKNOWN_NUMBER] == "<unknown>" else None
    if "<unk>" in vocabulary:
        unknown = vocabulary.index("<unk>")

    def describe_part(stream):
        found = 0 if unknown is None else int((stream == unknown).sum())
        return {"symbols": len(stream), "unknown": found}

    top = np.argsort(-counts, kind="stable")[:SHOWN]
    return {
        "vocabulary": len(vocabulary),
        "frequent": [[_shown(vocabulary[i]), round(counts[i] / counts.sum(), 5)] for i in top],
        "coverage": coverage(counts),
        **_baselines(splits),
        **by_split(splits, describe_part),
    }


def _shown(symbol):
    text = symbol.decode("latin-1") if isinstance(symbol, bytes) else symbol
    return {" ": "space", "\n": "line end"}.get(text, text)


def counts(described):
    """The statistics of each text, protocol and split as a table."""
    rows = [
        {
            "set": name,
            "protocol": protocol,
            "split": split,
            "symbols": numbers[split]["symbols"],
            "unknown, %": round(100 * numbers[split]["unknown"] / numbers[split]["symbols"], 2),
            "vocabulary": numbers["vocabulary"],
        }
        for name, text in described.items()
        for protocol, numbers in text["protocols"].items()
        for split in SPLITS
    ]
    return pd.DataFrame(rows).set_index(["set", "protocol", "split"])


def frequent(described):
    """The most frequent symbols of each text and protocol with their shares, as a table."""
    columns = {
        f"{name}, {protocol}": [f"{symbol} {100 * share:.1f} %" for symbol, share in top]
        for name, text in described.items()
        for protocol, numbers in text["protocols"].items()
        for top in [numbers["frequent"]]
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(1, SHOWN + 1, name="rank"))
