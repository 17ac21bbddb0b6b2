"""The records that a notebook needs: read what is there, train what is missing, list the rest."""

from ..storage import streams
from ..training.records import find_record, load_records


def collect(configs, train=True, progress=True):
    """The records of some runs as a frame, in the order of the configs.

    Args:
        configs: list of `RunConfig`.
        train: bool, whether to train what has no record yet; each record is stored as soon
            as its run ends, so that a stopped notebook goes on where it was.
        progress: bool, whether to show progress bars.

    Returns:
        `(records, missing)`: the frame of `load_records` for the runs that have a record, and
        the list of the configs that have none.
    """
    missing = [config for config in configs if find_record(config) is None]
    if train and missing:
        from ..training.trainer import run

        bar = streams.bar(missing, desc="missing runs", unit="run", disable=not progress)
        for config in bar:
            run(config, progress=progress)
        missing = []
    order = {config.id: i for i, config in enumerate(configs)}
    frame = load_records(id=list(order))
    return frame.sort_values("id", key=lambda ids: ids.map(order), ignore_index=True), missing
