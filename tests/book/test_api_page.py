"""The API page has every public name, as it is called, and its examples run."""

import doctest
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import rru_nb

PAGE = Path(__file__).parents[2] / "book" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
DOCUMENTED = re.findall(r"^\.\. (?:auto|py:)(\w+):: rru_nb\.(\w+)(.*)$", TEXT, re.MULTILINE)
EXAMPLE = re.compile(r"^Example::?\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
EXAMPLES = {
    name: EXAMPLE.search(inspect.getdoc(getattr(rru_nb, name)))
    for name in rru_nb.__all__
    if callable(getattr(rru_nb, name))
}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def test_every_public_name_is_documented_once():
    assert sorted(name for _, name, _ in DOCUMENTED) == sorted(rru_nb.__all__)
    listed = re.findall(r"`(\w+)`", TEXT.split("## Models")[0].split("| --- |")[1])
    assert sorted(listed) == sorted(rru_nb.__all__)


def test_signatures_are_those_of_the_code():
    """Keras' layers hide theirs from autodoc behind `__new__(*args, **kwargs)`."""
    for _, name, signature in DOCUMENTED:
        public = getattr(rru_nb, name)
        if isinstance(public, type) and issubclass(public, keras.layers.Layer):
            assert signature == str(inspect.signature(public)), name
        else:
            assert not signature, name


def test_the_examples_run_in_the_order_of_the_page(capsys):
    names = {}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102, the page's own code
    roll = names["roll"]
    assert names["outputs"].shape == (1, len(roll), 16)
    np.testing.assert_array_equal(names["again"](roll[None]), names["model"](roll[None]))
    assert names["slow"](roll[None]).shape == names["outputs"].shape
    assert list(names["records"].id) == [names["config"].id]
    assert "dropout" in capsys.readouterr().out.splitlines()[-1], "the nearest name"


def test_docstrings_have_examples():
    assert sum(map(bool, EXAMPLES.values())) >= 9


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example])
def test_the_example_of_a_docstring_runs(name):
    code = inspect.cleandoc(EXAMPLES[name][1])
    model = keras.Sequential([keras.Input((None, 3)), rru_nb.RRU(2)])
    model.save("m.keras")
    public = {public: getattr(rru_nb, public) for public in rru_nb.__all__}
    names = public | {"keras": keras, "np": np, "rru_nb": rru_nb, "model": model}
    if ">>>" in code:
        example = doctest.DocTestParser().get_doctest(code, names, name, None, None)
        assert doctest.DocTestRunner().run(example).failed == 0
        return
    exec(code, names)  # noqa: S102, the docstring's own code
    if "outputs" in names:
        assert str(list(names["outputs"].shape)) in code
