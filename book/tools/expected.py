"""What the commands of the page "Reproduce it" gave: minutes, machine, number."""

from rru_nb.training.config import paper_config
from rru_nb.training.provenance import device_name
from rru_nb.training.records import find_record

from .front import TITLES

# Those that the page shows; a test holds the two together.
EXAMPLES = {
    "rru-nb run --dataset jsb --cell rru": paper_config("jsb", "rru"),
    "rru-nb run --dataset jsb --cell rru --seed 1": paper_config("jsb", "rru", seed=1),
    "rru-nb run --dataset ptb-word --cell gru --scale laptop": paper_config(
        "ptb-word", "gru", scale="laptop"
    ),
    "rru-nb run --dataset ptb-word --cell gru --scale laptop --set protocol=standard": paper_config(
        "ptb-word", "gru", scale="laptop", protocol="standard"
    ),
    "rru-nb run --dataset mnist --cell lstm --scale laptop": paper_config(
        "mnist", "lstm", scale="laptop"
    ),
}
_HEAD = "| command | minutes | on | test score |\n| --- | --- | --- | --- |"


def expected(context):
    """A table with a row for each example, from its record."""
    return "\n".join([_HEAD, *(_row(*example) for example in EXAMPLES.items())]) + "\n"


def _row(command, config):
    record = find_record(config)
    if record is None or record["status"] != "ok":
        return f"| `{command}` | not measured | | |"
    score = f'<a href="records.html#{config.id}">{record["test"][config.metric]:.3f}</a>'
    told = f"{record['seconds'] / 60:.0f} | {device_name(record['device'])}"
    return f"| `{command}` | {told} | {TITLES[config.metric]} {score} |"
