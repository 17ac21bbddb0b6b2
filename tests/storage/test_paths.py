"""Where things are: each variable, and the default without it."""

import pytest

from rru_nb import UserError
from rru_nb.storage import paths

VARIABLES = ("RRU_NB_ROOT", "RRU_NB_RESULTS", "RRU_NB_CACHE", "RRU_NB_STATE", "RRU_NB_DATA")


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    """No variable but that of the cache; package and shell in folders of their own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RRU_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "site" / "rru_nb")
    (tmp_path / "site" / "rru_nb").mkdir(parents=True)
    (tmp_path / "shell").mkdir()
    monkeypatch.chdir(tmp_path / "shell")


def a_checkout(folder):
    (folder / "params" / "paper").mkdir(parents=True)
    (folder / "src" / "rru_nb").mkdir(parents=True)
    return folder


def test_without_a_checkout_the_copies_of_the_wheel_are_read(tmp_path, monkeypatch):
    assert paths.checkout() is None and paths.packaged_results_dir() is None
    with pytest.raises(UserError, match="no folder 'params'"):
        paths.params_dir()
    for name in ("params", "results"):
        (paths.PACKAGE / name).mkdir()
    assert paths.params_dir() == paths.PACKAGE / "params"
    assert paths.packaged_results_dir() == paths.PACKAGE / "results"
    assert paths.results_dir() == tmp_path / "cache" / "results", "new records never go there"


def test_trainings_under_way_lie_in_the_cache_unless_said_otherwise(tmp_path, monkeypatch):
    a_checkout(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    assert paths.state_dir() == tmp_path / "cache" / "state", "not in the checkout"
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "drive"))
    assert paths.state_dir() == tmp_path / "drive"


def test_the_checkout_of_the_package_comes_before_that_of_the_shell(tmp_path, monkeypatch):
    mine, other = a_checkout(tmp_path / "mine"), a_checkout(tmp_path / "other")
    monkeypatch.chdir(other / "params")
    assert paths.checkout() == other
    monkeypatch.setattr(paths, "PACKAGE", mine / "src" / "rru_nb")
    assert paths.checkout() == mine
    assert paths.results_dir() == mine / "results"
    monkeypatch.setenv("RRU_NB_ROOT", str(other))
    assert paths.checkout() == other
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "r"))
    assert paths.results_dir() == tmp_path / "r"


def test_a_folder_of_a_user_that_is_not_known_is_refused(monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", "~no-such-user/results")
    with pytest.raises(UserError, match="RRU_NB_RESULTS = '~no-such-user/results' names no known"):
        paths.results_dir()
