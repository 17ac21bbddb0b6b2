"""What the commands of the page "Reproduce it" gave: minutes, machine, number."""

from rru_nb.training.config import paper_config
from rru_nb.training.metrics import METRICS
from rru_nb.training.records import find_record

from . import speed
from .record_list import short_device
from .render import render

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


def expected(context):
    """Return a table with a row for each example, from its record."""
    rows = [{"command": command} | _outcome(config) for command, config in EXAMPLES.items()]
    return render("expected.md", rows=rows)


def _outcome(config):
    record = find_record(config)
    if record is None or record["status"] != "ok":
        return {"id": None}
    seconds, device = _time(config, record)
    return {
        "id": config.id,
        "epochs": len(record["epochs"]),
        "minutes": seconds / 60,
        "device": short_device(device),
        "score": record["test"][config.metric],
        "metric": METRICS[config.metric].title,
    }


def _time(config, record):
    """Return seconds and device: of the present code where an epoch was timed, or the record's."""
    timed = speed.record("epoch-jsb")
    if timed and all(
        timed["config"][k] == getattr(config, k) for k in ("dataset", "cell", "scale")
    ):
        (epoch,) = (row["median_s"] for row in timed["rows"] if row["what"] == "an epoch")
        return len(record["epochs"]) * epoch, timed["device"]
    return record["seconds"], record["device"]
