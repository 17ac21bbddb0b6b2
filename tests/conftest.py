"""Fixtures that several test modules share."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from rru_nb import data
from rru_nb.data import registry

MIRROR = os.environ.get("RRU_NB_DATA")


@pytest.fixture
def mirror():
    """The folder with the real upstream files; without one, the test is skipped."""
    if not MIRROR:
        pytest.skip("needs RRU_NB_DATA")
    return Path(MIRROR)


@pytest.fixture
def no_memory():
    """Datasets are loaded anew, and anew again after the test."""
    data.forget()
    yield
    data.forget()


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
