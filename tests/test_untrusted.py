"""No code of the package, its scripts or notebooks builds objects or code from what it reads."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [p for folder in ("src", "scripts", "benchmarks") for p in ROOT.glob(f"{folder}/**/*.py")]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"),
    *("pd.read_pickle", "pandas.read_pickle", "keras.models.load_model"),
    *("extractall", "unpack_archive"),
}


def findings(source):
    """What in a source could run what a file says: a list of `(line, what)`."""
    return [(node.lineno, what) for node in ast.walk(ast.parse(source)) for what in _wrong(node)]


def _wrong(node):
    if isinstance(node, ast.Import):
        yield from MODULES & {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        yield from MODULES & {(node.module or "").split(".")[0]}
        yield from METHODS & {f"{node.module}.{alias.name}" for alias in node.names}
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        yield from BUILTINS & {name}
        yield from METHODS & {name, name.split(".")[-1]}
        options = {k.arg: k.value for k in node.keywords if k.arg}
        for option in ("allow_pickle", "shell"):
            if _is_on(options.get(option)):
                yield f"{option} is on"
        # np.load's default refuses pickles too; written out, it can be relied on.
        if name in ("np.load", "numpy.load") and "allow_pickle" not in options:
            yield "np.load without allow_pickle"


def _is_on(value):
    return value is not None and not (isinstance(value, ast.Constant) and value.value is False)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources(path):
    assert findings(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks(path):
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    for cell in cells:
        assert findings("".join(cell["source"])) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "from yaml import unsafe_load",
        "eval('1')",
        "yaml.load(text, Loader=yaml.Loader)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "archive.extractall(folder)",
    ],
)
def test_the_scan_finds_it(source):
    assert findings(source)
