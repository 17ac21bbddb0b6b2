"""The state of a training under way, on disk, so that a killed one goes on where it was.

A checkpoint is one `.npz` file of arrays and a JSON text, without pickles. It is written beside
and renamed, so that a file is whole or absent. The newest two are kept: should a disk damage
one, the other still serves.
"""

import json
import os
import time
import warnings
import zipfile
from contextlib import suppress

import numpy as np

from ..storage import paths
from . import provenance

KEPT = 2
SECONDS_BETWEEN = 180  # within an epoch
SHARE = 0.05  # of the time that writing at the ends of short epochs may take

_META = "meta"
# A flipped bit can make a zip file look encrypted, or of a version to come.
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
_UNREADABLE += (NotImplementedError, RuntimeError)


class Checkpoint:
    """The checkpoint of one run.

    Args:
        config: a `RunConfig`.
        data_digest: digest of the data it trains on.

    Attributes:
        identity: what has to be the same for a checkpoint to be used: settings, data, source
            code, versions, and what computes.
    """

    def __init__(self, config, data_digest):
        self._folder, self._name = _place(config)
        device = provenance.device()
        self.identity = {
            "settings": config.as_dict(),
            "data": data_digest,
            "source": provenance.source_tree(),
            "versions": provenance.versions(),
            "computes": {name: v for name, v in device.items() if name not in ("cpu", "cores")},
        }
        self._written, self._cost, self._warned = time.monotonic(), 0.0, False

    def due(self, epoch_ends):
        """Whether it is time to save: at ends of epochs, within long ones every few minutes."""
        waited = time.monotonic() - self._written
        return waited >= (self._cost / SHARE if epoch_ends else SECONDS_BETWEEN)

    def save(self, arrays, meta):
        """Writes a checkpoint and forgets the one before last.

        A disk that is full or read-only costs the checkpoint, with a warning, not the training.

        Args:
            arrays: `{name: array}`. meta: what JSON can hold.

        Returns:
            Whether it was written.
        """
        clock = time.monotonic()
        files = self._files()
        number = _number(files[-1]) + 1 if files else 1
        try:
            self._write(self._folder / f"{self._name}.{number:06d}.npz", arrays, meta)
        except OSError as error:
            if not self._warned:
                warnings.warn(f"no checkpoint could be written: {error}", stacklevel=2)
            self._warned = True
            return False
        finally:
            self._written = time.monotonic()
            self._cost = self._written - clock
        for path in files[: len(files) + 1 - KEPT]:
            path.unlink(missing_ok=True)
        return True

    def _write(self, path, arrays, meta):
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"identity": self.identity, "state": meta, "arrays": sorted(arrays)}
        text = json.dumps(whole, allow_nan=False)
        partial = path.with_name(f".{path.name}.part")
        try:
            with open(partial, "wb") as file:
                np.savez(file, **arrays, **{_META: np.array(text)})
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def load(self):
        """The newest usable state, `(arrays, meta)`, or None.

        Files that are damaged, or of another identity, are named in a warning and not used.
        """
        for path in reversed(self._files()):
            try:
                with np.load(path, allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}
                found = json.loads(str(arrays.pop(_META)))
                changed = [k for k, v in self.identity.items() if found["identity"][k] != v]
                state = found["state"]
                if sorted(arrays) != found["arrays"]:
                    raise ValueError("arrays are missing")
            except _UNREADABLE as error:
                warnings.warn(f"checkpoint {path} is damaged, not used: {error!r}", stacklevel=2)
                continue
            if not changed:
                return arrays, state
            what = ", ".join(changed)
            warnings.warn(f"checkpoint {path} is not used: other {what}", stacklevel=2)
        return None

    def _files(self):
        return sorted(self._folder.glob(f"{self._name}.*.npz"), key=_number)


def forget(config, until=None):
    """Deletes every checkpoint of a run; for when its record is written.

    Args:
        config: a `RunConfig`.
        until: seconds since the epoch, when the record was written. A later checkpoint is of
            another training of the run, for its weights say, and stays. None: all go.
    """
    folder, name = _place(config)
    for path in [*folder.glob(f"{name}.*.npz"), *folder.glob(f".{name}.*.part")]:
        with suppress(OSError):  # a state that cannot be deleted does no harm
            if until is None or path.stat().st_mtime <= until:
                path.unlink()


def _place(config):
    name = f"{config.cell}-{config.scale}-s{config.seed}-{config.id}"
    return paths.state_dir() / "checkpoints" / config.dataset, name


def _number(path):
    return int(path.name.split(".")[-2])
