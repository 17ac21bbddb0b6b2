"""What a protocol changes: the RRU by it and by the authors' code, one run each."""

from rru_nb.analysis.tables import short_number
from rru_nb.training.config import command, paper_config
from rru_nb.training.records import find_record

from .front import TITLES

SCALE = "laptop"
PROTOCOLS = {"pmnist": "paper", "ptb-char": "standard"}


def substitutions():
    """`{name: Markdown}` for `{{ name }}` in a page: `protocol_<dataset>`, what it changes."""
    return {
        f"protocol_{dataset.replace('-', '_')}": _effect(dataset, protocol)
        for dataset, protocol in PROTOCOLS.items()
    }


def _effect(dataset, protocol):
    """Both runs' test scores by the protocol's own metric, which the records of both have."""
    changed = paper_config(dataset, "rru", SCALE, protocol=protocol)
    configs = {"as the code": paper_config(dataset, "rru", SCALE), "with the option": changed}
    records = {told: find_record(config) for told, config in configs.items()}
    for config, record in zip(configs.values(), records.values(), strict=True):
        if record is None or record["status"] != "ok":
            return f"{'failed' if record else 'not measured'} (`{command(config)}`)"
    metric = changed.metric
    scores = " and ".join(
        f'<a href="records.html#{record["id"]}">{short_number(record["test"][metric])}</a> {told}'
        for told, record in records.items()
    )
    return f"{TITLES[metric]}: {scores}; RRU, scale {SCALE}, one run each"
