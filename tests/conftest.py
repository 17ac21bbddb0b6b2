"""Fixtures that several test modules share."""

import os
import shutil
import signal
import socket
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import fakes
import pytest

from rru_nb import data
from rru_nb.data import registry

MIRROR = os.environ.get("RRU_NB_DATA")
GOLDEN = Path(__file__).parent / "book" / "golden"


def pytest_addoption(parser):
    what = "write what fragments of the book look like to tests/book/golden/ instead of comparing"
    parser.addoption("--golden", action="store_true", help=what)


@contextmanager
def loops(unroll, can_compile, cores):
    """Set how TensorFlow's loops are made; gives how they were made before."""
    from rru_nb.layers.tensorflow import batch_splitting, over_time, rru

    before = over_time.UNROLL, over_time.can_compile, batch_splitting.cores
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(over_time, "UNROLL", unroll)
        patch.setattr(batch_splitting, "cores", cores)
        for module in (over_time, rru):
            patch.setattr(module, "can_compile", can_compile)
        yield before


@pytest.fixture(scope="session", autouse=True)
def quick_graphs():
    """Let TensorFlow's loops have blocks of two steps and whole batches, and XLA compile none.

    A short training takes most of its time to make its graphs. Tests of the loops ask for
    `real_graphs`.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        yield
        return
    with loops(2, lambda: False, lambda: 1) as before:
        yield before


@pytest.fixture
def real_graphs(quick_graphs):
    """The loops as trainings outside of tests, and in a test's other processes, have them."""
    if quick_graphs is None:  # another backend
        yield
        return
    with loops(*quick_graphs):
        yield


@pytest.fixture
def golden(request):
    """A function of a file's name and a text, which has to be the one that the file holds."""

    def compare(name, text):
        path = GOLDEN / name
        if request.config.getoption("golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "right? Then: pytest --golden, and look"

    return compare


@pytest.fixture
def mirror():
    """The folder with the real upstream files; without one, the test is skipped."""
    if not MIRROR:
        pytest.skip("needs RRU_NB_DATA")
    return Path(MIRROR)


@pytest.fixture
def no_memory():
    """Datasets are loaded anew, and anew again after the test."""
    data._load.cache_clear()
    yield
    data._load.cache_clear()


@pytest.fixture
def no_data(tmp_path, monkeypatch, no_memory):
    """No mirror, an empty cache, and addresses where nobody answers. Gives the cache folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed_port = probe.getsockname()[1]
    monkeypatch.delenv("RRU_NB_DATA", raising=False)
    monkeypatch.setenv("RRU_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {
        name: replace(file, urls=(f"http://127.0.0.1:{closed_port}/{name}",))
        for name, file in registry.FILES.items()
    }
    monkeypatch.setattr(registry, "FILES", files)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def _fakes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fakes")
    return folder, *fakes.write_all(folder)


@pytest.fixture
def fake_data(_fakes, tmp_path, monkeypatch, no_memory):
    """Small generated files for all datasets. Gives a copy of their folder, to be spoilt."""
    written, files, datasets = _fakes
    folder = shutil.copytree(written, tmp_path / "fakes")
    monkeypatch.setenv("RRU_NB_DATA", str(folder))
    monkeypatch.setenv("RRU_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "FILES", dict(files))
    monkeypatch.setattr(registry, "DATASETS_BY_NAME", datasets)
    return folder


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    """A cache for the whole session, so that the real reviews are encoded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def any_data(_fakes, session_cache):
    """All datasets: the real files that `RRU_NB_DATA` has, generated ones for the rest."""
    written, files, datasets = _fakes
    cache = session_cache
    (cache / "downloads").mkdir(exist_ok=True)
    data._load.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RRU_NB_CACHE", str(cache))
        real = {row["name"] for row in data.catalogue() if row["found"] in ("mirror", "package")}
        made_up = {name: dataset for name, dataset in datasets.items() if name not in real}
        small = {file: files[file] for dataset in made_up.values() for file in dataset.files}
        for file in small:
            shutil.copy(written / file, cache / "downloads")
        patch.setattr(registry, "FILES", {**registry.FILES, **small})
        patch.setattr(registry, "DATASETS_BY_NAME", {**registry.DATASETS_BY_NAME, **made_up})
        yield
    data._load.cache_clear()


@pytest.fixture
def interruptible():
    """Shells start background jobs, and so perhaps these tests, with Ctrl-C ignored.

    What a process ignores its children ignore; what it handles they have as it is by default.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
