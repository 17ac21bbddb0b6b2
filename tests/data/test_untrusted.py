"""No code builds objects or code from what it reads: the part that ruff's rules `S` do not see."""

import ast
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
NAMES = {
    *("joblib", "jsonpickle", "cloudpickle", "pickle", "dill", "marshal", "shelve"),
    *("load_all", "unsafe_load", "full_load", "load_model", "unpack_archive", "extractall"),
    "__import__",
}


def sources():
    """Yield the path and the code of each module, and of each cell of the notebooks."""
    for folder in ("src", "scripts", "benchmarks"):
        for path in ROOT.glob(f"{folder}/**/*.py"):
            yield path, path.read_text(encoding="utf-8")
    for path in ROOT.glob("notebooks/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path, cell.source


def findings(source):
    """Return what in a source may run what a file says, as a list."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            found += [name for name in imported if name.split(".")[0] in NAMES]
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [name] if name.split(".")[-1] in NAMES else []
            pickles = [ast.unparse(k.value) for k in node.keywords if k.arg == "allow_pickle"]
            # The default of np.load refuses pickles too; written out, it can be relied on.
            default = ["unsaid"] if name in ("np.load", "numpy.load") else ["False"]
            found += [] if (pickles or default) == ["False"] else [ast.unparse(node)]
    return found


def test_nothing_that_is_read_can_run_code():
    scanned = list(sources())
    assert len(scanned) > 150
    # A worker of Ray reads the cells that its driver sends, whose code Ray runs anyway.
    allowed = [("ray_engine.py", ["pickle"])]
    assert [(path.name, findings(text)) for path, text in scanned if findings(text)] == allowed


def test_the_scan_finds_what_it_looks_for():
    for source in (
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.save(path, x, allow_pickle=wanted)",
        "import jsonpickle",
        "from joblib import load",
        "from yaml import unsafe_load",
        "__import__(name)",
        "keras.models.load_model(path)",
        "archive.extractall(folder)",
    ):
        assert findings(source), source
    assert not findings("np.load(path, allow_pickle=False)\nyaml.safe_load(text)")
