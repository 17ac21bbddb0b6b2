"""What processes of `Processes` do in tests: as a config's seed says, without training."""

import os
import signal
import sys
from pathlib import Path

from helpers import a_record

from rru_nb import UserError
from rru_nb.experiments import engines
from rru_nb.storage import paths
from rru_nb.training.records import write_record

GOES_WELL, DIES_ONCE, DIES, RAISES, MISTAKE, LEAVES, SLEEPS = range(7)


def serve(connection):
    """Be the target of a process in place of `engines._serve`."""
    engines.run_afresh = run
    engines._serve(connection)


def run(config):
    kind, once = config.seed % 10, Path(paths.state_dir(), f"died-{config.id}")
    if kind == DIES or (kind == DIES_ONCE and not once.exists()):
        once.parent.mkdir(parents=True, exist_ok=True)
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == RAISES:
        raise MemoryError("no room\nat all")
    if kind == MISTAKE:
        raise UserError("dataset 'x' is not at hand")
    if kind == LEAVES:
        sys.exit(3)
    if kind == SLEEPS:
        signal.pause()
    record = a_record(config, pid=os.getpid())
    write_record(record)
    return record
