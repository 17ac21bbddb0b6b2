"""Hide TensorFlow from this process, as on a machine that lacks it.

A module to import first, or a plugin for pytest: `-p without_tensorflow`.
"""

import sys
from importlib.machinery import PathFinder


class WithoutTensorFlow(PathFinder):
    """Finds whatever is installed, but for TensorFlow."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] == "tensorflow":
            return None
        return super().find_spec(fullname, path, target)


assert "tensorflow" not in sys.modules, "too late"
sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTensorFlow
