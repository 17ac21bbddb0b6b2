"""What a protocol changes: the RRU by each reading of a dataset, one run each."""

from rru_nb.analysis.tables import METRIC_TITLES, short_number
from rru_nb.training.config import command, paper_config
from rru_nb.training.records import find_record

SCALE = "laptop"


def substitutions():
    """`{name: Markdown}` for `{{ name }}` in a page.

    `protocol_<dataset>`, what the readings of a dataset change, and `full_permutation`, how far the
    GRU gets on all 784 pixels permuted, at full size; `protocol_imdb`, both readings beside the
    paper's number, at full size.
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
    effects["protocol_imdb"] = _imdb()
    decisive = paper_config("pmnist", "gru", protocol="authors", max_epochs=12)
    return effects | {"full_permutation": _score(decisive, decisive.metric)}


def _imdb():
    by_script, by_table = (paper_config("imdb", "rru", protocol=p) for p in ("final", "authors"))
    scores = " and ".join(
        f"{_score(config, 'accuracy')} with {config.n_params / 1e6:.0f}M"
        for config in (by_script, by_table)
    )
    return f"accuracy: {scores}, the paper {by_table.published['value']:.2f}; RRU, full size"


def _rru(dataset, **changes):
    return paper_config(dataset, "rru", SCALE, **changes)


def _effect(configs):
    """Return the runs' test scores by the last one's own metric, which the records of all have."""
    metric = [config.metric for config in configs.values()][-1]
    scores = [f"{_score(config, metric)} {reading}" for reading, config in configs.items()]
    return f"{METRIC_TITLES[metric]}: {', '.join(scores)}; RRU, scale {SCALE}, one run each"


def _score(config, metric):
    record = find_record(config)
    if record is None or record["status"] != "ok":
        return f"{'failed' if record else 'not measured'} (`{command(config)}`)"
    score = short_number(record["test"][metric])
    return f'<a href="records.html#{record["id"]}">{score}</a>'
