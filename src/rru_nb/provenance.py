"""Where a number came from: device, versions, commit."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from functools import lru_cache
from pathlib import Path

from . import __version__, paths

_PACKAGES = ("tensorflow", "keras", "numpy")

# What can change a number; the rest of the package reads, draws or stores.
_DECIDING = (
    *("cells/*.py", "layers/*.py", "tasks/*.py", "data/*.py"),
    *("budget.py", "fit.py", "radam.py", "training.py"),
)


def versions():
    """Versions of Python and of the packages that numbers depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "rru_nb": __version__} | found


def device():
    """What computes: the GPU's name if TensorFlow sees one, the processor's, its cores.

    `onednn` is the setting of `TF_ENABLE_ONEDNN_OPTS`: other products, other last digits.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(g).get("device_name") for g in gpus]
    return {
        "gpu": names[0] if names else None,
        "cpu": _processor(),
        "cores": _cores(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def machine():
    """What tells this machine from another in the `device` of a record, without TensorFlow."""
    return {"cpu": _processor(), "cores": _cores()}


def device_name(device):
    """What a record's `device` is called: the GPU, or the processor with its cores."""
    cores = f"{device['cores']} core{'s' * (device['cores'] != 1)}"
    return device["gpu"] or f"{device['cpu']}, {cores}"


def commit():
    """The commit of the code that runs, and whether its source was changed since.

    Returns:
        `{"sha": str or None, "dirty": bool or None}`; None where there is no git checkout.
    """
    root = paths.checkout()
    sha = _git(root, "rev-parse", "HEAD") if root else None
    if not sha:
        return {"sha": None, "dirty": None}
    return {"sha": sha, "dirty": bool(_git(root, "status", "--porcelain", "--", "src", "params"))}


@lru_cache
def source():
    """A digest of the package's files that decide what a training computes."""
    files = [p for part in _DECIDING for p in sorted(paths.PACKAGE.glob(part))]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(paths.PACKAGE).as_posix()}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def changes_since(sha):
    """The commits since `sha` that touched those files, the newest first.

    Returns:
        A list of `(commit, day, subject)`; empty where git cannot tell, e.g. in a shallow clone.
    """
    root = paths.checkout()
    if not root or not sha:
        return []
    files = [f"src/rru_nb/{part}" for part in _DECIDING]
    told = _git(root, "log", "--format=%h%x09%as%x09%s", f"{sha}..HEAD", "--", *files)
    return [tuple(line.split("\t", 2)) for line in (told or "").splitlines()]


def _git(root, *arguments):
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _cores():
    # A container may be allowed fewer cores than the machine has; not every system can tell.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
