"""What a protocol changes: the RRU by each reading of a dataset, one run each."""

from rru_nb.analysis.tables import short_number
from rru_nb.training.config import command, paper_config
from rru_nb.training.records import find_record

from .front import TITLES

SCALE = "laptop"


def substitutions():
    """`{name: Markdown}` for `{{ name }}` in a page.

    `protocol_<dataset>`, what the readings of a dataset change, and `full_permutation`, how far the
    GRU gets on all 784 pixels permuted, at full size.
    """
    readings = {
        "pmnist": {
            "within rows": _rru("pmnist"),
            "all 784 permuted": _rru("pmnist", protocol="authors"),
            "in reading order": _rru("mnist"),
        },
        "ptb-char": {
            "as the code": _rru("ptb-char"),
            "with the option": _rru("ptb-char", protocol="standard"),
        },
    }
    effects = {f"protocol_{name.replace('-', '_')}": _effect(c) for name, c in readings.items()}
    decisive = paper_config("pmnist", "gru", protocol="authors", max_epochs=12)
    return effects | {"full_permutation": _score(decisive, decisive.metric)}


def _rru(dataset, **changes):
    return paper_config(dataset, "rru", SCALE, **changes)


def _effect(configs):
    """Return the runs' test scores by the last one's own metric, which the records of all have."""
    metric = [config.metric for config in configs.values()][-1]
    scores = [f"{_score(config, metric)} {reading}" for reading, config in configs.items()]
    return f"{TITLES[metric]}: {', '.join(scores)}; RRU, scale {SCALE}, one run each"


def _score(config, metric):
    record = find_record(config)
    if record is None or record["status"] != "ok":
        return f"{'failed' if record else 'not measured'} (`{command(config)}`)"
    score = short_number(record["test"][metric])
    return f'<a href="records.html#{record["id"]}">{score}</a>'
