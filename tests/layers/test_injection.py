"""A wrong parameter is refused before any work, and none reaches a shell or a path.

Nothing here needs a Jupyter kernel: the cells that refuse are executed as they are.
"""

import ast
import os
import subprocess
from functools import cache
from pathlib import Path

import nbformat
import pytest
from papermill.translators import PythonTranslator

from rru_nb import DATASETS, UserError
from rru_nb.cli import main
from rru_nb.experiments import section
from rru_nb.experiments.engines import ENGINES
from rru_nb.training import trainer as training
from rru_nb.training.config import CELLS, SCALES

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# All texts that a checked parameter may be; a path or a command made of them is harmless.
NAMES = {*DATASETS, *CELLS, *SCALES, *ENGINES, *section("ablation").variants, "valid", "test"}

HOSTILE = [
    *("../../x", "/etc/passwd", "~/x", "jsb/../../x", "jsb; touch canary", "$(touch canary)"),
    *("`touch canary`", "jsb\n!touch canary", "!touch canary", "%%bash\ntouch canary"),
    *("__import__('os').system('touch canary')", "{0.__class__}", "'; open('canary', 'w') #"),
    *('"""\nopen("canary", "w")\n"""', "\\", "jsb\0", "", "[", "0.1, {a: b", "\u202ejsb"),
    *("!!python/object/apply:os.system ['touch canary']", "&a [*a]", "=cmd|'/c calc'!A0"),
]
SHAPES = [lambda text: text, lambda text: [text], lambda text: {text: text}, lambda text: [[text]]]
ODD = [None, -1, 10**30, float("inf"), float("nan"), True, [], {}, [None], [-1], [True], [1e400]]


@cache
def code_of(path):
    """Return the cell of parameters, the one that checks them, and the first that works.

    Before these a notebook does nothing but install the package.
    """
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    install, defaults, check, work = cells[:4]
    assert 'find_spec("rru_nb")' in install.source
    assert "parameters" in defaults.metadata.tags and "check_parameters" in check.source
    return defaults.source, check.source, work.source


def names_in(source):
    return [node.targets[0].id for node in ast.parse(source).body if isinstance(node, ast.Assign)]


def checked(path, name, value):
    """What the notebook makes of a parameter that papermill injects, as a Jupyter kernel does."""
    defaults, check, _ = code_of(path)
    return vars(session_of(defaults, PythonTranslator.codify({name: value}), check)["P"])


def session_of(*sources):
    session = {}
    for source in sources:
        exec(source, session)
    return session


@pytest.fixture(autouse=True)
def no_shell(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError(f"a process was to be started: {args}")

    for owner, name in ((os, "system"), (os, "popen"), (subprocess, "Popen")):
        monkeypatch.setattr(owner, name, refuse)
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


def harmless(value):
    if isinstance(value, list | tuple):
        return all(harmless(one) for one in value)
    return value is None or isinstance(value, bool | int | float) or value in NAMES


@pytest.mark.parametrize(
    "notebook, name, value, fragments",
    [
        ("main_results", "datset", "jsb", ["'datset'", "'dataset'"]),
        ("main_results", "dataset", "jbs", ["'jbs'", "'jsb'"]),
        ("main_results", "cells", ["rru", "gur"], ["'gur'", "'gru'"]),
        ("datasets", "dataset", "choral", ["'choral'", "'chorales'"]),
        ("listen", "temperature", 0, ["0 must be a number above 0"]),
        ("robustness", "learning_rate", [0.1], ["'learning_rate'", "'learning_rates'"]),
        ("robustness", "sizes", [0], ["n_params = 0"]),
        ("dropout", "rates", [1.0], ["dropout = 1.0"]),
        ("dropout", "dataset", "notingham", ["'notingham'", "'nottingham'"]),
        ("ablation", "variants", ["scalar"], ["'scalar'", "'scalar_rezero'"]),
    ],
)
def test_a_typo_is_one_error_before_any_work(notebook, name, value, fragments):
    with pytest.raises(UserError) as error:
        checked(NOTEBOOKS[0].with_stem(notebook), name, value)
    for fragment in fragments:
        assert fragment in str(error.value)


@pytest.mark.parametrize(
    "notebook, name, value, fragments",
    [
        ("listen", "dataset", "imdb", ["'imdb'", "'jsb'"]),
        ("ablation", "cells", ["gru"], ["'gru'"]),
    ],
)
def test_what_does_not_suit_a_page_is_refused_before_a_training(
    notebook, name, value, fragments, monkeypatch
):
    def refuse(*args):
        raise AssertionError("a training began")

    monkeypatch.setattr(training, "task_for", refuse)
    defaults, check, work = code_of(NOTEBOOKS[0].with_stem(notebook))
    with pytest.raises(UserError) as error:
        session_of(defaults, PythonTranslator.codify({name: value}), check, work)
    for fragment in fragments:
        assert fragment in str(error.value)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_values_are_refused_or_become_known_names(path):
    refused = 0
    for name in names_in(code_of(path)[0]):
        for value in [*(shape(text) for text in HOSTILE for shape in SHAPES), *ODD]:
            try:
                found = checked(path, name, value)
            except UserError:
                refused += 1
            else:
                assert harmless(list(found.values())), f"{name} = {value!r} became {found[name]!r}"
    assert refused > 50


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["datset", "rru_nb_results", "importlib", "P", "y"])
def test_names_that_are_no_parameters_are_refused(path, name):
    with pytest.raises(UserError, match=f"parameter '{name}' is unknown"):
        checked(path, name, "../../x")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_of_other_notebooks_are_refused(path):
    own = names_in(code_of(path)[0])
    others = {name for other in NOTEBOOKS for name in names_in(code_of(other)[0])} - set(own)
    values = {"dataset": "jsb", "cells": ["rru"], "scale": "smoke", "seeds": [0], "train": False}
    assert "dataset" in own or path.stem == "cell_by_numbers"
    for name in others:
        with pytest.raises(UserError, match=f"parameter {name!r} is unknown"):
            checked(path, name, values.get(name, 1))


@pytest.mark.parametrize("text", HOSTILE)
def test_settings_on_the_command_line(text, monkeypatch, capsys):
    def run(config, progress):  # reached by texts that spell a dataset in an odd way
        assert config.dataset == "jsb" and config.cell == "rru"
        raise UserError("known names only")

    monkeypatch.setattr(training, "run", run)
    for name in ("dropout", "protocol", "select_on", "residual", "seed", text):
        arguments = ["run", "--dataset", "jsb", "--cell", "rru", "--set", f"{name}={text}"]
        assert main(arguments) == 2
    for option in ("--dataset", "--cell", "--scale"):
        arguments = {"--dataset": "jsb", "--cell": "rru", "--scale": "smoke"} | {option: text}
        assert main(["run", *(f"{k}={v}" for k, v in arguments.items())]) == 2
    assert capsys.readouterr().out == ""
