"""Make TensorFlow unimportable in this process, as on a machine that lacks it.

A module to import first, or a plugin for pytest: `-p without_tensorflow`.
"""

import sys
from importlib.abc import MetaPathFinder


class _Refuse(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


assert "tensorflow" not in sys.modules, "too late"
sys.meta_path.insert(0, _Refuse())
