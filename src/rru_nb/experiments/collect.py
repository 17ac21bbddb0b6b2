"""The records that a notebook needs: read what is there, train what is missing, list the rest."""

from ..storage import streams
from ..training.records import find_record, load_records
from .engines import make_engine


def collect(configs, train=True, progress=True, engine="local"):
    """The records of some runs as a frame, in the order of the configs.

    Args:
        configs: list of `RunConfig`.
        train: bool, whether to train what has no record yet; each record is stored as soon
            as its run ends, so that a stopped notebook goes on where it was.
        progress: bool, whether to show progress bars.
        engine: what trains: "local", this process, or "ray", the cluster that `RAY_ADDRESS` names
            or the processors and GPUs of this machine.

    Returns:
        `(records, missing)`: the frame of `load_records` for the runs that have a record, and
        the list of the configs that have none.
    """
    missing = [config for config in configs if find_record(config) is None]
    if train and missing:
        with make_engine(engine, progress=progress) as running:
            for config in missing:
                running.submit(config)
            length = {"total": len(missing), "disable": not progress}
            for _ in streams.bar(running, desc="missing runs", unit="run", **length):
                pass
        missing = []
    order = {config.id: i for i, config in enumerate(configs)}
    frame = load_records(id=list(order))
    return frame.sort_values("id", key=lambda ids: ids.map(order), ignore_index=True), missing
