"""What a protocol changes: the RRU by each reading of a dataset, the mean over its seeds."""

import attrs

from rru_nb.analysis.tables import METRIC_TITLES, short_number
from rru_nb.training.config import command, paper_config
from rru_nb.training.records import find_record, load_records

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
    alone = "one run each, unless a mean is named"
    return f"{METRIC_TITLES[metric]}: {', '.join(scores)}; RRU, scale {SCALE}, {alone}"


def _score(config, metric):
    records = _of_each_seed(config)
    if not records:
        failed = find_record(config)
        return f"{'failed' if failed else 'not measured'} (`{command(config)}`)"
    score = short_number(sum(record["test"][metric] for record in records) / len(records))
    ids = [record["id"] for record in records]
    address = f"#{ids[0]}" if len(ids) == 1 else f"?ids={','.join(ids)}"
    seeds = f" (mean of {len(ids)} seeds)" if len(ids) > 1 else ""
    return f'<a href="records.html{address}">{score}</a>{seeds}'


def _of_each_seed(config):
    there = load_records(dataset=config.dataset, cell=config.cell, scale=config.scale, status="ok")
    found = (find_record(attrs.evolve(config, seed=int(s))) for s in sorted(set(there.seed)))
    return [record for record in found if record and record["status"] == "ok"]
