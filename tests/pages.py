"""The functions that a notebook defines in the open, for tests to call."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def functions_of(name, **variables):
    """Run a notebook's imports, its functions and the constants that they read, and nothing else.

    Args:
        name: of the notebook. **variables: what its functions read, e.g. `P`.

    Returns:
        A namespace with the functions.
    """
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = [
        node
        for node in ast.parse(code.replace("get_ipython()", "None")).body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)
        or (isinstance(node, ast.Assign) and is_constant(node))
    ]
    exec(compile(ast.Module(kept, []), name, "exec"), variables)
    return SimpleNamespace(**variables)


def is_constant(assignment):
    """Tell whether an assignment gives a name in capitals a value that needs no computation."""
    named = ast.unparse(assignment.targets[0])
    try:
        ast.literal_eval(assignment.value)
    except ValueError:
        return False
    return named.isupper()
