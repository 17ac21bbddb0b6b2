"""The datasets in numbers, a short example of each, and what a model has to beat.

That is the score of the best answer that ignores the input. `rru-nb data describe` writes all this
to `results/statistics/`. It is committed, so that the book shows a dataset whose files are not
there.
"""

import numpy as np

from ..data import canonical_name, load_dataset, registry
from ..data.imdb import SPECIAL, UNKNOWN
from ..data.music import pitches_of
from ..data.splits import SPLITS
from ..experiments.baselines import committed_statistics  # noqa: F401 (pages read it here)
from ..storage import files, paths
from ..storage.streams import without_notes

LENGTH_BINS = [*range(0, 1001, 50)]  # words of a review; the last bin takes all longer ones
LONGEST_REVIEW = 512  # words that are kept of a review
EXAMPLE_STEPS, EXAMPLE_WORDS = 32, 40  # of a piece from its start, of a review up to its end
FREQUENT = 12  # of the most frequent symbols
SMALLER = {"ptb-word": (2000,)}  # vocabularies that a section's grid uses at scale laptop
ALL_WORDS = 10**6  # more than there are


def describe(name):
    """Return statistics of a dataset, computed from its files.

    Args:
        name: one of `DATASETS`.

    Returns:
        A dict with `name`, `digest` and `source` of the data; `baseline`, the test scores of
        answers that ignore the input; and for each split a dict of counts. Beside these

        - music: `example`, the pitches of the first time steps of the first training piece;
        - texts, all in a dict of the `protocols`: the `vocabulary` size, the most `frequent`
          training symbols with their shares, their `coverage`, `baseline_valid`, and the baselines
          of smaller `vocabularies`;
        - reviews: `vocabulary`, `coverage`, the number of `different_words` of the training
          reviews, and `example`, the end of the first training review;
        - digits: `ink`, the mean training image [784], 0 to 255, in the order in which it is read,
          and `example`, the first training digit.

    Raises:
        UserError: if the files cannot be had.
    """
    name = canonical_name(name)
    splits = load_dataset(name)
    origin = {"name": splits.name, "digest": splits.digest, "source": splits.source}
    return origin | _DESCRIBE[registry.DATASETS_BY_NAME[name].kind](name, splits)


def write_statistics(name):
    """Describe a dataset in `results/statistics/<name>.json`; return the path."""
    name = canonical_name(name)
    path, what = paths.results_dir() / "statistics" / f"{name}.json", f"the statistics of {name}"
    files.check_room(path, what)
    files.write_json(path, describe(name), what, indent=None)
    return path


def coverage(counts):
    """Return which share of the running symbols the k most frequent ones cover: `[k, share]`s.

    From the counts of each symbol [V], for some 40 values of k that are even on a logarithmic
    scale, from the most frequent symbol alone to all that occur.
    """
    falling = np.sort(counts[counts > 0])[::-1]
    shares = np.cumsum(falling) / falling.sum()
    ranks = np.unique(np.geomspace(1, len(falling), 40).round().astype(int))
    return [[int(k), round(float(shares[k - 1]), 5)] for k in ranks]


def _by_split(splits, describe_split):
    return {split: describe_split(getattr(splits, split)) for split in SPLITS}


def _describe_music(name, splits):
    example = pitches_of(splits.train[0][:EXAMPLE_STEPS])
    counts = _by_split(splits, _count_pieces)
    return {"baseline": key_frequencies(splits), "example": example} | counts


def _count_pieces(pieces):
    """Count pieces, time steps, and keys; `polyphony`: steps with 0, 1, 2, ... keys."""
    frames = np.concatenate(pieces)  # [T of all pieces, 88]
    sounding = frames.sum(axis=1, dtype=int)
    return {
        "pieces": len(pieces),
        "frames": len(frames),
        "silent_frames": int((sounding == 0).sum()),
        "notes_per_frame": round(float(sounding.mean()), 4),
        "lengths": sorted(len(piece) for piece in pieces),
        "pitches": frames.sum(axis=0, dtype=int).tolist(),
        "polyphony": np.bincount(sounding).tolist(),
    }


def _describe_text(name, splits):
    protocols = registry.DATASETS_BY_NAME[name].protocols
    if name in ("enwik8", "text8"):
        protocols = protocols[:1]  # they differ in how a model is scored, not in the text
    return {"protocols": {protocol: _describe_protocol(name, protocol) for protocol in protocols}}


def _describe_protocol(name, protocol):
    splits = load_dataset(name, protocol=protocol)
    vocabulary = splits.vocabulary
    counts = np.bincount(splits.train, minlength=len(vocabulary))
    names = [name for name in ("<unk>", "<unknown>") if name in vocabulary]
    unknown = vocabulary.index(names[0]) if names else -1  # which is no symbol's number

    def count_symbols(stream):
        return {"symbols": len(stream), "unknown": int((stream == unknown).sum())}

    top = np.argsort(-counts, kind="stable")[:FREQUENT]
    described = {
        "vocabulary": len(vocabulary),
        "frequent": [[_printable(vocabulary[i]), round(counts[i] / counts.sum(), 5)] for i in top],
        "coverage": coverage(counts),
        **_text_baselines(splits),
        **_by_split(splits, count_symbols),
    }
    smaller = {
        str(size): _text_baselines(load_dataset(name, protocol, vocabulary_size=size))
        for size in SMALLER.get(name, ())
    }
    return described | ({"vocabularies": smaller} if smaller else {})


def _text_baselines(splits):
    return {
        "baseline": symbol_frequencies(splits),
        "baseline_valid": symbol_frequencies(splits, "valid"),
    }


def _printable(symbol):
    text = symbol.decode("latin-1") if isinstance(symbol, bytes) else symbol
    return {" ": "space", "\n": "line end"}.get(text, text)


def _describe_reviews(name, splits):
    everything = load_dataset(name, vocabulary_size=ALL_WORDS)
    running = np.bincount(np.concatenate(splits.train.inputs), minlength=len(splits.vocabulary))
    first, label = splits.train.inputs[0], int(splits.train.labels[0])
    end = " ".join(splits.vocabulary[i] for i in first[-EXAMPLE_WORDS:])
    return {
        "vocabulary": len(splits.vocabulary),
        "different_words": len(everything.vocabulary) - len(SPECIAL),
        "example": {"label": label, "words": len(first), "end": end},
        "coverage": coverage(running),
        "baseline": class_frequencies(splits),
        **_by_split(splits, _count_reviews),
    }


def _count_reviews(part):
    """Count reviews, words and lengths; `lengths`: reviews in each of `LENGTH_BINS`."""
    lengths = np.array([len(review) for review in part.inputs])
    words = np.concatenate(part.inputs)
    clipped = np.minimum(lengths, LENGTH_BINS[-1])  # into the last bin, which is closed
    return {
        "examples": len(lengths),
        "classes": np.bincount(part.labels).tolist(),
        "words": len(words),
        "unknown": int((words == UNKNOWN).sum()),
        "median": int(np.median(lengths)),
        "longest": int(lengths.max()),
        f"over_{LONGEST_REVIEW}": int((lengths > LONGEST_REVIEW).sum()),
        "lengths": np.histogram(clipped, LENGTH_BINS)[0].tolist(),
    }


def _describe_digits(name, splits):
    images, labels = splits.train
    ink = images.mean(axis=0, dtype=np.float64)
    return {
        "ink": ink.round(1).tolist(),
        "example": {"label": int(labels[0]), "pixels": images[0].tolist()},
        "baseline": class_frequencies(splits),
        **_by_split(splits, _count_digits),
    }


def _count_digits(part):
    classes = np.bincount(part.labels, minlength=10).tolist()
    return {"examples": len(part.labels), "classes": classes}


_DESCRIBE = {
    "music": _describe_music,
    "word": _describe_text,
    "char": _describe_text,
    "sentiment": _describe_reviews,
    "digits": _describe_digits,
}


def class_frequencies(splits):
    """Return the test scores of answering with the class frequencies of the training examples.

    The most frequent class is the answer, the frequencies are the probabilities. The scores are
    those of the classification tasks: `accuracy` in percent, `cross_entropy` in nats, infinite if
    a class is not among the training examples.
    """
    labels = splits.test.labels
    frequency = np.bincount(splits.train.labels, minlength=labels.max() + 1)
    with np.errstate(divide="ignore"):
        nats = -np.log(frequency / frequency.sum())
    return {
        "accuracy": 100 * float(np.mean(labels == frequency.argmax())),
        "cross_entropy": float(np.mean(nats[labels])),
    }


def symbol_frequencies(splits, split="test"):
    """Return the scores of predicting each symbol with its frequency in the training text.

    Every symbol of the vocabulary counts as seen once more than it was, so that none has the
    probability zero. All symbols but the first are scored, as by the models' `perplexity_words`
    and `bpc_contiguous`. The scores are `perplexity`, and `bits` per symbol, its logarithm.
    """
    seen = 1 + np.bincount(splits.train, minlength=len(splits.vocabulary))
    bits = float(-np.log2(seen / seen.sum())[getattr(splits, split)[1:]].mean())
    return {"perplexity": 2**bits, "bits": bits}


def key_frequencies(splits):
    """Return the test scores of giving each key, at every time step, its training frequency.

    Each key counts as pressed once more than it was, in two more time steps (add-one smoothing).
    The scores are one model's negative log-likelihoods in nats a time step, under five averages
    that papers use: `frames`, the mean of all time steps; `pieces`, the mean of the pieces' means;
    `sounding`, the mean of the steps that are not silent; `windows`, the mean of windows of up to
    200 steps without silences; `batches`, the authors' mean of the means of 16 such windows each.
    """
    with without_notes():  # these need Keras, which takes seconds
        from ..tasks.music import averages, windows, without_silences

    frames = np.concatenate(splits.train)
    share = (frames.sum(axis=0, dtype=int) + 1) / (len(frames) + 2)
    pressed, silent = -np.log(share), -np.log1p(-share)

    def nll(piece):  # [T] of [T, 88]
        return piece @ pressed + (1 - piece.astype(int)) @ silent

    sounding = [without_silences(piece) for piece in splits.test]
    cut = [window[1:] for piece in sounding for window in windows(piece, 200, 200)]
    every = [nll(piece) for piece in splits.test]
    of_windows = averages(
        np.array([nll(window).sum() for window in cut]), np.array([len(w) for w in cut]), 16
    )
    return {
        "frames": float(np.concatenate(every).mean()),
        "pieces": float(np.mean([piece.mean() for piece in every])),
        "sounding": float(np.concatenate([nll(piece) for piece in sounding]).mean()),
        "windows": of_windows["nll_window"],
        "batches": of_windows["nll_batches"],
    }
