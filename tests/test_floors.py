"""The package stands in floors: each folder uses those below it, and nothing above."""

import ast
from pathlib import Path

import rru_nb

PACKAGE = Path(rru_nb.__file__).parent

# From the ground up; what stands on one floor does not know its neighbours either.
FLOORS = (
    {"errors"},
    {"storage"},
    {"cells", "data"},
    {"layers"},
    {"tasks"},
    {"training"},
    {"experiments"},
    {"analysis"},
    {"figures", "listen"},
    {"cli"},
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def modules():
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield path, parts[:-1]


def used_by(path, package):
    """Yield the parts of the dotted name of each module of the package that `path` imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            below = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield (*base, *below, alias.name)


def test_each_folder_uses_only_what_stands_below_it():
    upwards = [
        f"{path.relative_to(PACKAGE)} uses {'.'.join(used)}"
        for path, package in modules()
        for used in used_by(path, package)
        if package and used[0] in FLOOR_OF and used[0] != package[0]
        if FLOOR_OF[package[0]] <= FLOOR_OF[used[0]]
    ]
    assert upwards == []


def test_every_folder_stands_on_a_floor():
    present = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path, _ in modules()}
    assert present - {"__init__"} == set(FLOOR_OF)
