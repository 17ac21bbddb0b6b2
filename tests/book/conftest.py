"""What the tests of the pages share."""

import pytest

QUICK = """
from rru_nb.layers.tensorflow import over_time, rru

over_time.UNROLL = 2
over_time.can_compile = rru.can_compile = lambda: False
"""


@pytest.fixture
def quick_kernels(tmp_path_factory, monkeypatch):
    """Kernels whose short trainings have small graphs, see `quick_graphs`."""
    folder = tmp_path_factory.mktemp("ipython")
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "quick.py").write_text(QUICK)
    monkeypatch.setenv("IPYTHONDIR", str(folder))
