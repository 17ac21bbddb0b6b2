"""Where a number came from: device, versions, commit, and the source code that decides."""

import ast
import hashlib
import importlib.metadata
import inspect
import os
import platform
import re
import subprocess
import textwrap
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from .. import __version__
from ..errors import UserError
from ..layers.backend import PACKAGES, backend, backend_name, cores
from ..storage import paths

# Switches of the environment under which a backend computes other last digits, or other numbers.
_SWITCHES = (
    *("TF_DETERMINISTIC_OPS", "TF_XLA_FLAGS", "XLA_FLAGS", "NVIDIA_TF32_OVERRIDE"),
    *("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
)

# What can change a number; the rest of the package reads, draws or stores.
_DECIDING = (
    *("cells/*.py", "layers/*.py", "layers/*/*.py", "tasks/*.py", "data/*.py"),
    *("training/loop.py", "training/radam.py", "training/trainer.py"),
)
# Titles, colours and valid values. A record holds the settings that they led to.
_NOT_DECIDING = ("layers/registry.py", "layers/setting.py")
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def versions():
    """Return versions of Python and of the packages that numbers depend on, the backend's first."""
    packages = (*PACKAGES[backend_name()], "keras", "numpy")
    installed = {name: version(name) for name in packages}
    return {"python": platform.python_version(), "rru_nb": __version__} | installed


def version(package):
    """Return the version of a package, whose distribution may have another name: tensorflow-cpu."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    named = importlib.metadata.packages_distributions().get(package, [package])
    return importlib.metadata.version(named[0])


def device():
    """Describe what computes: Keras' backend, the GPU, the processor, its cores.

    `onednn` is the setting of `TF_ENABLE_ONEDNN_OPTS`: other products, other last digits.
    `switches` holds further ones that are set, of the environment and of the backend.
    """
    set_ones = {name: os.environ[name] for name in _SWITCHES if name in os.environ}
    set_ones |= backend().switches()
    return {
        "backend": backend_name(),
        "gpu": backend().gpu(),
        **machine(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        **({"switches": set_ones} if set_ones else {}),
    }


def machine():
    """Describe this machine as the `device` of a record does, without a backend."""
    return {"cpu": _processor(), "cores": cores()}


def device_name(device):
    """Name a record's `device`: the GPU, or the processor with its cores."""
    cores = f"{device['cores']} core{'s' * (device['cores'] != 1)}"
    return device["gpu"] or f"{device['cpu']}, {cores}"


def commit():
    """Return the commit of the code that runs, and whether its source was changed since.

    Returns:
        `{"sha": str or None, "dirty": bool or None}`. Where there is no git checkout it is what
        `RRU_NB_COMMIT` says, a hash that ends in `-dirty` for changed source; else None.

    Raises:
        UserError: if `RRU_NB_COMMIT` is needed and no such thing.
    """
    root = paths.PACKAGE.parents[1]
    # A copy of the source without its .git may lie within another repository, and an installed
    # package may run in a checkout of other code.
    here = paths.PACKAGE.parent.name == "src" and (root / ".git").exists()
    if sha := _git(root, "rev-parse", "HEAD") if here else None:
        changed = _git(root, "status", "--porcelain", "--", "src", "params")
        return {"sha": sha, "dirty": None if changed is None else bool(changed)}
    given = os.environ.get("RRU_NB_COMMIT")
    if not given:
        return {"sha": None, "dirty": None}
    match = re.fullmatch(r"([0-9a-f]{40})(-dirty)?", given)
    if not match:
        raise UserError(
            f"RRU_NB_COMMIT = {given!r} is no commit. Give the 40 hex digits of `git rev-parse "
            "HEAD`, with -dirty behind them if the source was changed since, or unset it."
        )
    return {"sha": match[1], "dirty": match[2] is not None}


def commit_name(commit):
    """Return a record's `commit` for people: ten digits, and whether the source was changed."""
    return (commit["sha"] or "unknown")[:10] + " and changes" * bool(commit["dirty"])


@lru_cache
def sources():
    """Return both digests of the source that decides, as a record has them.

    `source` is of the files' bytes, all that the first records have. `source_tree` is of what the
    files do: no comment, docstring or move changes it.
    """
    deciding, digest = _deciding_files(), hashlib.sha256()
    for path in deciding:
        digest.update(f"{path.relative_to(paths.PACKAGE).as_posix()}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    tree = tree_digest(path.read_text(encoding="utf-8") for path in deciding)
    return {"source": digest.hexdigest()[:16], "source_tree": tree}


def source_tree():
    """Return the digest of what the source that decides does."""
    return sources()["source_tree"]


def methods_digest(classes):
    """Return a digest of what the methods of classes do, not of what else they call."""
    methods = [m for cls in classes for m in vars(cls).values() if inspect.isfunction(m)]
    return tree_digest(map(_source_of, methods))


def _source_of(method):
    try:
        text = textwrap.dedent(inspect.getsource(method))
        ast.parse(text)
    except (OSError, TypeError, SyntaxError):  # from where no text is kept, or not this one
        code = method.__code__
        constants = [c for c in code.co_consts if not inspect.iscode(c)]
        return repr((code.co_code, code.co_names, constants))
    return text


def _deciding_files():
    files = [path for part in _DECIDING for path in sorted(paths.PACKAGE.glob(part))]
    return [p for p in files if p.relative_to(paths.PACKAGE).as_posix() not in _NOT_DECIDING]


def tree_digest(sources):
    """Return a digest of modules that comments, docstrings, layout and moves leave as it is.

    It is taken of the syntax trees of the modules' texts, in sixteen hex digits, the same for each
    version of Python. Of an import from the package itself only the imported names count, not the
    module that they come from nor the import's place, and neither do the modules' own names, so
    that a module may move to another folder.
    """
    modules = sorted(filter(None, map(_module, sources)))
    return hashlib.sha256("\n".join(modules).encode()).hexdigest()[:16]


def _module(text):
    """Return one line for a module; empty where it does nothing, as many an `__init__.py`."""
    tree, imported = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        for name, statements in ast.iter_fields(node):
            if isinstance(statements, list):
                internal = [s for s in statements if _is_of_the_package(s)]
                imported |= {(alias.name, alias.asname) for s in internal for alias in s.names}
                setattr(node, name, [s for s in statements if s not in internal])
    return repr((sorted(map(repr, imported)), _plain(tree))) if imported or tree.body else ""


def _is_of_the_package(statement):
    package = __package__.partition(".")[0]
    return isinstance(statement, ast.ImportFrom) and (
        statement.level > 0 or statement.module.partition(".")[0] == package
    )


def _plain(node):
    """Return a tree as tuples and texts; `ast.dump` is not the same in all versions of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, _plain(v)) for name, v in ast.iter_fields(node) if v not in (None, [])]
        return (type(node).__name__, *fields)
    return [_plain(n) for n in node] if isinstance(node, list) else repr(node)


def _git(root, *arguments):
    try:
        done = subprocess.run(  # noqa: S603 (git alone, no shell)
            ["git", "-C", str(root), *arguments],  # noqa: S607 (the user's own git)
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    named = cpuinfo.is_file() and re.search("^model name.*?:(.*)", cpuinfo.read_text(), re.M)
    return named[1].strip() if named else platform.processor() or platform.machine()
