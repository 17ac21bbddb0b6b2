"""Executes the book's notebooks, each once as long as nothing it depends on changes."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rru_nb.storage import files, paths

from . import verdicts
from .captions import move_links, say_findings
from .drawings import put_inline
from .errors import BookError, check_log

# A page shows records and never starts hours of training: that is `rru-nb run`'s.
BOOK_PARAMETERS = {"train": False}
_SOURCES = ("src", "book/tools", "params", "results")
_PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "matplotlib", "seaborn", "papermill")
_PACKAGES += ("pretty_midi", "soundfile")
_VARIABLES = ("RRU_NB_DATA", "RRU_NB_RESULTS", "RRU_NB_CACHE")


def execute_notebooks(folder, notebooks, store, fresh=False, say=print):
    """Executes notebooks in place.

    Args:
        folder: Path of the stage.
        notebooks: paths of notebooks below `folder`.
        store: Path of the folder that keeps executed notebooks between builds.
        fresh: bool, whether to execute also what the store holds.
        say: a function that is given a line for each notebook.

    Raises:
        BookError: if a notebook raises; the message holds its name and the error.
    """
    common = _digest_of_sources(folder)
    store.mkdir(parents=True, exist_ok=True)
    for name in notebooks:
        notebook = folder / name
        kept = store / f"{name.stem}-{_digest(common, notebook.read_bytes())}.ipynb"
        if fresh or not kept.is_file():
            start = time.perf_counter()
            _execute(notebook, kept, cwd=folder)
            say(f"executed {name} in {time.perf_counter() - start:.0f} s")
            _forget_others(kept, name.stem)
        else:
            say(f"unchanged {name}: executed {_when(kept)}")
        shutil.copyfile(kept, notebook)


def _execute(notebook, kept, cwd):
    """Executes a notebook to `kept`, which appears only if every cell went well."""
    partial = kept.with_name(f"partial-{kept.name}")
    command = [sys.executable, "-m", "papermill", str(notebook), str(partial)]
    command += ["--kernel", "python3", "--cwd", str(cwd), "--no-progress-bar"]
    for name, value in _parameters_for(notebook).items():
        command += ["-p", name, str(value)]
    used = kept.with_suffix(".used")
    used.unlink(missing_ok=True)
    done = subprocess.run(  # noqa: S603 (papermill on a notebook of the book, no shell)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment() | {"RRU_NB_USED": str(used)},
    )
    if done.returncode:
        check_log(done.stdout)
        raise BookError(f"{notebook.relative_to(cwd)} raised:\n{_error_in(done.stdout)}")
    content = json.loads(partial.read_text(encoding="utf-8"))
    content["cells"] = arrange(content["cells"])
    content["metadata"]["rru_nb"] = {"records": _taken(used)}
    files.write_whole(kept, lambda file: file.write(json.dumps(content, indent=1).encode()))
    partial.unlink()


def arrange(cells):
    """Return the cells of an executed notebook as its page shows them: what was found first."""
    cells = [cell for cell in cells if not _injected(cell)]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = [o for o in cell["outputs"] if not _says_nothing(o)]
    put_inline(cells)
    cells = move_links(cells)
    say_findings(cells)
    verdicts.lift(cells)
    return cells


def _taken(used):
    """The ids of the records that a notebook was given; the file that lists them goes."""
    if not used.is_file():
        return []
    ids = sorted(set(used.read_text(encoding="utf-8").split()))
    used.unlink()
    return ids


def _parameters_for(notebook):
    """Those of `BOOK_PARAMETERS` that the notebook's cell of parameters has."""
    import papermill  # the build says if it is missing

    named = papermill.inspect_notebook(str(notebook))
    return {name: value for name, value in BOOK_PARAMETERS.items() if name in named}


def _environment():
    """The kernel's environment: quiet, of this Python, with figures inside the notebook."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "JUPYTER_PREFER_ENV_PATH": "1"}
    return {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | quiet


def _error_in(log):
    """The part of papermill's log that tells what went wrong in the notebook."""
    start = log.rfind("PapermillExecutionError")
    return log[start:].strip() if start >= 0 else log[-3000:].strip()


def _injected(cell):
    # The cell in which papermill sets `train = False`: of no interest to readers.
    return "injected-parameters" in cell["metadata"].get("tags", [])


def _says_nothing(output):
    # Markdown without a text, of which MyST-NB would show the name of its class.
    return "".join(output.get("data", {}).get("text/markdown", "something")) == ""


def _digest_of_sources(folder):
    """Identifies all that the output of a notebook depends on, the notebook aside."""
    parts = [f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES]
    parts += [f"{name}={os.environ.get(name)}" for name in _VARIABLES]
    parts.append(repr(BOOK_PARAMETERS))
    parts += _contents(folder, _SOURCES)
    if os.environ.get("RRU_NB_RESULTS"):  # else records lie in the checkout, so in the stage
        parts += _contents(paths.results_dir(), ["."])
    return "\n".join(parts).encode()


def _contents(folder, names):
    """Path and digest of each file below some folders of a folder."""
    found = sorted(p for name in names for p in Path(folder, name).rglob("*") if p.is_file())
    return [f"{path.relative_to(folder)} {_digest(path.read_bytes())}" for path in found]


def _digest(*contents):
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def _forget_others(kept, stem):
    for path in kept.parent.glob(f"{stem}-*.ipynb"):
        if path != kept and len(path.stem) == len(kept.stem):
            path.unlink()


def _when(path):
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(path.stat().st_mtime))
