"""Python processes that need not import TensorFlow again, which takes longer than most of them do.

Each is a fork of a process that has imported it and computed nothing: a fork of a process whose
TensorFlow has threads would hang. What is set before TensorFlow is imported has no effect in them.
"""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRELOADED = ["rru_nb.training.trainer", "rru_nb.tasks.music", "seaborn", "scipy.stats"]
PRELOADED += ["ipykernel.kernelapp"]
# Code to run first, for small graphs; see `quick_graphs`.
QUICK = """
from rru_nb.layers.tensorflow import batch_splitting, over_time, rru

over_time.UNROLL = 2
batch_splitting.cores = lambda: 1
over_time.can_compile = rru.can_compile = lambda: False
"""

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(PRELOADED)


def _become(ready, command, environment, folder, outputs, first):
    """Be the process that `subprocess` would have started, in a session of its own."""
    os.setsid()
    ready.send(True)
    ready.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    # Without the folders that pytest has put there.
    ours = {ROOT, *(path for path in map(Path, sys.path) if path.is_relative_to(ROOT / "tests"))}
    given = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [*given, *(path for path in sys.path if Path(path) not in ours)]
    exec(first, {})
    _, kind, *arguments = command
    if kind == "-c":
        code, *sys.argv[1:] = arguments
        exec(code, {"__name__": "__main__"})
    elif kind == "-m":
        sys.argv[1:] = arguments[1:]
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *arguments]
        sys.path.insert(0, str(Path(kind).parent))
        runpy.run_path(kind, run_name="__main__")


class Popen:
    """As much of `subprocess.Popen` as is needed, of a command that starts Python.

    Args:
        command: `[python, "-c" or "-m" or a script, ...]`. env: dictionary. cwd: folder.
        output, errors: files to which the standard streams are added.
        first: code that is run before anything else.
    """

    stdin = stdout = stderr = None

    def __init__(self, command, env, cwd, output=os.devnull, errors=os.devnull, first=""):
        command, outputs = [str(part) for part in command], [str(output), str(errors)]
        here, there = server.Pipe()
        arguments = there, command, dict(env), str(cwd), outputs, first
        self._process = server.Process(target=_become, args=arguments)
        self._process.start()
        here.recv()  # until then its group is that of this process, which nobody should signal
        self.pid = self._process.pid
        atexit.register(self.kill)  # where the tests are interrupted

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        return self.poll()

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self._process.kill()


def run(command, first="", timeout=300):
    """Run a command as `subprocess.run` does, and return the same, with all output as text."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("output", "errors")]
        for path in outputs:
            path.touch()
        process = Popen(command, os.environ, os.getcwd(), *outputs, first)
        if process.wait(timeout) is None:
            process.kill()
            raise subprocess.TimeoutExpired(command, timeout)
        told = (path.read_text(encoding="utf-8") for path in outputs)
        return subprocess.CompletedProcess(command, process.poll(), *told)
