"""What the datasets look like in numbers.

The numbers of each set are committed under `results/statistics/`, written by
`rru-nb data describe`, so that the book can show a set whose file is not at hand.
"""

import json

import pandas as pd

from ...data import DATASETS, canonical_name, catalogue, load_dataset, registry
from ...errors import UserError
from ...experiments.baselines import committed_statistics
from ...storage import files, paths
from . import labelled, music, texts
from .music import LOWEST_PITCH
from .splits import SPLITS

__all__ = [
    "KINDS",
    "LOWEST_PITCH",
    "SPLITS",
    "committed_statistics",
    "describe",
    "describe_all",
    "of_kind",
    "origin_note",
    "overview",
    "write_statistics",
]

_DESCRIBE = {
    "music": music.describe,
    "text": texts.describe,
    "reviews": labelled.describe_reviews,
    "images": labelled.describe_digits,
}

KINDS = {name: registry.DATASETS_BY_NAME[name].kind for name in DATASETS}


def describe(name):
    """Statistics of a dataset, from its data.

    Args:
        name: one of `DATASETS`.

    Returns:
        A dict with `name`, `digest`, `source` and what the kind of data has: see `music`,
        `texts` and `labelled`.

    Raises:
        UserError: if the data is not at hand.
    """
    name = canonical_name(name)
    splits = load_dataset(name)
    origin = {"name": splits.name, "digest": splits.digest, "source": splits.source}
    return origin | _DESCRIBE[KINDS[name]](name, load_dataset)


def write_statistics(name):
    """Describes a set, writes the result to `results/statistics/<name>.json`, returns the path.

    Raises:
        UserError: if the data is not at hand or the file cannot be written.
    """
    name = canonical_name(name)
    path, what = paths.results_dir() / "statistics" / f"{name}.json", f"the statistics of {name}"
    files.check_room(path, what)
    files.write_text(path, json.dumps(describe(name)) + "\n", what)
    return path


def describe_all(names=DATASETS):
    """Statistics of several sets: from the data where it is at hand, else as committed.

    Nothing is downloaded: a page is read without fetching hundreds of megabytes.

    Returns:
        `(described, live, absent)`: `{name: statistics}`, the names that were computed just
        now, and the names that have neither data nor committed statistics.
    """
    described, live, absent = {}, [], []
    at_hand = {row["name"] for row in catalogue() if row["found"] != "missing"}
    for name in names:
        computed = _computed(name) if name in at_hand else None
        numbers = computed or committed_statistics(name)
        if numbers:
            described[name] = numbers
        if computed:
            live.append(name)
        elif not numbers:
            absent.append(name)
    return described, live, absent


def _computed(name):
    """The statistics of files that are at hand; None if they are not good."""
    try:
        return describe(name)
    except UserError:
        return None


def of_kind(described, *kinds):
    """Those of the described sets that are of one of the kinds of `KINDS`."""
    return {name: numbers for name, numbers in described.items() if KINDS[name] in kinds}


def overview(described, live):
    """One row for each of the eleven sets and the embedded one: what it is, how large.

    Sets without any statistics show the sizes that the registry knows.
    """
    rows = [_overview_row(name, described.get(name), name in live) for name in DATASETS]
    return pd.DataFrame(rows).set_index("set")


_UNITS = {"music": "pieces", "text": "symbols", "reviews": "reviews", "images": "images"}


def _overview_row(name, numbers, is_live):
    dataset = registry.DATASETS_BY_NAME[name]
    sizes = _sizes(name, numbers)
    return {
        "set": name,
        "in the paper": dataset.title,
        "unit": _UNITS[dataset.kind],
        **{split: f"{size:,}" if size else "–" for split, size in zip(SPLITS, sizes)},
        "shown from": "the file" if is_live else "committed numbers" if numbers else "the registry",
    }


def _sizes(name, numbers):
    if numbers is None and name not in ("enwik8", "text8"):
        return [None] * len(SPLITS)
    if numbers is None:  # 90 %, 5 %, 5 % of a file of known size
        size = registry.FILES[registry.DATASETS_BY_NAME[name].files[0]].size
        twentieth = size * 5 // 100
        return size - 2 * twentieth, twentieth, twentieth
    numbers = numbers.get("protocols", {"authors": numbers})["authors"]
    key = {"music": "pieces", "text": "symbols"}.get(KINDS[name], "examples")
    return [numbers[split][key] for split in SPLITS]


def origin_note(described, live, absent):
    """A sentence on which numbers were computed just now and which are the committed ones."""
    committed = [name for name in described if name not in live]
    notes = [f"Computed from the files just now: {_listed(live)}."] if live else []
    if committed:
        notes.append(
            f"From committed statistics, because the files are not at hand: {_listed(committed)}. "
            "`rru-nb data fetch` gets them."
        )
    if absent:
        notes.append(
            f"Neither file nor statistics: {_listed(absent)}; `rru-nb data fetch` gets the files."
        )
    return " ".join(notes)


def _listed(names):
    return ", ".join(f"`{name}`" for name in names)
