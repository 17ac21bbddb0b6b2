"""The state of a training under way, on disk, so that a killed one goes on where it was.

A checkpoint is one `.npz` file of arrays and a JSON text, without pickles, whole or absent. The
newest two are kept: should a disk damage one, the other still serves. Those of other source code,
data or versions are neither used nor deleted before the run has its record.
"""

import hashlib
import json
import time
import warnings
from contextlib import suppress

import numpy as np

from ..errors import UserError
from ..layers.registry import registered_cells
from ..storage import files
from . import provenance
from .files import RunFiles

MAX_TO_KEEP = 2
SECONDS_BETWEEN = 180  # within an epoch
SHARE = 0.05  # of the time that writing at the ends of short epochs may take


class Checkpoint:
    """The checkpoint of one run.

    Args:
        config: a `RunConfig`.
        data_digest: digest of the data it trains on.

    Attributes:
        identity: what has to be the same for a checkpoint to be used: settings, data, source
            code, versions, what computes, and the methods of a cell of one's own.
    """

    def __init__(self, config, data_digest):
        self._files = RunFiles(config)
        device = provenance.device()
        self.identity = {
            "settings": config.as_dict(),
            "data": data_digest,
            "source": provenance.source_tree(),
            "versions": provenance.versions(),
            "computes": {name: v for name, v in device.items() if name not in ("cpu", "cores")},
        }
        if own := registered_cells().get(config.cell):  # whose code is not the package's
            self.identity["cell"] = provenance.methods_digest(own.classes())
        self._written, self._cost, self._warned = time.monotonic(), 0.0, False

    def due(self, epoch_ends):
        """Tell whether to save now: at ends of epochs, within long ones every few minutes."""
        waited = time.monotonic() - self._written
        return waited >= (self._cost / SHARE if epoch_ends else SECONDS_BETWEEN)

    def save(self, arrays, meta):
        """Write a checkpoint, delete its own one before last; return whether it was written.

        A disk that is full or read-only costs the checkpoint, with a warning, not the training.
        `arrays` are by name; `meta` is what JSON can hold.
        """
        clock, text = time.monotonic(), json.dumps(self.identity, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:8]
        content = {"identity": self.identity, "state": meta, "arrays": sorted(arrays)}
        described = arrays | {"meta": np.array(json.dumps(content, allow_nan=False))}
        try:
            path = self._files.next_checkpoint(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_whole(path, lambda file: np.savez(file, **described))
        except OSError as error:
            if not self._warned:
                mend = "Mend that, or set RRU_NB_STATE to another folder."
                warnings.warn(
                    f"no checkpoint could be written: {error}. If it is stopped, the run will "
                    f"begin anew. {mend}",
                    stacklevel=2,
                )
            self._warned = True
            return False
        finally:
            self._written = time.monotonic()
            self._cost = self._written - clock
        own = [path for path in self._files.checkpoints if f".{key}." in path.name]
        for path in own[:-MAX_TO_KEEP]:
            with suppress(OSError):  # one that cannot be deleted does no harm
                path.unlink()
        return True

    def load(self):
        """Return the newest usable state, `(arrays, meta)`, or None.

        Files that are damaged, or of another identity, are named in a warning and not used.
        """
        for path in reversed(self._files.checkpoints):
            try:
                arrays, meta = _read(path)
            except UserError as error:
                warnings.warn(f"a checkpoint is not used: {error}", stacklevel=2)
                continue
            changed = [k for k, v in self.identity.items() if meta["identity"].get(k) != v]
            if not changed:
                return arrays, meta["state"]
            what = ", ".join(changed)
            message = f"checkpoint {path} stays, and is not used: other {what}"
            warnings.warn(message, stacklevel=2)
        return None


def _read(path):
    with files.reading(path), np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop("meta")))
        if sorted(arrays) != meta["arrays"] or not {"identity", "state"} <= meta.keys():
            raise ValueError("arrays are missing")
        return arrays, meta
