"""The files of a run: its record, its checkpoints and its lock bear one name."""

import re
from contextlib import suppress
from dataclasses import dataclass

from ..storage import files, paths
from .config import RunConfig


@dataclass(frozen=True)
class RunFiles:
    """Where the files of a run are, and the lock that keeps other processes out of the run.

    The name of its files holds the hash of its settings, those of `config`, so that a run finds
    its own and two different runs never share one.
    """

    config: RunConfig

    @property
    def name(self):
        """The name that all files of the run begin with."""
        config = self.config
        return f"{config.cell}-{config.scale}-s{config.seed}-{config.id}"

    @property
    def record(self):
        """The file that the run's record is written to."""
        return self.records[0]

    @property
    def records(self):
        """The files that may hold the run's record, own before packaged."""
        dataset, name = self.config.dataset, f"{self.name}.json"
        return [folder / dataset / name for folder in paths.result_folders()]

    @property
    def lock(self):
        """The file of the run's lock."""
        return paths.state_dir() / "locks" / f"{self.config.dataset}-{self.name}.lock"

    def alone(self):
        """Hold the run's lock; print one line if another process has it, and wait.

        Who had to wait may find the record written meanwhile, so look for it inside.
        """
        return files.alone(self.lock, f"in the run {self.lock.stem}")

    def is_running(self):
        """Return whether a living process is in the run; never wait."""
        return files.is_locked(self.lock)

    @property
    def checkpoints(self):
        """The stored checkpoints, the newest last."""
        # Drives that are synced add copies with names of their own, such as "... (1).npz".
        paths = self._states.glob(f"{self.name}.*.npz")
        return sorted((p for p in paths if re.search(r"\.\d+\.npz$", p.name)), key=_number)

    def next_checkpoint(self, identity):
        """Return the file of the checkpoint to be written next, by whom `identity` (str) names."""
        number = max(map(_number, self.checkpoints), default=0) + 1
        return self._states / f"{self.name}.{identity}.{number:06d}.npz"

    def forget(self, until=None):
        """Delete every checkpoint, and what a killed writer left; for when the record is written.

        Args:
            until: seconds since the epoch, when the record was written. A later checkpoint is of
                another training of the run, for its weights say, and stays. None: all go.
        """
        left = [*self._states.glob(f".{self.name}.*.part"), *files.partials(self.record)]
        for path in [*self.checkpoints, *left]:
            with suppress(OSError):  # a state that cannot be deleted does no harm
                if until is None or path.stat().st_mtime <= until:
                    path.unlink()

    @property
    def _states(self):
        return paths.state_dir() / "checkpoints" / self.config.dataset


def _number(path):
    return int(path.name.split(".")[-2])
